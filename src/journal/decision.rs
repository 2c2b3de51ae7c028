//! Decides whether the table already holds the records of a report, so that they need not be sent again, and the version
//! of a full load.
//!
//! It believes STATE only if the journal shows that no later emission can have changed the table. It is pure.

use std::fmt::{self, Display, Formatter};

use super::{Journal, Snapshot};
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
}

/// `Ok` if the table holds `today`'s records, else the reason why they must be sent.
pub fn check_unchanged(
    journal: Result<&Journal, FullLoadReason>,
    state: &Checkpoint,
    today: &Snapshot,
) -> Result<(), FullLoadReason> {
    if state.entry.is_none() {
        return Err(FullLoadReason::NoEntryInState);
    }
    let journal = journal?;
    let position = journal.find(state)?;
    let last = &journal.entries[position].snapshot;
    if position + 1 < journal.entries.len() {
        Err(FullLoadReason::LaterEntry)
    } else if !last.has_records_of(today) {
        Err(FullLoadReason::ReportChanged)
    } else if last.fingerprint != today.fingerprint {
        Err(FullLoadReason::FingerprintChanged)
    } else {
        Ok(())
    }
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
        })
    }
}
