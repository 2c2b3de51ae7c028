//! `sync`: fetches the reports in order and delivers each while the gate waits for the next request.
//!
//! A stream that fails does not stop the others, unless the failure concerns every request. STATE names the first
//! failed stream, so that the next run starts there. The worst failure sets the exit code.

use std::io::Write;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use super::deliver::Delivery;
use super::summary::Summary;
use super::{pipeline, run_blocking};
use crate::clock;
use crate::error::{Error, Exit, Result};
use crate::job::{Job, Stream};
use crate::journal::Journals;
use crate::report::spool::Report;
use crate::settings::Settings;
use crate::shutdown::Stop;
use crate::source::{FailureScope, FetchError, Source, interval};
use crate::telemetry::{Progress, StreamReport, Telemetry, metric_seconds};

/// Syncs every stream of the job into `out`. The journals stay locked until all of it is written.
pub async fn sync<W: Write + Send + 'static>(
    job: Job,
    source: &Source,
    journals: Journals,
    settings: &Settings,
    out: W,
    telemetry: &Arc<Telemetry>,
    stop: Stop,
) -> Result<()> {
    let began = clock::now();
    let Job { streams, state } = job;
    let progress = SyncProgress {
        delivery: Delivery::new(out, state, journals, settings.clone(), Arc::clone(telemetry), stop)?,
        telemetry: Arc::clone(telemetry),
        began,
        streams: Vec::new(),
        failures: Vec::new(),
    };
    telemetry.progress(Progress::Begin { reports: streams.len(), interval: interval(settings) });
    let fetch = async |(stream, next)| fetch(stream, next, source, telemetry).await;
    let deliver = async |progress: SyncProgress<W>, fetched| {
        run_blocking("the delivery", || progress.deliver(fetched)).await
    };
    let outcome = match pipeline::run(with_next(streams), fetch, progress, deliver).await {
        Ok(progress) => run_blocking("the delivery", || progress.finish()).await,
        Err(error) => Err(error),
    };
    let took = serde_json::json!(metric_seconds(clock::now().saturating_sub(began)));
    telemetry.metric("timer", "job_duration", &took, &serde_json::json!({}));
    source.note_next_request(telemetry);
    outcome
}

/// The streams in their order, each with the name of the one after it.
fn with_next(streams: Vec<Stream>) -> impl Iterator<Item = (Stream, Option<String>)> {
    let names: Vec<String> = streams.iter().map(|stream| stream.name().to_owned()).collect();
    streams.into_iter().zip(names.into_iter().skip(1).map(Some).chain([None]))
}

/// Fetches the report of a stream; breaks after a failure that concerns every request.
async fn fetch(
    stream: Stream,
    next: Option<String>,
    source: &Source,
    telemetry: &Telemetry,
) -> ControlFlow<Fetched, Fetched> {
    let loaded = stream.completed_at.as_deref();
    let report = source.reuse_or_fetch(&stream.report, loaded, telemetry).await;
    let is_last = matches!(&report, Err(failed) if failed.scope == FailureScope::Run);
    let fetched = Fetched { stream, report, next };
    if is_last { Break(fetched) } else { Continue(fetched) }
}

/// A stream with its report, or the reason why it has none.
struct Fetched {
    stream: Stream,
    report: Result<Report, FetchError>,
    /// The stream after it.
    next: Option<String>,
}

/// The streams that are done, and what their delivery needs.
struct SyncProgress<W: Write> {
    delivery: Delivery<W>,
    telemetry: Arc<Telemetry>,
    /// When the run began.
    began: Duration,
    streams: Vec<StreamReport>,
    failures: Vec<(String, Error)>,
}

impl<W: Write> SyncProgress<W> {
    /// Writes one stream, or records its failure.
    fn deliver(mut self, Fetched { stream, report, next }: Fetched) -> Result<Self> {
        let resume = self.failures.first().map(|(name, _)| name.clone()).or(next);
        let (has_arrived, requests) = match &report {
            Ok(report) => (true, report.requests),
            Err(failed) => (false, failed.requests),
        };
        let delivered = match report {
            Ok(report) => self.delivery.write_stream(&stream, report, resume.as_deref()),
            Err(failed) => Err(failed.error),
        };
        let mut done = delivered.as_ref().cloned().unwrap_or_else(|error| StreamReport {
            stream: stream.name().to_owned(),
            error: Some(error.to_string()),
            requests,
            ..StreamReport::default()
        });
        let subjects = [stream.name(), &stream.report.report];
        done.warnings = subjects.map(|subject| self.telemetry.warnings_about(subject)).iter().sum();
        self.telemetry.report_stream(done.clone());
        self.streams.push(done);
        match delivered {
            Ok(_) => {}
            // Without stdout no other stream and no STATE can be written.
            Err(error) if has_arrived && (error.exit == Exit::Io || self.delivery.is_stopped()) => {
                return Err(error);
            }
            Err(error) => {
                self.telemetry.error(&error.to_string());
                self.failures.push((stream.name().to_owned(), error));
            }
        }
        Ok(self)
    }

    /// Writes the last STATE and logs the summary.
    fn finish(mut self) -> Result<()> {
        self.delivery.write_last_state(self.failures.first().map(|(name, _)| name.as_str()))?;
        let took = clock::now().saturating_sub(self.began);
        Summary { streams: &self.streams, took }.log(&self.telemetry);
        worst_failure(self.failures)
    }
}

/// The failure that sets the exit code of the run.
pub(super) fn worst_failure(failures: Vec<(String, Error)>) -> Result<()> {
    match failures
        .into_iter()
        .map(|(_, error)| error)
        .reduce(|a, b| if b.exit.rank() > a.exit.rank() { b } else { a })
    {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
