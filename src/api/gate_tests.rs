//! The gate in one process: who waits, for how long at least, and what the ledger says afterwards.

use super::*;
use crate::api::key_record::{KeyRecord, LastUse};
use crate::api::ledger::Witness;
use crate::telemetry::{Format, Level};

const LIMIT: RateLimit = RateLimit {
    interval: Duration::from_millis(30),
    grace: Duration::from_millis(20),
    after_timeout: Duration::from_millis(450),
};
const HOUR: Duration = Duration::from_secs(3600);

fn silent() -> Telemetry {
    Telemetry::new(Format::Text, Level::Critical)
}

/// A gate with `--assume-idle`.
fn idle(store: Store) -> Gate {
    Gate::new(store, Identity::default(), LIMIT, HOUR, true)
}

fn entry(gate: &Gate) -> Ledger {
    let LedgerRead::Found(entry) = gate.store.read().unwrap() else { panic!("there is a ledger") };
    entry
}

async fn refused(gate: &Gate) -> Error {
    gate.enter(&silent()).await.map(|_| ()).unwrap_err()
}

#[tokio::test]
async fn plain_interval_is_waited_even_beyond_max_wait() {
    // The configured interval may be `max_wait_seconds`; with its margin it is longer.
    let max_wait = LIMIT.interval.saturating_sub(Duration::from_millis(1));
    let gate = Gate::new(Store::in_memory(), Identity::default(), LIMIT, max_wait, false);
    for reason in [Reason::FirstRun, Reason::Interval] {
        let began = clock::now();
        gate.enter(&silent()).await.unwrap().succeed(None).unwrap();
        assert!(clock::now().saturating_sub(began) >= LIMIT.interval, "{reason:?}");
    }
    let GateStatus::Free { wait, reason, .. } = gate.status().unwrap() else { panic!("it is free") };
    assert!(reason == Reason::Interval && wait <= gate.longest_wait(reason));
    assert_eq!(gate.longest_wait(Reason::Backoff), max_wait);
}

#[tokio::test]
async fn wait_longer_than_max_wait_exits_75_and_leaves_a_witness() {
    let folder = tempfile::tempdir().unwrap();
    let store = || Store::in_folder(folder.path(), "s").unwrap();
    let gate = Gate::new(store(), Identity::default(), LIMIT, LIMIT.interval, false);
    gate.store.write(&Ledger::new(Phase::Inflight, clock::now(), gate.boot.as_ref(), 0)).unwrap();
    let error = refused(&gate).await;
    assert_eq!(error.exit, Exit::Busy);
    assert!(error.message.starts_with("the next request is allowed in 1 s (nothing proves"), "{error}");
    let witness = entry(&gate);
    assert_eq!((witness.phase, witness.witness), (Phase::Ambiguous, Some(Witness::Unproven)));
    assert!(error.hint.unwrap().ends_with("set `max_wait_seconds` to at least 1"));

    tokio::time::sleep(LIMIT.interval + LIMIT.grace).await;
    let next = Gate::new(store(), Identity::default(), LIMIT, Duration::ZERO, false);
    next.enter(&silent()).await.unwrap();
}

#[tokio::test]
async fn lock_gives_one_permit_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = || Store::in_folder(folder.path(), "s").unwrap();
    let (first, second) = (idle(store()), idle(store()));
    let permit = first.enter(&silent()).await.unwrap();
    assert_eq!(entry(&second).phase, Phase::Inflight);
    let telemetry = silent();
    let (entered, ()) = tokio::join!(second.enter(&telemetry), async { permit.succeed(None).unwrap() });
    let held = entered.unwrap();
    let error = refused(&Gate::new(store(), Identity::default(), LIMIT, Duration::ZERO, true)).await;
    assert_eq!(error.exit, Exit::Busy);
    assert!(error.message.starts_with("another process has held"), "{error}");
    drop(held);
    assert_eq!(entry(&second).phase, Phase::Ambiguous, "a permit that was not closed");
}

#[tokio::test]
async fn permit_that_is_dropped_keeps_the_retry_after_that_was_noted() {
    let gate = idle(Store::in_memory());
    let permit = gate.enter(&silent()).await.unwrap();
    permit.note(Some(HOUR));
    drop(permit);
    let dropped = entry(&gate);
    assert_eq!(dropped.phase, Phase::Ambiguous);
    assert_eq!(dropped.not_before, Some(dropped.boottime_ms + 3_600_000));
}

#[tokio::test]
async fn ledger_records_the_ending_and_the_backoff() {
    let gate = idle(Store::in_memory());
    let permit = gate.enter(&silent()).await.unwrap();
    let backoff = LIMIT.interval * 4;
    let failed = clock::now();
    permit.fail(Ending::Ambiguous, Some(backoff)).unwrap();
    let first = entry(&gate);
    assert_eq!((first.phase, first.failures, first.timed_out), (Phase::Ambiguous, 1, false));
    assert!(first.not_before_unix_ms.is_some());

    let permit = gate.enter(&silent()).await.unwrap();
    assert!(clock::now().saturating_sub(failed) >= backoff);
    permit.fail(Ending::Clean, None).unwrap();
    let second = entry(&gate);
    assert_eq!((second.phase, second.failures, second.not_before), (Phase::Done, 2, None));

    let permit = gate.enter(&silent()).await.unwrap();
    assert_eq!(permit.failures(), 2);
    permit.succeed(Some(HOUR)).unwrap();
    let third = entry(&gate);
    assert_eq!((third.phase, third.failures), (Phase::Done, 0));
    assert_eq!(third.not_before, Some(third.boottime_ms + 3_600_000), "Retry-After of a success");
}

#[tokio::test]
async fn ledger_after_our_own_timeout_has_a_backoff_for_earlier_versions() {
    let gate = idle(Store::in_memory());
    let permit = gate.enter(&silent()).await.unwrap();
    permit.fail(Ending::TimedOut, None).unwrap();
    let entry = entry(&gate);
    assert_eq!((entry.phase, entry.timed_out), (Phase::Ambiguous, true));
    assert_eq!(entry.not_before, Some(entry.boottime_ms + ledger::millis(LIMIT.after_timeout)));
}

#[tokio::test]
async fn ledger_that_changes_during_the_wait_is_decided_again() {
    let gate = Gate::new(Store::in_memory(), Identity::default(), LIMIT, HOUR, false);
    let telemetry = silent();
    let began = clock::now();
    let change = async {
        tokio::time::sleep(LIMIT.interval / 3).await;
        gate.store.write(&Ledger::new(Phase::Done, clock::now(), gate.boot.as_ref(), 0)).unwrap();
    };
    let (entered, ()) = tokio::join!(gate.enter(&telemetry), change);
    entered.unwrap();
    assert!(clock::now().saturating_sub(began) >= LIMIT.interval + LIMIT.interval / 3);
}

#[tokio::test]
async fn unusable_lock_or_ledger_sends_nothing() {
    for place in ["lock", "json"] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(format!("s.{place}"))).unwrap();
        let gate = idle(Store::in_folder(folder.path(), "s").unwrap());
        let error = refused(&gate).await;
        assert_eq!(error.exit, Exit::Io);
        assert!(
            error.message.starts_with("cannot ") && error.message.ends_with(", so nothing was sent"),
            "{error}"
        );
    }
}

#[test]
fn short_wait_is_not_logged() {
    let longer = MAX_SLEEP + Duration::from_millis(1);
    assert!(!is_worth_a_line(MAX_SLEEP, Reason::Interval));
    assert!(is_worth_a_line(longer, Reason::Interval));
    assert!(is_worth_a_line(Duration::ZERO, Reason::Backoff));
}

#[tokio::test]
async fn state_folder_moved_in_flight_keeps_interval_and_retry_after_despite_assume_idle() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("state");
    for (asked, moved) in [(None, "first"), (Some(LIMIT.interval * 4), "second")] {
        let gate = idle(Store::in_folder(&path, "s").unwrap());
        let permit = gate.enter(&silent()).await.unwrap();
        std::fs::rename(&path, parent.path().join(moved)).unwrap();
        let ended = clock::now();
        permit.succeed(asked).unwrap();
        gate.enter(&silent()).await.unwrap().succeed(None).unwrap();
        let waited = clock::now().saturating_sub(ended);
        assert!(waited >= asked.unwrap_or(LIMIT.interval), "{waited:?}");
        std::fs::remove_dir_all(&path).unwrap();
    }
}

#[tokio::test]
async fn lock_that_never_counts_as_current_exits_75_after_max_wait() {
    let gate = Gate::new(Store::in_memory(), Identity::default(), LIMIT, LOCK_POLL, true);
    let asked = clock::now();
    gate.pause(asked, UNVERIFIED).await.unwrap();
    assert!(clock::now().saturating_sub(asked) >= LOCK_POLL);
    let error = gate.pause(asked, UNVERIFIED).await.unwrap_err();
    assert_eq!(error.exit, Exit::Busy);
    assert!(error.message.starts_with("cannot verify the lock this process: its file or its"), "{error}");
}

#[tokio::test]
async fn lost_lock_never_overwrites_the_ledger_of_its_next_holder() {
    let folder = tempfile::tempdir().unwrap();
    let store = || Store::in_folder(folder.path(), "s").unwrap();
    let gate = Gate::new(store(), Identity::default(), LIMIT, HOUR, false);
    let (telemetry, holder) = (silent(), store());
    let inflight = Ledger::new(Phase::Inflight, clock::now(), gate.boot.as_ref(), 0);
    let hold = async {
        tokio::time::sleep(LIMIT.interval / 3).await;
        std::fs::remove_file(folder.path().join("s.lock")).unwrap();
        let lock = holder.try_lock().unwrap();
        holder.write(&inflight).unwrap();
        tokio::time::sleep(LOCK_POLL + LIMIT.interval * 3).await;
        assert_eq!(entry(&gate), inflight, "the ledger of a request in flight is its holder's");
        drop(lock);
    };
    let (entered, ()) = tokio::join!(gate.enter(&telemetry), hold);
    entered.unwrap();
}

#[test]
fn gate_in_a_folder_has_a_ledger_path_and_a_gate_in_memory_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let gate = idle(Store::in_folder(folder.path(), "s").unwrap());
    assert_eq!(gate.ledger_path(), Some(folder.path().join("s.json")));
    assert_eq!(idle(Store::in_memory()).ledger_path(), None);
}

#[test]
fn ledger_and_own_exchange_that_are_due_at_once_give_the_reason_of_the_ledger() {
    let gate = Gate::new(Store::in_memory(), Identity::default(), LIMIT, HOUR, false);
    let locked = Duration::from_secs(5);
    let now = Now { locked, ..gate.present() };
    let guard = Guard::new(gate.store.clone(), Lock::Ours(None)).unwrap();
    let guards = Guards::new(gate.store.clone(), vec![guard], &gate.identity);
    gate.own_end.replace(Some(Ledger::new(Phase::Done, locked, gate.boot.as_ref(), 0)));
    assert_eq!(gate.due(&guards, &now), Due { at: locked + LIMIT.interval, reason: Reason::FirstRun });
}

const OWN: &str = "0123456789abcdef";
const OTHER: &str = "fedcba9876543210";

/// A gate that remembers its key, with the record of the key.
fn with_key(path: &std::path::Path, max_wait: Duration) -> (Gate, KeyRecord) {
    let store = Store::in_folder(path, OWN).unwrap();
    let record = KeyRecord::new(store.folder().unwrap(), "digest");
    let identity = Identity { key: Some("digest".to_owned()), legacy_scope: None };
    (Gate::new(store, identity, LIMIT, max_wait, true), record)
}

#[tokio::test]
async fn key_of_another_organization_is_warned_of_once() {
    let folder = tempfile::tempdir().unwrap();
    let (gate, record) = with_key(folder.path(), HOUR);
    let telemetry = silent();
    gate.enter(&telemetry).await.unwrap().succeed(None).unwrap();
    assert_eq!(telemetry.warnings(), 0, "the key is new");
    for _ in 0..2 {
        assert!(record.set(&record.read(), OTHER).unwrap());
        gate.enter(&telemetry).await.unwrap().succeed(None).unwrap();
        assert_eq!(telemetry.warnings(), 1);
    }
}

#[tokio::test]
async fn key_that_moves_while_the_gate_waits_for_the_lock_waits_for_the_other_ledger_too() {
    let folder = tempfile::tempdir().unwrap();
    let (gate, record) = with_key(folder.path(), Duration::from_secs(60));
    let held = Store::in_folder(folder.path(), OWN).unwrap().try_lock().unwrap();
    let change = async {
        assert!(record.set(&LastUse::Unknown, OTHER).unwrap());
        let entry = Ledger::new(Phase::Done, clock::now(), gate.boot.as_ref(), 0);
        let entry = entry.with_backoff(clock::now(), clock::wall().timestamp_millis(), HOUR);
        gate.store.sibling(OTHER).unwrap().write(&entry).unwrap();
        drop(held);
    };
    let (error, ()) = tokio::join!(refused(&gate), change);
    assert_eq!(error.exit, Exit::Busy);
    assert!(error.message.contains("(backing off after a failed request)"), "{error}");
}
