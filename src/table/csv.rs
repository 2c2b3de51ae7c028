//! The CSV reader: parses text as it arrives, in pieces of any size, and writes the report's stored form.
//!
//! In the stored form each cell is escaped as inside a JSON string, so no cell holds a control character, and three
//! control characters mark the structure: [`CELL`] between two cells, [`ROW`] behind a row, [`BLANK`] for a blank line.
//!
//! Accepted: commas, doubled quotes, line ends CR, LF and CRLF mixed, line breaks inside quotes, a byte order mark
//! (BOM), which is skipped. Text behind a closing quote is appended to the cell, as the csv crate does, and counted. A
//! blank line is skipped, except where the table has one column: there it is an empty cell. A truncated report that
//! ends inside quotes is an error. Ragged rows are counted. Input must be valid UTF-8.

use super::error::TableError;
use crate::bytes::buffer::{Appender, OutBuffer};
use crate::bytes::scan::JsonEscapes;

/// Between two cells: the unit separator of ASCII.
pub const CELL: u8 = 0x1F;
/// Behind a row: the record separator.
pub const ROW: u8 = 0x1E;
/// A blank line: the group separator.
pub const BLANK: u8 = 0x1D;

/// The most bytes that one escaped byte takes.
const WORST_ESCAPE: usize = 6;
/// Cells of the widest row.
const COLUMN_LIMIT: usize = 10_000;
const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// Statistics of a table, complete once it is parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Cells of the header.
    pub width: usize,
    /// Rows below the header.
    pub rows: u64,
    /// Ragged rows: rows wider or narrower than the header.
    pub ragged: u64,
    /// The line and the width of the first ragged row.
    pub first_ragged: Option<(u64, usize)>,
    /// Cells with text behind their closing quote.
    pub lenient_quotes: u64,
    /// Bytes of the longest stored row.
    pub longest_row: u64,
    /// Bytes of the stored header.
    pub header_bytes: u64,
}

#[derive(Debug)]
pub struct CsvReader {
    state: CsvState,
    /// The last byte was a CR: a LF behind it belongs to the same line end.
    after_cr: bool,
    /// BOM bytes matched so far; set to 3 once the start of the text is decided.
    bom: usize,
    /// The physical line, from 1.
    line: u64,
    /// Where the current row began.
    row_line: u64,
    /// Where the last quote opened.
    quote_line: u64,
    /// Separators and bytes of the current row that were already cleared.
    separators: usize,
    length: u64,
    /// The stored form since the last [`CsvReader::clear`].
    stored: OutBuffer,
    /// Where the current row begins in `stored`.
    row: usize,
    has_header: bool,
    too_wide: Option<u64>,
    stats: TableStats,
}

/// Where the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CsvState {
    /// At the start of a line.
    Row,
    /// At the start of a cell that is not its row's first.
    Cell,
    /// In a cell, outside quotes.
    Plain,
    /// Inside quotes.
    Quoted,
    /// Behind a quote inside quotes: the end of the cell, or the first of a doubled quote.
    Quote,
}

impl Default for CsvReader {
    fn default() -> Self {
        Self {
            state: CsvState::Row,
            after_cr: false,
            bom: 0,
            line: 1,
            row_line: 1,
            quote_line: 1,
            separators: 0,
            length: 0,
            stored: OutBuffer::default(),
            row: 0,
            has_header: false,
            too_wide: None,
            stats: TableStats::default(),
        }
    }
}

impl CsvReader {
    /// The stored form since the last [`CsvReader::clear`].
    #[must_use]
    pub fn stored(&self) -> &[u8] {
        self.stored.bytes()
    }

    /// Discards the stored form, once the caller has copied it.
    pub fn clear(&mut self) {
        self.measure();
        self.stored.clear();
        self.row = 0;
    }

    /// Takes one character.
    #[inline]
    pub fn character(&mut self, character: char) {
        match u8::try_from(character) {
            Ok(byte @ (..b' ' | b'"' | b'\\')) => self.special(byte),
            _ => {
                self.run(character.encode_utf8(&mut [0; 4]).as_bytes(), 0);
            }
        }
    }

    /// Takes `text` from `from` up to the next byte that JSON escapes; returns its position, or the end.
    #[inline]
    pub fn run(&mut self, text: &[u8], from: usize) -> usize {
        let from = if self.bom < BYTE_ORDER_MARK.len() { self.skip_bom(text, from) } else { from };
        let is_quoted = self.state == CsvState::Quoted;
        let left = self.stored.write(text.len() - from, |out| {
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

    /// Ends the last row and returns the statistics.
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

    /// Skips a byte order mark (BOM), which may arrive byte by byte or as an escape.
    #[cold]
    fn skip_bom(&mut self, text: &[u8], mut at: usize) -> usize {
        while let (Some(expected), Some(&byte)) = (BYTE_ORDER_MARK.get(self.bom), text.get(at)) {
            match byte {
                _ if byte == *expected => {
                    self.bom += 1;
                    at += 1;
                }
                // The run ends here, and an escape may follow.
                ..b' ' | b'"' | b'\\' => break,
                _ => self.begin(),
            }
        }
        at
    }

    /// The text has no BOM, or starts with another character that has the same first bytes.
    #[cold]
    fn begin(&mut self) {
        let begun = std::mem::replace(&mut self.bom, BYTE_ORDER_MARK.len());
        self.stored.put(&BYTE_ORDER_MARK[..begun]);
        self.state = if begun > 0 { CsvState::Plain } else { CsvState::Row };
    }

    /// A quote, a backslash or a control character.
    #[inline]
    fn special(&mut self, byte: u8) {
        if self.bom < BYTE_ORDER_MARK.len() {
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
                    self.stored.write(1, |out| out.push(BLANK));
                    self.row = self.stored.len();
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

    /// Adds the bytes of the current row that are not counted yet.
    fn measure(&mut self) {
        let row = &self.stored.bytes()[self.row..];
        self.separators += bytecount::count(row, CELL);
        self.length += row.len() as u64;
    }

    fn escape(&mut self, byte: u8) {
        self.stored.write(WORST_ESCAPE, |out| escape(byte, out));
    }

    fn end_row(&mut self) {
        self.measure();
        let cells = std::mem::take(&mut self.separators) + 1;
        if cells > COLUMN_LIMIT {
            self.too_wide.get_or_insert(self.row_line);
        }
        self.stored.write(1, |out| out.push(ROW));
        self.row = self.stored.len();
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

/// Writes a special byte as a JSON escape.
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
