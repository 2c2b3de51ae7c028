//! The summary of a sync: a line for each stream in the log of a pipe, a table for a person at a terminal.
//!
//! The lines in a pipe keep their form, because programs read them. The table also has the size of each report.

use std::time::Duration;

use super::deliver::Outcome;
use crate::count::Count;
use crate::telemetry::{Telemetry, metric_seconds};
use crate::terminal::units::{bytes, duration, grouped};
use crate::terminal::{Cell, Column, RED, Table, YELLOW};

/// The results of a sync, in the order of the streams.
pub struct Summary<'a> {
    pub outcomes: &'a [Outcome],
    /// Streams that failed.
    pub failed: Vec<&'a str>,
    /// From the start of the run.
    pub took: Duration,
}

impl Summary<'_> {
    /// Logs the summary.
    pub fn log(&self, telemetry: &Telemetry) {
        let requests = Count(telemetry.requests(), "request");
        let warnings = Count(telemetry.warnings(), "warning");
        if telemetry.table(self.table()) {
            telemetry.info(&format!("{} in {}; {requests}, {warnings}", self.total(), duration(self.took)));
        } else {
            self.lines().iter().for_each(|line| telemetry.info(line));
            telemetry.info(&format!("{requests}, {warnings}"));
        }
    }

    fn lines(&self) -> Vec<String> {
        let titles =
            format!("{:<20} {:>12} {:>10} {:>9} {:>9}", "stream", "rows", "seconds", "requests", "warnings");
        let outcomes = self.outcomes.iter().map(|outcome| {
            format!(
                "{:<20} {:>12} {:>10.3} {:>9} {:>9}",
                outcome.stream,
                outcome.rows,
                metric_seconds(outcome.took),
                outcome.requests,
                outcome.warnings
            )
        });
        let failed = self.failed.iter().map(|stream| format!("{stream:<20} {:>12}", "failed"));
        std::iter::once(titles).chain(outcomes).chain(failed).collect()
    }

    fn table(&self) -> Table {
        let outcomes = self.outcomes.iter().map(|outcome| {
            let warnings = match outcome.warnings {
                0 => "0".into(),
                some => Cell::styled(some.to_string(), YELLOW),
            };
            vec![
                outcome.stream.as_str().into(),
                grouped(outcome.rows).into(),
                bytes(outcome.bytes).into(),
                outcome.requests.to_string().into(),
                warnings,
            ]
        });
        let failed = self.failed.iter().map(|stream| {
            let dash = || Cell::from("-");
            vec![Cell::from(*stream), Cell::styled("failed", RED), dash(), dash(), dash()]
        });
        let columns = vec![
            Column::text("stream"),
            Column::number("rows"),
            Column::number("size").rank(1),
            Column::number("requests").rank(2),
            Column::number("warnings"),
        ];
        Table { columns, rows: outcomes.chain(failed).collect() }
    }

    fn total(&self) -> String {
        let sum = |part: fn(&Outcome) -> u64| self.outcomes.iter().map(part).sum();
        let streams = Count(self.outcomes.len(), "stream");
        let rows = sum(|outcome| outcome.rows);
        let plural = if rows == 1 { "row" } else { "rows" };
        format!("{streams}, {} {plural}, {}", grouped(rows), bytes(sum(|outcome| outcome.bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Page;

    fn outcome(stream: &str, rows: u64, warnings: u64) -> Outcome {
        let took = Duration::from_millis(1_500);
        Outcome { stream: stream.into(), rows, bytes: rows * 400, took, requests: 1, warnings }
    }

    #[test]
    fn summary_in_a_pipe_has_a_line_and_on_a_terminal_a_row_for_each_stream() {
        let outcomes = [outcome("user_report", 12_400, 0), outcome("pairing_report", 3, 2)];
        let summary =
            Summary { outcomes: &outcomes, failed: vec!["session_report"], took: Duration::from_secs(125) };
        assert_eq!(
            summary.lines(),
            [
                "stream                       rows    seconds  requests  warnings",
                "user_report                 12400      1.500         1         0",
                "pairing_report                  3      1.500         1         2",
                "session_report             failed",
            ]
        );
        let shown = |width| summary.table().lines(Page { width, has_colour: false });
        assert_eq!(
            shown(80),
            [
                "stream            rows     size  requests  warnings",
                "user_report     12,400  4.7 MiB         1         0",
                "pairing_report       3  1.2 KiB         1         2",
                "session_report  failed        -         -         -",
            ]
        );
        assert_eq!(shown(51), shown(80));
        assert_eq!(shown(50)[2], "pairing_repo…       3  1.2 KiB         1         2");
        assert_eq!(shown(40)[2], "pairing_repo…       3  1.2 KiB         2");
        assert_eq!(summary.total(), "2 streams, 12,403 rows, 4.7 MiB");
    }
}
