//! The CSV reader: rows in place in one reused buffer, exact positions.
//!
//! Comma, quotes doubled, CR, LF, CRLF or a mixture, line breaks inside quotes kept as they are, a byte order mark
//! skipped. What follows a closing quote is appended, as the csv crate does, and counted. A blank line is skipped,
//! except where the table has one column: there it is a row with an empty cell. The end inside quotes is an error:
//! a report that was cut there would otherwise pass for a whole one. Input is UTF-8, as the body decoder proved.
//! A row that the buffer cuts is begun again once more of it is there, so that no state is carried over.

use std::io::Read;

use super::error::TableError;
use super::marks::Marks;
use super::row::{Cell, Row};

/// A cell of this size is a defect.
const CELL_LIMIT: usize = 64 * 1024 * 1024;
/// So is a table of this width.
const COLUMN_LIMIT: usize = 10_000;
/// At first; grows where a row is longer.
const BUFFER: usize = 256 * 1024;

/// The reader.
pub struct Rows<R> {
    input: R,
    buffer: Vec<u8>,
    /// What is read and not yet given out.
    begin: usize,
    end: usize,
    is_last: bool,
    cells: Vec<Cell>,
    line: u64,
    /// A row ended with CR: a LF belongs to it.
    after_cr: bool,
    width: Option<usize>,
    lenient: u64,
    cell_limit: usize,
}

/// A row as it was found.
struct Found {
    /// Behind its line end.
    end: usize,
    after_cr: bool,
    lines: u64,
    lenient: u64,
}

/// The cell that is being read.
struct Open {
    start: usize,
    marked: bool,
    doubled: usize,
    /// Where its closing quote is.
    closed: Option<usize>,
}

impl<R: Read> Rows<R> {
    /// A reader at the beginning of a report.
    pub fn new(input: R) -> Self {
        Self::with_buffer(input, BUFFER)
    }

    pub(super) fn with_buffer(input: R, size: usize) -> Self {
        Self {
            input,
            buffer: vec![0; size],
            begin: 0,
            end: 0,
            is_last: false,
            cells: Vec::new(),
            line: 1,
            after_cr: false,
            width: None,
            lenient: 0,
            cell_limit: CELL_LIMIT,
        }
    }

    /// Cells so far with text behind their closing quote.
    #[must_use]
    pub fn lenient_quotes(&self) -> u64 {
        self.lenient
    }

    /// The next row; nothing at the end.
    pub fn read(&mut self) -> Result<Option<Row<'_>>, TableError> {
        loop {
            if self.between() {
                if let Some(found) = self.find()? {
                    return Ok(Some(self.give(&found)));
                }
            } else if self.is_last {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    /// Goes to the first byte of a row; false where the buffer ends before it.
    fn between(&mut self) -> bool {
        while let Some(&byte) = self.buffer[..self.end].get(self.begin) {
            if std::mem::take(&mut self.after_cr) && byte == b'\n' {
                self.begin += 1;
            } else if matches!(byte, b'\n' | b'\r') && self.width != Some(1) {
                self.begin += 1;
                self.line += 1;
                self.after_cr = byte == b'\r';
            } else {
                return true;
            }
        }
        false
    }

    /// Finds the cells of a row; nothing where the buffer ends before it.
    fn find(&mut self) -> Result<Option<Found>, TableError> {
        self.cells.clear();
        let text = &self.buffer[..self.end];
        let mut cell = Open::at(self.begin);
        // The line on which the quote opened that is open.
        let mut opened = None;
        let (mut lines, mut lenient) = (0, 0);
        let mut marks = Marks::new(text, self.begin);
        while let Some(at) = marks.next() {
            let byte = text[at];
            if opened.is_none() {
                match byte {
                    b',' => {
                        self.cells.push(cell.close(at, &self.cells, self.line, self.cell_limit)?);
                        cell = Open::at(at + 1);
                    }
                    b'\n' | b'\r' => {
                        self.cells.push(cell.close(at, &self.cells, self.line, self.cell_limit)?);
                        let after_cr = byte == b'\r';
                        return Ok(Some(Found { end: at + 1, after_cr, lines: lines + 1, lenient }));
                    }
                    b'"' if at == cell.start => {
                        opened = Some(self.line + lines);
                        cell.start += 1;
                    }
                    _ => cell.marked = true,
                }
                continue;
            }
            match (byte, text.get(at + 1)) {
                (b'"', None) if !self.is_last => return Ok(None),
                (b'"', Some(b'"')) => {
                    cell.doubled += 1;
                    cell.marked = true;
                    marks.next();
                }
                (b'"', next) => {
                    opened = None;
                    cell.closed = Some(at);
                    lenient += u64::from(!matches!(next, None | Some(b',' | b'\n' | b'\r')));
                }
                (b',', _) => {}
                _ => {
                    lines += u64::from(byte == b'\r' || byte == b'\n' && text[at - 1] != b'\r');
                    cell.marked = true;
                }
            }
        }
        match (self.is_last, opened) {
            (false, _) if text.len() - cell.start > 2 * self.cell_limit + 2 => Err(self.overlong(opened)?),
            (false, _) => Ok(None),
            (true, Some(line)) => Err(TableError::OpenQuote { line }),
            (true, None) => {
                self.cells.push(cell.close(text.len(), &self.cells, self.line, self.cell_limit)?);
                Ok(Some(Found { end: text.len(), after_cr: false, lines, lenient }))
            }
        }
    }

    fn give(&mut self, found: &Found) -> Row<'_> {
        let line = self.line;
        self.line += found.lines;
        self.lenient += found.lenient;
        self.after_cr = found.after_cr;
        self.begin = found.end;
        for cell in self.cells.iter_mut().filter(|cell| cell.folded) {
            cell.unfold(&mut self.buffer);
        }
        if self.width.is_none() {
            self.width = Some(self.cells.len());
            // A byte order mark belongs to the file, not to the first header.
            let first = &mut self.cells[0];
            if self.buffer[first.start..first.end].starts_with("\u{FEFF}".as_bytes()) {
                first.start += 3;
            }
        }
        Row { text: &self.buffer, cells: &self.cells, line }
    }

    /// Reads on, with what is left moved to the front.
    fn fill(&mut self) -> Result<(), TableError> {
        self.buffer.copy_within(self.begin..self.end, 0);
        self.end -= self.begin;
        self.begin = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
        let read = self.input.read(&mut self.buffer[self.end..])?;
        self.end += read;
        self.is_last = read == 0;
        Ok(())
    }

    /// What is wrong with a cell beyond all limits, found without keeping it: it is too long, or it never ends.
    fn overlong(&mut self, opened: Option<u64>) -> Result<TableError, TableError> {
        let long = TableError::LongCell { line: self.line, column: self.cells.len() + 1 };
        let Some(line) = opened else { return Ok(long) };
        let mut after_quote = false;
        loop {
            let read = self.input.read(&mut self.buffer)?;
            for &byte in &self.buffer[..read] {
                match byte {
                    b'"' => after_quote = !after_quote,
                    _ if after_quote => return Ok(long),
                    _ => {}
                }
            }
            if read == 0 {
                return Ok(if after_quote { long } else { TableError::OpenQuote { line } });
            }
        }
    }
}

impl Open {
    fn at(start: usize) -> Self {
        Self { start, marked: false, doubled: 0, closed: None }
    }

    /// The cell whose separator is at `end`.
    fn close(&self, end: usize, before: &[Cell], line: u64, limit: usize) -> Result<Cell, TableError> {
        let has_tail = self.closed.is_some_and(|closed| closed + 1 < end);
        let end = if has_tail { end } else { self.closed.unwrap_or(end) };
        if end - self.start - self.doubled - usize::from(has_tail) > limit {
            return Err(TableError::LongCell { line, column: before.len() + 1 });
        }
        if before.len() == COLUMN_LIMIT {
            return Err(TableError::Wide { line });
        }
        let folded = has_tail || self.doubled > 0;
        Ok(Cell { start: self.start, end, marked: self.marked, folded })
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
