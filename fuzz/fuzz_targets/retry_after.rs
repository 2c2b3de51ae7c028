//! `Retry-After`, and what is made of it.
//!
//! The input is the header's value; behind the first line break, the response's `Date`. What holds: digits are that
//! many seconds, anything else is the distance of two HTTP dates or nothing; the padded value says the same; and
//! whatever is asked for, a retry comes neither before it nor before the gate's interval, nor beyond the longest wait.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tap_together::api::failure::{Failure, FailureKind};
use tap_together::api::retry::{Decision, Policy, decide, retry_after};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (value, date) = text.split_once('\n').map_or((text, None), |(value, date)| (value, Some(date)));
    let asked = retry_after(value, date);
    assert_eq!(asked, plainly(value.trim(), date.map(str::trim)));
    assert_eq!(asked, retry_after(&format!(" {value}\t"), date));
    for jitter in [0.0, 0.5, 1.0] {
        for attempt in [1, 2, 5] {
            for status in [429, 503] {
                judge(asked, attempt, status, jitter);
            }
        }
    }
});

fn judge(asked: Option<Duration>, attempt: u32, status: u16, jitter: f64) {
    let policy =
        Policy { max_attempts: 5, max_wait: Duration::from_secs(3600), interval: Duration::from_secs(61) };
    let mut failure = Failure::new(FailureKind::Status(status), "the API asks for patience");
    failure.retry_after = asked;
    let earliest = asked.unwrap_or_default().max(policy.interval);
    match decide(&failure, attempt, attempt, policy, jitter) {
        Decision::Again(wait) => {
            assert!(attempt < policy.max_attempts && earliest <= wait && wait <= policy.max_wait, "{wait:?}");
        }
        Decision::GiveUp(wait) => {
            let wait = wait.expect("a temporary failure leaves its back-off behind");
            assert!(
                earliest <= wait && (attempt == policy.max_attempts || wait > policy.max_wait),
                "{wait:?}"
            );
        }
    }
}

/// Digit by digit, or date from date.
fn plainly(value: &str, date: Option<&str>) -> Option<Duration> {
    let digits = value.chars().map(|digit| digit.is_ascii().then(|| digit.to_digit(10)).flatten());
    let seconds =
        digits.fold(Some(0u64), |sum, digit| Some(sum?.saturating_mul(10).saturating_add(digit?.into())));
    match seconds {
        Some(seconds) if !value.is_empty() => Some(Duration::from_secs(seconds)),
        _ => {
            let [then, base] = [value, date?].map(|date| httpdate::parse_http_date(date).ok());
            then?.duration_since(base?).ok()
        }
    }
}
