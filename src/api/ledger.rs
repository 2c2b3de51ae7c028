//! The ledger: what this machine knows of the last request to one API and organisation.
//!
//! A small JSON file, replaced atomically and read only under the lock. [`due`] decides when the rate limit allows the
//! next request: a pure function of the ledger, the boot clock and the limit. Whatever the ledger does not prove counts
//! as the worst case. [`witness`] records a wait that counts from the lock, so that the next run owes only the rest.
//! The format grows by optional fields only: an older version that ignores them waits longer, never less.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::BootId;

/// The format that this program writes. A ledger with another number counts as unreadable.
const VERSION: u32 = 1;
/// The longest grace that follows from the interval alone.
const MAX_INTERVAL_GRACE: Duration = Duration::from_secs(60);
/// After our own timeout the API may work on the request for a long time: intervals until the next one.
const INTERVALS_AFTER_TIMEOUT: u32 = 15;
/// The longest backoff that is obeyed: an absurd `Retry-After` must not lock the organisation out for ever.
pub const MAX_BACKOFF: Duration = Duration::from_secs(7 * 24 * 3600);

/// The rate limit of the API, as this client keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// From the end of one exchange to the next request: the configured interval and a sixtieth for drifting clocks.
    pub interval: Duration,
    /// Added if the last request may still arrive or be in service.
    pub grace: Duration,
    /// From our own timeout to the next request.
    pub after_timeout: Duration,
}

impl RateLimit {
    /// The limit for `request_interval_seconds` and `request_timeout_seconds`.
    #[must_use]
    pub fn new(interval: Duration, request_timeout: Duration) -> Self {
        let grace = interval.min(MAX_INTERVAL_GRACE).max(request_timeout);
        let interval = interval.saturating_add(interval / 60);
        let after_timeout =
            interval.saturating_mul(INTERVALS_AFTER_TIMEOUT).max(interval.saturating_add(grace));
        Self { interval, grace, after_timeout }
    }

    fn after_unproven_end(self) -> Duration {
        self.interval.saturating_add(self.grace)
    }
}

/// The state of the last exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A request is about to be sent or was sent, and its process has not recorded its end.
    Inflight,
    /// The exchange ended, or nothing was sent; nothing is under way.
    Done,
    /// The exchange ended for us; the API may still receive the request or work on it.
    Ambiguous,
}

/// Why an entry was written although nothing was sent: its wait counts from the lock of an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// There was no ledger.
    FirstRun,
    /// The last exchange ended in another boot or on another machine.
    OtherBoot,
    /// Nothing proved when the last exchange ended.
    Unproven,
}

/// One entry. Times are milliseconds since boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub version: u32,
    pub phase: Phase,
    /// The boot in which `boottime_ms` and `not_before` are valid.
    pub boot_id: String,
    /// The time namespace in which they are valid.
    pub time_ns: u64,
    /// When the phase began.
    pub boottime_ms: u64,
    /// Failures in a row. They set the backoff of the next failure.
    pub failures: u32,
    /// The end of the backoff or of `Retry-After`.
    pub not_before: Option<u64>,
    /// The same in Unix milliseconds, for a reader in another boot. It can only add delay.
    pub not_before_unix_ms: Option<i64>,
    /// The original length of the backoff, if it is not `not_before - boottime_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff_ms: Option<u64>,
    /// The last exchange ended by our own timeout.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timed_out: bool,
    /// Nothing was sent; the wait counts from `boottime_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
}

/// The result of reading the ledger's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerRead {
    /// No file: the first run on this machine, or a fresh container.
    Absent,
    /// A file that is not a ledger of a known format.
    Unreadable,
    Found(Ledger),
}

/// What [`due`] knows of the present.
#[derive(Clone, Debug)]
pub struct Now {
    /// When this process took the lock, since boot. A process that did not record its end was dead by then.
    pub locked: Duration,
    /// Unix milliseconds at that moment.
    pub unix_ms: i64,
    /// `None` where the system has no boot identity.
    pub boot: Option<BootId>,
    /// `--assume-idle`: the first run does not wait.
    pub assume_idle: bool,
}

/// When the next request may be sent, and why not sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Since boot.
    pub at: Duration,
    pub reason: Reason,
}

/// Why a wait is as long as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `--assume-idle`.
    Idle,
    /// The last exchange ended cleanly.
    Interval,
    /// The backoff after a failure, or the API's `Retry-After`.
    Backoff,
    /// The last exchange ended, but the API may still work on it.
    Ambiguous,
    /// The last exchange ended by our own timeout.
    TimedOut,
    /// The last exchange ended cleanly, in another boot or on another machine.
    OtherBoot,
    /// The last process died in flight, or the ledger is unreadable or from the future.
    Unproven,
    /// There is no ledger.
    FirstRun,
}

impl Reason {
    /// The reason in a few words, for a line of limited width.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Idle => "assumed idle",
            Self::Interval => "rate limit",
            Self::Backoff => "backoff",
            Self::Ambiguous => "incomplete answer",
            Self::TimedOut => "timeout",
            Self::OtherBoot => "new boot",
            Self::Unproven => "last end unknown",
            Self::FirstRun => "first run here",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "assumed idle",
            Self::Interval => "the API allows one request a minute, counted from the end of the last one",
            Self::Backoff => "backing off after a failed request",
            Self::Ambiguous => "the last request ended without a complete answer and may still be under way",
            Self::TimedOut => "the last request timed out, and the API may still work on it",
            Self::OtherBoot => "the last request ended on another machine or before this one booted",
            Self::Unproven => "nothing proves when the last request ended",
            Self::FirstRun => {
                "first run here, so another program may just have called the API; `--assume-idle` skips this wait"
            }
        })
    }
}

impl Ledger {
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
            backoff_ms: None,
            timed_out: false,
            witness: None,
        }
    }

    /// Adds a backoff from `now` on, at most [`MAX_BACKOFF`].
    #[must_use]
    pub fn with_backoff(mut self, now: Duration, unix_ms: i64, backoff: Duration) -> Self {
        let backoff = backoff.min(MAX_BACKOFF);
        let added = i64::try_from(millis(backoff)).unwrap_or(i64::MAX);
        self.not_before = Some(millis(now.saturating_add(backoff)));
        self.not_before_unix_ms = Some(unix_ms.saturating_add(added));
        self
    }

    /// Parses the content of a ledger file.
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

    /// Whether the entry's times can be compared with the present ones.
    fn is_proven(&self, now: &Now) -> bool {
        // Rounded up as the ledger is: an entry written within the last millisecond is not from the future.
        self.is_from(now.boot.as_ref()) && self.boottime_ms <= millis(now.locked)
    }

    /// When the backoff ends, on the present boot clock.
    fn backoff_end(&self, now: &Now) -> Option<Duration> {
        if self.is_proven(now) {
            let latest = Duration::from_millis(self.boottime_ms).saturating_add(MAX_BACKOFF);
            return self.not_before.map(|then| Duration::from_millis(then).min(latest));
        }
        let owed = self.not_before_unix_ms?.saturating_sub(now.unix_ms);
        let owed = Duration::from_millis(owed.try_into().unwrap_or(0));
        // The wall clock of the other boot may have been wrong.
        let longest = self.backoff_length().unwrap_or(MAX_BACKOFF).min(MAX_BACKOFF);
        Some(now.locked.saturating_add(owed.min(longest)))
    }

    /// The original length of the backoff, in whichever boot it began.
    fn backoff_length(&self) -> Option<Duration> {
        let from_entry = || Some(self.not_before?.saturating_sub(self.boottime_ms));
        self.backoff_ms.or_else(from_entry).map(Duration::from_millis)
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

/// Decides when the next request may be sent.
#[must_use]
pub fn due(read: &LedgerRead, now: &Now, limit: RateLimit) -> Due {
    let from_lock = |wait, reason| Due { at: now.locked.saturating_add(wait), reason };
    let ledger = match read {
        LedgerRead::Absent if now.assume_idle => return from_lock(Duration::ZERO, Reason::Idle),
        LedgerRead::Absent => return from_lock(limit.interval, Reason::FirstRun),
        LedgerRead::Unreadable => return from_lock(limit.after_unproven_end(), Reason::Unproven),
        LedgerRead::Found(ledger) => ledger,
    };
    let (hold, held_by) = if ledger.timed_out {
        (limit.after_timeout, Reason::TimedOut)
    } else {
        (limit.after_unproven_end(), Reason::Ambiguous)
    };
    let began = Duration::from_millis(ledger.boottime_ms);
    let from_entry = |wait, reason| Due { at: began.saturating_add(wait), reason };
    let settled = match (ledger.is_proven(now), ledger.phase) {
        (true, Phase::Done) => match ledger.witness {
            Some(Witness::FirstRun) if now.assume_idle => from_lock(Duration::ZERO, Reason::Idle),
            Some(witness) => from_entry(limit.interval, witness.reason()),
            None => from_entry(limit.interval, Reason::Interval),
        },
        (true, Phase::Ambiguous) => from_entry(hold, ledger.witness.map_or(held_by, Witness::reason)),
        (false, Phase::Done) if !ledger.is_from(now.boot.as_ref()) => match ledger.witness {
            Some(Witness::FirstRun) if now.assume_idle => from_lock(Duration::ZERO, Reason::Idle),
            Some(Witness::FirstRun) => from_lock(limit.interval, Reason::FirstRun),
            _ => from_lock(limit.interval, Reason::OtherBoot),
        },
        (true, Phase::Inflight) | (false, _) => from_lock(hold, Reason::Unproven),
    };
    match ledger.backoff_end(now) {
        Some(end) if end > settled.at => Due { at: end, reason: Reason::Backoff },
        _ => settled,
    }
}

impl Witness {
    fn reason(self) -> Reason {
        match self {
            Self::FirstRun => Reason::FirstRun,
            Self::OtherBoot => Reason::OtherBoot,
            Self::Unproven => Reason::Unproven,
        }
    }
}

/// The entry to write before a wait that counts from the lock; `None` if the ledger itself proves when the wait began.
///
/// It owes exactly what [`due`] decided, from now on: a run that gives up or dies before it sends anything does not
/// make the next one start to count again.
#[must_use]
pub fn witness(read: &LedgerRead, now: &Now) -> Option<Ledger> {
    // Without a boot identity the next run cannot compare the times.
    let boot = now.boot.as_ref()?;
    let (phase, witness) = match read {
        LedgerRead::Absent if now.assume_idle => return None,
        LedgerRead::Absent => (Phase::Done, Witness::FirstRun),
        LedgerRead::Unreadable => (Phase::Ambiguous, Witness::Unproven),
        LedgerRead::Found(ledger) => match (ledger.is_proven(now), ledger.phase) {
            (true, Phase::Done | Phase::Ambiguous) => return None,
            (false, Phase::Done) if !ledger.is_from(Some(boot)) => match ledger.witness {
                Some(Witness::FirstRun) => (Phase::Done, Witness::FirstRun),
                _ => (Phase::Done, Witness::OtherBoot),
            },
            (true, Phase::Inflight) | (false, _) => (Phase::Ambiguous, Witness::Unproven),
        },
    };
    let mut entry = Ledger::new(phase, now.locked, Some(boot), read.failures());
    entry.witness = Some(witness);
    if let LedgerRead::Found(ledger) = read {
        entry.timed_out = ledger.timed_out;
        entry.not_before = ledger.backoff_end(now).filter(|end| *end > now.locked).map(millis);
        entry.not_before_unix_ms = ledger.not_before_unix_ms;
        entry.backoff_ms = ledger.backoff_length().map(millis);
    }
    Some(entry)
}

/// Whole milliseconds, rounded up: a ledger never claims that something was earlier than it was.
#[must_use]
pub fn millis(time: Duration) -> u64 {
    time.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u64::MAX)
}

/// Whole seconds for messages, rounded up: a wait is never announced as shorter than it is.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
