//! Reads a stored report and shortens the long cells of columns that are not emitted.
//!
//! So memory depends on the emitted cells, not on the longest row. A shortened cell keeps its position and its emptiness,
//! and no type narrower than string accepts it. A report without long rows passes through unchanged.

use std::io::{self, Read};

use super::csv::{BLANK, ROW};
use crate::bytes::scan::{ByteScanner, ControlBytes};

/// A report whose longest row has at most this many bytes passes through unchanged.
const LONG_ROW: u64 = 1024 * 1024;
/// Bytes that are kept of a cell that is not emitted: nearly all cells of types narrower than string are shorter. The type
/// of a column that is not emitted is a preview for discovery, so a longer number may count as a string.
const KEPT: usize = 64;
/// Replaces the bytes after the first [`KEPT`]. No type narrower than string accepts a cell that ends with it.
const SHORTENED: u8 = b'x';

pub struct EmittedCells<R> {
    stored: R,
    filter: Option<Filter>,
}

struct Filter {
    is_emitted: Vec<bool>,
    /// Whether cells beyond the header's width are emitted.
    is_surplus_emitted: bool,
    /// The header is always kept.
    in_header: bool,
    column: usize,
    /// Bytes kept of the current cell if it is not emitted, [`SHORTENED`] included.
    kept: usize,
}

impl<R: Read> EmittedCells<R> {
    /// As [`new`](Self::new) for a report from its first row below the header on.
    pub fn below_header(stored: R, is_emitted: &[bool], is_surplus_emitted: bool, longest_row: u64) -> Self {
        let mut cells = Self::new(stored, is_emitted, is_surplus_emitted, longest_row);
        cells.filter.iter_mut().for_each(|filter| filter.in_header = false);
        cells
    }

    /// A reader of a report from its beginning; `is_emitted` has one entry a column.
    pub fn new(stored: R, is_emitted: &[bool], is_surplus_emitted: bool, longest_row: u64) -> Self {
        let filter = (longest_row > LONG_ROW).then(|| Filter {
            is_emitted: is_emitted.to_vec(),
            is_surplus_emitted,
            in_header: true,
            column: 0,
            kept: 0,
        });
        Self { stored, filter }
    }
}

impl<R: Read> Read for EmittedCells<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.stored.read(out)?;
            let Some(filter) = &mut self.filter else { return Ok(read) };
            let kept = filter.keep(&mut out[..read]);
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

impl Filter {
    /// Moves the bytes that are kept to the front of `bytes`; returns their number.
    fn keep(&mut self, bytes: &mut [u8]) -> usize {
        let mut separators = ByteScanner::<ControlBytes>::new(0);
        let (mut from, mut to) = (0, 0);
        loop {
            // `to` is never beyond `from`, so bytes that the scanner has not seen yet are not overwritten.
            let separator = separators.next(bytes);
            let end = separator.unwrap_or(bytes.len());
            let kept = self.keep_of_cell(end - from);
            bytes.copy_within(from..from + kept, to);
            to += kept;
            if kept < end - from && self.kept == KEPT {
                bytes[to] = SHORTENED;
                to += 1;
                self.kept += 1;
            }
            let Some(at) = separator else { return to };
            bytes[to] = bytes[at];
            to += 1;
            from = at + 1;
            self.pass(bytes[to - 1]);
        }
    }

    /// The number of bytes to keep of the current cell's next `length` bytes.
    fn keep_of_cell(&mut self, length: usize) -> usize {
        let is_emitted = self.is_emitted.get(self.column).copied().unwrap_or(self.is_surplus_emitted);
        if self.in_header || is_emitted {
            return length;
        }
        let kept = length.min(KEPT.saturating_sub(self.kept));
        self.kept += kept;
        kept
    }

    fn pass(&mut self, separator: u8) {
        self.kept = 0;
        self.column += 1;
        if separator == ROW {
            self.in_header = false;
        }
        if matches!(separator, ROW | BLANK) {
            self.column = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::*;
    use crate::table::column_type::ColumnType;

    fn read(stored: &str, is_emitted: &[bool], longest_row: u64, size: usize) -> String {
        let mut reader = EmittedCells::new(stored.as_bytes(), is_emitted, false, longest_row);
        let (mut text, mut buffer) = (Vec::new(), vec![0; size]);
        loop {
            match reader.read(&mut buffer).unwrap() {
                0 => return String::from_utf8(text).unwrap(),
                read => text.extend_from_slice(&buffer[..read]),
            }
        }
    }

    #[test]
    fn long_cells_that_are_not_emitted_are_shortened() {
        let long = "y".repeat(200);
        let header = format!("{long}\x1fb\x1e\x1d");
        let stored = format!("{header}{long}\x1f{long}\x1e{long}\x1f\x1f{long}\x1e\x1d1\x1f2\x1e");
        let short = "y".repeat(KEPT) + "x";
        let expected = format!("{header}{short}\x1f{long}\x1e{short}\x1f\x1f{short}\x1e\x1d1\x1f2\x1e");
        for size in [1, 3, 64, 65, 1000] {
            assert_eq!(read(&stored, &[false, true], u64::MAX, size), expected, "{size}");
            assert_eq!(read(&stored, &[false, true], LONG_ROW, size), stored);
        }
        let row = format!("{long}\x1f{long}\x1e");
        let mut below = String::new();
        EmittedCells::below_header(row.as_bytes(), &[false, true], false, u64::MAX)
            .read_to_string(&mut below)
            .unwrap();
        assert_eq!(below, format!("{short}\x1f{long}\x1e"));
    }

    proptest! {
        #[test]
        fn shortened_cell_keeps_its_position_and_its_emptiness_and_is_a_string(
            cells in prop::collection::vec("[0-9]{0,70}|1\\.50{60,70}|[a-z]{60,70}|2025-01-01|true|[0-9.Z-]{0,70}", 1..6), size in 1usize..80,
        ) {
            let stored = format!("h\x1e{}\x1e", cells.join("\x1f"));
            let read = read(&stored, &[], u64::MAX, size);
            let read: Vec<&str> = read[2..read.len() - 1].split('\x1f').collect();
            prop_assert_eq!(read.len(), cells.len());
            for (short, cell) in read.iter().zip(&cells) {
                prop_assert_eq!(short.is_empty(), cell.is_empty());
                if cell.len() > KEPT {
                    prop_assert_eq!(ColumnType::infer(short.as_bytes(), Some(Tz::UTC)), ColumnType::String, "{}", cell);
                } else {
                    prop_assert_eq!(short, cell);
                }
                prop_assert!(short.len() <= KEPT + 1);
            }
        }
    }
}
