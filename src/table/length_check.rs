//! Checks that no cell and no message is too long.
//!
//! If the longest row is short enough, no cell needs to be read. Otherwise the stored report is read cell by cell, in
//! constant memory even if a row is long.

use std::io::{self, Read};

use super::cell_action::Bound;
use super::csv::{BLANK, ROW};
use super::error::TableError;
use super::header::EXTRA;
use super::plan::{self, SURPLUS};
use super::verify::{ColumnSpec, OnRagged, Requirements};
use crate::bytes::scan::{ByteScanner, ControlBytes};

/// Bytes of the longest cell, also in a column that is not emitted.
const CELL_LIMIT: u64 = 64 * 1024 * 1024;
/// An upper bound of the fixed parts of a RECORD line.
pub const LINE_OVERHEAD: u64 = 512;
const BUFFER: usize = 256 * 1024;

pub struct LengthCheck<'a> {
    /// Bytes of the longest message: the setting `max_message_bytes`.
    limit: u64,
    columns: &'a [ColumnSpec],
    /// The most bytes that each column adds to a message; a column that is not emitted adds none.
    bounds: Vec<Bound>,
    /// Bytes of a RECORD line without what its cells add.
    fixed: u64,
    /// The most bytes of a message for each byte of its row.
    per_byte: u64,
}

/// A cell or a message that is too long. The header is row 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLong {
    /// The row and the column, from 0, of a cell that is too long.
    Cell(u64, usize),
    /// The row whose message is too long, and the column, from 0, of its largest emitted cell.
    Message(u64, usize),
}

impl<'a> LengthCheck<'a> {
    pub fn new(requirements: &'a Requirements) -> Self {
        let bounds: Vec<Bound> = requirements.columns.iter().map(ColumnSpec::bound).collect();
        let columns: u64 = bounds.iter().map(|bound| bound.fixed as u64).sum();
        let nulls: usize =
            requirements.null_properties.iter().map(|name| plan::null_property_bytes(name)).sum();
        Self {
            limit: requirements.max_message_bytes,
            columns: &requirements.columns,
            bounds,
            fixed: LINE_OVERHEAD + columns + nulls as u64,
            per_byte: if requirements.on_ragged == OnRagged::Pad { SURPLUS.per_byte as u64 } else { 1 },
        }
    }

    /// Whether a row may be too long, given the bytes of the longest stored row.
    #[must_use]
    pub fn is_needed(&self, longest_row: u64) -> bool {
        longest_row > CELL_LIMIT || self.per_byte * longest_row + self.fixed > self.limit
    }

    /// The first row that is too long.
    pub fn find_too_long(&self, mut stored: impl Read) -> io::Result<Option<TooLong>> {
        let mut buffer = vec![0; BUFFER];
        let (mut row, mut column, mut cell, mut message, mut largest) = (0, 0, 0, 0, (0, 0));
        loop {
            let read = stored.read(&mut buffer)?;
            if read == 0 {
                return Ok(None);
            }
            let (mut separators, mut from) = (ByteScanner::<ControlBytes>::new(0), 0);
            while let Some(at) = separators.next(&buffer[..read]) {
                cell += (at - from) as u64;
                from = at + 1;
                if buffer[at] == BLANK {
                    continue;
                }
                if cell > CELL_LIMIT {
                    return Ok(Some(TooLong::Cell(row, column)));
                }
                let added = self.added_bytes(column, cell);
                message += added;
                largest = largest.max((added, column));
                cell = 0;
                column += 1;
                if buffer[at] == ROW {
                    if row > 0 && message + self.fixed > self.limit {
                        return Ok(Some(TooLong::Message(row, largest.1)));
                    }
                    row += 1;
                    (column, message, largest) = (0, 0, (0, 0));
                }
            }
            cell += (read - from) as u64;
        }
    }

    /// The error for the row, which starts on `line`.
    #[must_use]
    pub fn error(&self, found: TooLong, line: u64) -> TableError {
        match found {
            TooLong::Cell(_, column) => TableError::LongCell { line, column: column + 1 },
            TooLong::Message(_, column) => {
                let column = self.columns.get(column).map_or(EXTRA, |column| &column.name).to_owned();
                TableError::LongMessage { line, limit: self.limit, column }
            }
        }
    }

    /// The most bytes that a cell of `length` bytes adds to its message.
    fn added_bytes(&self, column: usize, length: u64) -> u64 {
        match self.bounds.get(column) {
            Some(bound) => bound.per_byte as u64 * length,
            // A comma and two quotes.
            None => length + 3,
        }
    }
}
