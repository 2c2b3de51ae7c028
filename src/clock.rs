//! The only clock in the house.
//!
//! [`now`] is the time since boot, which keeps running while the machine sleeps and which nobody can set;
//! together with [`BootId`] (which boot, which time namespace) it is a proof of how long ago something was.
//! The wall clock ([`wall`]) dates records and bookmarks; it decides nothing.

#[cfg(test)]
use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Where a reading of [`now`] is valid: readings from different homes cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootId {
    /// The kernel's random name for this boot.
    pub boot_id: String,
    /// The inode of the time namespace, which may shift the boot clock.
    pub time_ns: u64,
}

impl BootId {
    /// This process's home, or nothing where the system offers no such proof.
    #[must_use]
    pub fn current() -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let time_ns = std::fs::metadata("/proc/self/ns/time").map_or(0, |meta| meta.ino());
        Some(Self { boot_id: boot_id.trim().to_owned(), time_ns })
    }
}

/// Time since boot, sleep included.
#[must_use]
pub fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let now = Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0));
    #[cfg(test)]
    let now = as_tokio_goes(now);
    now
}

/// In the unit tests this clock goes as tokio's does, from one reading of the machine's on: where a test has
/// stopped it, both stand still, and both jump to the end of the next wait.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn as_tokio_goes(boot: Duration) -> Duration {
    static START: OnceLock<(std::time::Instant, Duration)> = OnceLock::new();
    let (start, boot) = *START.get_or_init(|| (std::time::Instant::now(), boot));
    let now = tokio::time::Instant::now().into_std();
    // One of the two is nothing: a clock may have been stopped before the start.
    (boot + now.saturating_duration_since(start)).saturating_sub(start.saturating_duration_since(now))
}

/// The date and time of day, UTC.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn wall() -> DateTime<Utc> {
    Utc::now()
}

/// A date as Singer writes it: UTC, milliseconds, `Z`.
#[must_use]
pub fn format_utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stopped_clock_goes_by_its_waits_alone() {
        let began = now();
        assert_eq!(now(), began);
        let hour = Duration::from_hours(1);
        tokio::time::sleep(hour).await;
        let went = now().saturating_sub(began);
        assert!(hour <= went && went < hour + Duration::from_millis(2), "{went:?}");
    }
}
