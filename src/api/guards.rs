//! The guards of one request: the locks and ledgers of every scope that must allow it.
//!
//! Usually that is the organisation's own scope. A scope of an earlier version joins it until its ledger is taken over;
//! the scope of another organisation joins it if the key was last sent for that one. Locks are taken in the order of
//! their file names, so that two processes never wait for each other.

use std::collections::BTreeSet;

use super::key_record::{KeyRecord, LastUse, is_scope};
use super::ledger::{self, Due, Ledger, LedgerRead, Now, RateLimit};
use super::scope::Identity;
use super::store::{Lock, Store};
use crate::error::Result;

/// One scope: its lock, and its ledger as it was last read or written.
#[derive(Debug)]
pub(super) struct Guard {
    store: Store,
    lock: Lock,
    read: LedgerRead,
}

/// Every scope that must allow the next request.
#[derive(Debug)]
pub(super) struct Guards {
    own: Store,
    scopes: Vec<Guard>,
    key: Option<(KeyRecord, LastUse)>,
    legacy: Option<Store>,
}

/// The scopes whose locks are needed, in the order in which they are taken.
pub(super) fn needed(own: &Store, identity: &Identity) -> BTreeSet<String> {
    let mut scopes = BTreeSet::from([own.scope().to_owned()]);
    if let Some(legacy) = &identity.legacy_scope {
        scopes.extend(own.sibling(legacy).filter(Store::has_ledger).map(|_| legacy.clone()));
    }
    match key_record(own, identity).map(|record| record.read()) {
        Some(LastUse::Scope(scope)) => drop(scopes.insert(scope)),
        Some(LastUse::Unreadable) => scopes.extend(all_scopes(own)),
        Some(LastUse::Unknown) | None => {}
    }
    scopes
}

fn key_record(own: &Store, identity: &Identity) -> Option<KeyRecord> {
    Some(KeyRecord::new(own.folder()?, identity.key.as_deref()?))
}

/// The scopes of all ledgers in the folder.
fn all_scopes(own: &Store) -> impl Iterator<Item = String> {
    let names = own.folder().and_then(|folder| folder.names().ok()).unwrap_or_default();
    names
        .into_iter()
        .filter_map(|name| name.strip_suffix(".json").filter(|scope| is_scope(scope)).map(str::to_owned))
}

impl Guard {
    pub fn new(store: Store, lock: Lock) -> Result<Self> {
        let read = store.read()?;
        Ok(Self { store, lock, read })
    }
}

impl Guards {
    /// Reads key record and ledgers. All locks of [`needed`] are held, unless this is an inspection.
    pub fn new(own: Store, scopes: Vec<Guard>, identity: &Identity) -> Self {
        let key = key_record(&own, identity).map(|record| {
            let last = record.read();
            (record, last)
        });
        let legacy = identity.legacy_scope.as_ref().and_then(|legacy| own.sibling(legacy));
        Self { own, scopes, key, legacy }
    }

    /// Whether the key was last sent for another organisation.
    pub fn key_was_used_elsewhere(&self) -> bool {
        matches!(&self.key, Some((_, LastUse::Scope(scope))) if scope != self.own.scope())
    }

    /// When every ledger allows the next request. With the last one's reason.
    pub fn due(&self, now: &Now, limit: RateLimit) -> Due {
        let dues = self.scopes.iter().map(|guard| ledger::due(&guard.read, now, limit));
        let latest = dues.reduce(|one, other| if other.at > one.at { other } else { one });
        latest.unwrap_or_else(|| ledger::due(&LedgerRead::Unreadable, now, limit))
    }

    /// Records every wait that counts from the lock, so that the next run owes only the rest.
    pub fn write_witnesses(&mut self, now: &Now) -> Result<()> {
        for guard in &mut self.scopes {
            if let Some(witness) = ledger::witness(&guard.read, now) {
                guard.store.write(&witness)?;
                guard.read = LedgerRead::Found(witness);
            }
        }
        Ok(())
    }

    /// Whether every ledger is as it was read or written last, and every lock still excludes others.
    pub fn are_unchanged(&self) -> Result<bool> {
        for guard in &self.scopes {
            if guard.store.read()? != guard.read {
                return Ok(false);
            }
        }
        Ok(self.are_current())
    }

    /// Whether every lock still excludes others: nobody has deleted its file or moved its folder.
    pub fn are_current(&self) -> bool {
        self.scopes.iter().all(|guard| guard.lock.is_current())
    }

    /// Failures of this organisation in a row.
    pub fn failures(&self) -> u32 {
        let legacy = self.legacy.as_ref().map(Store::scope);
        let is_own = |scope| scope == self.own.scope() || Some(scope) == legacy;
        let own = self.scopes.iter().filter(|guard| is_own(guard.store.scope()));
        own.map(|guard| guard.read.failures()).max().unwrap_or(0)
    }

    /// Moves the key record, writes the intent, and takes over the ledger of an earlier version. Returns false if
    /// another process interfered, and then nothing may be sent.
    pub fn write_intent(&self, intent: &Ledger) -> Result<bool> {
        if let Some((record, last)) = &self.key
            && !record.set(last, self.own.scope())?
        {
            return Ok(false);
        }
        // A process of an earlier version that started meanwhile has a ledger whose lock is not ours.
        if let Some(legacy) = &self.legacy
            && !self.scopes.iter().any(|guard| guard.store.scope() == legacy.scope())
            && legacy.has_ledger()
        {
            return Ok(false);
        }
        self.own.write(intent)?;
        if let Some(legacy) = &self.legacy {
            legacy.remove_ledger()?;
        }
        // The checks must follow the writes: a process that takes a new lock file later reads the intent.
        let is_key_ours = self.key.as_ref().is_none_or(|(record, _)| record.is_of(self.own.scope()));
        Ok(is_key_ours && self.are_current())
    }

    /// Records the end of the exchange, unless another process has taken over since the intent: it knows more.
    pub fn write_end(&self, intent: &Ledger, end: &Ledger) -> Result<()> {
        if self.are_current() || self.own.read()? == LedgerRead::Found(intent.clone()) {
            self.own.write(end)?;
        }
        Ok(())
    }
}
