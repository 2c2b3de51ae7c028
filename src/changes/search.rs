//! Finds the rows of a stream that a run sends.
//!
//! Only what may be in the table is compared: the report that STATE names, and the reports and deleted rows of all later
//! emissions. If that is not known, all rows are sent, and every row that the journal's emissions had and the new report
//! lacks is sent as deleted: some targets never delete a row otherwise.

use std::io::{self, BufRead, BufReader};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::change_set::{ChangeSet, Load};
use super::comparison::{Comparison, RowDigests};
use super::deleted::{DeletedSpool, Source};
use super::earlier::{Positions, StoredRows, Today};
use super::limits::RecordLimits;
use crate::archive::{Archive, Ending, EntryError};
use crate::job::RowLoss;
use crate::journal::{Entry, FullLoadReason, Journal, Snapshot, check_changes, has_no_changes};
use crate::report::spool::Report;
use crate::singer::state::Checkpoint;
use crate::telemetry::{Telemetry, Warning};

/// Bytes of one read of the new report.
const CHUNK: usize = 256 * 1024;
/// From this number of emissions without a STATE on, a warning says what they cost.
const MANY_UNCONFIRMED: usize = 10;

/// What is known before any row is compared.
pub struct Search<'a> {
    pub stream: &'a str,
    pub today: Today<'a>,
    pub snapshot: &'a Snapshot,
    pub journal: Result<&'a Journal, FullLoadReason>,
    /// What STATE says of the stream.
    pub state: &'a Checkpoint,
    pub archive: &'a Archive,
    /// The age of a full load at which the next one is due.
    pub full_every: Option<Duration>,
    pub now: DateTime<Utc>,
    /// The version of a full load.
    pub next_version: i64,
    pub max_message_bytes: u64,
    pub telemetry: &'a Telemetry,
}

/// Why a comparison ends.
enum Failure {
    /// The new report cannot be read, or the deleted rows cannot be spooled.
    Spool(io::Error),
    /// The archive cannot give an earlier report.
    Archive(EntryError),
}

/// Rows that were compared, and those that are gone.
struct Found<'a> {
    comparison: Comparison,
    deleted: DeletedSpool,
    limits: RecordLimits<'a>,
}

impl Search<'_> {
    /// Compares the new report. Fails if the spool does.
    pub fn find(&self, report: &mut Report) -> io::Result<ChangeSet> {
        self.warn_of_unconfirmed();
        let fingerprint = &self.snapshot.fingerprint;
        let reason = match check_changes(self.journal, self.state, fingerprint, |entry| self.is_kept(entry)) {
            Ok(in_table) if self.is_due(in_table[0].version) => FullLoadReason::Due,
            Ok(in_table) if has_no_changes(in_table, &self.snapshot.sha256) => {
                let load = Load::Nothing { activate: Some(in_table[0].version) };
                return Ok(ChangeSet::without_comparison(load));
            }
            Ok(in_table) => match self.changes(in_table, report) {
                Ok(changes) => return Ok(changes),
                Err(Failure::Spool(cause)) => return Err(cause),
                Err(Failure::Archive(cause)) => {
                    self.warn(&cause);
                    FullLoadReason::NotArchived
                }
            },
            Err(reason) => reason,
        };
        self.full_load(reason, report)
    }

    fn is_due(&self, version: i64) -> bool {
        let age = u64::try_from(self.now.timestamp().saturating_sub(version)).unwrap_or(0);
        self.full_every.is_some_and(|every| age >= every.as_secs())
    }

    /// The rows that differ from those of `in_table`, which is not empty: STATE's entry, then all later ones.
    fn changes(&self, in_table: &[Entry], report: &mut Report) -> Result<ChangeSet, Failure> {
        let mut found = self.read_new(report).map_err(Failure::Spool)?;
        let mut loss = None;
        // The newest first: a row is deleted with its last known cells.
        for entry in in_table.iter().rev() {
            let rows = self.open(entry, &entry.snapshot.sha256, Ending::Archive, Positions::Today)?;
            loss = Some(found.compare_report(rows)?);
        }
        for (entry, sha256) in deleted_rows(&in_table[1..]) {
            found.compare_deleted(self.open(entry, sha256, Ending::Deleted, Positions::ByHeader)?)?;
        }
        let load = Load::Changes { version: in_table[0].version };
        found.finish(load, loss, report.completed_at).map_err(Failure::Spool)
    }

    /// All rows, and those that are gone from any report that the journal and the archive know.
    fn full_load(&self, reason: FullLoadReason, report: &mut Report) -> io::Result<ChangeSet> {
        let entries = self.journal.map_or(&[][..], |journal| &journal.entries);
        let named = self.journal.ok().and_then(|journal| journal.find(self.state).ok());
        let load = Load::Full { version: self.next_version, reason: Some(reason) };
        if entries.is_empty() {
            return Ok(ChangeSet::without_comparison(load));
        }
        let mut found = self.read_new(report)?;
        let mut loss = None;
        for (position, entry) in entries.iter().enumerate().rev() {
            let opened = self.open(entry, &entry.snapshot.sha256, Ending::Archive, Positions::ByHeader);
            let compared = self.skip_unusable(opened.and_then(|rows| found.compare_report(rows)))?;
            if named == Some(position) {
                loss = compared;
            }
        }
        for (entry, sha256) in deleted_rows(entries) {
            let opened = self.open(entry, sha256, Ending::Deleted, Positions::ByHeader);
            self.skip_unusable(opened.and_then(|rows| found.compare_deleted(rows)))?;
        }
        found.finish(load, loss, report.completed_at)
    }

    /// In a full load, a report that cannot be used is skipped with a warning.
    fn skip_unusable<T>(&self, outcome: Result<T, Failure>) -> io::Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(Failure::Spool(cause)) => Err(cause),
            Err(Failure::Archive(cause)) => {
                self.warn(&cause);
                Ok(None)
            }
        }
    }

    fn read_new(&self, report: &mut Report) -> io::Result<Found<'_>> {
        let stats = report.stats.clone().map_err(io::Error::other)?;
        let stored = BufReader::with_capacity(CHUNK, report.stored()?);
        let no_key = || io::Error::other("a row has no key, although the report was verified");
        let mut rows = self.today.read(stored, stats, Positions::Today)?.ok_or_else(no_key)?.rows;
        let digests = std::iter::from_fn(|| match rows.read() {
            Ok(row) => row.map(|row| row.digests.ok_or_else(no_key)),
            Err(cause) => Some(Err(cause)),
        });
        let count = usize::try_from(stats.rows).unwrap_or(usize::MAX);
        let comparison = Comparison::new(count, digests)?;
        let limits = RecordLimits::of(&self.today, self.max_message_bytes);
        Ok(Found { comparison, deleted: DeletedSpool::default(), limits })
    }

    /// Whether the archive has the report and the deleted rows of an entry, as far as their names and keys tell.
    fn is_kept(&self, entry: &Entry) -> bool {
        entry.archived().all(|(sha256, ending)| {
            let opened = self.archive.open(self.stream, &entry.completed_at, sha256, ending);
            opened.inspect_err(|cause| self.warn(cause)).is_ok()
        })
    }

    /// Opens a report or deleted rows of an emission.
    fn open(
        &self,
        entry: &Entry,
        sha256: &str,
        ending: Ending,
        positions: Positions,
    ) -> Result<StoredRows<impl BufRead>, Failure> {
        let reader = self.archive.open(self.stream, &entry.completed_at, sha256, ending);
        let reader = reader.map_err(Failure::Archive)?;
        let stats = reader.metadata.stats;
        let rows = self.today.read(reader.stored(), stats, positions);
        rows.map_err(|cause| Failure::Archive(cause.into()))?.ok_or(Failure::Archive(EntryError::NoKeyColumn))
    }

    /// Warns of an entry that is there. One that is not was deleted or never archived.
    fn warn(&self, cause: &EntryError) {
        if matches!(cause, EntryError::Read(cause) if cause.kind() == io::ErrorKind::NotFound) {
            return;
        }
        self.telemetry
            .warn(&Warning::NotCompared { stream: self.stream.to_owned(), cause: cause.to_string() });
    }

    fn warn_of_unconfirmed(&self) {
        let Ok(journal) = self.journal else { return };
        let confirmed = journal.find(self.state).map_or(0, |position| position + 1);
        let emissions = journal.entries.len() - confirmed;
        if emissions >= MANY_UNCONFIRMED {
            self.telemetry.warn(&Warning::Unconfirmed { stream: self.stream.to_owned(), emissions });
        }
    }
}

/// The digests of the deleted rows of these entries, the newest first.
fn deleted_rows(entries: &[Entry]) -> impl Iterator<Item = (&Entry, &str)> {
    let newest_first = entries.iter().rev();
    newest_first.flat_map(|entry| entry.deleted.iter().map(move |rows| (entry, rows.sha256.as_str())))
}

impl Found<'_> {
    /// Compares a known report.
    fn compare_report<R: BufRead>(&mut self, rows: StoredRows<R>) -> Result<RowLoss, Failure> {
        let before = rows.stats.rows;
        let outcome = self.collect(rows, Comparison::compare);
        let lost = self.comparison.end_report();
        outcome.map(|()| RowLoss { before, lost })
    }

    /// Compares rows that were sent as deleted.
    fn compare_deleted<R: BufRead>(&mut self, rows: StoredRows<R>) -> Result<(), Failure> {
        self.collect(rows, |comparison, row| comparison.compare_deleted(&row.key))
    }

    /// Collects the rows that are gone.
    fn collect<R: BufRead>(
        &mut self,
        rows: StoredRows<R>,
        is_gone: impl Fn(&mut Comparison, &RowDigests) -> bool,
    ) -> Result<(), Failure> {
        let StoredRows { header, stats, layout, mut rows } = rows;
        let source = Source { header: &header, stats: &stats, layout: &layout };
        while let Some(row) = rows.read().map_err(|cause| Failure::Archive(cause.into()))? {
            // No table with this key has a row without it.
            let Some(digests) = row.digests else { continue };
            if is_gone(&mut self.comparison, &digests) {
                let key_only = (!self.limits.allow(row.record)).then_some(self.limits.key);
                self.deleted.add(&source, &row.row, key_only).map_err(Failure::Spool)?;
            }
        }
        Ok(())
    }

    fn finish(self, load: Load, loss: Option<RowLoss>, at: DateTime<Utc>) -> io::Result<ChangeSet> {
        Ok(ChangeSet { load, deleted: self.deleted.finish(at)?, loss, comparison: self.comparison })
    }
}
