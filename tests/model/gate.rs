//! The gate under test: the real [`due`] behind the model's clock, and the ways to break the gate.
//!
//! The model counts in ticks relative to now. This module converts them to readings of a machine's boot clock.

use std::time::Duration;

use tap_together::api::ledger::{self, Ledger, LedgerRead, Now, Phase, RateLimit};
use tap_together::clock::BootId;

/// A whole number of ticks from now; the past is negative.
pub type Moment = i8;

/// Ticks from the end of a request to the next request.
pub const INTERVAL: Moment = 2;
/// Ticks for which a request without a client may still arrive or be worked on.
pub const GRACE: Moment = 1;
/// Ticks from our own timeout to the next request.
pub const AFTER_TIMEOUT: Moment = INTERVAL + GRACE + 1;
/// Ticks for which the origin may still work on a request after our own timeout.
pub const SLOW: Moment = AFTER_TIMEOUT - INTERVAL;
/// Older moments have the same effect, so all of them are this one.
pub const LONG_AGO: Moment = -(AFTER_TIMEOUT + 1);

/// A gate that breaks one rule. The doc of each mutant is the rule that it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The phase *inflight* is written before the request is sent.
    NoIntent,
    /// After an *inflight* of a process that died, the wait counts from the moment of our lock, not from the entry's time.
    IntentByItsOwnTime,
    /// Only the holder of the lock sends.
    NoLock,
    /// The ledger is read under the lock.
    ReadBeforeLock,
    /// The lock is held until the response has ended.
    UnlockBeforeEnd,
    /// After a timeout the wait counts from the moment when the tap gave up.
    TimeOutFromSend,
    /// The boot clock decides, not the wall clock.
    WallClock,
    /// If the ledger is missing, another program may just have sent a request.
    MissingIsFree,
    /// A time of another boot or machine proves nothing.
    AnyBootTrusted,
    /// The folder is fsynced after the rename, so that a power cut does not bring an older ledger back.
    FolderNotFlushed,
    /// No request is sent under the lock of a file that was deleted.
    DeletedLockTrusted,
    /// No request is sent under the lock of a folder that was moved.
    MovedFolderTrusted,
    /// The end is not recorded over the entry of a process that has taken the lock in the meantime.
    EndOverwritesSuccessor,
    /// After our own timeout the next request waits longer than after a broken connection.
    TimeOutIsBroken,
    /// The response of a gateway that gave up on the origin is ambiguous.
    GatewayAnswerIsClean,
    /// The witness of an unproven end keeps the grace.
    WitnessWithoutGrace,
}

impl Mutant {
    pub const ALL: [Self; 16] = [
        Self::NoIntent,
        Self::IntentByItsOwnTime,
        Self::NoLock,
        Self::ReadBeforeLock,
        Self::UnlockBeforeEnd,
        Self::TimeOutFromSend,
        Self::WallClock,
        Self::MissingIsFree,
        Self::AnyBootTrusted,
        Self::FolderNotFlushed,
        Self::DeletedLockTrusted,
        Self::MovedFolderTrusted,
        Self::EndOverwritesSuccessor,
        Self::TimeOutIsBroken,
        Self::GatewayAnswerIsClean,
        Self::WitnessWithoutGrace,
    ];
}

/// The boot whose clock a ledger's time was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Boot {
    /// The current boot of this machine.
    Of(u8),
    /// A boot that is over.
    Past,
}

impl Boot {
    fn id(self) -> BootId {
        BootId { boot_id: format!("{self:?}"), time_ns: 1 }
    }

    /// The boot clock now, in seconds. Each boot has another value, so that a comparison between two boots gives a wrong
    /// result, which the model finds.
    fn clock(self) -> i16 {
        match self {
            Self::Of(0) => 100,
            Self::Of(_) => 60,
            Self::Past => 200,
        }
    }

    fn at(self, moment: Moment) -> Duration {
        Duration::from_secs(u64::try_from(self.clock() + i16::from(moment)).unwrap())
    }
}

/// The content of the ledger's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum File {
    Absent,
    /// Bytes that are not a ledger.
    Garbage,
    Entry {
        phase: Stage,
        began: Moment,
        boot: Boot,
    },
}

/// The ledger's phases, in a form that can be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    Inflight,
    Done,
    Ambiguous,
    TimedOut,
}

impl File {
    fn reading(self, mutant: Option<Mutant>, reader: Boot) -> LedgerRead {
        match self {
            Self::Absent => LedgerRead::Absent,
            Self::Garbage => Ledger::parse(b"garbage"),
            Self::Entry { phase: stage, began, boot } => {
                let phase = match stage {
                    Stage::Inflight if mutant == Some(Mutant::IntentByItsOwnTime) => Phase::Ambiguous,
                    Stage::Inflight => Phase::Inflight,
                    Stage::Done => Phase::Done,
                    Stage::Ambiguous | Stage::TimedOut => Phase::Ambiguous,
                };
                let written_in = if mutant == Some(Mutant::AnyBootTrusted) { reader } else { boot };
                let mut written = Ledger::new(phase, boot.at(began), Some(&written_in.id()), 0);
                written.timed_out = stage == Stage::TimedOut;
                // Serialise and parse, because the real decision reads the file.
                Ledger::parse(&serde_json::to_vec(&written).unwrap())
            }
        }
    }

    /// The real decision of a reader that has just locked and read: the wait in ticks, and the witness to write.
    pub fn decide(self, mutant: Option<Mutant>, reader: Boot) -> (Moment, Option<Self>) {
        let now = Now {
            locked: reader.at(0),
            unix_ms: 0,
            boot: Some(reader.id()),
            assume_idle: mutant == Some(Mutant::MissingIsFree),
        };
        let ticks = |ticks: Moment| Duration::from_secs(ticks.unsigned_abs().into());
        let rate_limit =
            RateLimit { interval: ticks(INTERVAL), grace: ticks(GRACE), after_timeout: ticks(AFTER_TIMEOUT) };
        let read = self.reading(mutant, reader);
        let due = ledger::due(&read, &now, rate_limit);
        let other_clock = Now { unix_ms: 3_600_000, ..now.clone() };
        assert_eq!(
            due,
            ledger::due(&read, &other_clock, rate_limit),
            "the wall clock does not change the decision"
        );
        let wait = due.at.saturating_sub(now.locked);
        assert_eq!(wait.subsec_nanos(), 0, "the model's ticks are whole");
        let witness = ledger::witness(&read, &now).map(|entry| {
            let phase = match entry.phase {
                _ if mutant == Some(Mutant::WitnessWithoutGrace) => Stage::Done,
                Phase::Ambiguous if entry.timed_out => Stage::TimedOut,
                Phase::Ambiguous => Stage::Ambiguous,
                Phase::Done => Stage::Done,
                Phase::Inflight => Stage::Inflight,
            };
            Self::Entry { phase, began: 0, boot: reader }
        });
        (Moment::try_from(wait.as_secs()).unwrap(), witness)
    }
}
