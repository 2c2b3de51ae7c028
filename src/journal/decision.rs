//! Decides whether a report must be sent: not at all, only the rows that changed, or in full with a new version.
//!
//! STATE is trusted only if the journal has its entry, and only as far as the entries after it allow. It is pure.

use std::fmt::{self, Display, Formatter};

use super::{Entry, Journal, Snapshot};
use crate::singer::state::Checkpoint;

/// Why all records of a report are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullLoadReason {
    /// No STATE, a full refresh, or a STATE of a run without a journal.
    NoEntryInState,
    NoJournal,
    UnreadableJournal,
    /// The journal is not the file that the tap wrote, so later entries may be missing.
    CopiedJournal,
    UnknownEntry,
    Disagreement,
    /// The STATE of a later emission never came back, or an older STATE was given.
    LaterEntry,
    ReportChanged,
    FingerprintChanged,
    /// An emission after the one that STATE names was a full load.
    LaterFullLoad,
    /// The archive cannot give a report or deleted rows that may be in the table.
    NotArchived,
    /// The setting `full_every`.
    Due,
}

/// `Ok` if the table holds `today`'s records, else the reason why they must be sent.
pub fn check_unchanged(
    journal: Result<&Journal, FullLoadReason>,
    state: &Checkpoint,
    today: &Snapshot,
) -> Result<(), FullLoadReason> {
    let entries = entries_since(journal, state)?;
    let last = &entries[0].snapshot;
    if entries.len() > 1 {
        Err(FullLoadReason::LaterEntry)
    } else if !last.has_records_of(today) {
        Err(FullLoadReason::ReportChanged)
    } else if last.fingerprint != today.fingerprint {
        Err(FullLoadReason::FingerprintChanged)
    } else {
        Ok(())
    }
}

/// The emissions whose rows may be in the table, the one that STATE names first: then only the rows that differ from them
/// must be sent. Else the reason why all must. `is_kept` tells whether the archive has the rows of an entry.
pub fn check_changes<'j>(
    journal: Result<&'j Journal, FullLoadReason>,
    state: &Checkpoint,
    fingerprint: &str,
    is_kept: impl Fn(&Entry) -> bool,
) -> Result<&'j [Entry], FullLoadReason> {
    let entries = entries_since(journal, state)?;
    let version = entries[0].version;
    if entries[0].snapshot.fingerprint != fingerprint {
        Err(FullLoadReason::FingerprintChanged)
    } else if entries.iter().any(|entry| entry.version != version) {
        Err(FullLoadReason::LaterFullLoad)
    } else if !entries.iter().all(is_kept) {
        Err(FullLoadReason::NotArchived)
    } else {
        Ok(entries)
    }
}

/// The entries from the one that STATE names on. A STATE that names none is reported before a missing journal.
fn entries_since<'j>(
    journal: Result<&'j Journal, FullLoadReason>,
    state: &Checkpoint,
) -> Result<&'j [Entry], FullLoadReason> {
    if state.entry.is_none() {
        return Err(FullLoadReason::NoEntryInState);
    }
    let journal = journal?;
    Ok(&journal.entries[journal.find(state)?..])
}

/// Whether there is nothing to send: no emission can have followed the one that STATE names, and it was the same report.
#[must_use]
pub fn has_no_changes(in_table: &[Entry], sha256: &str) -> bool {
    matches!(in_table, [last] if last.snapshot.sha256 == sha256)
}

/// A version for a full load: greater than every version that was ever given out, whatever the clock says. `last` is the
/// highest that STATE and the columns in the state folder know.
#[must_use]
pub fn next_version(now: i64, last: i64, journal: Option<&Journal>) -> i64 {
    let highest = journal.map_or(last, |journal| journal.highest_version.max(last));
    now.max(highest.saturating_add(1))
}

impl Display for FullLoadReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEntryInState => "STATE names no entry of the journal",
            Self::NoJournal => "the state folder has no journal of the stream",
            Self::UnreadableJournal => "its journal cannot be read",
            Self::CopiedJournal => "its journal is a copy, which may lack later entries",
            Self::UnknownEntry => "its journal does not have the entry that STATE names",
            Self::Disagreement => {
                "STATE and its journal disagree on the version, the report or the fingerprint"
            }
            Self::LaterEntry => "its journal has a later entry than the one that STATE names",
            Self::ReportChanged => "the report changed",
            Self::FingerprintChanged => {
                "its columns, types, key, masks, settings or the version of the tap changed"
            }
            Self::LaterFullLoad => "its journal has a full load after the entry that STATE names",
            Self::NotArchived => "the archive lacks a report that is needed, or cannot read it",
            Self::Due => "the last full load is older than `full_every` allows",
        })
    }
}
