//! The journal lists the emissions of one stream into one destination. With it a run detects that the table may hold
//! records of an emission that STATE does not name.
//!
//! An entry is durable before the first message of its emission, so an emission whose STATE never came back is known
//! too. [`check_unchanged`] and [`check_changes`] are pure; [`Journals`] keeps the files in the state folder. A journal has
//! digests, never a cell.

mod decision;
mod file;
mod pipelines;

use serde::{Deserialize, Serialize};

pub use decision::{FullLoadReason, check_changes, check_unchanged, has_no_changes, next_version};
pub use file::{JournalFile, Journals};
pub use pipelines::AllEntries;

use crate::archive::Ending;
use crate::singer::state::Checkpoint;

/// More entries are written only if no STATE comes back for as many runs; then the oldest are dropped, and a STATE that
/// names one of them leads to a full load.
const MAX_ENTRIES: usize = 1000;

/// The content of a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Journal {
    /// The highest version that was ever given out, in epoch seconds.
    pub highest_version: i64,
    /// The newest emission whose STATE was handed back, and all later ones, in their order.
    pub entries: Vec<Entry>,
}

/// One emission of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Random; STATE names the emission by it.
    pub id: String,
    pub kind: EmissionKind,
    pub version: i64,
    #[serde(flatten)]
    pub snapshot: Snapshot,
    /// When the report was complete, UTC.
    pub completed_at: String,
    /// The rows that were sent as deleted, by the report that they are from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<DeletedRows>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmissionKind {
    /// Every record of the report is sent.
    Full,
    /// Only rows that are new, changed or gone, with the version of the full load before them.
    Changes,
}

/// Deleted rows that an emission sent, as the archive keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeletedRows {
    /// Digest of the stored rows, in hexadecimal.
    pub sha256: String,
    pub rows: u64,
}

/// What decides the records of an emission.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Snapshot {
    /// Digest of the CSV, in hexadecimal.
    pub sha256: String,
    /// Digest of all that shapes the output besides the report, in hexadecimal.
    pub fingerprint: String,
    /// Digest of the records in any order, in hexadecimal; `None` if the order matters.
    pub records_sha256: Option<String>,
}

impl Snapshot {
    /// Whether both have the same records, if their fingerprints are equal.
    fn has_records_of(&self, other: &Self) -> bool {
        self.sha256 == other.sha256
            || self.records_sha256.is_some() && self.records_sha256 == other.records_sha256
    }
}

impl Journal {
    /// The journal with one more entry. Entries before the one that STATE names are dropped: a later STATE was handed
    /// back, so an earlier one leads to a full load.
    #[must_use]
    pub fn with(mut self, entry: Entry, state: &Checkpoint) -> Self {
        let handed_back = self.find(state).unwrap_or(0);
        let excess = (self.entries.len() + 1).saturating_sub(MAX_ENTRIES);
        self.entries.drain(..handed_back.max(excess));
        self.highest_version = self.highest_version.max(entry.version);
        self.entries.push(entry);
        self
    }

    /// The position of the entry that STATE names, if the two agree.
    pub fn find(&self, state: &Checkpoint) -> Result<usize, FullLoadReason> {
        let name = state.entry.as_ref().ok_or(FullLoadReason::NoEntryInState)?;
        let position = self.entries.iter().position(|entry| entry.id == *name);
        let position = position.ok_or(FullLoadReason::UnknownEntry)?;
        if self.entries[position].agrees(state) { Ok(position) } else { Err(FullLoadReason::Disagreement) }
    }
}

impl Entry {
    /// Digest and kind of each archive file that the emission needs: its report, then its deleted rows.
    pub fn archived(&self) -> impl Iterator<Item = (&str, Ending)> {
        let deleted = self.deleted.iter().map(|rows| (rows.sha256.as_str(), Ending::Deleted));
        std::iter::once((self.snapshot.sha256.as_str(), Ending::Archive)).chain(deleted)
    }

    #[must_use]
    pub fn new(kind: EmissionKind, version: i64, snapshot: Snapshot, completed_at: &str) -> Self {
        let id = format!("{:032x}", fastrand::u128(..));
        Self { id, kind, version, snapshot, completed_at: completed_at.to_owned(), deleted: Vec::new() }
    }

    /// Whether STATE says the same of the emission. An earlier version of this program, or a merge of two STATEs, changes
    /// some members only.
    fn agrees(&self, state: &Checkpoint) -> bool {
        let Snapshot { sha256, fingerprint, .. } = &self.snapshot;
        state.version == Some(self.version)
            && state.sha256.as_ref() == Some(sha256)
            && state.fingerprint.as_ref() == Some(fingerprint)
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
