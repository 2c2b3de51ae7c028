//! Whether a failed request is tried again, and after how long: decided purely, slept by the gate.
//!
//! Back-off is exponential with jitter and never below the gate's interval. What the API asks for in
//! `Retry-After` can only lengthen it. A wait beyond the operator's limit ends the run instead.

use std::time::Duration;

use super::failure::{Failure, FailureKind};

/// The longest back-off of our own choosing, for an interval of a minute.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Answers that are no JSON are tried again this often at most: a web page rarely turns into a report.
const CORRUPT_RETRIES: u32 = 2;

/// What happens after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Try again no sooner than this after the end of the failed exchange.
    Again(Duration),
    /// This request is over; a later run waits this long.
    GiveUp(Option<Duration>),
}

/// What the operator allows.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Tries at one report in one run.
    pub max_attempts: u32,
    /// The longest wait for one request.
    pub max_wait: Duration,
    /// The gate's interval.
    pub interval: Duration,
}

/// The longest back-off after `failures` failures in a row: twice the interval, doubled each time.
#[must_use]
pub fn ceiling(interval: Duration, failures: u32) -> Duration {
    let doublings = 2u32.saturating_pow(failures.clamp(1, 31));
    interval.saturating_mul(doublings).min(LONGEST.max(interval))
}

/// Decides. `attempt` counts from 1 in this run, `failures` over all runs including this one;
/// `jitter` is uniform in 0..1.
#[must_use]
pub fn decide(failure: &Failure, attempt: u32, failures: u32, policy: Policy, jitter: f64) -> Decision {
    if !failure.kind.is_temporary() {
        return Decision::GiveUp(None);
    }
    let ceiling = ceiling(policy.interval, failures);
    let floor = (ceiling / 2).max(policy.interval);
    let own = floor + ceiling.saturating_sub(floor).mul_f64(jitter);
    let wait = match failure.retry_after {
        Some(asked) => own.max(asked.saturating_add(Duration::from_secs_f64(5.0 * jitter))),
        None => own,
    };
    let allowed = match failure.kind {
        FailureKind::Corrupt => policy.max_attempts.min(1 + CORRUPT_RETRIES),
        _ => policy.max_attempts,
    };
    if attempt >= allowed || wait > policy.max_wait {
        Decision::GiveUp(Some(wait))
    } else {
        Decision::Again(wait)
    }
}

/// Reads `Retry-After`: seconds, or a date relative to the response's own `Date`.
#[must_use]
pub fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let then = httpdate::parse_http_date(value).ok()?;
    let base = httpdate::parse_http_date(date?.trim()).ok()?;
    then.duration_since(base).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy { max_attempts: 5, max_wait: Duration::from_secs(3600), interval: Duration::from_secs(61) }
    }

    fn failure(kind: FailureKind) -> Failure {
        Failure::new(kind, "the test failed")
    }

    #[test]
    fn the_schedule_number_by_number() {
        let ceilings: Vec<u64> = (1..=6).map(|k| ceiling(Duration::from_secs(61), k).as_secs()).collect();
        assert_eq!(ceilings, [122, 244, 488, 900, 900, 900]);
        let wait =
            |failures, jitter| decide(&failure(FailureKind::Status(503)), 1, failures, policy(), jitter);
        assert_eq!(wait(1, 0.0), Decision::Again(Duration::from_secs(61)));
        assert_eq!(wait(1, 1.0), Decision::Again(Duration::from_secs(122)));
        assert_eq!(wait(3, 0.0), Decision::Again(Duration::from_secs(244)));
        assert_eq!(wait(u32::MAX, 1.0), Decision::Again(Duration::from_secs(15 * 60)));
    }

    #[test]
    fn what_is_retried_status_by_status() {
        let temporary: Vec<u16> = (100..600)
            .filter(|&status| {
                matches!(
                    decide(&failure(FailureKind::Status(status)), 1, 1, policy(), 0.0),
                    Decision::Again(_)
                )
            })
            .collect();
        assert_eq!(temporary, [408, 425, 429, 500, 502, 503, 504]);
    }

    #[test]
    fn attempts_end_and_leave_their_back_off_behind() {
        let last = decide(&failure(FailureKind::Status(500)), 5, 5, policy(), 0.0);
        assert_eq!(last, Decision::GiveUp(Some(Duration::from_secs(450))));
        assert!(matches!(decide(&failure(FailureKind::Corrupt), 2, 2, policy(), 0.0), Decision::Again(_)));
        assert!(matches!(
            decide(&failure(FailureKind::Corrupt), 3, 3, policy(), 0.0),
            Decision::GiveUp(Some(_))
        ));
        assert_eq!(decide(&failure(FailureKind::Certificate), 1, 1, policy(), 0.0), Decision::GiveUp(None));
    }

    #[test]
    fn the_api_can_only_lengthen_the_wait() {
        let asked = |seconds| {
            let mut failure = failure(FailureKind::Status(429));
            failure.retry_after = Some(Duration::from_secs(seconds));
            decide(&failure, 1, 1, policy(), 0.0)
        };
        assert_eq!(asked(1), Decision::Again(Duration::from_secs(61)));
        assert_eq!(asked(120), Decision::Again(Duration::from_secs(120)));
        assert_eq!(asked(3_600), Decision::Again(Duration::from_secs(3600)));
        assert_eq!(asked(3_601), Decision::GiveUp(Some(Duration::from_secs(3_601))));
        assert!(matches!(asked(u64::MAX), Decision::GiveUp(Some(_))));
        let mut failure = failure(FailureKind::Status(429));
        failure.retry_after = Some(Duration::from_secs(300));
        let spread = decide(&failure, 1, 1, policy(), 0.5);
        assert_eq!(spread, Decision::Again(Duration::from_millis(302_500)), "not all taps at one moment");
    }

    #[test]
    fn retry_after_in_all_its_forms() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let seconds = |value| retry_after(value, date).map(|wait| wait.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds(" 7 "), Some(7));
        assert_eq!(seconds("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:51:37 GMT"), Some(120));
        assert_eq!(seconds("Sunday, 06-Nov-94 08:51:37 GMT"), Some(120));
        assert_eq!(seconds("Sun Nov  6 08:51:37 1994"), Some(120));
        for garbage in ["Sun, 06 Nov 1994 08:00:00 GMT", "-5", "soon", "1.5", "1e12", ""] {
            assert_eq!(seconds(garbage), None, "{garbage:?}");
        }
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:51:37 GMT", None), None);
    }
}
