//! `sync`: the one loop. Fetch a report, hand it to the delivery, and wait for the next while it is written.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::mpsc;

use super::deliver::{Delivery, Outcome};
use crate::api::{Api, NoReport, Reach};
use crate::clock;
use crate::error::{Error, Exit, Result};
use crate::job::{Job, Stream};
use crate::memory::Memory;
use crate::report::spool::Report;
use crate::settings::Settings;
use crate::telemetry::{Telemetry, seconds};

/// What the delivery gets for each stream.
struct Parcel {
    stream: Stream,
    outcome: Result<Report, NoReport>,
    next: Option<String>,
}

/// Syncs every stream of the job into `out`.
pub async fn sync<W: Write + Send + 'static>(
    job: Job,
    api: &Api,
    settings: &Settings,
    out: W,
    telemetry: &Arc<Telemetry>,
    stop: &Arc<AtomicBool>,
) -> Result<()> {
    let began = clock::now();
    let Job { streams, state } = job;
    let memory = Memory::new(settings);
    let delivery = Delivery::new(out, state, settings.clone(), Arc::clone(telemetry), Arc::clone(stop));
    let (send, receive) = mpsc::channel(1);
    let told = Arc::clone(telemetry);
    let mut delivered = tokio::task::spawn_blocking(move || deliver(delivery, receive, &memory, &told));
    let fetching = fetch(streams, api, send, telemetry);
    tokio::pin!(fetching);
    let mut fetched = false;
    let outcome = loop {
        tokio::select! {
            // A target that is gone ends the wait for the next report, too.
            done = &mut delivered => break done.unwrap_or_else(|_| Err(Error::new(Exit::Bug, "the delivery panicked"))),
            () = &mut fetching, if !fetched => fetched = true,
        }
    };
    let took = serde_json::json!(seconds(clock::now().saturating_sub(began)));
    telemetry.metric("timer", "job_duration", &took, &serde_json::json!({}));
    outcome
}

async fn fetch(streams: Vec<Stream>, api: &Api, send: mpsc::Sender<Parcel>, telemetry: &Telemetry) {
    let names: Vec<String> = streams.iter().map(|stream| stream.name().to_owned()).collect();
    for (position, stream) in streams.into_iter().enumerate() {
        let outcome = api.fetch(&stream.report.report, telemetry).await;
        let stops = matches!(&outcome, Err(failed) if failed.reach == Reach::Run);
        let parcel = Parcel { stream, outcome, next: names.get(position + 1).cloned() };
        if send.send(parcel).await.is_err() || stops {
            return;
        }
    }
}

/// Writes stream after stream; a stream that fails does not stop the others.
fn deliver<W: Write>(
    mut delivery: Delivery<W>,
    mut parcels: mpsc::Receiver<Parcel>,
    memory: &Memory,
    telemetry: &Telemetry,
) -> Result<()> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut failures: Vec<(String, Error)> = Vec::new();
    while let Some(Parcel { stream, outcome, next }) = parcels.blocking_recv() {
        let name = stream.name().to_owned();
        let resume = failures.first().map(|(name, _)| name.clone()).or(next);
        let delivered = outcome.map(|report| delivery.stream(&stream, report, resume.as_deref()));
        match delivered.map_err(|failed| failed.error) {
            Ok(Ok(outcome)) => outcomes.push(outcome),
            // Without stdout there is nobody left to deliver to, and no STATE to be written.
            Ok(Err(error)) if error.exit == Exit::Io || delivery.is_stopped() => return Err(error),
            Ok(Err(error)) | Err(error) => {
                telemetry.error(&error.to_string());
                failures.push((name, error));
            }
        }
        if let (Some(columns), true) = (delivery.columns(stream.name()), failures.is_empty()) {
            memory.keep(stream.name(), columns);
        }
    }
    if delivery.is_stopped() {
        return Err(Error::new(Exit::Busy, "stopped by a signal"));
    }
    delivery.state(failures.first().map(|(name, _)| name.as_str()))?;
    summary(&outcomes, &failures, telemetry);
    worst(failures)
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
            seconds(outcome.took),
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
