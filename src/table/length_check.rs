//! No cell and no message is too long: settled for the whole report by its longest row, and looked at cell by cell
//! only where that does not do. Nothing is kept meanwhile, however long a row is.

use std::io::{self, Read};

use super::csv::{BLANK, ROW};
use super::error::TableError;
use super::header::{Column, EXTRA};
use crate::bytes::scan::{ByteScanner, ControlBytes};

/// A cell of this size is a defect.
const CELL_LIMIT: u64 = 64 * 1024 * 1024;
/// More than a line's fixed parts take.
const LINE_OVERHEAD: u64 = 512;
/// Comma, quotes and colon of a property, and the `null` of an empty one.
const PROPERTY_OVERHEAD: u64 = 8;
const BUFFER: usize = 256 * 1024;

/// What is measured.
pub struct LengthCheck<'a> {
    /// The longest message.
    pub limit: u64,
    /// The table's columns.
    pub columns: &'a [Column],
    /// Which of them are emitted; what is left out makes no message long.
    pub is_emitted: Vec<bool>,
}

/// A row that is too long, by its number below the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLong {
    /// One of its cells, by its place from 0.
    Cell(u64, usize),
    /// Its message, and the largest of the cells that are emitted.
    Message(u64, usize),
}

impl LengthCheck<'_> {
    /// Whether a table whose longest row takes so many bytes needs a closer look.
    #[must_use]
    pub fn is_needed(&self, longest_row: u64) -> bool {
        longest_row > CELL_LIMIT || longest_row + self.fixed() > self.limit
    }

    /// The first row that is too long.
    pub fn find_too_long(&self, mut rest: impl Read) -> io::Result<Option<TooLong>> {
        let mut buffer = vec![0; BUFFER];
        let (mut row, mut place, mut cell, mut message, mut largest) = (0, 0, 0, 0, (0, 0));
        loop {
            let read = rest.read(&mut buffer)?;
            if read == 0 {
                return Ok(None);
            }
            let (mut marks, mut from) = (ByteScanner::<ControlBytes>::new(0), 0);
            while let Some(at) = marks.next(&buffer[..read]) {
                cell += (at - from) as u64;
                from = at + 1;
                if buffer[at] == BLANK {
                    continue;
                }
                if cell > CELL_LIMIT {
                    return Ok(Some(TooLong::Cell(row, place)));
                }
                if self.is_emitted.get(place).is_none_or(|emitted| *emitted) {
                    message += cell;
                    largest = largest.max((cell, place));
                }
                cell = 0;
                place += 1;
                if buffer[at] == ROW {
                    if row > 0 && message + self.fixed() > self.limit {
                        return Ok(Some(TooLong::Message(row, largest.1)));
                    }
                    row += 1;
                    (place, message, largest) = (0, 0, (0, 0));
                }
            }
            cell += (read - from) as u64;
        }
    }

    /// The error that says so, with the line on which the row starts.
    #[must_use]
    pub fn error(&self, found: TooLong, line: u64) -> TableError {
        match found {
            TooLong::Cell(_, place) => TableError::LongCell { line, column: place + 1 },
            TooLong::Message(_, place) => {
                let column = self.columns.get(place).map_or(EXTRA, |column| &column.name).to_owned();
                TableError::LongMessage { line, limit: self.limit, column }
            }
        }
    }

    /// What a line takes without its cells.
    fn fixed(&self) -> u64 {
        let names = self.columns.iter().map(|column| column.name.len() as u64 + PROPERTY_OVERHEAD);
        names.sum::<u64>() + LINE_OVERHEAD
    }
}
