//! Writes the rows of one chunk of a report as CSV, in memory.
//!
//! A row is written cell by cell in the order of the sample's header. A removed column is skipped here, so that the
//! modules that write rows do not need to know of it. It writes nothing to a file or socket.

use super::calendar::Instant;

/// Rows of CSV text, written by the `csv` crate.
pub struct RowWriter {
    writer: csv::Writer<Vec<u8>>,
    removed: Option<usize>,
    column: usize,
    scratch: Vec<u8>,
}

impl RowWriter {
    /// `removed` is the index of the column that is skipped.
    #[must_use]
    pub fn new(removed: Option<usize>) -> Self {
        Self { writer: csv::Writer::from_writer(Vec::new()), removed, column: 0, scratch: Vec::new() }
    }

    #[must_use]
    pub fn into_text(self) -> String {
        let bytes = self.writer.into_inner().expect("a write to memory succeeds");
        String::from_utf8(bytes).expect("every cell is UTF-8")
    }

    pub fn text(&mut self, cell: &str) {
        self.field(cell.as_bytes());
    }

    /// This many empty cells.
    pub fn empty(&mut self, cells: usize) {
        for _ in 0..cells {
            self.text("");
        }
    }

    /// One cell, joined from its parts.
    pub fn parts(&mut self, parts: &[&str]) {
        self.build(|cell| parts.iter().for_each(|part| cell.extend_from_slice(part.as_bytes())));
    }

    /// One cell, joined from its parts if the condition is true, else empty.
    pub fn parts_if(&mut self, condition: bool, parts: &[&str]) {
        self.parts(if condition { parts } else { &[] });
    }

    /// One cell: a prefix and a number with leading zeros up to `width` digits.
    pub fn id(&mut self, prefix: &str, number: u64, width: usize) {
        self.build(|cell| {
            let mut buffer = itoa::Buffer::new();
            let digits = buffer.format(number);
            cell.extend_from_slice(prefix.as_bytes());
            cell.resize(cell.len() + width.saturating_sub(digits.len()), b'0');
            cell.extend_from_slice(digits.as_bytes());
        });
    }

    pub fn number(&mut self, number: u64) {
        self.text(itoa::Buffer::new().format(number));
    }

    pub fn date(&mut self, at: Instant) {
        self.build(|cell| at.write_date(cell));
    }

    /// A date-time in UTC, or an empty cell.
    pub fn utc(&mut self, at: Option<Instant>) {
        self.time(at, None);
    }

    /// A date-time in UTC or with an offset in hours, or an empty cell.
    pub fn time(&mut self, at: Option<Instant>, offset: Option<u8>) {
        self.build(|cell| match (at, offset) {
            (Some(at), Some(hours)) => at.write_with_offset(hours, cell),
            (Some(at), None) => at.write_utc(cell),
            (None, _) => {}
        });
    }

    /// One cell, whose bytes `write` appends.
    fn build(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut cell = std::mem::take(&mut self.scratch);
        cell.clear();
        write(&mut cell);
        self.field(&cell);
        self.scratch = cell;
    }

    pub fn end_row(&mut self) {
        self.column = 0;
        self.writer
            .write_record(None::<&[u8]>)
            .expect("all rows of a report have the same number of columns");
    }

    fn field(&mut self, cell: &[u8]) {
        if self.removed != Some(self.column) {
            self.writer.write_field(cell).expect("a write to memory succeeds");
        }
        self.column += 1;
    }
}
