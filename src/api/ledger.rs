//! The ledger: what this machine knows of the last request to one API and organisation.
//!
//! A small JSON file, replaced whole (temporary file, then rename) and read only under the lock.
//! [`due`] is the gate's decision, pure: from what is known, by proof, to the moment of the next request.
//! What is not proven counts as the worst that can be.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::BootId;

/// The format this program writes; a ledger with another number is not understood and proves nothing.
const VERSION: u32 = 1;

/// How fast the API may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// From the end of one exchange to the next request: the API's minute and a sixtieth for drifting clocks.
    pub interval: Duration,
    /// Added when a stray request may still arrive or still be worked on.
    pub grace: Duration,
}

impl RateLimit {
    /// The rate limit for an API that allows one request every `rate`.
    #[must_use]
    pub fn of(rate: Duration) -> Self {
        Self { interval: rate + rate / 60, grace: rate }
    }

    fn worst(self) -> Duration {
        self.interval.saturating_add(self.grace)
    }
}

/// Where the last exchange stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A request is about to be sent, or was, and its owner has not yet said how it ended.
    Inflight,
    /// It ended, and nothing of it is still on its way.
    Done,
    /// We gave up on it; the server may still see it or work on it.
    Ambiguous,
}

/// One entry, times in milliseconds since boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The format.
    pub version: u32,
    /// Where the exchange stands.
    pub phase: Phase,
    /// The boot in which `boottime_ms` and `not_before` are valid.
    pub boot_id: String,
    /// The time namespace, likewise.
    pub time_ns: u64,
    /// When the phase began.
    pub boottime_ms: u64,
    /// Failures in a row, which set the back-off of the next.
    pub failures: u32,
    /// The back-off asked for or chosen: nothing is sent before this.
    pub not_before: Option<u64>,
    /// The same by the wall clock, for a reader in another boot: it can only ever add delay.
    pub not_before_unix_ms: Option<i64>,
}

/// What was found in place of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerRead {
    /// No file: the first run here, or a fresh container.
    Absent,
    /// Something, but not a ledger that we understand.
    Unreadable,
    /// A ledger.
    Found(Ledger),
}

/// The present, as the decision sees it.
#[derive(Clone, Debug)]
pub struct Now {
    /// When the lock became ours, since boot: an unknown owner was gone by then.
    pub locked: Duration,
    /// Unix milliseconds at that moment.
    pub unix_ms: i64,
    /// Which boot; nothing where the system cannot tell.
    pub boot: Option<BootId>,
    /// Whether the operator vouches that nothing was sent recently.
    pub assume_idle: bool,
}

/// When the next request may start, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Since boot.
    pub at: Duration,
    /// Why then.
    pub reason: Reason,
}

/// Why a wait is as long as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The operator vouched for it.
    Idle,
    /// The last exchange ended cleanly.
    Interval,
    /// A failed request is given time, by its own back-off or the API's `Retry-After`.
    BackOff,
    /// The last exchange ended without our knowing how.
    Ambiguous,
    /// The last owner died, the ledger is unreadable or comes from the future, another boot or machine.
    Unproven,
    /// There is no ledger.
    FirstRun,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Idle => "assumed idle",
            Self::Interval => "the API allows one request a minute, counted from the end of the last one",
            Self::BackOff => "backing off after a failed request",
            Self::Ambiguous => "the last request ended without a complete answer and may still be under way",
            Self::Unproven => "nothing proves when the last request ended",
            Self::FirstRun => "first run here, so an earlier request from elsewhere is assumed; `--assume-idle` skips this wait",
        })
    }
}

impl Ledger {
    /// An entry made now.
    #[must_use]
    pub fn new(phase: Phase, now: Duration, boot: Option<&BootId>, failures: u32) -> Self {
        Self {
            version: VERSION,
            phase,
            boot_id: boot.map(|boot| boot.boot_id.clone()).unwrap_or_default(),
            time_ns: boot.map_or(0, |boot| boot.time_ns),
            boottime_ms: millis(now),
            failures,
            not_before: None,
            not_before_unix_ms: None,
        }
    }

    /// Reads what a ledger file held.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> LedgerRead {
        match serde_json::from_slice::<Self>(bytes) {
            Ok(ledger) if ledger.version == VERSION => LedgerRead::Found(ledger),
            _ => LedgerRead::Unreadable,
        }
    }

    fn is_from(&self, boot: Option<&BootId>) -> bool {
        boot.is_some_and(|boot| boot.boot_id == self.boot_id && boot.time_ns == self.time_ns)
    }
}

impl LedgerRead {
    /// Failures in a row so far.
    #[must_use]
    pub fn failures(&self) -> u32 {
        match self {
            Self::Found(ledger) => ledger.failures,
            Self::Absent | Self::Unreadable => 0,
        }
    }
}

/// When the next request may start.
#[must_use]
pub fn due(reading: &LedgerRead, present: &Now, rate_limit: RateLimit) -> Due {
    let unproven = Due { at: present.locked.saturating_add(rate_limit.worst()), reason: Reason::Unproven };
    let ledger = match reading {
        LedgerRead::Absent if present.assume_idle => return Due { at: present.locked, reason: Reason::Idle },
        LedgerRead::Absent => {
            return Due { at: present.locked.saturating_add(rate_limit.interval), reason: Reason::FirstRun };
        }
        LedgerRead::Unreadable => return unproven,
        LedgerRead::Found(ledger) => ledger,
    };
    let began = Duration::from_millis(ledger.boottime_ms);
    // Rounded up as the ledger is: one written within the last millisecond is not from the future.
    let future = ledger.boottime_ms > millis(present.locked);
    if !ledger.is_from(present.boot.as_ref()) || future {
        let owed = ledger.not_before_unix_ms.map_or(0, |then| then.saturating_sub(present.unix_ms));
        let owed = Duration::from_millis(owed.try_into().unwrap_or(0));
        return later(unproven, Due { at: present.locked.saturating_add(owed), reason: Reason::BackOff });
    }
    let settled = match ledger.phase {
        Phase::Inflight => unproven,
        Phase::Ambiguous => Due { at: began.saturating_add(rate_limit.worst()), reason: Reason::Ambiguous },
        Phase::Done => Due { at: began.saturating_add(rate_limit.interval), reason: Reason::Interval },
    };
    match ledger.not_before {
        Some(then) => later(settled, Due { at: Duration::from_millis(then), reason: Reason::BackOff }),
        None => settled,
    }
}

fn later(one: Due, other: Due) -> Due {
    if other.at > one.at { other } else { one }
}

/// Whole milliseconds, rounded up: a ledger never claims that something was earlier than it was.
#[must_use]
pub fn millis(time: Duration) -> u64 {
    time.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u64::MAX)
}

/// Whole seconds for people, rounded up likewise.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: RateLimit = RateLimit { interval: Duration::from_secs(61), grace: Duration::from_secs(60) };

    fn boot() -> BootId {
        BootId { boot_id: "this boot".into(), time_ns: 7 }
    }

    fn present(locked: u64) -> Now {
        Now { locked: Duration::from_secs(locked), unix_ms: 0, boot: Some(boot()), assume_idle: false }
    }

    fn ledger(phase: Phase, at: u64) -> Ledger {
        Ledger::new(phase, Duration::from_secs(at), Some(&boot()), 0)
    }

    fn seconds(reading: &LedgerRead, present: &Now) -> (u64, Reason) {
        let due = due(reading, present, PACE);
        (due.at.as_secs(), due.reason)
    }

    #[test]
    fn seconds_are_rounded_up() {
        for (milliseconds, expected) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2)] {
            assert_eq!(whole_seconds(Duration::from_millis(milliseconds)), expected);
        }
    }

    #[test]
    fn the_pace_of_a_minute_is_61_seconds_and_60_of_grace() {
        assert_eq!(RateLimit::of(Duration::from_secs(60)), PACE);
    }

    #[test]
    fn every_row_of_the_table() {
        let here = present(1_000);
        assert_eq!(seconds(&LedgerRead::Absent, &here), (1_061, Reason::FirstRun));
        assert_eq!(seconds(&LedgerRead::Unreadable, &here), (1_121, Reason::Unproven));
        assert_eq!(seconds(&LedgerRead::Found(ledger(Phase::Done, 990)), &here), (1_051, Reason::Interval));
        assert_eq!(
            seconds(&LedgerRead::Found(ledger(Phase::Ambiguous, 990)), &here),
            (1_111, Reason::Ambiguous)
        );
        assert_eq!(
            seconds(&LedgerRead::Found(ledger(Phase::Inflight, 10)), &here),
            (1_121, Reason::Unproven)
        );
        assert_eq!(seconds(&LedgerRead::Found(ledger(Phase::Done, 1_000)), &here), (1_061, Reason::Interval));
        assert_eq!(seconds(&LedgerRead::Found(ledger(Phase::Done, 1_001)), &here), (1_121, Reason::Unproven));
        let idle = Now { assume_idle: true, ..here.clone() };
        assert_eq!(seconds(&LedgerRead::Absent, &idle), (1_000, Reason::Idle));
        assert_eq!(
            seconds(&LedgerRead::Found(ledger(Phase::Inflight, 10)), &idle),
            (1_121, Reason::Unproven)
        );
        let elsewhere = Now { boot: Some(BootId { boot_id: "other".into(), time_ns: 7 }), ..here.clone() };
        assert_eq!(
            seconds(&LedgerRead::Found(ledger(Phase::Done, 10)), &elsewhere),
            (1_121, Reason::Unproven)
        );
        let shifted = Now { boot: Some(BootId { time_ns: 8, ..boot() }), ..here.clone() };
        assert_eq!(seconds(&LedgerRead::Found(ledger(Phase::Done, 10)), &shifted), (1_121, Reason::Unproven));
        let nowhere = Now { boot: None, ..here };
        assert_eq!(seconds(&LedgerRead::Found(ledger(Phase::Done, 10)), &nowhere), (1_121, Reason::Unproven));
    }

    #[test]
    fn a_ledger_of_this_very_millisecond_is_not_from_the_future() {
        let ended = Duration::from_micros(990_000_100);
        let entry = Ledger::new(Phase::Done, ended, Some(&boot()), 0);
        let here = Now { locked: ended + Duration::from_micros(200), ..present(0) };
        assert_eq!(due(&LedgerRead::Found(entry), &here, PACE).reason, Reason::Interval);
    }

    #[test]
    fn a_back_off_only_ever_adds_delay() {
        let here = present(1_000);
        let mut entry = ledger(Phase::Done, 990);
        entry.not_before = Some(2_000_000);
        assert_eq!(seconds(&LedgerRead::Found(entry.clone()), &here), (2_000, Reason::BackOff));
        for sooner in [1, 1_051_000] {
            entry.not_before = Some(sooner);
            assert_eq!(seconds(&LedgerRead::Found(entry.clone()), &here), (1_051, Reason::Interval));
        }
        entry.boot_id = "other".into();
        entry.not_before_unix_ms = Some(500_000);
        assert_eq!(seconds(&LedgerRead::Found(entry.clone()), &here), (1_500, Reason::BackOff));
        entry.not_before_unix_ms = Some(-1);
        assert_eq!(seconds(&LedgerRead::Found(entry), &here), (1_121, Reason::Unproven));
    }

    #[test]
    fn only_this_format_is_understood() {
        let entry = Ledger { failures: 3, ..ledger(Phase::Ambiguous, 1) };
        let text = serde_json::to_string(&entry).unwrap();
        let reading = Ledger::parse(text.as_bytes());
        assert_eq!((reading.failures(), &reading), (3, &LedgerRead::Found(entry)));
        let newer = Ledger::parse(text.replace("\"version\":1", "\"version\":2").as_bytes());
        assert_eq!((newer.failures(), newer), (0, LedgerRead::Unreadable));
    }

    #[test]
    fn the_operator_is_told_how_to_skip_the_first_wait() {
        assert!(Reason::FirstRun.to_string().contains("`--assume-idle` skips this wait"));
    }

    #[test]
    fn a_wall_clock_that_is_set_changes_nothing_in_the_same_boot() {
        for phase in [Phase::Inflight, Phase::Done, Phase::Ambiguous] {
            let mut entry = ledger(phase, 990);
            entry.not_before_unix_ms = Some(86_400_000);
            let found = LedgerRead::Found(entry);
            for unix_ms in [i64::MIN, -86_400_000, 0, 86_400_000, i64::MAX] {
                let there = Now { unix_ms, ..present(1_000) };
                assert_eq!(seconds(&found, &there), seconds(&found, &present(1_000)), "{phase:?} {unix_ms}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_ledger_whatever_it_says_shortens_the_wait(
            phase in prop_oneof![Just(Phase::Inflight), Just(Phase::Done), Just(Phase::Ambiguous)],
            same_boot: bool, at: u64, not_before: Option<u64>, unix: Option<i64>, failures: u32, locked in 0u64..1 << 40,
        ) {
            let mut entry = ledger(phase, 0);
            entry.boottime_ms = at;
            entry.not_before = not_before;
            entry.not_before_unix_ms = unix;
            entry.failures = failures;
            if !same_boot { entry.boot_id.clear(); }
            let here = present(locked);
            let due = due(&LedgerRead::Found(entry), &here, PACE).at;
            let ended = Duration::from_millis(at);
            let proven = same_boot && phase != Phase::Inflight && ended <= here.locked;
            let floor = if proven { ended } else { here.locked } + PACE.interval;
            prop_assert!(due >= floor);
            if !proven || phase == Phase::Ambiguous { prop_assert!(due >= floor + PACE.grace); }
            if same_boot && ended <= here.locked { prop_assert!(due >= Duration::from_millis(not_before.unwrap_or(0))); }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            prop_assert_ne!(Ledger::parse(&bytes), LedgerRead::Absent);
        }
    }
}
