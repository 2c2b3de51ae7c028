//! Everything that differs between operating systems, behind one set of functions.
//!
//! Boot identity and boot clock for the rate limit, pipe size, process hardening, signal dispositions, lock holders.
//! Callers never ask which system they run on: a function that a system cannot answer says so in its return value.

use std::sync::OnceLock;

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
pub use linux::*;
#[cfg(target_os = "macos")]
pub use macos::*;

#[cfg(windows)]
compile_error!("tap-together does not run on Windows: use WSL 2 or the container");
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
compile_error!("tap-together runs on Linux and macOS only: use one of them or the container");

/// Where a reading of the boot clock is valid: readings with different identities cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootId {
    /// The kernel's random name for this boot.
    pub boot_id: String,
    /// The time namespace whose clock [`boot_clock`] reads. See the system's module for its value.
    pub time_ns: u64,
}

impl BootId {
    /// The identity of this boot; `None` where the system cannot prove it.
    #[must_use]
    pub fn current() -> Option<Self> {
        boot_id()
    }

    /// A random identity for the life of this process, for a system without a boot identity: a run accepts the entries
    /// that it wrote itself, and no other run accepts them.
    #[must_use]
    pub fn of_process() -> Self {
        static RANDOM: OnceLock<u128> = OnceLock::new();
        Self { boot_id: format!("process-{:032x}", RANDOM.get_or_init(|| fastrand::u128(..))), time_ns: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_id_of_the_process_is_stable_and_no_boot_has_it() {
        assert_eq!(BootId::of_process(), BootId::of_process());
        assert_ne!(Some(BootId::of_process()), boot_id());
    }
}
