//! The events in the model of the change feed, and the rules that one of them can lack.

use super::targets::Report;

/// A rule of the change feed. The doc of each is the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Every entry after the one that STATE names may be in the table.
    LaterEntries,
    /// A full load after the entry that STATE names leads to a full load.
    LaterFullLoad,
    /// STATE's entry is in the journal.
    KnownEntry,
    /// STATE and its entry agree on version, digest and fingerprint.
    Agreement,
    /// Today's fingerprint is the one of STATE's entry.
    SameFingerprint,
    /// The report of each entry that may be in the table is in the archive.
    EveryReportArchived,
    /// There is nothing to say only if no entry follows the one that STATE names,
    NothingAfterLastEntry,
    /// and if the report is the same.
    NothingIfSameReport,
    /// Changed rows have the version of the full load before them.
    ConstantVersion,
    /// Deleted rows have a version that is lower by one.
    LowerVersionOfDeletedRows,
    /// A full load sends the rows as deleted that kept reports have and the new one lacks.
    DeletedRowsInFullLoad,
    /// Records of rows that are not deleted have `_sdc_deleted_at: null`.
    NullInRecords,
    /// An entry keeps the rows that it sent as deleted.
    RememberDeletedRows,
    /// The archive keeps each report that a journal still needs.
    Retention,
    /// The report is in the archive before the first record.
    ArchiveFirst,
    /// The entry is durable before the first record.
    EntryFirst,
    /// If archive or journal cannot be written, nothing is emitted.
    NothingUnrecorded,
    /// A snapshot run writes an entry too.
    RecordSnapshots,
    /// A bookmark that moved before the last STATE is never the base of changes.
    DeferralInFingerprint,
    /// The bookmark moves in the last STATE of a run only.
    LastStateOnly,
    /// Each pipeline has its own journal.
    JournalPerPipeline,
    /// A copy of the journal is not believed.
    OriginalFile,
    /// The version of a full load is greater than every one in the journal.
    HighestVersion,
    /// The version of a full load is greater than the one in STATE.
    VersionOfState,
    /// One run at a time reads and writes the journal.
    Lock,
    /// No other run drops reports from the archive between the report of a run and its entry.
    ArchiveLock,
}

impl Rule {
    pub const ALL: [Self; 26] = [
        Self::LaterEntries,
        Self::LaterFullLoad,
        Self::KnownEntry,
        Self::Agreement,
        Self::SameFingerprint,
        Self::EveryReportArchived,
        Self::NothingAfterLastEntry,
        Self::NothingIfSameReport,
        Self::ConstantVersion,
        Self::LowerVersionOfDeletedRows,
        Self::DeletedRowsInFullLoad,
        Self::NullInRecords,
        Self::RememberDeletedRows,
        Self::Retention,
        Self::ArchiveFirst,
        Self::EntryFirst,
        Self::NothingUnrecorded,
        Self::RecordSnapshots,
        Self::DeferralInFingerprint,
        Self::LastStateOnly,
        Self::JournalPerPipeline,
        Self::OriginalFile,
        Self::HighestVersion,
        Self::VersionOfState,
        Self::Lock,
        Self::ArchiveLock,
    ];
}

/// The STATE that a run is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    Kept,
    Missing,
    /// The first or the second one that was ever kept.
    Older(usize),
    OfTheOther,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Changes,
    /// With settings that give each row another value.
    OtherSettings,
    /// `full_every` asks for a full load.
    Due,
    UnwritableArchive,
    UnwritableJournal,
    /// The journal was read before the last run wrote it.
    Overlapping,
    /// Another run drops from the archive what no journal needs, before this run writes its entry.
    PrunedByAnother,
    /// With `replication: snapshot`.
    Snapshot,
    /// The same with `skip_unchanged`.
    SkipSnapshot,
}

impl Mode {
    pub fn sends_changes(self) -> bool {
        !matches!(self, Self::Snapshot | Self::SkipSnapshot)
    }
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Confirmed,
    /// The report is in the archive, and nothing else was done.
    KilledBeforeEntry,
    /// This many messages are in the table, and the STATE does not come back.
    Killed(usize),
    /// The same, but the target has printed a STATE that is not the last.
    EarlyState(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    LoseJournal,
    LoseArchive,
    LoseOldestReport,
    LoseNewestReport,
    LoseDeletedRows,
    /// The journal is replaced by a copy from before the last run.
    RestoreJournal,
    SetClockBack,
    /// A version of the tap without journals loads a report with the first row; Meltano merges its STATE.
    EarlierVersion,
    DropTable,
    /// As after the first run whose STATE was kept.
    RestoreTableAndState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Run { pipeline: usize, given: Given, mode: Mode, report: Report, end: End },
    Fault(Fault),
}
