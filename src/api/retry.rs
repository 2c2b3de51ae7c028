//! Retry: decides whether a failed request is sent again, and after which backoff. Pure; the gate sleeps.
//!
//! Backoff is exponential with jitter and never below the rate limit's interval. `Retry-After` and our own timeout can
//! only lengthen it. A wait beyond `max_wait_seconds` ends the run, and the ledger keeps it for the next one.

use std::time::Duration;

use super::failure::{Failure, FailureKind};
use super::gate::Ending;

/// The longest backoff of our own, if the interval is not longer.
const LONGEST: Duration = Duration::from_secs(900);
/// Retries of an answer that is not JSON: a web page rarely turns into a report.
const CORRUPT_RETRIES: u32 = 2;
/// Seconds added at random to `Retry-After`, so that clients do not return at the same moment.
const RETRY_AFTER_JITTER: f64 = 5.0;

/// What happens after a failure. Waits count from the end of the failed exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Retry after this backoff.
    Retry(Duration),
    /// No retry in this run. A later run waits for the backoff.
    GiveUp(Option<Duration>),
}

/// The limits that the settings set.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Requests for one report in one run.
    pub max_attempts: u32,
    /// The longest wait for one request.
    pub max_wait: Duration,
    /// The rate limit's interval.
    pub interval: Duration,
    /// From our own timeout to the next request.
    pub after_timeout: Duration,
}

/// The longest backoff of our own for this interval.
fn longest(interval: Duration) -> Duration {
    LONGEST.max(interval)
}

/// The upper bound of the backoff after `failures` failures in a row: twice the interval, doubled each time.
#[must_use]
pub fn ceiling(interval: Duration, failures: u32) -> Duration {
    let doublings = 2u32.saturating_pow(failures.clamp(1, 31));
    interval.saturating_mul(doublings).min(longest(interval))
}

/// The wait that `Retry-After` asks for, with jitter; `None` if the response has no such header.
#[must_use]
pub fn asked(
    retry_after: &super::retry_after::RetryAfter,
    interval: Duration,
    jitter: f64,
) -> Option<Duration> {
    let asked = retry_after.asked(longest(interval))?;
    Some(asked.saturating_add(Duration::from_secs_f64(RETRY_AFTER_JITTER * jitter)))
}

/// Decides. `attempt` counts from 1 in this run; `failures` counts over all runs and includes this one; `jitter` is
/// uniform in 0..1.
#[must_use]
pub fn decide(failure: &Failure, attempt: u32, failures: u32, policy: Policy, jitter: f64) -> Decision {
    let asked = asked(&failure.retry_after, policy.interval, jitter);
    let after_timeout = (failure.ending == Ending::TimedOut).then_some(policy.after_timeout);
    if !failure.kind.is_temporary() {
        return Decision::GiveUp(asked.max(after_timeout));
    }
    let ceiling = ceiling(policy.interval, failures);
    let floor = (ceiling / 2).max(policy.interval);
    let own = floor + ceiling.saturating_sub(floor).mul_f64(jitter);
    let wait = [asked, after_timeout].into_iter().flatten().fold(own, Duration::max);
    let allowed = match failure.kind {
        FailureKind::Corrupt => policy.max_attempts.min(1 + CORRUPT_RETRIES),
        _ => policy.max_attempts,
    };
    if attempt >= allowed || wait > policy.max_wait {
        Decision::GiveUp(Some(wait))
    } else {
        Decision::Retry(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::retry_after::RetryAfter;

    fn policy() -> Policy {
        Policy {
            max_attempts: 5,
            max_wait: Duration::from_secs(3600),
            interval: Duration::from_secs(61),
            after_timeout: Duration::from_secs(915),
        }
    }

    fn failure(kind: FailureKind) -> Failure {
        Failure::new(kind, "the test failed")
    }

    fn asking(kind: FailureKind, value: &str) -> Failure {
        let retry_after = RetryAfter::parse([Some(value)], None, std::time::UNIX_EPOCH);
        Failure { retry_after, ..failure(kind) }
    }

    #[test]
    fn backoff_doubles_up_to_fifteen_minutes() {
        let ceilings: Vec<u64> = (1..=6).map(|k| ceiling(Duration::from_secs(61), k).as_secs()).collect();
        assert_eq!(ceilings, [122, 244, 488, 900, 900, 900]);
        let wait =
            |failures, jitter| decide(&failure(FailureKind::Status(503)), 1, failures, policy(), jitter);
        assert_eq!(wait(1, 0.0), Decision::Retry(Duration::from_secs(61)));
        assert_eq!(wait(1, 1.0), Decision::Retry(Duration::from_secs(122)));
        assert_eq!(wait(3, 0.0), Decision::Retry(Duration::from_secs(244)));
        assert_eq!(wait(u32::MAX, 1.0), Decision::Retry(Duration::from_secs(900)));
    }

    #[test]
    fn retry_follows_the_status() {
        let temporary: Vec<u16> = (100..600)
            .filter(|&status| {
                let decision = decide(&failure(FailureKind::Status(status)), 1, 1, policy(), 0.0);
                matches!(decision, Decision::Retry(_))
            })
            .collect();
        let expected: Vec<u16> = [408, 425, 429].into_iter().chain(500..600).collect();
        assert_eq!(temporary, expected);
    }

    #[test]
    fn last_attempt_gives_up_and_keeps_its_backoff_for_the_next_run() {
        let last = decide(&failure(FailureKind::Status(500)), 5, 5, policy(), 0.0);
        assert_eq!(last, Decision::GiveUp(Some(Duration::from_secs(450))));
        assert!(matches!(decide(&failure(FailureKind::Corrupt), 2, 2, policy(), 0.0), Decision::Retry(_)));
        assert!(matches!(
            decide(&failure(FailureKind::Corrupt), 3, 3, policy(), 0.0),
            Decision::GiveUp(Some(_))
        ));
        assert_eq!(decide(&failure(FailureKind::Certificate), 1, 1, policy(), 0.0), Decision::GiveUp(None));
    }

    #[test]
    fn retry_after_only_lengthens_the_backoff_and_has_jitter() {
        let asked = |value| decide(&asking(FailureKind::Status(429), value), 1, 1, policy(), 0.0);
        assert_eq!(asked("1"), Decision::Retry(Duration::from_secs(61)));
        assert_eq!(asked("120"), Decision::Retry(Duration::from_secs(120)));
        assert_eq!(asked("3600"), Decision::Retry(Duration::from_secs(3600)));
        assert_eq!(asked("3601"), Decision::GiveUp(Some(Duration::from_secs(3_601))));
        assert_eq!(
            asked("soon"),
            Decision::Retry(Duration::from_secs(900)),
            "the longest backoff of our own"
        );
        assert!(matches!(asked("99999999999999999999"), Decision::GiveUp(Some(_))));
        let spread = decide(&asking(FailureKind::Status(429), "300"), 1, 1, policy(), 0.5);
        assert_eq!(spread, Decision::Retry(Duration::from_millis(302_500)), "not all clients at one moment");
    }

    #[test]
    fn retry_after_of_a_status_that_is_not_retried_is_kept_for_the_next_run() {
        for status in [200, 302, 400, 401, 403, 404, 422] {
            let decision = decide(&asking(FailureKind::Status(status), "120"), 1, 1, policy(), 0.0);
            assert_eq!(decision, Decision::GiveUp(Some(Duration::from_secs(120))), "{status}");
        }
        let unusable = decide(&asking(FailureKind::Unusable, "soon"), 1, 1, policy(), 0.0);
        assert_eq!(unusable, Decision::GiveUp(Some(Duration::from_secs(900))));
    }

    #[test]
    fn retry_after_our_own_timeout_waits_fifteen_intervals() {
        let timed_out = Failure::timed_out("no answer");
        assert_eq!(decide(&timed_out, 1, 1, policy(), 1.0), Decision::Retry(Duration::from_secs(915)));
        let short = Policy { max_wait: Duration::from_secs(900), ..policy() };
        assert_eq!(decide(&timed_out, 1, 1, short, 0.0), Decision::GiveUp(Some(Duration::from_secs(915))));
        let stalled = Failure { ending: Ending::TimedOut, ..failure(FailureKind::Status(401)) };
        assert_eq!(decide(&stalled, 1, 1, policy(), 0.0), Decision::GiveUp(Some(Duration::from_secs(915))));
    }
}
