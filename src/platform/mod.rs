//! All code that depends on the operating system, behind one set of functions.
//!
//! Boot identity and boot clock for the rate limit, pipe size, process hardening, signal dispositions, lock holders.
//! Callers never check which system they run on. If a system cannot provide a value, the function returns `None`, false
//! or an error, as its documentation says. Windows is not supported.

use std::sync::OnceLock;

use rustix::fs::Mode;
use rustix::process::umask;

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

/// The umask that the process was started with.
static INITIAL_UMASK: OnceLock<Mode> = OnceLock::new();

/// Hides new files from other users.
fn hide_new_files() {
    INITIAL_UMASK.get_or_init(|| umask(Mode::from_raw_mode(0o077)));
}

/// Starts a child process with the umask that this process was started with: files of the child are not ours to hide.
pub fn with_initial_umask<T>(start: impl FnOnce() -> T) -> T {
    let Some(initial) = INITIAL_UMASK.get() else { return start() };
    let ours = umask(*initial);
    let started = start();
    umask(ours);
    started
}

/// The identity of a boot. Readings of the boot clock can be compared only if their identities are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootId {
    /// The kernel's random name for this boot.
    pub boot_id: String,
    /// The time namespace whose clock [`boot_clock`] reads; 0 if that clock depends on no namespace.
    pub time_ns: u64,
}

impl BootId {
    /// The identity of this boot; `None` if the system does not provide it.
    #[must_use]
    pub fn current() -> Option<Self> {
        boot_id()
    }

    /// A random identity of this process, for a system without a boot identity: a run accepts the ledger entries that it
    /// wrote itself, and no other run accepts them.
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
    fn boot_id_of_the_process_is_stable_and_differs_from_the_boot() {
        assert_eq!(BootId::of_process(), BootId::of_process());
        assert_ne!(Some(BootId::of_process()), boot_id());
    }
}
