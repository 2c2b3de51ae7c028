//! The gate alone: who waits, for how long at least, and what the ledger says afterwards.

use super::*;
use crate::api::ledger::LedgerRead;
use crate::telemetry::{Format, Level};

const PACE: RateLimit = RateLimit { interval: Duration::from_millis(30), grace: Duration::from_millis(20) };
const HOUR: Duration = Duration::from_secs(3600);

fn silent() -> Telemetry {
    Telemetry::new(Format::Text, Level::Critical)
}

/// A gate to which nothing was sent before, by the operator's word.
fn idle(store: Store) -> Gate {
    Gate::new(store, PACE, HOUR, true)
}

fn entry(gate: &Gate) -> Ledger {
    let LedgerRead::Found(entry) = gate.store.read() else { panic!("there is a ledger") };
    entry
}

#[tokio::test]
async fn a_wait_as_long_as_the_longest_is_waited_to_its_end() {
    let began = clock::now();
    let gate = Gate::new(Store::in_memory(), PACE, PACE.interval, false);
    gate.enter(&silent()).await.unwrap();
    assert!(clock::now().saturating_sub(began) >= PACE.interval);
}

#[tokio::test]
async fn a_longer_one_ends_the_run_and_says_why() {
    let gate =
        Gate::new(Store::in_memory(), PACE, PACE.interval.saturating_sub(Duration::from_millis(1)), false);
    let error = gate.enter(&silent()).await.map(|_| ()).unwrap_err();
    assert_eq!(error.exit, Exit::Busy);
    assert!(error.message.starts_with("the next request is allowed in 1 s (first run here"), "{error}");
    assert_eq!(gate.store.read(), LedgerRead::Absent);
}

#[tokio::test]
async fn one_permit_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = || Store::in_folder(folder.path(), "s").unwrap();
    let (first, second) = (idle(store()), idle(store()));
    let permit = first.enter(&silent()).await.unwrap();
    assert_eq!(entry(&second).phase, Phase::Inflight);
    let telemetry = silent();
    let (entered, ()) = tokio::join!(second.enter(&telemetry), async { permit.succeed().unwrap() });
    let held = entered.unwrap();
    let hasty = Gate::new(store(), PACE, Duration::ZERO, true);
    let error = hasty.enter(&silent()).await.map(|_| ()).unwrap_err();
    assert_eq!(error.exit, Exit::Busy);
    assert!(error.message.starts_with("another process has held"), "{error}");
    drop(held);
    assert_eq!(entry(&second).phase, Phase::Inflight);
}

#[tokio::test]
async fn the_ledger_says_how_it_ended() {
    let gate = idle(Store::in_memory());
    let permit = gate.enter(&silent()).await.unwrap();
    let back_off = PACE.interval * 4;
    let failed = clock::now();
    permit.fail(Ending::Ambiguous, Some(back_off)).unwrap();
    let first = entry(&gate);
    assert_eq!((first.phase, first.failures), (Phase::Ambiguous, 1));
    assert!(first.not_before_unix_ms.is_some());

    let permit = gate.enter(&silent()).await.unwrap();
    assert!(clock::now().saturating_sub(failed) >= back_off);
    permit.fail(Ending::Clean, None).unwrap();
    let second = entry(&gate);
    assert_eq!((second.phase, second.failures, second.not_before), (Phase::Done, 2, None));

    let permit = gate.enter(&silent()).await.unwrap();
    assert_eq!(permit.failures(), 2);
    permit.succeed().unwrap();
    let third = entry(&gate);
    assert_eq!((third.phase, third.failures), (Phase::Done, 0));
}

#[tokio::test]
async fn without_a_lock_or_a_ledger_nothing_is_sent() {
    for place in ["lock", "json"] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(format!("s.{place}"))).unwrap();
        let gate = idle(Store::in_folder(folder.path(), "s").unwrap());
        let error = gate.enter(&silent()).await.map(|_| ()).unwrap_err();
        assert_eq!(error.exit, Exit::Io);
        assert!(
            error.message.starts_with("cannot ") && error.message.ends_with(", so nothing was sent"),
            "{error}"
        );
    }
}

#[test]
fn short_waits_are_routine() {
    let longer = MAX_SLEEP + Duration::from_millis(1);
    assert!(!is_worth_a_line(MAX_SLEEP, Reason::Interval));
    assert!(is_worth_a_line(longer, Reason::Interval));
    assert!(is_worth_a_line(Duration::ZERO, Reason::BackOff));
}
