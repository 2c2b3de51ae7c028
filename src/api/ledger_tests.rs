//! The rate limit's decision, number by number, and the ledger's format with ledgers of earlier versions.

use proptest::prelude::*;

use super::*;

const LIMIT: RateLimit = RateLimit {
    interval: Duration::from_secs(61),
    grace: Duration::from_secs(120),
    after_timeout: Duration::from_secs(915),
};

fn boot() -> BootId {
    BootId { boot_id: "this boot".into(), time_ns: 7 }
}

fn now(locked: u64) -> Now {
    Now { locked: Duration::from_secs(locked), unix_ms: 0, boot: Some(boot()), assume_idle: false }
}

/// The same moment in another boot, in another time namespace, and without a boot identity.
fn elsewhere(locked: u64) -> [Now; 3] {
    let other_boot = BootId { boot_id: "other".into(), ..boot() };
    let other_namespace = BootId { time_ns: 8, ..boot() };
    [Some(other_boot), Some(other_namespace), None].map(|boot| Now { boot, ..now(locked) })
}

fn ledger(phase: Phase, at: u64) -> Ledger {
    Ledger::new(phase, Duration::from_secs(at), Some(&boot()), 0)
}

fn timed_out(at: u64) -> Ledger {
    Ledger { timed_out: true, ..ledger(Phase::Ambiguous, at) }
}

fn seconds(read: &LedgerRead, now: &Now) -> (u64, Reason) {
    let due = due(read, now, LIMIT);
    (due.at.as_secs(), due.reason)
}

fn found(ledger: Ledger, now: &Now) -> (u64, Reason) {
    seconds(&LedgerRead::Found(ledger), now)
}

#[test]
fn seconds_in_messages_are_rounded_up() {
    for (milliseconds, expected) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2)] {
        assert_eq!(whole_seconds(Duration::from_millis(milliseconds)), expected);
    }
}

#[test]
fn rate_limit_follows_from_interval_and_request_timeout() {
    for (interval, timeout, expected) in [
        (60.0, 120.0, (61.0, 120.0, 915.0)),
        (60.0, 30.0, (61.0, 60.0, 915.0)),
        (600.0, 30.0, (610.0, 60.0, 9_150.0)),
        (60.0, 3_600.0, (61.0, 3_600.0, 3_661.0)),
        (0.6, 1.2, (0.61, 1.2, 9.15)),
    ] {
        let limit = RateLimit::new(Duration::from_secs_f64(interval), Duration::from_secs_f64(timeout));
        let found = [limit.interval, limit.grace, limit.after_timeout].map(|time| time.as_secs_f64());
        assert_eq!((found[0], found[1], found[2]), expected);
    }
    assert_eq!(RateLimit::new(Duration::from_secs(60), Duration::from_secs(120)), LIMIT);
}

#[test]
fn ledger_of_this_boot_counts_from_its_own_end() {
    let here = now(1_000);
    assert_eq!(found(ledger(Phase::Done, 990), &here), (1_051, Reason::Interval));
    assert_eq!(found(ledger(Phase::Done, 1_000), &here), (1_061, Reason::Interval));
    assert_eq!(found(ledger(Phase::Ambiguous, 990), &here), (1_171, Reason::Ambiguous));
    assert_eq!(found(timed_out(990), &here), (1_905, Reason::TimedOut));
}

#[test]
fn ledger_that_proves_nothing_counts_from_the_lock() {
    let here = now(1_000);
    assert_eq!(seconds(&LedgerRead::Absent, &here), (1_061, Reason::FirstRun));
    assert_eq!(seconds(&LedgerRead::Unreadable, &here), (1_181, Reason::Unproven));
    assert_eq!(found(ledger(Phase::Inflight, 10), &here), (1_181, Reason::Unproven));
    for phase in [Phase::Inflight, Phase::Done, Phase::Ambiguous] {
        assert_eq!(found(ledger(phase, 1_001), &here), (1_181, Reason::Unproven), "{phase:?} in the future");
    }
    assert_eq!(found(timed_out(1_001), &here), (1_915, Reason::Unproven));
}

#[test]
fn ledger_of_another_boot_owes_the_interval_if_done_and_the_grace_on_top_if_not() {
    for there in elsewhere(1_000) {
        assert_eq!(found(ledger(Phase::Done, 10), &there), (1_061, Reason::OtherBoot));
        assert_eq!(found(ledger(Phase::Done, 2_000), &there), (1_061, Reason::OtherBoot));
        assert_eq!(found(ledger(Phase::Ambiguous, 10), &there), (1_181, Reason::Unproven));
        assert_eq!(found(ledger(Phase::Inflight, 10), &there), (1_181, Reason::Unproven));
        assert_eq!(found(timed_out(10), &there), (1_915, Reason::Unproven));
    }
}

#[test]
fn assume_idle_skips_the_first_run_wait_only() {
    let idle = Now { assume_idle: true, ..now(1_000) };
    let first_run = Ledger { witness: Some(Witness::FirstRun), ..ledger(Phase::Done, 990) };
    assert_eq!(seconds(&LedgerRead::Absent, &idle), (1_000, Reason::Idle));
    assert_eq!(found(first_run.clone(), &idle), (1_000, Reason::Idle));
    assert_eq!(found(first_run.clone(), &now(1_000)), (1_051, Reason::FirstRun));
    for there in elsewhere(1_000) {
        assert_eq!(found(first_run.clone(), &there), (1_061, Reason::FirstRun));
        let idle = Now { assume_idle: true, ..there };
        assert_eq!(found(first_run.clone(), &idle), (1_000, Reason::Idle));
    }
    assert_eq!(seconds(&LedgerRead::Unreadable, &idle), (1_181, Reason::Unproven));
    assert_eq!(found(ledger(Phase::Inflight, 10), &idle), (1_181, Reason::Unproven));
    assert_eq!(found(ledger(Phase::Done, 990), &idle), (1_051, Reason::Interval));
    let unproven = Ledger { witness: Some(Witness::Unproven), ..ledger(Phase::Ambiguous, 990) };
    assert_eq!(found(unproven, &idle), (1_171, Reason::Unproven));
}

#[test]
fn ledger_of_this_very_millisecond_is_not_from_the_future() {
    let ended = Duration::from_micros(990_000_100);
    let entry = Ledger::new(Phase::Done, ended, Some(&boot()), 0);
    let here = Now { locked: ended + Duration::from_micros(200), ..now(0) };
    assert_eq!(due(&LedgerRead::Found(entry), &here, LIMIT).reason, Reason::Interval);
}

#[test]
fn backoff_only_adds_delay() {
    let here = now(1_000);
    let mut entry = ledger(Phase::Done, 990);
    entry.not_before = Some(2_000_000);
    assert_eq!(found(entry.clone(), &here), (2_000, Reason::Backoff));
    for sooner in [1, 1_051_000] {
        entry.not_before = Some(sooner);
        assert_eq!(found(entry.clone(), &here), (1_051, Reason::Interval));
    }
    entry.not_before = Some(2_000_000);
    entry.not_before_unix_ms = Some(500_000);
    for there in elsewhere(1_000) {
        assert_eq!(found(entry.clone(), &there), (1_500, Reason::Backoff));
    }
    entry.not_before_unix_ms = Some(-1);
    assert_eq!(found(entry, &elsewhere(1_000)[0]), (1_061, Reason::OtherBoot));
}

#[test]
fn backoff_of_retry_after_is_capped_at_seven_days() {
    const WEEK: u64 = 7 * 24 * 3_600;
    let at = Duration::from_secs(990);
    let entry = ledger(Phase::Done, 990).with_backoff(at, 5_000, Duration::MAX);
    assert_eq!(entry.not_before, Some((990 + WEEK) * 1_000));
    assert_eq!(entry.not_before_unix_ms, Some(5_000 + i64::try_from(WEEK).unwrap() * 1_000));
    // Earlier versions wrote what the API asked for.
    let absurd =
        Ledger { not_before: Some(u64::MAX), not_before_unix_ms: Some(i64::MAX), ..ledger(Phase::Done, 990) };
    assert_eq!(found(absurd.clone(), &now(1_000)), (990 + WEEK, Reason::Backoff));
    assert_eq!(found(absurd, &elsewhere(1_000)[0]), (1_000 + WEEK, Reason::Backoff));
}

#[test]
fn wall_clock_change_has_no_effect_in_the_same_boot() {
    for phase in [Phase::Inflight, Phase::Done, Phase::Ambiguous] {
        let mut entry = ledger(phase, 990);
        entry.not_before = Some(995_000);
        entry.not_before_unix_ms = Some(86_400_000);
        for unix_ms in [i64::MIN, -86_400_000, 0, 86_400_000, i64::MAX] {
            let there = Now { unix_ms, ..now(1_000) };
            let expected = found(entry.clone(), &now(1_000));
            assert_eq!(found(entry.clone(), &there), expected, "{phase:?} {unix_ms}");
        }
    }
}

#[test]
fn backoff_in_another_boot_owes_at_most_its_original_length() {
    const YEAR_MS: i64 = 365 * 24 * 3_600_000;
    let at = Duration::from_secs(990);
    let entry = ledger(Phase::Done, 990).with_backoff(at, YEAR_MS, Duration::from_secs(100));
    for there in elsewhere(1_000) {
        assert_eq!(found(entry.clone(), &there), (1_100, Reason::Backoff), "the clock lost a year");
    }
    // A boot whose clock is ahead by a year writes a witness; the backoff keeps its length for the boot after it.
    let ahead = Now { unix_ms: 2 * YEAR_MS, ..elsewhere(1_000)[0].clone() };
    let witness = witness(&LedgerRead::Found(entry), &ahead).unwrap();
    assert_eq!(found(witness.clone(), &ahead), (1_061, Reason::OtherBoot));
    assert_eq!(found(witness, &now(50)), (150, Reason::Backoff));
}

#[test]
fn witness_owes_the_rest_of_the_same_wait() {
    let mut refused = ledger(Phase::Ambiguous, 10);
    refused.failures = 3;
    refused.not_before_unix_ms = Some(500_000);
    let from_the_future = ledger(Phase::Done, 5_000);
    for here in [vec![now(1_000)], elsewhere(1_000)[..2].to_vec()].concat() {
        for read in [
            LedgerRead::Absent,
            LedgerRead::Unreadable,
            LedgerRead::Found(ledger(Phase::Inflight, 10)),
            LedgerRead::Found(from_the_future.clone()),
            LedgerRead::Found(timed_out(5_000)),
            LedgerRead::Found(refused.clone()),
        ] {
            let owed = due(&read, &here, LIMIT);
            let Some(entry) = witness(&read, &here) else {
                assert_eq!(owed.reason, Reason::Ambiguous, "{read:?}");
                continue;
            };
            let later =
                Now { locked: here.locked + Duration::from_secs(30), unix_ms: 30_000, ..here.clone() };
            let written = LedgerRead::Found(entry);
            let rest = due(&written, &later, LIMIT);
            assert_eq!((rest.at, written.failures()), (owed.at, read.failures()), "{read:?} at {here:?}");
            assert_eq!(witness(&written, &later), None, "the second run counts from the first one's lock");
        }
    }
}

#[test]
fn witness_is_not_written_where_the_ledger_already_counts() {
    let idle = Now { assume_idle: true, ..now(1_000) };
    assert_eq!(witness(&LedgerRead::Absent, &idle), None);
    for entry in [ledger(Phase::Done, 990), ledger(Phase::Ambiguous, 990), timed_out(990)] {
        assert_eq!(witness(&LedgerRead::Found(entry), &now(1_000)), None);
    }
    let no_boot_identity = Now { boot: None, ..now(1_000) };
    assert_eq!(witness(&LedgerRead::Absent, &no_boot_identity), None);
}

#[test]
fn witness_of_a_backoff_that_is_over_has_no_backoff() {
    let over = Ledger { not_before_unix_ms: Some(0), ..ledger(Phase::Done, 990) };
    let witness = witness(&LedgerRead::Found(over), &elsewhere(1_000)[0]).unwrap();
    assert_eq!((witness.witness, witness.not_before), (Some(Witness::OtherBoot), None));
}

#[test]
fn witness_of_a_first_run_stays_one_after_a_boot() {
    let first = witness(&LedgerRead::Absent, &now(1_000)).unwrap();
    let second = witness(&LedgerRead::Found(first), &elsewhere(50)[0]).unwrap();
    assert_eq!((second.phase, second.witness), (Phase::Done, Some(Witness::FirstRun)));
}

/// Ledgers as version 0.1.0 wrote them before the fields `timed_out` and `witness`.
#[test]
fn ledger_of_an_earlier_version_is_read() {
    const OLD: [(&str, Phase); 3] = [
        (
            r#"{"version":1,"phase":"done","boot_id":"this boot","time_ns":7,"boottime_ms":990000,"failures":0,"not_before":null,"not_before_unix_ms":null}"#,
            Phase::Done,
        ),
        (
            r#"{"version":1,"phase":"ambiguous","boot_id":"this boot","time_ns":7,"boottime_ms":990000,"failures":2,"not_before":2000000,"not_before_unix_ms":1795653600000}"#,
            Phase::Ambiguous,
        ),
        (
            r#"{"version":1,"phase":"inflight","boot_id":"this boot","time_ns":7,"boottime_ms":990000,"failures":0,"not_before":null,"not_before_unix_ms":null}"#,
            Phase::Inflight,
        ),
    ];
    for ((text, phase), expected) in
        OLD.into_iter().zip([(1_051, Reason::Interval), (2_000, Reason::Backoff), (1_181, Reason::Unproven)])
    {
        let read = Ledger::parse(text.as_bytes());
        assert_eq!(seconds(&read, &now(1_000)), expected, "{text}");
        let LedgerRead::Found(entry) = read else { panic!("{text} is a ledger") };
        assert_eq!(entry.phase, phase);
        assert_eq!(serde_json::to_string(&entry).unwrap(), text, "an earlier version reads what is written");
    }
}

#[test]
fn ledger_of_an_unknown_version_is_unreadable() {
    let entry = Ledger { failures: 3, ..ledger(Phase::Ambiguous, 1) };
    let text = serde_json::to_string(&entry).unwrap();
    let read = Ledger::parse(text.as_bytes());
    assert_eq!((read.failures(), &read), (3, &LedgerRead::Found(entry)));
    let newer = Ledger::parse(text.replace("\"version\":1", "\"version\":2").as_bytes());
    assert_eq!((newer.failures(), newer), (0, LedgerRead::Unreadable));
}

#[test]
fn first_run_message_names_assume_idle() {
    assert!(Reason::FirstRun.to_string().contains("`--assume-idle` skips this wait"));
}

proptest! {
    #[test]
    fn no_ledger_shortens_the_wait_whatever_it_says(
        phase in prop_oneof![Just(Phase::Inflight), Just(Phase::Done), Just(Phase::Ambiguous)],
        same_boot: bool, at: u64, not_before: Option<u64>, unix: Option<i64>, failures: u32, timed_out: bool,
        witness in prop_oneof![
            Just(None), Just(Some(Witness::FirstRun)), Just(Some(Witness::OtherBoot)), Just(Some(Witness::Unproven)),
        ],
        locked in 0u64..1 << 40,
    ) {
        let mut entry = ledger(phase, 0);
        entry.boottime_ms = at;
        entry.not_before = not_before;
        entry.not_before_unix_ms = unix;
        entry.failures = failures;
        entry.timed_out = timed_out;
        entry.witness = witness;
        if !same_boot { entry.boot_id.clear(); }
        let here = now(locked);
        let due = due(&LedgerRead::Found(entry), &here, LIMIT).at;
        let ended = Duration::from_millis(at);
        let proven = same_boot && phase != Phase::Inflight && ended <= here.locked;
        let floor = if proven { ended } else { here.locked } + LIMIT.interval;
        prop_assert!(due >= floor);
        let in_peace = phase == Phase::Done && (proven || !same_boot);
        if !in_peace { prop_assert!(due >= floor + LIMIT.grace); }
        if !in_peace && timed_out { prop_assert!(due >= floor + LIMIT.interval * 14); }
        if same_boot && ended <= here.locked {
            let asked = Duration::from_millis(not_before.unwrap_or(0));
            prop_assert!(due >= asked.min(ended + MAX_BACKOFF));
        }
    }

    #[test]
    fn any_bytes_are_parsed_without_a_panic(bytes: Vec<u8>) {
        prop_assert_ne!(Ledger::parse(&bytes), LedgerRead::Absent);
    }
}
