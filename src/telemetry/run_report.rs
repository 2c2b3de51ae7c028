//! The run report: one JSON object about a run, for the programs that watch it.
//!
//! The file is written at the start of a run and again at its end, so the report of a killed run has null
//! as `ended_at` and `exit_code`. It has headers and column names, never a cell. `schemas/run_report.json` describes it.

use std::io::{Error, Result};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Telemetry, metric_seconds};
use crate::clock;
use crate::files;

const FORMAT: u32 = 1;

/// What a run did with one stream.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StreamReport {
    pub stream: String,
    /// Why the stream was not emitted to its end.
    pub error: Option<String>,
    /// Where the report came from, as STATE names it.
    pub source: Option<&'static str>,
    /// Rows of the report.
    pub rows: Option<u64>,
    /// Bytes of the report.
    pub bytes: Option<u64>,
    /// From the start of the verification to the STATE of the stream.
    pub seconds: Option<f64>,
    /// Requests that were sent for the report, retries included.
    pub requests: u32,
    pub warnings: u64,
    /// When the report was complete.
    pub completed_at: Option<String>,
    /// Digest of the CSV, in hexadecimal.
    pub sha256: Option<String>,
    pub version: Option<i64>,
    /// Whether no records were sent, because the table has them.
    pub unchanged: bool,
    /// Why all records were sent although `skip_unchanged` or `replication: changes` is set.
    pub full_load_reason: Option<String>,
    /// Rows with a key that was not in the table; `None` if rows were not compared.
    pub inserted: Option<u64>,
    /// Rows with other cells; `None` if rows were not compared.
    pub updated: Option<u64>,
    /// Rows that were sent as deleted.
    pub deleted: Option<u64>,
    pub column_changes: Vec<ColumnChange>,
    pub mismatches: Vec<Mismatch>,
}

/// A column that is not as the last report had it.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnChange {
    pub header: String,
    pub name: String,
    pub change: &'static str,
}

/// The cells of a column that do not fit its type.
#[derive(Clone, Debug, Serialize)]
pub struct Mismatch {
    pub header: String,
    pub name: String,
    pub cells: u64,
}

/// The report of a run that is not over.
#[derive(Debug, Serialize)]
pub(super) struct RunReport {
    #[serde(skip)]
    path: PathBuf,
    format: u32,
    run_id: String,
    tap_version: &'static str,
    started_at: String,
    ended_at: Option<String>,
    exit_code: Option<u8>,
    pub(super) error: Option<String>,
    requests: u64,
    waited_seconds: f64,
    next_request_at: Option<String>,
    warnings: u64,
    streams: Vec<StreamReport>,
}

impl RunReport {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            format: FORMAT,
            run_id: format!("{:032x}", fastrand::u128(..)),
            tap_version: env!("CARGO_PKG_VERSION"),
            started_at: clock::format_utc(clock::wall()),
            ended_at: None,
            exit_code: None,
            error: None,
            requests: 0,
            waited_seconds: 0.0,
            next_request_at: None,
            warnings: 0,
            streams: Vec::new(),
        }
    }

    fn write(&self) -> Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(Error::other)?;
        bytes.push(b'\n');
        files::replace(&self.path, &bytes)
    }
}

impl Telemetry {
    /// Writes the report of a run that begins. The end replaces it.
    pub fn begin_report(&self, path: PathBuf) -> Result<()> {
        let report = RunReport::new(path);
        report.write()?;
        self.lock().run_report = Some(report);
        Ok(())
    }

    /// Adds what the run did with a stream.
    pub fn report_stream(&self, mut stream: StreamReport) {
        let mut inner = self.lock();
        let changes = stream.column_changes.iter_mut().map(|change| (&mut change.header, &mut change.name));
        let mismatches = stream.mismatches.iter_mut().map(|column| (&mut column.header, &mut column.name));
        for text in changes.chain(mismatches).flat_map(|(header, name)| [header, name]) {
            *text = inner.redactor.foreign(text).into_owned();
        }
        stream.error = stream.error.map(|error| inner.redactor.message(&error));
        inner.run_report.iter_mut().for_each(|report| report.streams.push(stream.clone()));
    }

    /// Counts the time that the run waited for permission to send a request.
    pub fn waited(&self, time: Duration) {
        self.lock().run_report.iter_mut().for_each(|report| report.waited_seconds += time.as_secs_f64());
    }

    /// Notes when the next run may send a request.
    pub fn next_request(&self, at: DateTime<Utc>) {
        let at = Some(clock::format_utc(at));
        self.lock().run_report.iter_mut().for_each(|report| report.next_request_at.clone_from(&at));
    }

    /// Writes the report of a run that is over. Does nothing if no report was begun.
    pub fn end_report(&self, exit_code: u8) -> Result<()> {
        let (requests, warnings) = (self.requests(), self.warnings());
        let Some(report) = self.lock().run_report.take() else { return Ok(()) };
        RunReport {
            ended_at: Some(clock::format_utc(clock::wall())),
            exit_code: Some(exit_code),
            requests,
            waited_seconds: metric_seconds(Duration::from_secs_f64(report.waited_seconds)),
            warnings,
            ..report
        }
        .write()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Format, Level};

    #[test]
    fn headers_names_and_errors_that_resemble_a_secret_are_not_in_the_report() {
        let (folder, secret) = (tempfile::tempdir().unwrap(), "an-api-key-of-many-characters");
        let telemetry = Telemetry::new(Format::Text, Level::Critical);
        telemetry.hide(secret);
        let path = folder.path().join("report.json");
        telemetry.begin_report(path.clone()).unwrap();
        let (header, name) = (secret.to_owned(), secret.to_owned());
        telemetry.report_stream(StreamReport {
            stream: "s".into(),
            error: Some(format!("cannot use `{secret}`")),
            column_changes: vec![ColumnChange { header: header.clone(), name: name.clone(), change: "new" }],
            mismatches: vec![Mismatch { header, name, cells: 1 }],
            ..StreamReport::default()
        });
        telemetry.critical(secret);
        telemetry.end_report(65).unwrap();
        let report = std::fs::read_to_string(path).unwrap();
        assert!(report.contains(r#""change": "new""#) && report.contains(r#""exit_code": 65"#), "{report}");
        assert!(!report.contains(secret), "{report}");
    }
}
