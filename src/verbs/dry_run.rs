//! `--dry-run`: says which reports a sync would fetch, when, and into which streams, without a request.
//!
//! The times are the earliest ones: they add up the gate's wait and the intervals, and transfers come on top. It writes
//! no file, and a later run may find another wait.

use std::io::Write;
use std::time::Duration;

use super::next_request::NextRequest;
use super::print;
use crate::api::gate::GateStatus;
use crate::api::rate_limit;
use crate::count::Count;
use crate::error::Result;
use crate::job::{Job, Stream};
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
    let gate = NextRequest::new(settings, assume_idle)?;
    let status = gate.status()?;
    let (first, words) = match status {
        GateStatus::Held { .. } => (None, gate.lock_words(&status)),
        GateStatus::Free { wait, reason, failures } => {
            (Some(wait), format!("the first request is {}", gate.wait_words(wait, reason, failures).0))
        }
    };
    let table = plan(&job.streams, first, rate_limit(settings).interval).map(|text| telemetry.foreign(text));
    let reports = Count(job.streams.len(), "report");
    let total = format!("a sync fetches {reports}; this dry run sends no request");
    let mut lines = table.lines(page);
    lines.push(String::new());
    for sentence in [total, telemetry.foreign(&words)] {
        lines.extend(wrap(&sentence, page.width));
    }
    print(&lines.join("\n"), out)
}

/// A row for each stream; `first` is the wait for the first request, `None` if another process holds the lock.
fn plan(streams: &[Stream], first: Option<Duration>, interval: Duration) -> Table {
    let row = |(index, stream): (u32, &Stream)| {
        let at = match first.map(|first| first.saturating_add(interval.saturating_mul(index))) {
            None => "after the other process".to_owned(),
            Some(Duration::ZERO) => "now".to_owned(),
            Some(wait) => format!("in {} or later", duration(wait)),
        };
        let key = stream.key_names(&stream.rules.memory).join(", ");
        [stream.report.report.clone(), stream.name().to_owned(), key, at].map(Cell::from).into()
    };
    let columns = vec![
        Column::text("report").rank(2),
        Column::text("stream"),
        Column::text("key").rank(1),
        Column::text("request").whole(),
    ];
    Table { columns, rows: (0..).zip(streams).map(row).collect() }
}
