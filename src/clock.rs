//! The clocks: [`now`], the time since boot, and [`wall`], the date and time of day. No other module reads a clock.
//!
//! The boot clock includes suspend and can be neither set nor slewed; with [`BootId`] it proves how long ago an event was.
//! The wall clock dates records and bookmarks. It can only lengthen a wait, never shorten it.

#[cfg(test)]
use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::platform;
pub use crate::platform::BootId;

/// Time since boot, suspend included.
#[must_use]
pub fn now() -> Duration {
    let now = platform::boot_clock();
    #[cfg(test)]
    let now = follow_tokio(now);
    now
}

/// In unit tests this clock follows that of tokio: if a test pauses tokio's clock, both stop, and both jump to the end of
/// the next wait.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the only reader of this clock")]
fn follow_tokio(boot: Duration) -> Duration {
    static START: OnceLock<(std::time::Instant, Duration)> = OnceLock::new();
    let (start, boot) = *START.get_or_init(|| (std::time::Instant::now(), boot));
    let now = tokio::time::Instant::now().into_std();
    // One of the two differences is zero. `now` can be before `start` if tokio's clock was paused earlier.
    (boot + now.saturating_duration_since(start)).saturating_sub(start.saturating_duration_since(now))
}

/// The date and time of day, UTC.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the only reader of this clock")]
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
    async fn paused_clock_advances_by_waits_only() {
        let began = now();
        assert_eq!(now(), began);
        let hour = Duration::from_secs(3600);
        tokio::time::sleep(hour).await;
        let went = now().saturating_sub(began);
        assert!(hour <= went && went < hour + Duration::from_millis(2), "{went:?}");
    }
}
