//! The CSV reader: parses CSV in chunks of any size and writes the report's stored form.
//!
//! In the stored form each cell is escaped as in a JSON string. JSON escapes control characters, so three of them mark
//! the structure: [`CELL`] between two cells, [`ROW`] after each row, [`BLANK`] for a blank line. A reader of the stored
//! form only searches for these three bytes; it parses neither quotes nor escapes. The input must be UTF-8, which the
//! decoders before it guarantee. This module does not name or type columns.

use serde::{Deserialize, Serialize};

use super::delimiter::Delimiter;
use super::error::TableError;
use super::repeated_header::RepeatedHeader;
use crate::bytes::buffer::{Appender, OutBuffer};
use crate::bytes::scan::JsonEscapes;

/// Between two cells: the unit separator of ASCII.
pub const CELL: u8 = 0x1F;
/// After each row: the record separator of ASCII.
pub const ROW: u8 = 0x1E;
/// A blank line that is not a row: the group separator of ASCII.
pub const BLANK: u8 = 0x1D;

/// The most bytes of one escape, such as `\u0001`.
const LONGEST_ESCAPE: usize = 6;
/// The most cells of a row.
const COLUMN_LIMIT: usize = 10_000;
const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// Statistics of a complete table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableStats {
    /// Cells of the header.
    pub width: usize,
    /// Rows below the header.
    pub rows: u64,
    /// Ragged rows: wider or narrower than the header.
    pub ragged: u64,
    /// The line and the width of the first ragged row.
    pub first_ragged: Option<(u64, usize)>,
    /// Rows that repeat the header.
    pub header_repeats: u64,
    /// The line of the first of them.
    pub first_header_repeat: Option<u64>,
    /// Cells with text after their closing quote.
    pub lenient_quotes: u64,
    /// Bytes of the longest stored row.
    pub longest_row: u64,
    /// Bytes of the stored header.
    pub header_bytes: u64,
}

/// Parses text with one delimiter between two cells: quotes are doubled inside quotes, and a line ends with CR, LF or CRLF, also mixed.
///
/// Line breaks inside quotes are kept, and a byte order mark (BOM) is skipped. Text after a closing quote is appended to the
/// cell, as in the csv crate, and counted. A blank line is skipped, except in a table of one column, where it is a row
/// with an empty cell. A text that ends inside quotes is an error, because it may be truncated.
#[derive(Debug)]
pub struct CsvReader {
    delimiter: u8,
    state: CsvState,
    /// The last byte was a CR: a LF after it is the same line break.
    after_cr: bool,
    /// Bytes of the byte order mark that matched so far; 3 once the start of the text is decided.
    bom: usize,
    /// The current physical line, from 1.
    line: u64,
    /// The line on which the current row starts.
    row_line: u64,
    /// The line of the last opening quote.
    quote_line: u64,
    /// Separators of the current row that were counted by [`Self::measure`].
    separators: usize,
    /// Bytes of the current row that were counted by [`Self::measure`].
    length: u64,
    /// The stored form since the last [`Self::clear`].
    stored: OutBuffer,
    /// The start of the current row in `stored`.
    row: usize,
    has_header: bool,
    /// The line of the first row with more cells than [`COLUMN_LIMIT`].
    too_wide: Option<u64>,
    repeated: RepeatedHeader,
    stats: TableStats,
}

/// The position of the next byte in the CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CsvState {
    /// At the start of a line.
    Row,
    /// At the start of a cell that is not the first of its row.
    Cell,
    /// In a cell, outside quotes.
    Plain,
    /// Inside quotes.
    Quoted,
    /// After a quote inside quotes: the quote closes the cell, or is the first of a doubled quote.
    Quote,
}

impl Default for CsvReader {
    fn default() -> Self {
        Self::new(Delimiter::default())
    }
}

impl CsvReader {
    #[must_use]
    pub fn new(delimiter: Delimiter) -> Self {
        Self {
            delimiter: delimiter.byte(),
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
            repeated: RepeatedHeader::default(),
            stats: TableStats::default(),
        }
    }

    /// The stored form since the last [`CsvReader::clear`]. It can end inside a row.
    #[must_use]
    pub fn stored(&self) -> &[u8] {
        self.stored.bytes()
    }

    /// Drops the stored form that the caller has copied; the statistics continue.
    pub fn clear(&mut self) {
        let piece = &self.stored.bytes()[self.row..];
        if self.has_header {
            self.repeated.observe(self.length, piece);
        } else {
            self.repeated.learn(piece);
        }
        self.measure();
        self.stored.clear();
        self.row = 0;
    }

    /// Takes one character, special or not.
    #[inline]
    pub fn character(&mut self, character: char) {
        match u8::try_from(character) {
            Ok(byte @ (..b' ' | b'"' | b'\\')) => self.special(byte),
            _ => {
                self.run(character.encode_utf8(&mut [0; 4]).as_bytes(), 0);
            }
        }
    }

    /// Takes `text` from position `from` up to the next byte that JSON escapes. Returns the position of that byte, or the
    /// length of `text`.
    #[inline]
    pub fn run(&mut self, text: &[u8], from: usize) -> usize {
        let from = if self.bom < BYTE_ORDER_MARK.len() { self.skip_bom(text, from) } else { from };
        let (is_quoted, delimiter) = (self.state == CsvState::Quoted, self.delimiter);
        let left = self.stored.write(text.len() - from, |out| {
            let text = &text[from..];
            match delimiter {
                _ if is_quoted => out.copy_until::<JsonEscapes>(text),
                // A constant needs no instructions to fill a SIMD lane.
                b',' => out.replace_until::<JsonEscapes>(text, b',', CELL),
                _ => out.replace_until::<JsonEscapes>(text, delimiter, CELL),
            }
        });
        let to = text.len() - left.len();
        if to > from {
            self.after_cr = false;
            if !is_quoted {
                self.stats.lenient_quotes +=
                    u64::from(self.state == CsvState::Quote && text[from] != delimiter);
                self.state = if text[to - 1] == delimiter { CsvState::Cell } else { CsvState::Plain };
            }
        }
        to
    }

    /// Ends the last row and returns the statistics of the table.
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

    /// Skips a byte order mark at the start of the text; returns the position after it. The mark can arrive byte by byte,
    /// or as the escape `\ufeff`.
    #[cold]
    fn skip_bom(&mut self, text: &[u8], mut at: usize) -> usize {
        while let (Some(expected), Some(&byte)) = (BYTE_ORDER_MARK.get(self.bom), text.get(at)) {
            match byte {
                _ if byte == *expected => {
                    self.bom += 1;
                    at += 1;
                }
                // `run` ends at this byte, which can be the start of the escape `\ufeff`.
                ..b' ' | b'"' | b'\\' => break,
                _ => self.start_without_bom(),
            }
        }
        at
    }

    /// The text starts without a byte order mark: writes the bytes that matched its first bytes.
    #[cold]
    fn start_without_bom(&mut self) {
        let matched = std::mem::replace(&mut self.bom, BYTE_ORDER_MARK.len());
        self.stored.put(&BYTE_ORDER_MARK[..matched]);
        self.state = if matched > 0 { CsvState::Plain } else { CsvState::Row };
    }

    /// Takes a quote, a backslash or a control character.
    #[inline]
    fn special(&mut self, byte: u8) {
        if self.bom < BYTE_ORDER_MARK.len() {
            self.start_without_bom();
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
            // A tab; `run` takes the other delimiters.
            _ if byte == self.delimiter => {
                self.stored.write(1, |out| out.push(CELL));
                self.state = CsvState::Cell;
            }
            (_, state) => {
                self.stats.lenient_quotes += u64::from(state == CsvState::Quote);
                self.state = CsvState::Plain;
                self.escape(byte);
            }
        }
    }

    /// Counts the separators and bytes of the current row before they are cleared or the row ends.
    fn measure(&mut self) {
        let row = &self.stored.bytes()[self.row..];
        self.separators += bytecount::count(row, CELL);
        self.length += row.len() as u64;
    }

    fn escape(&mut self, byte: u8) {
        self.stored.write(LONGEST_ESCAPE, |out| escape(byte, out));
    }

    fn end_row(&mut self) {
        let cleared = self.length;
        self.measure();
        let length = std::mem::take(&mut self.length) + 1;
        let row = &self.stored.bytes()[self.row..];
        if !self.has_header {
            self.repeated.learn(row);
        } else if length == self.stats.header_bytes && self.repeated.is_repeated(cleared, row) {
            self.stats.header_repeats += 1;
            self.stats.first_header_repeat.get_or_insert(self.row_line);
        }
        let cells = std::mem::take(&mut self.separators) + 1;
        if cells > COLUMN_LIMIT {
            self.too_wide.get_or_insert(self.row_line);
        }
        self.stored.write(1, |out| out.push(ROW));
        self.row = self.stored.len();
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

/// Writes a quote, a backslash or a control character as a JSON escape.
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
