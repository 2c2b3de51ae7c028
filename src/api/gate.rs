//! The gate: the only way to the API, and the reason why it is never asked too often.
//!
//! A [`Permit`] is exclusive among all processes that share the state folder (a kernel lock) and is handed out
//! only when [`ledger::due`] says so. Before it is handed out the ledger says *inflight*;
//! if that cannot be written there is no permit. The interval counts from [`Permit::close`], which is called
//! after the last byte; a permit that is dropped unclosed leaves *inflight* behind, which costs the next one a grace.

use std::time::Duration;

use super::ledger::{self, Due, Ledger, Now, Phase, RateLimit, Reason};
use super::store::{Lock, Store};
use crate::clock::{self, BootId};
use crate::error::{Error, Exit, Result};
use crate::telemetry::Telemetry;

/// How often a lock held by another process is tried again.
const LOCK_POLL: Duration = Duration::from_millis(200);
/// A sleeping machine does not advance timers, so the clock is read again at least this often.
const MAX_SLEEP: Duration = Duration::from_secs(1);

/// The gate to one API and organisation.
pub struct Gate {
    store: Store,
    rate_limit: RateLimit,
    max_wait: Duration,
    assume_idle: bool,
    boot: Option<BootId>,
}

/// The right to send one request, now.
pub struct Permit<'a> {
    gate: &'a Gate,
    failures: u32,
    _lock: Lock,
}

/// What whoever asks for a permit now would meet.
#[derive(Clone, Copy, Debug)]
pub enum GateStatus {
    /// Another process has the lock.
    Held,
    /// The lock is free.
    Free {
        /// Until the next request.
        wait: Duration,
        /// Why so long.
        reason: Reason,
        /// Failed requests in a row.
        failures: u32,
    },
}

/// How an exchange ended, as far as the gate cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The answer was read to its end, or nothing was ever sent.
    Clean,
    /// We gave up, or the connection broke.
    Ambiguous,
}

impl Gate {
    /// A gate with the given memory.
    #[must_use]
    pub fn new(store: Store, rate_limit: RateLimit, max_wait: Duration, assume_idle: bool) -> Self {
        Self { store, rate_limit, max_wait, assume_idle, boot: BootId::current() }
    }

    /// Waits for the lock and for the time, then writes the intent and hands out the permit.
    pub async fn enter(&self, telemetry: &Telemetry) -> Result<Permit<'_>> {
        let asked = clock::now();
        let lock = self.lock(asked, telemetry).await?;
        let reading = self.store.read();
        let present = self.present();
        let due = ledger::due(&reading, &present, self.rate_limit);
        self.wait(due, present.locked, telemetry).await?;
        let failures = reading.failures();
        let intent = Ledger::new(Phase::Inflight, clock::now(), self.boot.as_ref(), failures);
        self.store.write(&intent).map_err(unsent)?;
        Ok(Permit { gate: self, failures, _lock: lock })
    }

    /// What [`Self::enter`] would meet, without waiting, and without a trace on the disk.
    pub fn status(&self) -> Result<GateStatus> {
        // Held to the end of this function, because only the lock's owner can believe the ledger.
        let _lock = match self.store.peek()? {
            Lock::Held { .. } => return Ok(GateStatus::Held),
            lock @ Lock::Ours(_) => lock,
        };
        let reading = self.store.read();
        let present = self.present();
        let due = ledger::due(&reading, &present, self.rate_limit);
        let wait = due.at.saturating_sub(present.locked);
        Ok(GateStatus::Free { wait, reason: due.reason, failures: reading.failures() })
    }

    fn present(&self) -> Now {
        Now {
            locked: clock::now(),
            unix_ms: clock::wall().timestamp_millis(),
            boot: self.boot.clone(),
            assume_idle: self.assume_idle,
        }
    }

    async fn lock(&self, asked: Duration, telemetry: &Telemetry) -> Result<Lock> {
        let mut lock = self.store.try_lock().map_err(unsent)?;
        if let Lock::Held { .. } = lock {
            telemetry.info(&format!("waiting for another process that holds {}", self.store));
        }
        loop {
            if let Lock::Ours(_) = lock {
                return Ok(lock);
            }
            if clock::now().saturating_sub(asked) >= self.max_wait {
                let message =
                    format!("another process has held {} for {} s", self.store, self.max_wait.as_secs());
                return Err(
                    Error::new(Exit::Busy, message).hint("let it finish, or raise `max_wait_seconds`")
                );
            }
            tokio::time::sleep(LOCK_POLL).await;
            lock = self.store.try_lock().map_err(unsent)?;
        }
    }

    async fn wait(&self, due: Due, locked: Duration, telemetry: &Telemetry) -> Result<()> {
        let whole = due.at.saturating_sub(locked);
        if whole > self.max_wait {
            let message = format!(
                "the next request is allowed in {} s ({}), and `max_wait_seconds` is {}",
                ledger::whole_seconds(whole),
                due.reason,
                self.max_wait.as_secs()
            );
            let hint = format!("run again then; {} remembers it", self.store);
            return Err(Error::new(Exit::Busy, message).hint(hint));
        }
        if is_worth_a_line(whole, due.reason) {
            telemetry.info(&format!(
                "waiting {:.1} s before the next request: {}",
                whole.as_secs_f64(),
                due.reason
            ));
        }
        loop {
            let left = due.at.saturating_sub(clock::now());
            if left.is_zero() {
                telemetry.progress_clear();
                return Ok(());
            }
            telemetry.progress(&format!("next request in {} s: {}", left.as_secs() + 1, due.reason));
            tokio::time::sleep(left.min(MAX_SLEEP)).await;
        }
    }
}

/// Whether a wait is told: short ones are routine, but a back-off says that something failed.
fn is_worth_a_line(wait: Duration, reason: Reason) -> bool {
    wait > MAX_SLEEP || reason == Reason::BackOff
}

/// Without a permit there is no request, and the operator should know.
fn unsent(error: Error) -> Error {
    Error { message: format!("{}, so nothing was sent", error.message), ..error }
}

impl Permit<'_> {
    /// Failures in a row before this exchange.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The exchange succeeded: the next request may follow after the interval.
    pub fn succeed(self) -> Result<()> {
        self.close(Ending::Clean, 0, None)
    }

    /// The exchange failed: the next request waits for the back-off as well, in this run or another.
    pub fn fail(self, ending: Ending, back_off: Option<Duration>) -> Result<()> {
        let failures = self.failures.saturating_add(1);
        self.close(ending, failures, back_off)
    }

    fn close(self, ending: Ending, failures: u32, back_off: Option<Duration>) -> Result<()> {
        let phase = match ending {
            Ending::Clean => Phase::Done,
            Ending::Ambiguous => Phase::Ambiguous,
        };
        let now = clock::now();
        let mut entry = Ledger::new(phase, now, self.gate.boot.as_ref(), failures);
        if let Some(back_off) = back_off {
            let wall = clock::wall().timestamp_millis();
            let added = i64::try_from(ledger::millis(back_off)).unwrap_or(i64::MAX);
            entry.not_before = Some(ledger::millis(now.saturating_add(back_off)));
            entry.not_before_unix_ms = Some(wall.saturating_add(added));
        }
        self.gate.store.write(&entry)
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
