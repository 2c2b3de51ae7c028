//! Everything that differs between operating systems, behind one set of functions.
//!
//! Boot identity and boot clock for the rate limit, pipe size, process hardening, signal dispositions, lock holders.
//! Callers never ask which system they run on: a function that a system cannot answer says so in its return value.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
pub use linux::*;

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
}
