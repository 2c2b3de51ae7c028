//! `sync`: the one loop. Fetch a report, deliver it while the next is waited for, and say how it went.

use std::io::Write;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;

use super::deliver::{Delivery, Outcome};
use super::{pipeline, run_blocking};
use crate::clock;
use crate::column_cache::ColumnCache;
use crate::error::{Error, Exit, Result};
use crate::job::{Job, Stream};
use crate::report::spool::Report;
use crate::settings::Settings;
use crate::shutdown::Stop;
use crate::source::{FailureScope, FetchError, Source};
use crate::telemetry::{Telemetry, metric_seconds};

/// Syncs every stream of the job into `out`.
pub async fn sync<W: Write + Send + 'static>(
    job: Job,
    source: &Source,
    settings: &Settings,
    out: W,
    telemetry: &Arc<Telemetry>,
    stop: Stop,
) -> Result<()> {
    let began = clock::now();
    let Job { streams, state } = job;
    let progress = SyncProgress {
        delivery: Delivery::new(out, state, settings.clone(), Arc::clone(telemetry), stop),
        cache: ColumnCache::new(settings),
        telemetry: Arc::clone(telemetry),
        outcomes: Vec::new(),
        failures: Vec::new(),
    };
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
    outcome
}

/// The streams in their order, each with the name of the one after it.
fn with_next(streams: Vec<Stream>) -> impl Iterator<Item = (Stream, Option<String>)> {
    let names: Vec<String> = streams.iter().map(|stream| stream.name().to_owned()).collect();
    streams.into_iter().zip(names.into_iter().skip(1).map(Some).chain([None]))
}

/// Brings the stream's report; after a failure that reaches the whole run nothing more is asked for.
async fn fetch(
    stream: Stream,
    next: Option<String>,
    source: &Source,
    telemetry: &Telemetry,
) -> ControlFlow<Fetched, Fetched> {
    let outcome = source.fetch(&stream.report, telemetry).await;
    let is_last = matches!(&outcome, Err(failed) if failed.scope == FailureScope::Run);
    let fetched = Fetched { stream, outcome, next };
    if is_last { Break(fetched) } else { Continue(fetched) }
}

/// What the delivery gets for each stream.
struct Fetched {
    stream: Stream,
    outcome: Result<Report, FetchError>,
    next: Option<String>,
}

/// Takes fetched after fetched to the delivery and remembers how it went.
struct SyncProgress<W: Write> {
    delivery: Delivery<W>,
    cache: ColumnCache,
    telemetry: Arc<Telemetry>,
    outcomes: Vec<Outcome>,
    failures: Vec<(String, Error)>,
}

impl<W: Write> SyncProgress<W> {
    /// Writes one stream; one that fails does not stop the others.
    fn deliver(mut self, Fetched { stream, outcome, next }: Fetched) -> Result<Self> {
        let name = stream.name().to_owned();
        let resume = self.failures.first().map(|(name, _)| name.clone()).or(next);
        let delivered = outcome.map(|report| self.delivery.write_stream(&stream, report, resume.as_deref()));
        match delivered.map_err(|failed| failed.error) {
            Ok(Ok(outcome)) => self.outcomes.push(outcome),
            // Without stdout there is nobody left to deliver to, and no STATE to be written.
            Ok(Err(error)) if error.exit == Exit::Io || self.delivery.is_stopped() => return Err(error),
            Ok(Err(error)) | Err(error) => {
                self.telemetry.error(&error.to_string());
                self.failures.push((name, error));
            }
        }
        if let (Some(columns), true) = (self.delivery.columns(stream.name()), self.failures.is_empty()) {
            self.cache.keep(stream.name(), columns);
        }
        Ok(self)
    }

    /// Writes the last STATE and says how it went.
    fn finish(mut self) -> Result<()> {
        self.delivery.write_state(self.failures.first().map(|(name, _)| name.as_str()))?;
        summary(&self.outcomes, &self.failures, &self.telemetry);
        worst(self.failures)
    }
}

fn summary(outcomes: &[Outcome], failures: &[(String, Error)], telemetry: &Telemetry) {
    telemetry.info(&format!(
        "{:<20} {:>12} {:>10} {:>9} {:>9}",
        "stream", "rows", "seconds", "requests", "warnings"
    ));
    for outcome in outcomes {
        telemetry.info(&format!(
            "{:<20} {:>12} {:>10.3} {:>9} {:>9}",
            outcome.stream,
            outcome.rows,
            metric_seconds(outcome.took),
            outcome.requests,
            outcome.warnings
        ));
    }
    for (stream, _) in failures {
        telemetry.info(&format!("{stream:<20} {:>12}", "failed"));
    }
    telemetry.info(&format!("{} requests, {} warnings", telemetry.requests(), telemetry.warnings()));
}

/// One error for the run: the one that reaches furthest decides the exit code.
fn worst(failures: Vec<(String, Error)>) -> Result<()> {
    match failures
        .into_iter()
        .map(|(_, error)| error)
        .reduce(|a, b| if b.exit.rank() > a.exit.rank() { b } else { a })
    {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
