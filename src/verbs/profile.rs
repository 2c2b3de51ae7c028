//! `profile`: fetches each report once and prints what is in its columns. A catalog selects streams, never columns.
//!
//! A report is profiled while the gate waits for the next request. At most [`COLUMNS`] columns are profiled in one pass over
//! the stored report, so memory is bounded whatever the report has: 2 MB for each of them, and the spool. A report that
//! fails does not stop the others; the worst failure sets the exit code.

use std::borrow::Cow;
use std::io::Write;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;

use chrono::Datelike;

use super::deliver::{table_error, verify_report, verify_with};
use super::sync::worst_failure;
use super::{pipeline, print, run_blocking};
use crate::cli::ProfileFormat;
use crate::clock;
use crate::error::{Error, Exit, Result};
use crate::job::{Job, Stream};
use crate::profile::column::{ColumnFacts, ColumnProfile};
use crate::profile::stats::ColumnStats;
use crate::profile::{Profile, StreamProfile, html, text};
use crate::report::spool::Report;
use crate::shutdown::Stop;
use crate::source::{FailureScope, FetchError, Source};
use crate::table::cell_format::CellFormat;
use crate::table::column_type::ColumnType;
use crate::table::stored_text::unescape;
use crate::table::verify::{ColumnSpec, Requirements, Typing, VerifiedTable};
use crate::telemetry::{Progress, Telemetry};

/// Columns that are profiled in one pass.
const COLUMNS: usize = 32;
/// Rows between two updates of the progress line.
const PROGRESS: u64 = 1024;

/// How the profile is printed.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub format: ProfileFormat,
    pub shows_values: bool,
    /// Columns of the terminal.
    pub width: usize,
}

/// Writes the profile of every stream of the job.
pub async fn profile(
    job: Job,
    source: &Source,
    options: Options,
    out: &mut dyn Write,
    telemetry: &Arc<Telemetry>,
    stop: Stop,
) -> Result<()> {
    let profiler = Profiler {
        shows_values: options.shows_values,
        telemetry: Arc::clone(telemetry),
        stop,
        done: Vec::new(),
    };
    let fetch = async |stream: Stream| {
        let mut report = source.fetch(&stream.report, telemetry).await;
        // A sync would refuse what this profile shows, and then the next one must send a request.
        if let Ok(report) = &mut report
            && verify_report(&stream, report).is_ok()
        {
            source.keep(&stream.report, report);
        }
        let is_last = matches!(&report, Err(failed) if failed.scope == FailureScope::Run);
        if is_last { Break((stream, report)) } else { Continue((stream, report)) }
    };
    let deliver = async |profiler: Profiler, (stream, report)| {
        run_blocking("the profile", move || profiler.add(&stream, report)).await
    };
    let names: Vec<String> = job.streams.iter().map(|stream| stream.name().to_owned()).collect();
    let Profiler { done, .. } = pipeline::run(job.streams, fetch, profiler, deliver).await?;
    let (mut streams, mut failures) = (Vec::new(), Vec::new());
    for (name, outcome) in done {
        match outcome {
            Ok(stream) => streams.push(stream),
            Err(error) => failures.push((name, error)),
        }
    }
    let is_missing = |name: &String| !streams.iter().any(|stream: &StreamProfile| stream.stream == *name);
    let failed: Vec<String> = names.into_iter().filter(is_missing).collect();
    if !streams.is_empty() {
        let tap_version = env!("CARGO_PKG_VERSION");
        let profile = Profile { tap_version, shows_values: options.shows_values, streams, failed };
        print(&render(&profile, options)?, out)?;
    }
    worst_failure(failures)
}

fn render(profile: &Profile, options: Options) -> Result<String> {
    match options.format {
        ProfileFormat::Text => Ok(text::render(profile, options.width)),
        ProfileFormat::Html => Ok(html::render(profile)),
        ProfileFormat::Json => profile
            .to_json()
            .map_err(|cause| Error::new(Exit::Bug, format!("cannot serialise the profile: {cause}"))),
    }
}

/// The streams so far, and what the next one needs.
struct Profiler {
    shows_values: bool,
    telemetry: Arc<Telemetry>,
    stop: Stop,
    done: Vec<(String, Result<StreamProfile>)>,
}

impl Profiler {
    /// Adds one stream, or its failure.
    fn add(mut self, stream: &Stream, report: Result<Report, FetchError>) -> Result<Self> {
        let outcome = match report {
            Ok(mut report) => self.stream(stream, &mut report),
            Err(failed) => Err(failed.error),
        };
        if let Err(error) = &outcome {
            if self.stop.is_stopped() {
                return Err(error.clone());
            }
            self.telemetry.error(&error.to_string());
        }
        self.done.push((stream.name().to_owned(), outcome));
        Ok(self)
    }

    fn stream(&self, stream: &Stream, report: &mut Report) -> Result<StreamProfile> {
        let (plan, table) = verify_with(stream, report, require_nothing)?;
        let this_year = clock::wall().year();
        let mut columns = Vec::with_capacity(plan.specs.len());
        for group in plan.specs.chunks(COLUMNS) {
            let found = self.pass(stream, report, &table, columns.len(), group)?;
            columns.extend(found.into_iter().zip(group).map(|((header, stats), column)| {
                let ColumnSpec { name, is_key, .. } = column;
                let facts =
                    ColumnFacts { header: &header, name, rows: table.rows, is_key: *is_key, this_year };
                ColumnProfile::new(stats, &facts)
            }));
        }
        Ok(StreamProfile {
            stream: stream.name().to_owned(),
            report: stream.report.report.clone(),
            completed_at: clock::format_utc(report.completed_at),
            rows: table.rows,
            columns,
        })
    }

    /// Reads the whole report for the headers and the statistics of the columns from `first`.
    fn pass(
        &self,
        stream: &Stream,
        report: &mut Report,
        table: &VerifiedTable,
        first: usize,
        columns: &[ColumnSpec],
    ) -> Result<Vec<(String, ColumnStats)>> {
        let failure = |cause: std::io::Error| table_error(stream.name(), &cause.into());
        let formats: Vec<&CellFormat> = columns.iter().map(format).collect();
        let stats = formats.iter().map(|format| ColumnStats::new(self.shows_values, format.timezone()));
        let mut stats: Vec<ColumnStats> = stats.collect();
        let mut rows = table.read_rows(report.stored().map_err(failure)?);
        let header = rows.read().map_err(failure)?;
        let header =
            (first..first + columns.len()).map(|index| header.map_or("".into(), |row| row.text(index)));
        let header: Vec<String> = header.map(Cow::into_owned).collect();
        let progress = |rows| {
            self.telemetry.progress(Progress::Profiling { stream: stream.name(), rows, of: table.rows });
        };
        let mut number = 0;
        while let Some(row) = rows.read().map_err(failure)? {
            for (index, (format, stats)) in (first..).zip(formats.iter().zip(&mut stats)) {
                if let Some(cell) = format.text(row.escaped(index)) {
                    stats.observe(&unescape(cell));
                }
            }
            number += 1;
            if number % PROGRESS == 0 {
                progress(number);
            }
            if self.stop.is_stopped() {
                return Err(Error::new(Exit::Busy, "stopped by a signal"));
            }
        }
        progress(table.rows);
        Ok(header.into_iter().zip(stats).collect())
    }
}

/// How the settings read the cells of a column: null values, white space, time zone.
fn format(column: &ColumnSpec) -> &CellFormat {
    match &column.typing {
        Typing::Fixed(format) | Typing::Infer(format) => format,
    }
}

/// Lets every column pass, whatever its type, its selection and its key are: the profile shows whether they fit.
fn require_nothing(requirements: &mut Requirements) {
    for column in &mut requirements.columns {
        column.typing = Typing::Fixed(format(column).with_type(ColumnType::String));
        column.is_emitted = true;
        column.is_key = false;
    }
}
