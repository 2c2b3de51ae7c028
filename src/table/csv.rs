//! The CSV reader: text in as it arrives, in pieces of any size; cells out, each as it stands inside a JSON string.
//!
//! What it writes is the report's form at rest. No cell holds a control character there, because JSON escapes them,
//! so three of them can mark the structure: [`CELL`] between two cells, [`ROW`] behind a row, [`BLANK`] for a line
//! that is no row. Whoever reads it needs neither quotes nor escapes.
//!
//! Comma, quotes doubled, CR, LF, CRLF or a mixture, line breaks inside quotes kept as they are, a byte order mark
//! skipped. What follows a closing quote is appended, as the csv crate does, and counted. A blank line is no row,
//! except where the table has one column: there it is a row with an empty cell. The end inside quotes is an error:
//! a report that was cut there would otherwise pass for a whole one. Input is UTF-8, as the body decoder proved.

use super::error::TableError;
use crate::bytes::buffer::{Appender, OutBuffer};
use crate::bytes::scan::JsonEscapes;

/// Between two cells: ASCII's unit separator.
pub const CELL: u8 = 0x1F;
/// Behind a row: its record separator.
pub const ROW: u8 = 0x1E;
/// A line that is no row: its group separator.
pub const BLANK: u8 = 0x1D;

/// An escape makes at most six bytes of one.
const WORST_ESCAPE: usize = 6;
/// A table of this width is a defect.
const COLUMN_LIMIT: usize = 10_000;
const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// What is known of a table once all of it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Cells of the header.
    pub width: usize,
    /// Rows below the header.
    pub rows: u64,
    /// Rows of another width among them.
    pub ragged: u64,
    /// The line and the width of the first of them.
    pub first_ragged: Option<(u64, usize)>,
    /// Cells with text behind their closing quote.
    pub lenient_quotes: u64,
    /// Bytes of the longest row at rest.
    pub longest_row: u64,
    /// Bytes of the header at rest.
    pub header_bytes: u64,
}

/// The reader.
#[derive(Debug)]
pub struct CsvReader {
    state: CsvState,
    /// The last byte was a CR: a LF belongs to it.
    after_cr: bool,
    /// Bytes of a byte order mark that the text began with; all of them once it has begun otherwise.
    mark: usize,
    /// The physical line, from 1.
    line: u64,
    /// Where the current row began.
    row_line: u64,
    /// Where the last quote opened.
    quote_line: u64,
    /// Separators and bytes of the current row, as far as they were cleared.
    separators: usize,
    length: u64,
    /// What was written since it was last cleared.
    rest: OutBuffer,
    /// Where the current row begins in it.
    row: usize,
    has_header: bool,
    too_wide: Option<u64>,
    stats: TableStats,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CsvState {
    /// At the beginning of a line.
    Row,
    /// At the beginning of another cell.
    Cell,
    /// In a cell, outside quotes.
    Plain,
    /// Inside quotes.
    Quoted,
    /// Behind a quote inside quotes: the end of the cell, or the first of two.
    Quote,
}

impl Default for CsvReader {
    fn default() -> Self {
        Self {
            state: CsvState::Row,
            after_cr: false,
            mark: 0,
            line: 1,
            row_line: 1,
            quote_line: 1,
            separators: 0,
            length: 0,
            rest: OutBuffer::default(),
            row: 0,
            has_header: false,
            too_wide: None,
            stats: TableStats::default(),
        }
    }
}

impl CsvReader {
    /// What was written since the last [`CsvReader::clear`].
    #[must_use]
    pub fn stored(&self) -> &[u8] {
        self.rest.bytes()
    }

    /// Forgets what was written, once its owner has it.
    pub fn clear(&mut self) {
        self.measure();
        self.rest.clear();
        self.row = 0;
    }

    /// Takes one character, whatever it is.
    #[inline]
    pub fn character(&mut self, character: char) {
        match u8::try_from(character) {
            Ok(byte @ (..b' ' | b'"' | b'\\')) => self.special(byte),
            _ => {
                self.run(character.encode_utf8(&mut [0; 4]).as_bytes(), 0);
            }
        }
    }

    /// Takes the text from the byte at `from` up to the next one that JSON escapes; returns where that is, or the end.
    #[inline]
    pub fn run(&mut self, text: &[u8], from: usize) -> usize {
        let from = if self.mark < BYTE_ORDER_MARK.len() { self.skip_mark(text, from) } else { from };
        let is_quoted = self.state == CsvState::Quoted;
        let left = self.rest.write(text.len() - from, |out| {
            if is_quoted {
                out.copy_until::<JsonEscapes>(&text[from..])
            } else {
                out.replace_until::<JsonEscapes>(&text[from..], b',', CELL)
            }
        });
        let to = text.len() - left.len();
        if to > from {
            self.after_cr = false;
            if !is_quoted {
                self.stats.lenient_quotes += u64::from(self.state == CsvState::Quote && text[from] != b',');
                self.state = if text[to - 1] == b',' { CsvState::Cell } else { CsvState::Plain };
            }
        }
        to
    }

    /// Ends the last row and says what the table is.
    pub fn finish(&mut self) -> Result<TableStats, TableError> {
        if self.state == CsvState::Quoted {
            return Err(TableError::OpenQuote { line: self.quote_line });
        }
        if self.state != CsvState::Row {
            self.end_row();
        }
        match self.too_wide {
            Some(line) => Err(TableError::Wide { line }),
            None if !self.has_header => Err(TableError::Empty),
            None => Ok(self.stats),
        }
    }

    /// A byte order mark belongs to the file, not to the first header. It may come byte by byte, or as an escape.
    #[cold]
    fn skip_mark(&mut self, text: &[u8], mut at: usize) -> usize {
        while let (Some(expected), Some(&byte)) = (BYTE_ORDER_MARK.get(self.mark), text.get(at)) {
            match byte {
                _ if byte == *expected => {
                    self.mark += 1;
                    at += 1;
                }
                // The run ends here; what follows may be an escape.
                ..b' ' | b'"' | b'\\' => break,
                _ => self.begin(),
            }
        }
        at
    }

    /// The text begins without a mark, or with another character that begins alike.
    #[cold]
    fn begin(&mut self) {
        let begun = std::mem::replace(&mut self.mark, BYTE_ORDER_MARK.len());
        self.rest.put(&BYTE_ORDER_MARK[..begun]);
        self.state = if begun > 0 { CsvState::Plain } else { CsvState::Row };
    }

    /// A quote, a backslash or a control character.
    #[inline]
    fn special(&mut self, byte: u8) {
        if self.mark < BYTE_ORDER_MARK.len() {
            self.begin();
        }
        let after_cr = std::mem::take(&mut self.after_cr);
        match (byte, self.state) {
            (b'"', CsvState::Row | CsvState::Cell) => {
                self.state = CsvState::Quoted;
                self.quote_line = self.line;
            }
            (b'"', CsvState::Quoted) => self.state = CsvState::Quote,
            (b'"', CsvState::Quote) => {
                self.state = CsvState::Quoted;
                self.escape(byte);
            }
            (b'\n' | b'\r', CsvState::Quoted) => {
                self.line += u64::from(!(byte == b'\n' && after_cr));
                self.after_cr = byte == b'\r';
                self.escape(byte);
            }
            (b'\n', CsvState::Row) if after_cr => {}
            (b'\n' | b'\r', state) => {
                self.after_cr = byte == b'\r';
                if state == CsvState::Row && (!self.has_header || self.stats.width != 1) {
                    self.rest.write(1, |out| out.push(BLANK));
                    self.row = self.rest.len();
                } else {
                    self.end_row();
                }
                self.line += 1;
                self.row_line = self.line;
            }
            (_, CsvState::Quoted) => self.escape(byte),
            (_, state) => {
                self.stats.lenient_quotes += u64::from(state == CsvState::Quote);
                self.state = CsvState::Plain;
                self.escape(byte);
            }
        }
    }

    /// Counts what was written of the current row since it was last counted.
    fn measure(&mut self) {
        let row = &self.rest.bytes()[self.row..];
        self.separators += bytecount::count(row, CELL);
        self.length += row.len() as u64;
    }

    fn escape(&mut self, byte: u8) {
        self.rest.write(WORST_ESCAPE, |out| escape(byte, out));
    }

    fn end_row(&mut self) {
        self.measure();
        let cells = std::mem::take(&mut self.separators) + 1;
        if cells > COLUMN_LIMIT {
            self.too_wide.get_or_insert(self.row_line);
        }
        self.rest.write(1, |out| out.push(ROW));
        self.row = self.rest.len();
        let length = std::mem::take(&mut self.length) + 1;
        self.stats.longest_row = self.stats.longest_row.max(length);
        self.state = CsvState::Row;
        if !self.has_header {
            self.has_header = true;
            self.stats.width = cells;
            self.stats.header_bytes = length;
            return;
        }
        self.stats.rows += 1;
        if cells != self.stats.width {
            self.stats.ragged += 1;
            self.stats.first_ragged.get_or_insert((self.row_line, cells));
        }
    }
}

/// Writes a special byte as JSON does.
#[inline]
fn escape(byte: u8, out: &mut Appender) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0C => b'f',
        _ => {
            let digits = b"0123456789abcdef";
            let (high, low) = (digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]);
            return out.put(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    };
    out.put(&[b'\\', short]);
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
