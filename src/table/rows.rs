//! The CSV reader: one pass, reused buffers, exact positions.
//!
//! Comma, quotes doubled, CR, LF, CRLF or a mixture, line breaks inside quotes kept as they are, a byte order mark
//! skipped. What follows a closing quote is appended, as the csv crate does, and counted. A blank line is skipped,
//! except where the table has one column: there it is a row with an empty cell. The end inside quotes is an error:
//! a report that was cut there would otherwise pass for a whole one. Input is UTF-8, as the body decoder proved.

use std::io::BufRead;

use super::error::TableError;

/// A cell of this size is a defect.
const CELL_LIMIT: usize = 64 * 1024 * 1024;
/// So is a table of this width.
const COLUMN_LIMIT: usize = 10_000;

/// One row, its buffers used again for the next.
#[derive(Debug, Default)]
pub struct Row {
    text: Vec<u8>,
    ends: Vec<usize>,
    line: u64,
}

impl Row {
    /// The number of its cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has no cells, as before the first read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The physical line on which it starts, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The cell at `index`, empty beyond the end.
    #[must_use]
    pub fn cell(&self, index: usize) -> &str {
        let Some(&end) = self.ends.get(index) else { return "" };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        std::str::from_utf8(&self.text[start..end]).unwrap_or("\u{FFFD}")
    }

    /// All cells.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.cell(index))
    }

    fn clear(&mut self, line: u64) {
        self.text.clear();
        self.ends.clear();
        self.line = line;
    }

    fn end_cell(&mut self) -> Result<(), TableError> {
        let start = self.ends.last().copied().unwrap_or(0);
        if self.text.len() - start > CELL_LIMIT {
            return Err(TableError::LongCell { line: self.line, column: self.ends.len() + 1 });
        }
        if self.ends.len() == COLUMN_LIMIT {
            return Err(TableError::Wide { line: self.line });
        }
        self.ends.push(self.text.len());
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    RowStart,
    CellStart,
    Plain,
    Quoted,
    QuoteInQuoted,
    /// Behind a CR that ended a row: a LF belongs to it.
    Cr,
}

/// The reader.
pub struct Rows<R> {
    input: R,
    at: At,
    line: u64,
    opened: u64,
    width: Option<usize>,
    lenient: u64,
    fresh: bool,
}

impl<R: BufRead> Rows<R> {
    /// A reader at the beginning of a report.
    pub fn new(input: R) -> Self {
        Self { input, at: At::RowStart, line: 1, opened: 0, width: None, lenient: 0, fresh: true }
    }

    /// Cells so far with text behind their closing quote.
    #[must_use]
    pub fn lenient_quotes(&self) -> u64 {
        self.lenient
    }

    /// Reads the next row; false at the end.
    pub fn read(&mut self, row: &mut Row) -> Result<bool, TableError> {
        row.clear(self.line);
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return self.end(row);
            }
            // Detached for the borrow: `step` needs the state, not the input.
            let (taken, done) = Self::step(
                buffer,
                row,
                &mut self.at,
                &mut self.line,
                &mut self.opened,
                &mut self.lenient,
                self.width == Some(1),
            )?;
            self.input.consume(taken);
            if done {
                return Ok(self.finish(row));
            }
        }
    }

    /// Takes as much as belongs to this row; says how much, and whether the row is whole.
    fn step(
        buffer: &[u8],
        row: &mut Row,
        at: &mut At,
        line: &mut u64,
        opened: &mut u64,
        lenient: &mut u64,
        single: bool,
    ) -> Result<(usize, bool), TableError> {
        let mut position = 0;
        while let Some(&byte) = buffer.get(position) {
            match *at {
                At::Cr => {
                    *at = At::RowStart;
                    position += usize::from(byte == b'\n');
                    continue;
                }
                At::Plain => {
                    let rest = &buffer[position..];
                    let run = memchr::memchr3(b',', b'\n', b'\r', rest).unwrap_or(rest.len());
                    row.text.extend_from_slice(&rest[..run]);
                    position += run;
                    let Some(&stop) = buffer.get(position) else { break };
                    row.end_cell()?;
                    position += 1;
                    if stop == b',' {
                        *at = At::CellStart;
                        continue;
                    }
                    *line += 1;
                    *at = if stop == b'\r' { At::Cr } else { At::RowStart };
                    return Ok((position, true));
                }
                At::Quoted => {
                    let rest = &buffer[position..];
                    let run = memchr::memchr(b'"', rest).unwrap_or(rest.len());
                    let plain = &rest[..run];
                    *line += lines(plain, row.text.last().copied());
                    row.text.extend_from_slice(plain);
                    position += run;
                    if position < buffer.len() {
                        position += 1;
                        *at = At::QuoteInQuoted;
                    }
                    continue;
                }
                At::QuoteInQuoted if byte == b'"' => {
                    row.text.push(b'"');
                    *at = At::Quoted;
                }
                At::QuoteInQuoted => {
                    *lenient += u64::from(!matches!(byte, b',' | b'\n' | b'\r'));
                    *at = At::Plain;
                    continue;
                }
                At::RowStart if matches!(byte, b'\n' | b'\r') => {
                    *line += 1;
                    *at = if byte == b'\r' { At::Cr } else { At::RowStart };
                    if single {
                        row.end_cell()?;
                        return Ok((position + 1, true));
                    }
                    row.line = *line;
                }
                At::RowStart | At::CellStart if byte == b'"' => {
                    *opened = *line;
                    *at = At::Quoted;
                }
                At::RowStart | At::CellStart => {
                    *at = At::Plain;
                    continue;
                }
            }
            position += 1;
        }
        Ok((position, false))
    }

    fn end(&mut self, row: &mut Row) -> Result<bool, TableError> {
        match self.at {
            At::RowStart | At::Cr => Ok(false),
            At::Quoted => Err(TableError::OpenQuote { line: self.opened }),
            At::CellStart | At::Plain | At::QuoteInQuoted => {
                row.end_cell()?;
                self.at = At::RowStart;
                Ok(self.finish(row))
            }
        }
    }

    fn finish(&mut self, row: &mut Row) -> bool {
        self.width.get_or_insert(row.len());
        if std::mem::take(&mut self.fresh) {
            skip_mark(row);
        }
        true
    }
}

/// A byte order mark belongs to the file, not to the first header.
fn skip_mark(row: &mut Row) {
    if row.text.starts_with("\u{FEFF}".as_bytes()) && row.ends[0] >= 3 {
        row.text.drain(..3);
        row.ends.iter_mut().for_each(|end| *end -= 3);
    }
}

/// Line breaks in a piece of a quoted cell; CRLF counts once, also across two pieces.
fn lines(text: &[u8], before: Option<u8>) -> u64 {
    let mut before = before;
    let mut count = 0;
    for position in memchr::memchr2_iter(b'\n', b'\r', text) {
        let previous = position.checked_sub(1).map_or(before.take(), |index| Some(text[index]));
        count += u64::from(!(text[position] == b'\n' && previous == Some(b'\r')));
    }
    count
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
