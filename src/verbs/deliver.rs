//! Writes a complete report as messages: verify, archive, journal, then SCHEMA, RECORDs, `ACTIVATE_VERSION` and STATE.
//!
//! Nothing of a stream is emitted unless the whole report is verified, archived (`archive: on`) and in the journal
//! (`skip_unchanged`); after that only stdout or the spool can fail. An unchanged report is written as SCHEMA and
//! STATE. Delivery runs on a separate thread, so that the wait for the next request continues, and stops between two
//! lines when a signal asks for it.

use std::io::Write;
use std::sync::Arc;

use serde_json::json;

use super::column_changes::{column_changes, mismatches, report_changes, report_plan};
use super::records_digest::records_digest;
use crate::archive::Archive;
use crate::clock;
use crate::column_store::ColumnStore;
use crate::columns::RememberedColumn;
use crate::error::{Error, Exit, Result};
use crate::job::{ColumnPlan, Purpose, RecordLayout, Shape, Stream, check_shrink};
use crate::journal::{
    EmissionKind, Entry, FullLoadReason, JournalFile, Journals, Snapshot, check_unchanged, next_version,
};
use crate::report::spool::Report;
use crate::settings::{MaxLength, Settings, Switch};
use crate::shutdown::Stop;
use crate::singer::message::{Message, RecordFrame};
use crate::singer::state::{Bookmark, SnapshotSource, State};
use crate::singer::writer::Writer;
use crate::table::error::TableError;
use crate::table::separator::other_separator;
use crate::table::verify::{Requirements, VerifiedTable, read_header, verify};
use crate::telemetry::{Notice, Progress, StreamReport, Telemetry, Warning, metric_seconds};

/// Writes streams to stdout and keeps the state.
pub struct Delivery<W: Write> {
    writer: Writer<W>,
    state: State,
    /// Bookmarks that only the last STATE has.
    held_back: Vec<(String, Bookmark)>,
    store: ColumnStore,
    journals: Journals,
    archive: Option<Archive>,
    settings: Settings,
    telemetry: Arc<Telemetry>,
    stop: Stop,
}

/// The form of the messages of a stream.
struct Emission {
    key: Vec<String>,
    layout: RecordLayout,
    /// The columns to remember.
    columns: Vec<RememberedColumn>,
    snapshot: Snapshot,
    /// When the report was complete.
    seen: String,
}

impl<W: Write> Delivery<W> {
    pub fn new(
        out: W,
        state: State,
        journals: Journals,
        settings: Settings,
        telemetry: Arc<Telemetry>,
        stop: Stop,
    ) -> Result<Self> {
        let keeps = settings.archive == Switch::On && !settings.reads_files();
        let archive = keeps.then(|| Archive::new(&settings));
        archive.as_ref().map_or(Ok(()), Archive::check)?;
        Ok(Self {
            writer: Writer::new(out),
            state,
            held_back: Vec::new(),
            store: ColumnStore::new(&settings),
            journals,
            archive,
            settings,
            telemetry,
            stop,
        })
    }

    /// Verifies and writes one stream. `next` is the stream at which a run that ends here is resumed.
    pub fn write_stream(
        &mut self,
        stream: &Stream,
        mut report: Report,
        next: Option<&str>,
    ) -> Result<StreamReport> {
        let began = clock::now();
        let (plan, table) = verify_report(stream, &mut report)?;
        self.warn_of_repairs(stream.name(), &report, &table);
        self.check_rows(stream.name(), table.rows)?;
        if let Some(archive) = &self.archive {
            archive.add(stream.name(), &mut report)?;
        }
        let (emission, mut done) = self.plan_emission(stream, plan, &mut report, &table)?;
        let checked =
            self.settings.skip_unchanged.then(|| self.check_unchanged(stream.name(), &emission.snapshot));
        done.unchanged = checked == Some(Ok(()));
        done.full_load_reason = checked.and_then(Result::err).map(|reason| reason.to_string());
        let mut records = 0;
        if done.unchanged {
            self.write_schema(stream, &emission)?;
        } else {
            done.version = self.write_all(stream, emission, &mut report, &table)?;
            records = table.rows;
        }
        self.write_state(next)?;
        let seconds = metric_seconds(clock::now().saturating_sub(began));
        let tags = json!({"stream": stream.name()});
        self.telemetry.metric("counter", "record_count", &json!(records), &tags);
        self.telemetry.metric("timer", "sync_duration", &json!(seconds), &tags);
        done.seconds = Some(seconds);
        Ok(done)
    }

    /// Decides the form of the messages, and logs what it changes.
    fn plan_emission(
        &self,
        stream: &Stream,
        plan: ColumnPlan,
        report: &mut Report,
        table: &VerifiedTable,
    ) -> Result<(Emission, StreamReport)> {
        let key = plan.key.clone();
        report_plan(stream.name(), &plan, &self.telemetry);
        let left_out = [plan.ignored.as_slice(), &plan.held].concat();
        let seen = clock::format_utc(report.completed_at);
        let columns = plan.settle(table, stream.on_type_mismatch, &seen, Purpose::Sync);
        report_changes(stream, &columns, table, &left_out, &self.telemetry);
        let done = StreamReport {
            stream: stream.name().to_owned(),
            source: Some(self.source().name()),
            rows: Some(table.rows),
            bytes: Some(report.bytes),
            requests: report.requests,
            completed_at: Some(seen.clone()),
            sha256: Some(report.sha256.clone()),
            column_changes: column_changes(&columns, &left_out),
            mismatches: mismatches(&columns, table),
            ..StreamReport::default()
        };
        let layout = stream.layout(&columns.properties, table.formats.len());
        let snapshot = self.snapshot(stream, &key, &layout, report, table)?;
        Ok((Emission { key, layout, columns: columns.memory, snapshot, seen }, done))
    }

    /// Writes all messages of the stream but STATE, and moves its bookmark. Returns the version of the records.
    fn write_all(
        &mut self,
        stream: &Stream,
        emission: Emission,
        report: &mut Report,
        table: &VerifiedTable,
    ) -> Result<Option<i64>> {
        let journal = self.journals.get(stream.name()).and_then(|journal| journal.content().ok());
        let version = next_version(clock::wall().timestamp(), stream.last_version, journal);
        // Before the first message: a run whose STATE never comes back has changed the table, and must not decide a name
        // or a type again.
        let entry = self.record(stream.name(), version, &emission)?;
        let memory = stream.remember(emission.columns.clone(), Some(version), &emission.layout);
        self.store.keep(stream.name(), memory.clone());
        let version = self.settings.activate_version.then_some(version);
        self.write_schema(stream, &emission)?;
        self.write_records(stream, report, table, &emission.layout, version)?;
        if let Some(version) = version {
            self.writer.message(&Message::ActivateVersion { stream: stream.name(), version })?;
        }
        self.writer.flush()?;
        let Snapshot { sha256, fingerprint, .. } = emission.snapshot;
        let bookmark = Bookmark {
            row_count: table.rows,
            entry,
            sha256,
            fingerprint,
            completed_at: emission.seen,
            source: self.source(),
            memory,
        };
        self.complete(stream.name(), bookmark);
        Ok(version)
    }

    fn write_schema(&mut self, stream: &Stream, emission: &Emission) -> Result<()> {
        self.writer.message(&Message::Schema {
            stream: stream.name(),
            schema: &emission.layout.schema,
            key_properties: &emission.key,
        })
    }

    fn source(&self) -> SnapshotSource {
        if self.settings.reads_files() { SnapshotSource::File } else { SnapshotSource::Api }
    }

    fn snapshot(
        &self,
        stream: &Stream,
        key: &[String],
        layout: &RecordLayout,
        report: &mut Report,
        table: &VerifiedTable,
    ) -> Result<Snapshot> {
        let mask_key = stream.rules.masks.key_fingerprint();
        let shape = Shape {
            version: env!("CARGO_PKG_VERSION"),
            key,
            layout,
            mask_key: mask_key.as_deref(),
            replication: stream.replication,
            settings: &self.settings,
        };
        let has_natural_key = layout.row_number.is_none() && !key.is_empty();
        let fingerprint = shape.fingerprint();
        let needs_digest = self.settings.skip_unchanged && has_natural_key;
        let digest = needs_digest.then(|| records_digest(report, table, layout)).transpose();
        let records_sha256 = digest.map_err(|cause| table_error(stream.name(), &cause.into()))?;
        Ok(Snapshot { sha256: report.sha256.clone(), fingerprint, records_sha256 })
    }

    /// Checks whether the table has the records, and logs the result.
    fn check_unchanged(&self, stream: &str, snapshot: &Snapshot) -> Result<(), FullLoadReason> {
        let journal = self.journals.get(stream).ok_or(FullLoadReason::NoJournal);
        let journal = journal.and_then(JournalFile::content);
        let checked = check_unchanged(journal, &self.state.checkpoint(stream), snapshot);
        let stream = stream.to_owned();
        self.telemetry.notice(&match checked {
            Ok(()) => Notice::Unchanged { stream },
            Err(reason) => Notice::FullLoad { stream, reason: reason.to_string() },
        });
        checked
    }

    /// Enters the emission into the journal and returns the entry's name. Without `skip_unchanged` the run goes on if it
    /// cannot be written.
    fn record(&mut self, stream: &str, version: i64, emission: &Emission) -> Result<Option<String>> {
        let Some(journal) = self.journals.get_mut(stream) else { return Ok(None) };
        let entry = Entry::new(EmissionKind::Full, version, emission.snapshot.clone(), &emission.seen);
        let name = entry.id.clone();
        match journal.record(entry, &self.state.checkpoint(stream)) {
            Err(_) if !self.settings.skip_unchanged => Ok(None),
            outcome => outcome.map(|()| Some(name)),
        }
    }

    /// Moves the bookmark of a stream. Some targets print a STATE before they have written its rows, so a bookmark that a
    /// later run relies on moves in the last STATE only.
    fn complete(&mut self, stream: &str, bookmark: Bookmark) {
        if self.settings.skip_unchanged {
            self.held_back.push((stream.to_owned(), bookmark));
        } else {
            self.state.complete(stream, &bookmark);
        }
    }

    /// Writes the last STATE of the run, in which all bookmarks move.
    pub fn write_last_state(&mut self, syncing: Option<&str>) -> Result<()> {
        for (stream, bookmark) in std::mem::take(&mut self.held_back) {
            self.state.complete(&stream, &bookmark);
        }
        self.write_state(syncing)
    }

    /// Writes a STATE with the bookmarks that have moved so far.
    fn write_state(&mut self, syncing: Option<&str>) -> Result<()> {
        let value = self.state.value(syncing);
        self.writer.message(&Message::State { value })?;
        self.telemetry.state_written();
        Ok(())
    }

    /// Whether a signal asked the run to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    fn warn_of_repairs(&self, stream: &str, report: &Report, table: &VerifiedTable) {
        let stream = || stream.to_owned();
        let (nuls, surrogates) = (report.repairs.nuls, report.repairs.surrogates);
        let warnings = [
            (nuls, Warning::NulsRemoved { stream: stream(), count: nuls }),
            (surrogates, Warning::SurrogatesReplaced { stream: stream(), count: surrogates }),
            (table.ragged, Warning::RaggedRows { stream: stream(), count: table.ragged }),
            (table.lenient_quotes, Warning::LenientQuotes { stream: stream(), count: table.lenient_quotes }),
        ];
        for (_, warning) in warnings.into_iter().filter(|(count, _)| *count > 0) {
            self.telemetry.warn(&warning);
        }
    }

    /// Fails or warns if the report lost many rows, and says how many rows changed otherwise.
    fn check_rows(&self, stream: &str, rows: u64) -> Result<()> {
        let before = self.state.row_count(stream).unwrap_or(0);
        if let Some(warning) = check_shrink(stream, rows, before, self.settings.fail_on_shrink(stream))? {
            self.telemetry.warn(&warning);
        } else if before > 0 && rows != before {
            self.telemetry.notice(&Notice::Rows { stream: stream.to_owned(), rows, before });
        }
        Ok(())
    }

    fn write_records(
        &mut self,
        stream: &Stream,
        report: &mut Report,
        facts: &VerifiedTable,
        layout: &RecordLayout,
        version: Option<i64>,
    ) -> Result<()> {
        let extracted = clock::format_utc(report.completed_at);
        let frame = RecordFrame::new(stream.name(), version, &extracted);
        let plan = layout.plan(&frame.before, &frame.after);
        let read_error = |cause: std::io::Error| table_error(stream.name(), &cause.into());
        let mut rows = facts.read_rows(report.stored().map_err(read_error)?);
        rows.read().map_err(read_error)?;
        let (telemetry, of) = (Arc::clone(&self.telemetry), facts.rows);
        let progress = |rows| telemetry.progress(Progress::Writing { stream: stream.name(), rows, of });
        let mut number = 0;
        progress(number);
        while self
            .writer
            .lines(|lines| rows.lend(|text, start| plan.write(text, start, number + 1, lines)))?
            .map_err(read_error)?
        {
            number += 1;
            if number % 1024 == 0 {
                progress(number);
            }
            if self.is_stopped() {
                self.writer.flush()?;
                return Err(Error::new(Exit::Busy, "stopped by a signal"));
            }
        }
        progress(of);
        Ok(())
    }
}

/// Identifies the columns of a report, and verifies that all of it can be emitted.
pub fn verify_report<'s>(stream: &'s Stream, report: &mut Report) -> Result<(ColumnPlan<'s>, VerifiedTable)> {
    let (plan, mut table) = verify_with(stream, report, |_| {})?;
    if stream.rules.max_length == MaxLength::Measured {
        let measured = report.stored().and_then(|stored| table.measure(stored));
        measured.map_err(|cause| table_error(stream.name(), &cause.into()))?;
    }
    Ok((plan, table))
}

/// As [`verify_report`], by requirements that `adapt` may change.
pub fn verify_with<'s>(
    stream: &'s Stream,
    report: &mut Report,
    adapt: impl FnOnce(&mut Requirements),
) -> Result<(ColumnPlan<'s>, VerifiedTable)> {
    let refuse = |error: &TableError| table_error(stream.name(), error);
    let stats = report.stats.clone().map_err(|error| refuse(&error))?;
    let header = report.stored().map_err(Into::into).and_then(|stored| read_header(&stats, stored));
    let header = header.map_err(|error| refuse(&error))?;
    let separator = report
        .stored()
        .map_err(Into::into)
        .and_then(|stored| other_separator(&header, stream.delimiter, stored))
        .map_err(|error| refuse(&error))?;
    stream.check_header(&header, &stats, separator)?;
    let plan = stream.plan_columns(&header).map_err(|error| {
        Error::new(Exit::Report, format!("cannot use the report of `{}`: {error}", stream.name()))
            .hint(error.hint())
    })?;
    let mut requirements = stream.requirements(&plan);
    adapt(&mut requirements);
    let table = report.stored().map_err(Into::into).and_then(|stored| verify(&stats, stored, &requirements));
    Ok((plan, table.map_err(|error| refuse(&error))?))
}

/// A failure of the report of `stream`.
pub(super) fn table_error(stream: &str, error: &TableError) -> Error {
    let exit = if matches!(error, TableError::Read(_)) { Exit::Io } else { Exit::Report };
    Error::new(exit, format!("cannot use the report of `{stream}`: {error}")).hint(error.hint())
}

#[cfg(test)]
#[path = "deliver_tests.rs"]
mod tests;
