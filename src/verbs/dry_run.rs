//! `--dry-run`: says which reports a sync would fetch, when, and into which streams, without a request.
//!
//! The times are the earliest ones: they add up the gate's wait and the intervals, and transfers come on top. With
//! `from_file` it names the files in place of the times. It writes no file, and a later run may find another wait.

use std::io::Write;
use std::time::Duration;

use super::next_request::NextRequest;
use super::print;
use crate::api::gate::GateStatus;
use crate::api::rate_limit;
use crate::count::Count;
use crate::error::Result;
use crate::job::{Job, Stream};
use crate::safe_name;
use crate::settings::Settings;
use crate::telemetry::Telemetry;
use crate::terminal::units::duration;
use crate::terminal::{Cell, Column, Page, Table, wrap};

/// Prints the plan of the sync. `assume_idle` is the flag of the command line.
pub fn dry_run(
    job: &Job,
    settings: &Settings,
    assume_idle: bool,
    page: Page,
    telemetry: &Telemetry,
    out: &mut dyn Write,
) -> Result<()> {
    let reports = Count(job.streams.len(), "report");
    let (table, sentences) = if settings.reads_files() {
        let file = |stream: &Stream| settings.from_file.get(stream.name()).map(|path| safe_name::path(path));
        let total = format!("a sync reads {reports} from files; it sends no request");
        (plan(&job.streams, "file", |_, stream| file(stream).unwrap_or_default()), vec![total])
    } else {
        let (first, words) = first_request(settings, assume_idle)?;
        let interval = rate_limit(settings).interval;
        let total = format!("a sync fetches {reports}; this dry run sends no request");
        (plan(&job.streams, "request", |index, _| request(first, interval, index)), vec![total, words])
    };
    let table = table.map(|text| telemetry.foreign(text));
    let mut lines = table.lines(page);
    lines.push(String::new());
    for sentence in sentences {
        lines.extend(wrap(&telemetry.foreign(&sentence), page.width));
    }
    print(&lines.join("\n"), out)
}

/// The wait for the first request, `None` if another process holds the lock; and a sentence about it.
fn first_request(settings: &Settings, assume_idle: bool) -> Result<(Option<Duration>, String)> {
    let gate = NextRequest::new(settings, assume_idle)?;
    let status = gate.status()?;
    Ok(match status {
        GateStatus::Held { .. } => (None, gate.lock_words(&status)),
        GateStatus::Free { wait, reason, failures } => {
            (Some(wait), format!("the first request is {}", gate.wait_words(wait, reason, failures).0))
        }
    })
}

/// When a request is sent, by its position in the run.
fn request(first: Option<Duration>, interval: Duration, index: u32) -> String {
    match first.map(|first| first.saturating_add(interval.saturating_mul(index))) {
        None => "after the other process".to_owned(),
        Some(Duration::ZERO) => "now".to_owned(),
        Some(wait) => format!("in {} or later", duration(wait)),
    }
}

/// A row for each stream; the last column is `source`, and `words` returns its cells.
fn plan(streams: &[Stream], source: &'static str, words: impl Fn(u32, &Stream) -> String) -> Table {
    let row = |(index, stream): (u32, &Stream)| {
        let key = stream.key_names(&stream.rules.memory).join(", ");
        [stream.report.report.clone(), stream.name().to_owned(), key, words(index, stream)]
            .map(Cell::from)
            .into()
    };
    let columns = vec![
        Column::text("report").rank(2),
        Column::text("stream"),
        Column::text("key").rank(1),
        Column::text(source).whole(),
    ];
    Table { columns, rows: (0..).zip(streams).map(row).collect() }
}
