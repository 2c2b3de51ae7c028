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
use super::deleted::DeletedSpool;
use super::earlier::{Header, StoredRows, Today};
use crate::archive::{Archive, Ending, EntryError};
use crate::job::RowLoss;
use crate::journal::{Entry, FullLoadReason, Journal, Snapshot, check_changes, has_no_changes};
use crate::report::spool::Report;
use crate::singer::state::Checkpoint;
use crate::telemetry::{Telemetry, Warning};

/// Bytes of one read of the new report.
const PIECE: usize = 256 * 1024;

/// What is known before any row is compared.
pub struct Search<'a> {
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
    pub telemetry: &'a Telemetry,
}

/// Rows that were compared, and those that are gone.
struct Found {
    comparison: Comparison,
    deleted: DeletedSpool,
}

impl Search<'_> {
    /// Compares the new report. Fails if the spool does.
    pub fn find(&self, report: &mut Report) -> io::Result<ChangeSet> {
        let checked =
            check_changes(self.journal, self.state, &self.snapshot.fingerprint, |entry| self.is_kept(entry));
        let reason = match checked {
            Ok(in_table) if self.is_due(in_table[0].version) => FullLoadReason::Due,
            Ok(in_table) if has_no_changes(in_table, &self.snapshot.sha256) => {
                let load = Load::Nothing { activate: Some(in_table[0].version) };
                return Ok(ChangeSet::without_comparison(load));
            }
            Ok(in_table) => match self.changes(in_table, report)? {
                Ok(changes) => return Ok(changes),
                Err(cause) => {
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
    fn changes(&self, in_table: &[Entry], report: &mut Report) -> io::Result<Result<ChangeSet, EntryError>> {
        let mut found = self.read_today(report)?;
        let mut loss = None;
        // The newest first: a row is deleted with its last known cells.
        for entry in in_table.iter().rev() {
            let rows = self.open(entry, &entry.snapshot.sha256, Ending::Archive, Header::Same);
            match rows.and_then(|rows| rows.ok_or(EntryError::Damaged)) {
                Ok(rows) => match found.compare_report(rows)? {
                    Ok(compared) => loss = Some(compared),
                    Err(cause) => return Ok(Err(cause)),
                },
                Err(cause) => return Ok(Err(cause)),
            }
        }
        if let Err(cause) = self.compare_deleted(&in_table[1..], &mut found)? {
            return Ok(Err(cause));
        }
        let load = Load::Changes { version: in_table[0].version };
        found.finish(load, loss, report.completed_at).map(Ok)
    }

    /// All rows, and those that are gone from any report that the journal and the archive know.
    fn full_load(&self, reason: FullLoadReason, report: &mut Report) -> io::Result<ChangeSet> {
        let entries = self.journal.map_or(&[][..], |journal| &journal.entries);
        let named = self.journal.ok().and_then(|journal| journal.find(self.state).ok());
        let load = Load::Full { version: self.next_version, reason: Some(reason) };
        if entries.is_empty() {
            return Ok(ChangeSet::without_comparison(load));
        }
        let mut found = self.read_today(report)?;
        let mut loss = None;
        for (position, entry) in entries.iter().enumerate().rev() {
            let rows = self.open(entry, &entry.snapshot.sha256, Ending::Archive, Header::Any);
            // No rows are known of a report that is not there, or that today's settings cannot use.
            let Ok(Some(rows)) = rows else { continue };
            match found.compare_report(rows)? {
                Ok(compared) if named == Some(position) => loss = Some(compared),
                Ok(_) => {}
                Err(cause) => self.warn(&cause),
            }
        }
        if let Err(cause) = self.compare_deleted(entries, &mut found)? {
            self.warn(&cause);
        }
        found.finish(load, loss, report.completed_at)
    }

    /// Adds the rows that these emissions sent as deleted, and that neither the new report nor a known one has.
    fn compare_deleted(&self, entries: &[Entry], found: &mut Found) -> io::Result<Result<(), EntryError>> {
        let mut outcome = Ok(());
        for entry in entries.iter().rev() {
            for deleted in &entry.deleted {
                let compared = match self.open(entry, &deleted.sha256, Ending::Deleted, Header::Any) {
                    Ok(Some(rows)) => found.collect(rows, |rows, row| rows.compare_deleted(&row.key))?,
                    Ok(None) => Ok(()),
                    Err(cause) => Err(cause),
                };
                outcome = outcome.and(compared);
            }
        }
        Ok(outcome)
    }

    fn read_today(&self, report: &mut Report) -> io::Result<Found> {
        let stats = report.stats.clone().map_err(io::Error::other)?;
        let stored = BufReader::with_capacity(PIECE, report.stored()?);
        let rows = self.today.read(stored, stats, Header::Same)?;
        let mut rows = rows.ok_or_else(|| io::Error::other("a key column has no cells"))?.rows;
        let digests =
            std::iter::from_fn(|| rows.read().map(|row| row.map(|(digests, _)| digests)).transpose());
        let count = usize::try_from(stats.rows).unwrap_or(usize::MAX);
        let comparison = Comparison::new(count, digests)?;
        Ok(Found { comparison, deleted: DeletedSpool::default() })
    }

    /// Whether the archive has the report and the deleted rows of an entry, as far as their names and keys tell.
    fn is_kept(&self, entry: &Entry) -> bool {
        let report = (entry.snapshot.sha256.as_str(), Ending::Archive);
        let deleted = entry.deleted.iter().map(|rows| (rows.sha256.as_str(), Ending::Deleted));
        let mut all = std::iter::once(report).chain(deleted);
        all.all(|(sha256, ending)| {
            match self.archive.open(self.stream(), &entry.completed_at, sha256, ending) {
                Ok(_) => true,
                Err(EntryError::Read(cause)) if cause.kind() == io::ErrorKind::NotFound => false,
                Err(cause) => {
                    self.warn(&cause);
                    false
                }
            }
        })
    }

    /// Opens a report or deleted rows of an emission; `None` if today's settings cannot use the header.
    fn open(
        &self,
        entry: &Entry,
        sha256: &str,
        ending: Ending,
        header: Header,
    ) -> Result<Option<StoredRows<impl BufRead>>, EntryError> {
        let reader = self.archive.open(self.stream(), &entry.completed_at, sha256, ending)?;
        let stats = reader.metadata.stats;
        Ok(self.today.read(reader.stored(), stats, header)?)
    }

    fn stream(&self) -> &str {
        self.today.stream.name()
    }

    fn warn(&self, cause: &EntryError) {
        self.telemetry
            .warn(&Warning::NotCompared { stream: self.stream().to_owned(), cause: cause.to_string() });
    }
}

impl Found {
    /// Compares a known report. The outer error is one of the spool, the inner one of the archive.
    fn compare_report<R: BufRead>(&mut self, rows: StoredRows<R>) -> io::Result<Result<RowLoss, EntryError>> {
        let before = rows.stats.rows;
        let outcome = self.collect(rows, Comparison::compare)?;
        let lost = self.comparison.end_report();
        Ok(outcome.map(|()| RowLoss { before, lost }))
    }

    /// Collects the rows that are gone.
    fn collect<R: BufRead>(
        &mut self,
        rows: StoredRows<R>,
        is_gone: impl Fn(&mut Comparison, &RowDigests) -> bool,
    ) -> io::Result<Result<(), EntryError>> {
        let StoredRows { header, stats, layout, mut rows } = rows;
        loop {
            match rows.read() {
                Ok(Some((digests, row))) => {
                    if is_gone(&mut self.comparison, &digests) {
                        self.deleted.add(&header, &stats, &layout, row.stored())?;
                    }
                }
                Ok(None) => return Ok(Ok(())),
                Err(cause) => return Ok(Err(cause.into())),
            }
        }
    }

    fn finish(self, load: Load, loss: Option<RowLoss>, at: DateTime<Utc>) -> io::Result<ChangeSet> {
        Ok(ChangeSet { load, deleted: self.deleted.finish(at)?, loss, comparison: self.comparison })
    }
}
