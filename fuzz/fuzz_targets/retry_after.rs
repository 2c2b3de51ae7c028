//! `Retry-After`: the parser of the header, and the retry that is decided on it.
//!
//! The input is the value of the header and, after the first line break, the `Date` of the response. Digits are a number
//! of seconds; any other value is the distance between two HTTP dates, or unreadable. White space around the value changes
//! nothing. A retry is never earlier than the header asks or the rate limit allows, nor later than the longest wait. A
//! value that is unreadable asks for the longest backoff.

#![no_main]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use tap_together::api::failure::{Failure, FailureKind};
use tap_together::api::retry::{Decision, Policy, decide};
use tap_together::api::retry_after::{RetryAfter, parse_value};

const WALL: SystemTime = UNIX_EPOCH;
/// The longest backoff.
const LONGEST: Duration = Duration::from_secs(900);

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (value, date) = text.split_once('\n').map_or((text, None), |(value, date)| (value, Some(date)));
    let asked = parse_value(value, date, WALL);
    assert_eq!(asked, parse_plainly(value.trim(), date.map(str::trim)));
    assert_eq!(asked, parse_value(&format!(" {value}\t"), date, WALL));
    let retry_after = RetryAfter::parse([Some(value)], date, WALL);
    for jitter in [0.0, 0.5, 1.0] {
        for attempt in [1, 2, 5] {
            for status in [404, 429, 503] {
                assert_decision(asked.unwrap_or(LONGEST), &retry_after, attempt, status, jitter);
            }
        }
    }
});

fn assert_decision(asked: Duration, retry_after: &RetryAfter, attempt: u32, status: u16, jitter: f64) {
    let policy = Policy {
        max_attempts: 5,
        max_wait: Duration::from_secs(3600),
        interval: Duration::from_secs(61),
        after_timeout: Duration::from_secs(915),
    };
    let mut failure = Failure::new(FailureKind::Status(status), "the API asks for patience");
    failure.retry_after = retry_after.clone();
    match decide(&failure, attempt, attempt, policy, jitter) {
        Decision::Retry(wait) => {
            let earliest = asked.max(policy.interval);
            assert!(attempt < policy.max_attempts && earliest <= wait && wait <= policy.max_wait, "{wait:?}");
        }
        Decision::GiveUp(Some(wait)) => {
            let is_over = status == 404 || attempt == policy.max_attempts || wait > policy.max_wait;
            assert!(asked <= wait && is_over, "{wait:?}");
        }
        Decision::GiveUp(None) => assert!(status == 404 && asked.is_zero(), "{asked:?}"),
    }
}

/// A second implementation: digit by digit, or the difference of two dates.
fn parse_plainly(value: &str, date: Option<&str>) -> Option<Duration> {
    let digits = value.chars().map(|digit| digit.is_ascii().then(|| digit.to_digit(10)).flatten());
    let seconds =
        digits.fold(Some(0u64), |sum, digit| Some(sum?.saturating_mul(10).saturating_add(digit?.into())));
    match seconds {
        Some(seconds) if !value.is_empty() => Some(Duration::from_secs(seconds)),
        _ => {
            let then = httpdate::parse_http_date(value).ok()?;
            let base = date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(WALL);
            Some(then.duration_since(base).unwrap_or_default())
        }
    }
}
