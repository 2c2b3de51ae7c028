//! The gate: the only way to the API. It keeps the rate limit across all processes that share the state folder.
//!
//! A [`Permit`] is exclusive (a kernel lock on the lock file) and is handed out only when [`ledger::due`] allows it.
//! The ledger says *inflight* before the permit is handed out; if that cannot be written, nothing is sent.
//! The interval counts from the moment when the permit is closed, after the last byte of the answer. A permit that is
//! dropped unclosed records *ambiguous*; a killed process leaves *inflight*. Both cost the next request a grace.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use super::guards::{Guard, Guards, needed};
use super::ledger::{self, Due, Ledger, LedgerRead, Now, Phase, RateLimit, Reason};
use super::scope::Identity;
use super::store::{Lock, Store};
use crate::clock::{self, BootId};
use crate::error::{Error, Exit, Result};
use crate::telemetry::{Progress, Telemetry, Warning};

/// How often a lock held by another process is tried again.
const LOCK_POLL: Duration = Duration::from_millis(200);
/// Timers do not advance while the machine sleeps, so the clock is read again at least this often.
const MAX_SLEEP: Duration = Duration::from_secs(1);

/// The ledger rounds the end of an exchange up to whole milliseconds.
const ROUNDING: Duration = Duration::from_millis(1);
const STARTING_OVER: &str =
    "the lock file, a ledger, the key record or the state folder changed meanwhile; starting over";
/// Why the gate starts over.
const UNVERIFIED: &str = "its file or its folder changes all the time";

/// The gate to one API and organisation.
pub struct Gate {
    store: Store,
    identity: Identity,
    rate_limit: RateLimit,
    max_wait: Duration,
    assume_idle: bool,
    /// The end of the last own exchange. It holds even if the ledger is deleted or its folder moved.
    own_end: RefCell<Option<Ledger>>,
    boot: Option<BootId>,
    has_warned_of_key: Cell<bool>,
}

/// The right to send one request, now.
pub struct Permit<'a> {
    gate: &'a Gate,
    guards: Guards,
    intent: Ledger,
    /// What the answer's `Retry-After` asks for, before the permit is closed.
    asked: Cell<Option<Duration>>,
    is_closed: bool,
}

/// What a caller of [`Gate::enter`] would meet now.
#[derive(Clone, Copy, Debug)]
pub enum GateStatus {
    /// Another process holds the lock.
    Held {
        /// Its process id, where the system shows it.
        pid: Option<u32>,
    },
    /// The lock is free.
    Free {
        /// Until the next request.
        wait: Duration,
        reason: Reason,
        /// Failed requests in a row.
        failures: u32,
    },
}

/// How an exchange ended, as far as the rate limit is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The response was read to its end, or nothing was sent.
    Clean,
    /// The connection broke, or the response says that a gateway gave up. The API may still work on the request.
    Ambiguous,
    /// Our own timeout. The API may work on the request for a long time.
    TimedOut,
}

impl Gate {
    /// A gate that remembers the last request in `store`.
    #[must_use]
    pub fn new(
        store: Store,
        identity: Identity,
        rate_limit: RateLimit,
        max_wait: Duration,
        assume_idle: bool,
    ) -> Self {
        let boot = Some(BootId::current().unwrap_or_else(BootId::of_process));
        let has_warned_of_key = Cell::new(false);
        let own_end = RefCell::default();
        Self { store, identity, rate_limit, max_wait, assume_idle, own_end, boot, has_warned_of_key }
    }

    /// Waits for the lock and for the rate limit, writes the intent, and hands out the permit.
    ///
    /// Starts over if the lock file is deleted, the state folder moved, a ledger or the key record changed meanwhile: then
    /// the lock may protect nothing, because another process may hold the one that is now at the path.
    pub async fn enter(&self, telemetry: &Telemetry) -> Result<Permit<'_>> {
        let asked = clock::now();
        loop {
            let mut guards = self.lock(asked, telemetry).await?;
            if self.wait_until_due(&mut guards, telemetry).await? {
                let now = clock::now();
                let intent = Ledger::new(Phase::Inflight, now, self.boot.as_ref(), guards.failures());
                if guards.write_intent(&intent).map_err(unsent)? {
                    return Ok(Permit {
                        gate: self,
                        guards,
                        intent,
                        asked: Cell::default(),
                        is_closed: false,
                    });
                }
            }
            drop(guards);
            telemetry.info(STARTING_OVER);
            self.pause(asked, UNVERIFIED).await?;
        }
    }

    /// The longest wait that is not refused. The plain interval never is: it exceeds the configured one by a sixtieth,
    /// which `max_wait_seconds` may be equal to.
    #[must_use]
    pub fn longest_wait(&self, reason: Reason) -> Duration {
        match reason {
            Reason::Interval | Reason::FirstRun | Reason::OtherBoot => {
                self.max_wait.max(self.rate_limit.interval.saturating_add(ROUNDING))
            }
            Reason::Idle | Reason::Backoff | Reason::Ambiguous | Reason::TimedOut | Reason::Unproven => {
                self.max_wait
            }
        }
    }

    /// What [`Self::enter`] would meet, without waiting and without writing anything.
    pub fn status(&self) -> Result<GateStatus> {
        let mut guards = Vec::new();
        for scope in needed(&self.store, &self.identity) {
            let store = self.store.sibling(&scope).unwrap_or_else(|| self.store.clone());
            match store.peek()? {
                Lock::Held { pid } => return Ok(GateStatus::Held { pid }),
                // Held to the end of this function, because only the lock's owner can trust the ledger.
                lock @ Lock::Ours(_) => guards.push(Guard::new(store, lock)?),
            }
        }
        let guards = Guards::new(self.store.clone(), guards, &self.identity);
        let now = self.present();
        let due = self.due(&guards, &now);
        let wait = due.at.saturating_sub(now.locked);
        Ok(GateStatus::Free { wait, reason: due.reason, failures: guards.failures() })
    }

    /// The file that remembers the last request; `None` for a gate in memory.
    #[must_use]
    pub fn ledger_path(&self) -> Option<std::path::PathBuf> {
        self.store.ledger_path()
    }

    fn present(&self) -> Now {
        Now {
            locked: clock::now(),
            unix_ms: clock::wall().timestamp_millis(),
            boot: self.boot.clone(),
            // After the first own request the API is not idle.
            assume_idle: self.assume_idle && self.own_end.borrow().is_none(),
        }
    }

    /// When every ledger and the last own exchange allow the next request.
    fn due(&self, guards: &Guards, now: &Now) -> Due {
        let due = guards.due(now, self.rate_limit);
        let own = self.own_end.borrow().clone();
        let own = own.map(|end| ledger::due(&LedgerRead::Found(end), now, self.rate_limit));
        own.filter(|own| own.at > due.at).unwrap_or(due)
    }

    /// Takes the lock of every scope that must allow the request, in the order of their file names.
    async fn lock(&self, asked: Duration, telemetry: &Telemetry) -> Result<Guards> {
        let mut scopes = BTreeSet::new();
        loop {
            let own = self.store.reopened().map_err(unsent)?;
            scopes.extend(needed(&own, &self.identity));
            let mut guards = Vec::new();
            for scope in &scopes {
                let store = own.sibling(scope).unwrap_or_else(|| own.clone());
                let lock = self.lock_one(&store, asked, telemetry).await?;
                guards.push(Guard::new(store, lock).map_err(unsent)?);
            }
            // The record of the key may have moved while we waited for the locks.
            let guards = Guards::new(own.clone(), guards, &self.identity);
            if !needed(&own, &self.identity).is_subset(&scopes) || !guards.are_current() {
                drop(guards);
                self.pause(asked, UNVERIFIED).await?;
                continue;
            }
            if guards.key_was_used_elsewhere() && !self.has_warned_of_key.replace(true) {
                telemetry.warn(&Warning::KeyOfAnotherOrganization);
            }
            return Ok(guards);
        }
    }

    /// Sleeps before the gate decides again, or ends the run if it has done so for `max_wait_seconds`.
    async fn pause(&self, asked: Duration, cause: &str) -> Result<()> {
        if clock::now().saturating_sub(asked) >= self.max_wait {
            let message = format!("cannot verify the lock {}: {cause}, so nothing was sent", self.store);
            return Err(Error::new(Exit::Busy, message)
                .hint("set `state_dir` to a folder on a local disk that no other program changes"));
        }
        tokio::time::sleep(LOCK_POLL).await;
        Ok(())
    }

    async fn lock_one(&self, store: &Store, asked: Duration, telemetry: &Telemetry) -> Result<Lock> {
        let mut lock = store.try_lock().map_err(unsent)?;
        if let Lock::Held { pid } = lock {
            let holder = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
            telemetry.info(&format!(
                "waiting for {holder}, which holds {store}; do not delete this file: it protects the API key"
            ));
            telemetry.progress(Progress::Locked);
        }
        loop {
            if let Lock::Ours(_) = lock {
                return Ok(lock);
            }
            if clock::now().saturating_sub(asked) >= self.max_wait {
                let message = format!("another process has held {store} for {} s", self.max_wait.as_secs());
                return Err(
                    Error::new(Exit::Busy, message).hint("let it finish, or raise `max_wait_seconds`")
                );
            }
            tokio::time::sleep(LOCK_POLL).await;
            lock = store.try_lock().map_err(unsent)?;
        }
    }

    /// Waits until every ledger allows the request. Returns false if a lock or a ledger changed: then this process may
    /// have lost the lock, must not write to the ledger, and decides again under a new lock.
    async fn wait_until_due(&self, guards: &mut Guards, telemetry: &Telemetry) -> Result<bool> {
        let now = self.present();
        let due = self.due(guards, &now);
        if !guards.are_unchanged().map_err(unsent)? {
            return Ok(false);
        }
        guards.write_witnesses(&now).map_err(unsent)?;
        self.wait(due, now.locked, telemetry).await?;
        guards.are_unchanged().map_err(unsent)
    }

    async fn wait(&self, due: Due, locked: Duration, telemetry: &Telemetry) -> Result<()> {
        let whole = due.at.saturating_sub(locked);
        if whole > self.longest_wait(due.reason) {
            let message = format!(
                "the next request is allowed in {} s ({}), and `max_wait_seconds` is {}",
                ledger::whole_seconds(whole),
                due.reason,
                self.max_wait.as_secs()
            );
            let hint = match self.store.ledger_path() {
                Some(path) => format!(
                    "run again then; `{}` remembers it, and the next run waits only for the rest; if each run has a new boot id, set `max_wait_seconds` to at least {}",
                    path.display(),
                    ledger::whole_seconds(whole)
                ),
                None => "raise `max_wait_seconds`".to_owned(),
            };
            return Err(Error::new(Exit::Busy, message).hint(hint));
        }
        if is_worth_a_line(whole, due.reason) {
            let seconds = whole.as_secs_f64();
            let line = format!("waiting {seconds:.1} s before the next request: {}", due.reason);
            telemetry.info_once(due.reason.label(), &line);
        }
        if !whole.is_zero() {
            telemetry.progress(Progress::Wait { until: due.at, reason: due.reason.label() });
        }
        loop {
            let left = due.at.saturating_sub(clock::now());
            if left.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(left.min(MAX_SLEEP)).await;
        }
    }
}

/// Whether a wait is logged: short ones are routine, but a backoff follows a failure.
fn is_worth_a_line(wait: Duration, reason: Reason) -> bool {
    wait > MAX_SLEEP || reason == Reason::Backoff
}

fn unsent(error: Error) -> Error {
    Error { message: format!("{}, so nothing was sent", error.message), ..error }
}

impl Permit<'_> {
    /// Failures in a row before this exchange.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.intent.failures
    }

    /// Notes what the API asked for, in case the permit is dropped before the answer has ended.
    pub fn note(&self, asked: Option<Duration>) {
        self.asked.set(asked);
    }

    /// The exchange succeeded: the next request may follow after the interval, or after what the API asked for.
    pub fn succeed(mut self, asked: Option<Duration>) -> Result<()> {
        self.close(Ending::Clean, 0, asked)
    }

    /// The exchange failed: the next request waits for the backoff too, in this run or another.
    pub fn fail(mut self, ending: Ending, backoff: Option<Duration>) -> Result<()> {
        let failures = self.failures().saturating_add(1);
        self.close(ending, failures, backoff)
    }

    fn close(&mut self, ending: Ending, failures: u32, backoff: Option<Duration>) -> Result<()> {
        self.is_closed = true;
        let now = clock::now();
        let entry = |phase| Ledger::new(phase, now, self.gate.boot.as_ref(), failures);
        let (entry, backoff) = match ending {
            Ending::Clean => (entry(Phase::Done), backoff),
            Ending::Ambiguous => (entry(Phase::Ambiguous), backoff),
            Ending::TimedOut => {
                let entry = Ledger { timed_out: true, ..entry(Phase::Ambiguous) };
                // The field is unknown to earlier versions; they obey the backoff.
                (entry, backoff.max(Some(self.gate.rate_limit.after_timeout)))
            }
        };
        let entry = match backoff {
            Some(backoff) => entry.with_backoff(now, clock::wall().timestamp_millis(), backoff),
            None => entry,
        };
        self.gate.own_end.replace(Some(entry.clone()));
        self.guards.write_end(&self.intent, &entry)
    }
}

impl Drop for Permit<'_> {
    /// A signal ends the run in flight. If the write fails the ledger says *inflight*, which costs no less.
    fn drop(&mut self) {
        if !self.is_closed {
            let _ = self.close(Ending::Ambiguous, self.failures(), self.asked.get());
        }
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
