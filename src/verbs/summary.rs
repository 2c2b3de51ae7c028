//! The summary of a sync: a line for each stream in the log of a pipe, a table for a person at a terminal.
//!
//! The lines in a pipe keep their form, because programs read them. The table also has the size of each report.

use std::time::Duration;

use crate::count::Count;
use crate::telemetry::{StreamReport, Telemetry};
use crate::terminal::units::{bytes, duration, grouped};
use crate::terminal::{Cell, Column, RED, Table, YELLOW};

/// In place of the rows of a stream of which no records were sent.
const UNCHANGED: &str = "unchanged";

/// The results of a sync, in the order of the streams.
pub struct Summary<'a> {
    pub streams: &'a [StreamReport],
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
        let line = |stream: &StreamReport| match (stream.rows, stream.seconds) {
            (Some(rows), Some(seconds)) => format!(
                "{:<20} {:>12} {seconds:>10.3} {:>9} {:>9}",
                stream.stream,
                if stream.unchanged { UNCHANGED.to_owned() } else { rows.to_string() },
                stream.requests,
                stream.warnings
            ),
            _ => format!("{:<20} {:>12}", stream.stream, "failed"),
        };
        std::iter::once(titles).chain(self.streams.iter().map(line)).collect()
    }

    fn table(&self) -> Table {
        let row = |stream: &StreamReport| {
            let name = Cell::from(stream.stream.as_str());
            let (Some(rows), Some(size)) = (stream.rows, stream.bytes) else {
                let dash = || Cell::from("-");
                return vec![name, Cell::styled("failed", RED), dash(), dash(), dash()];
            };
            let warnings = match stream.warnings {
                0 => "0".into(),
                some => Cell::styled(some.to_string(), YELLOW),
            };
            let rows = if stream.unchanged { UNCHANGED.to_owned() } else { grouped(rows) };
            vec![name, rows.into(), bytes(size).into(), stream.requests.to_string().into(), warnings]
        };
        let columns = vec![
            Column::text("stream"),
            Column::number("rows"),
            Column::number("size").rank(1),
            Column::number("requests").rank(2),
            Column::number("warnings"),
        ];
        Table { columns, rows: self.streams.iter().map(row).collect() }
    }

    fn total(&self) -> String {
        let sum = |part: fn(&StreamReport) -> Option<u64>| self.streams.iter().filter_map(part).sum();
        let streams = Count(self.streams.iter().filter(|stream| stream.rows.is_some()).count(), "stream");
        let rows = sum(|stream| stream.rows.filter(|_| !stream.unchanged));
        let plural = if rows == 1 { "row" } else { "rows" };
        format!("{streams}, {} {plural}, {}", grouped(rows), bytes(sum(|stream| stream.bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Page;

    fn done(stream: &str, rows: u64, warnings: u64) -> StreamReport {
        StreamReport {
            stream: stream.into(),
            rows: Some(rows),
            bytes: Some(rows * 400),
            seconds: Some(1.5),
            requests: 1,
            warnings,
            ..StreamReport::default()
        }
    }

    #[test]
    fn summary_in_a_pipe_has_a_line_and_on_a_terminal_a_row_for_each_stream() {
        let failed = StreamReport { stream: "session_report".into(), ..StreamReport::default() };
        let streams = [done("user_report", 12_400, 0), done("pairing_report", 3, 2), failed];
        let summary = Summary { streams: &streams, took: Duration::from_secs(125) };
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

    #[test]
    fn summary_of_an_unchanged_stream_says_so_in_place_of_the_rows() {
        let unchanged = StreamReport { unchanged: true, ..done("user_report", 5, 0) };
        let summary = Summary { streams: &[unchanged, done("pairing_report", 3, 0)], took: Duration::ZERO };
        let line = "user_report             unchanged      1.500         1         0";
        assert_eq!(summary.lines()[1], line);
        let shown = summary.table().lines(Page { width: 80, has_colour: false });
        assert_eq!(shown[1], "user_report     unchanged  2.0 KiB         1         0");
        assert_eq!(summary.total(), "2 streams, 3 rows, 3.1 KiB");
    }
}
