//! Writes a complete report as messages: verify, then SCHEMA, RECORDs, `ACTIVATE_VERSION` and STATE.
//!
//! Nothing of a stream is emitted unless the first pass has verified the whole report; after that only stdout can
//! fail. Delivery runs on a separate thread, so that the wait for the next request continues, and stops between two
//! lines when a signal asks for it.

use std::io::Write;
use std::sync::Arc;

use serde_json::json;

use super::column_changes::{column_changes, mismatches, report_changes, report_plan};
use crate::clock;
use crate::column_store::ColumnStore;
use crate::error::{Error, Exit, Result};
use crate::job::{ColumnPlan, Purpose, RecordLayout, Stream, check_shrink};
use crate::report::spool::Report;
use crate::settings::{MaxLength, Settings};
use crate::shutdown::Stop;
use crate::singer::message::{Message, RecordFrame};
use crate::singer::state::{Bookmark, SnapshotSource, State};
use crate::singer::writer::Writer;
use crate::table::error::TableError;
use crate::table::plan::Plan;
use crate::table::separator::other_separator;
use crate::table::verify::{Requirements, VerifiedTable, read_header, verify};
use crate::telemetry::{Notice, Progress, StreamReport, Telemetry, Warning, metric_seconds};

/// Writes streams to stdout and keeps the state.
pub struct Delivery<W: Write> {
    writer: Writer<W>,
    state: State,
    store: ColumnStore,
    settings: Settings,
    telemetry: Arc<Telemetry>,
    stop: Stop,
}

impl<W: Write> Delivery<W> {
    pub fn new(out: W, state: State, settings: Settings, telemetry: Arc<Telemetry>, stop: Stop) -> Self {
        Self {
            writer: Writer::new(out),
            state,
            store: ColumnStore::new(&settings),
            settings,
            telemetry,
            stop,
        }
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
        let key = plan.key.clone();
        report_plan(stream.name(), &plan, &self.telemetry);
        let left_out = [plan.ignored.as_slice(), &plan.held].concat();
        let seen = clock::format_utc(report.completed_at);
        let columns = plan.settle(&table, stream.on_type_mismatch, &seen, Purpose::Sync);
        report_changes(stream, &columns, &table, &left_out, &self.telemetry);
        let mut done = StreamReport {
            stream: stream.name().to_owned(),
            rows: Some(table.rows),
            bytes: Some(report.bytes),
            requests: report.requests,
            completed_at: Some(seen.clone()),
            sha256: Some(report.sha256.clone()),
            column_changes: column_changes(&columns, &left_out),
            mismatches: mismatches(&columns, &table),
            ..StreamReport::default()
        };
        let layout = stream.layout(&columns.properties, table.formats.len());
        // Greater than the last version, whatever the clock says.
        let version = clock::wall().timestamp().max(stream.last_version.saturating_add(1));
        let memory = stream.remember(columns.memory, Some(version), &layout);
        let version = self.settings.activate_version.then_some(version);
        // Before the first message: a run whose STATE never comes back must not decide a name or a type again.
        self.store.keep(stream.name(), memory.clone());
        self.writer.message(&Message::Schema {
            stream: stream.name(),
            schema: &layout.schema,
            key_properties: &key,
        })?;
        self.write_records(stream, &mut report, &table, &layout, version)?;
        if let Some(version) = version {
            self.writer.message(&Message::ActivateVersion { stream: stream.name(), version })?;
        }
        self.writer.flush()?;
        let bookmark = Bookmark {
            row_count: table.rows,
            sha256: report.sha256.clone(),
            completed_at: seen,
            source: if self.settings.reads_files() { SnapshotSource::File } else { SnapshotSource::Api },
            memory,
        };
        self.state.complete(stream.name(), &bookmark);
        self.write_state(next)?;
        let seconds = metric_seconds(clock::now().saturating_sub(began));
        let tags = json!({"stream": stream.name()});
        self.telemetry.metric("counter", "record_count", &json!(table.rows), &tags);
        self.telemetry.metric("timer", "sync_duration", &json!(seconds), &tags);
        (done.version, done.seconds) = (version, Some(seconds));
        Ok(done)
    }

    pub fn write_state(&mut self, syncing: Option<&str>) -> Result<()> {
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
        if let Some(warning) = check_shrink(stream, rows, before, self.settings.fail_on_shrink)? {
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
        let plan = Plan::compile(
            &frame.before,
            &frame.after,
            &layout.fields,
            layout.row_number.as_deref(),
            layout.first_extra_cell(),
        );
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
