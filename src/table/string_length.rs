//! Measures the longest string that each column emits, for the setting `max_length`.
//!
//! One pass over the stored report, with one number for each column. A value is measured as it is emitted, after its mask,
//! in bytes of UTF-8. Dates, date-times and decimals are not measured, because their format bounds them.

use std::io::{self, Read};

use super::cell_format::{CellFormat, CellValue};
use super::stored_text::unescape;
use super::verify::VerifiedTable;

impl VerifiedTable {
    /// Measures the strings of the report, which `stored` reads from its beginning.
    pub fn measure(&mut self, stored: impl Read) -> io::Result<()> {
        let columns: Vec<(usize, &CellFormat)> = self.string_columns().collect();
        let mut longest = vec![0; self.formats.len()];
        let mut rows = self.read_rows(stored);
        // The header.
        rows.read()?;
        while let Some(row) = rows.read()? {
            for (index, format) in &columns {
                lengthen(&mut longest[*index], format, row.escaped(*index));
            }
        }
        self.longest_strings = longest;
        Ok(())
    }

    /// The emitted columns that are strings, or have cells that may be in a variant.
    fn string_columns(&self) -> impl Iterator<Item = (usize, &CellFormat)> {
        let columns = self.formats.iter().enumerate().filter(|(index, _)| self.is_emitted[*index]);
        let columns = columns.filter_map(|(index, format)| Some((index, format.as_ref()?)));
        columns.filter(|(index, format)| format.accepts_all() || self.mismatches[*index].count > 0)
    }
}

/// Raises `longest` to the bytes of the string that the cell is emitted as, if it is one.
fn lengthen(longest: &mut u64, format: &CellFormat, cell: &[u8]) {
    let text = match format.read(cell) {
        CellValue::Value(text) if format.accepts_all() => text,
        CellValue::Mismatch(text) => text,
        CellValue::Value(_) | CellValue::Null => return,
    };
    // A text is never longer than its stored form.
    if text.len() as u64 > *longest {
        *longest = (*longest).max(unescape(&text).len() as u64);
    }
}

#[cfg(test)]
#[path = "string_length_tests.rs"]
mod tests;
