//! From a whole report to messages: prove it, then SCHEMA, RECORDs, `ACTIVATE_VERSION` and STATE.
//!
//! The first pass decides whether there is anything to emit at all; the second cannot fail but for stdout.
//! It runs on a thread of its own, so that the wait for the next request goes on meanwhile, and stops
//! between two lines when it is told to.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::clock;
use crate::error::{Error, Exit, Result};
use crate::job::{RecordLayout, Stream};
use crate::report::spool::Report;
use crate::settings::Settings;
use crate::shutdown::Stop;
use crate::singer::message::{Message, RecordFrame};
use crate::singer::state::{Bookmark, RememberedColumn, State};
use crate::singer::writer::Writer;
use crate::table::error::TableError;
use crate::table::plan::Plan;
use crate::table::verify::{VerifiedTable, verify};
use crate::telemetry::{Telemetry, Warning, metric_seconds};

/// A snapshot with fewer rows than this share of the last one is suspicious.
const SHRINK: f64 = 0.1;

/// Delivers streams one after the other; owns stdout and the state.
pub struct Delivery<W: Write> {
    writer: Writer<W>,
    state: State,
    settings: Settings,
    telemetry: Arc<Telemetry>,
    stop: Stop,
}

/// How one stream went, for the summary.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The stream.
    pub stream: String,
    /// Records written.
    pub rows: u64,
    /// From the complete answer to the last line.
    pub took: Duration,
    /// Requests that it took.
    pub requests: u32,
    /// What the operator was warned of.
    pub warnings: u64,
}

impl<W: Write> Delivery<W> {
    /// A delivery to `out`.
    pub fn new(out: W, state: State, settings: Settings, telemetry: Arc<Telemetry>, stop: Stop) -> Self {
        Self { writer: Writer::new(out), state, settings, telemetry, stop }
    }

    /// Delivers one stream; `next` is where a run that ends after it goes on.
    pub fn write_stream(
        &mut self,
        stream: &Stream,
        mut report: Report,
        next: Option<&str>,
    ) -> Result<Outcome> {
        let began = clock::now();
        let facts = verify_report(stream, &mut report)?;
        self.warn_of_repairs(stream.name(), &report, &facts);
        self.check_shrink(stream.name(), facts.rows)?;
        for warning in stream.column_warnings(&facts) {
            self.telemetry.warn(&warning);
        }
        let layout = stream.layout(&facts);
        let version = self.version(stream);
        self.writer.message(&Message::Schema {
            stream: stream.name(),
            schema: &layout.schema,
            key_properties: &stream.key,
        })?;
        self.write_records(stream, &mut report, &facts, &layout, version)?;
        if let Some(version) = version {
            self.writer.message(&Message::ActivateVersion { stream: stream.name(), version })?;
        }
        self.writer.flush()?;
        let bookmark = Bookmark {
            version: version.unwrap_or_else(|| clock::wall().timestamp()),
            row_count: facts.rows,
            sha256: report.sha256.clone(),
            completed_at: clock::format_utc(report.completed_at),
            columns: stream.remember(&facts),
        };
        self.state.complete(stream.name(), &bookmark);
        self.write_state(next)?;
        let took = clock::now().saturating_sub(began);
        let tags = json!({"stream": stream.name()});
        self.telemetry.metric("counter", "record_count", &json!(facts.rows), &tags);
        self.telemetry.metric("timer", "sync_duration", &json!(metric_seconds(took)), &tags);
        let subjects = [stream.name(), &stream.report.report];
        Ok(Outcome {
            stream: stream.name().to_owned(),
            rows: facts.rows,
            took,
            requests: report.requests,
            warnings: subjects.map(|subject| self.telemetry.warnings_about(subject)).iter().sum(),
        })
    }

    /// Writes a STATE line.
    pub fn write_state(&mut self, syncing: Option<&str>) -> Result<()> {
        let value = self.state.value(syncing);
        self.writer.message(&Message::State { value })
    }

    /// The columns of a stream's last snapshot.
    pub fn columns(&self, stream: &str) -> Option<Vec<RememberedColumn>> {
        self.state.columns(stream)
    }

    /// Whether a signal came: then nothing more is promised.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    fn warn_of_repairs(&self, stream: &str, report: &Report, facts: &VerifiedTable) {
        let stream = || stream.to_owned();
        let (nuls, surrogates) = (report.repairs.nuls, report.repairs.surrogates);
        let warnings = [
            (nuls, Warning::NulsRemoved { stream: stream(), count: nuls }),
            (surrogates, Warning::SurrogatesReplaced { stream: stream(), count: surrogates }),
            (facts.ragged, Warning::RaggedRows { stream: stream(), count: facts.ragged }),
            (facts.lenient_quotes, Warning::LenientQuotes { stream: stream(), count: facts.lenient_quotes }),
        ];
        for (_, warning) in warnings.into_iter().filter(|(count, _)| *count > 0) {
            self.telemetry.warn(&warning);
        }
    }

    /// A report that lost nearly all its rows may be a fault of the API.
    fn check_shrink(&self, stream: &str, rows: u64) -> Result<()> {
        let before = self.state.row_count(stream).unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "a share of rows needs no exact count")]
        let has_shrunk = before > 0 && (rows as f64) < before as f64 * SHRINK;
        if has_shrunk {
            let warning = Warning::Shrunk { stream: stream.to_owned(), rows, before };
            if self.settings.fail_on_shrink {
                return Err(Error::new(Exit::Report, warning.to_string()).hint(
                    "if this is right, run once without `fail_on_shrink`; nothing of the stream was emitted",
                ));
            }
            self.telemetry.warn(&warning);
        } else if rows == 0 {
            self.telemetry.warn(&Warning::NoRows { stream: stream.to_owned() });
        }
        Ok(())
    }

    /// Epoch seconds, always greater than the last.
    fn version(&self, stream: &Stream) -> Option<i64> {
        let last = self.state.version(stream.name()).unwrap_or(0);
        self.settings.activate_version.then(|| clock::wall().timestamp().max(last.saturating_add(1)))
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
        let plan =
            Plan::compile(&frame.before, &frame.after, &layout.fields, layout.row_number, layout.extra);
        let broken = |cause: std::io::Error| table_error(stream.name(), &cause.into());
        let mut rows = facts.read_rows(report.stored().map_err(broken)?);
        rows.read().map_err(broken)?;
        let mut number = 0;
        while self
            .writer
            .lines(|lines| rows.lend(|text, start| plan.write(text, start, number + 1, lines)))?
            .map_err(broken)?
        {
            number += 1;
            if number % 1024 == 0 {
                self.telemetry.progress(&format!("writing `{}`: {number} rows", stream.name()));
            }
            if self.is_stopped() {
                self.writer.flush()?;
                return Err(Error::new(Exit::Busy, "stopped by a signal"));
            }
        }
        self.telemetry.progress_clear();
        Ok(())
    }
}

/// What the report holds, once it is proven that all of it can be used.
pub fn verify_report(stream: &Stream, report: &mut Report) -> Result<VerifiedTable> {
    let stats = report.stats.clone();
    stats
        .and_then(|stats| {
            verify(&stats, report.stored()?, &stream.requirements(), |column| stream.emits(column))
        })
        .map_err(|error| table_error(stream.name(), &error))
}

/// Nothing of the stream has been emitted; the other streams are not touched.
fn table_error(stream: &str, error: &TableError) -> Error {
    let exit = if matches!(error, TableError::Read(_)) { Exit::Io } else { Exit::Report };
    Error::new(exit, format!("`{stream}` cannot be used: {error}")).hint(error.hint())
}
