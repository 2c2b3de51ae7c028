//! The preview of a sync from the sandbox: tables of the first rows in place of Singer messages, for a terminal.
//!
//! It takes the messages that a pipe would get and prints a table when a stream ends. It keeps the first rows of one
//! stream, so memory is constant. It is not for real people's records: those never appear on a terminal this way.

use std::io::{Result, Write};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::telemetry::Telemetry;
use crate::terminal::units::grouped;
use crate::terminal::{BOLD, Cell, Column, DIM, Page, Table, escape_controls, wrap};

/// Rows of a stream that are shown.
const ROWS: usize = 5;
/// Columns of the terminal for a cell.
const CELL: usize = 24;
/// Above the first table.
const NOTE: &str = "tables of sample data; a pipe gets the Singer messages: `tap-together --sandbox | head`";
/// The start of every RECORD line of this tap.
const RECORD: &[u8] = br#"{"type":"RECORD""#;

/// Writes tables to a terminal that shares its screen with the live line.
pub struct Preview<W, Look> {
    out: W,
    /// Reads the present width of the terminal.
    page: Look,
    telemetry: Arc<Telemetry>,
    /// The start of a message whose end has not been written yet.
    pending: Vec<u8>,
    sample: Option<Sample>,
    has_begun: bool,
}

/// The first rows of a stream.
struct Sample {
    stream: String,
    columns: Vec<String>,
    rows: Vec<Map<String, Value>>,
    count: u64,
}

impl<W: Write, Look: Fn() -> Page> Preview<W, Look> {
    pub fn new(out: W, page: Look, telemetry: Arc<Telemetry>) -> Self {
        Self { out, page, telemetry, pending: Vec::new(), sample: None, has_begun: false }
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        if let Some(sample) = self.sample.as_mut().filter(|_| line.starts_with(RECORD)) {
            sample.record(line);
            return Ok(());
        }
        let message: Value = serde_json::from_slice(line)?;
        match message["type"].as_str() {
            Some("SCHEMA") => self.sample = Some(Sample::of(&message)),
            Some("STATE") => self.show()?,
            _ => {}
        }
        Ok(())
    }

    /// Prints the stream that has ended, if one has.
    fn show(&mut self) -> Result<()> {
        let Some(sample) = self.sample.take() else { return Ok(()) };
        let page = (self.page)();
        let note =
            if std::mem::replace(&mut self.has_begun, true) { Vec::new() } else { wrap(NOTE, page.width) };
        let text: String = note.iter().map(|line| format!("{line}\n")).chain([sample.text(page)]).collect();
        let _pause = self.telemetry.pause();
        self.out.write_all(text.as_bytes())
    }
}

impl Sample {
    fn of(schema: &Value) -> Self {
        let columns = schema["schema"]["properties"].as_object().into_iter().flat_map(Map::keys);
        let stream = schema["stream"].as_str().unwrap_or_default();
        Self { stream: stream.to_owned(), columns: columns.cloned().collect(), rows: Vec::new(), count: 0 }
    }

    fn record(&mut self, line: &[u8]) {
        self.count += 1;
        if self.rows.len() < ROWS
            && let Ok(Value::Object(record)) =
                serde_json::from_slice(line).map(|mut message: Value| message["record"].take())
        {
            self.rows.push(record);
        }
    }

    /// A title, the table, and the columns and rows that are not in it.
    fn text(&self, page: Page) -> String {
        let cell = |row: &Map<String, Value>, column: &String| match row.get(column) {
            Some(Value::String(text)) => Cell::from(text.as_str()),
            None | Some(Value::Null) => Cell::styled("null", DIM),
            Some(other) => Cell::from(other.to_string()),
        };
        let row = |row| self.columns.iter().map(|column| cell(row, column)).collect();
        let table = Table {
            columns: self.columns.iter().map(|name| Column::text(name).exactly(CELL).rank(1)).collect(),
            rows: self.rows.iter().map(row).collect(),
        };
        let table = table.map(escape_controls);
        let shown = table.fitting(page.width);
        let title = format!("{}: {} rows, {} columns", self.stream, grouped(self.count), self.columns.len());
        let mut lines = vec![page.paint(BOLD, escape_controls(&title))];
        lines.extend(table.lines(page));
        let columns = self.columns.iter().enumerate().filter(|(index, _)| !shown.contains(index));
        let further: Vec<&str> = columns.map(|(_, name)| name.as_str()).collect();
        if !further.is_empty() {
            let further = escape_controls(&format!("further columns: {}", further.join(", ")));
            lines.extend(wrap(&further, page.width));
        }
        lines.join("\n") + "\n\n"
    }
}

impl<W: Write, Look: Fn() -> Page> Write for Preview<W, Look> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(bytes);
        let end = pending.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        for line in pending[..end].split_inclusive(|&byte| byte == b'\n') {
            self.line(line)?;
        }
        pending.drain(..end);
        self.pending = pending;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::telemetry::{Format, Level};

    #[test]
    fn preview_of_a_stream_shows_its_first_rows_and_names_what_does_not_fit() {
        let mut messages = String::from(
            r#"{"type":"SCHEMA","stream":"s","schema":{"properties":{"id":{},"name":{},"email":{}}},"key_properties":[]}"#,
        );
        for number in 1..=1_200 {
            let _ = write!(
                messages,
                "\n{{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{{\"id\":{number},\"name\":\"王{number}\",\"email\":null}}}}"
            );
        }
        messages += "\n{\"type\":\"STATE\",\"value\":{}}\n{\"type\":\"STATE\",\"value\":{}}\n";
        let mut out = Vec::new();
        let telemetry = Arc::new(Telemetry::new(Format::Text, Level::Info));
        let page = || Page { width: 10, has_colour: false };
        let mut preview = Preview::new(&mut out, page, telemetry);
        // Messages arrive in pieces that end anywhere.
        messages.as_bytes().chunks(7).for_each(|piece| preview.write_all(piece).unwrap());
        let expected = "\
tables of
  sample
  data; a
  pipe
  gets the
  Singer
  messages:
  `tap-together --sandbox | head`
s: 1,200 rows, 3 columns
id  name
1   王1
2   王2
3   王3
4   王4
5   王5
further
  columns:
  email

";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
