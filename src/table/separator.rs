//! Finds the character that separates the cells of a report in place of the delimiter.
//!
//! Another delimiter in a header of one cell is enough. A header of several cells can be the texts of a header with
//! another delimiter, split at their commas: the other one then separates more titles, and at least as many rows fit it.
//! A delimiter before a space belongs to a text and separates no titles. Rows are only read for such a header, in
//! constant memory.

use std::io::{BufReader, Read, Seek};

use super::csv::{BLANK, CELL, ROW};
use super::delimiter::Delimiter;
use super::error::TableError;

/// The separator of a stored report, if it is not the delimiter with which the report was read.
pub fn other_separator(
    header: &[String],
    delimiter: Delimiter,
    mut stored: impl Read + Seek,
) -> Result<Option<Delimiter>, TableError> {
    let others = Delimiter::ALL.into_iter().filter(|other| *other != delimiter);
    if let [title] = header {
        let count = |other: &Delimiter| title.matches(char::from(other.byte())).count();
        return Ok(others.filter(|other| count(other) > 0).max_by_key(count));
    }
    let count = |other: &Delimiter| header.iter().map(|title| separating(title, *other)).sum::<usize>();
    let own = header.iter().skip(1).filter(|title| !title.starts_with(' ')).count();
    let Some(other) = others.max_by_key(count).filter(|other| count(other) > own) else { return Ok(None) };
    stored.rewind()?;
    Ok(fits_the_rows(other, count(&other), header.len(), stored)?.then_some(other))
}

/// How often a delimiter has no space after it.
fn separating(title: &str, delimiter: Delimiter) -> usize {
    let found = title.match_indices(char::from(delimiter.byte()));
    found.filter(|(at, _)| !title[at + 1..].starts_with(' ')).count()
}

/// The counts of one row.
#[derive(Default)]
struct RowCounts {
    cells: usize,
    others: usize,
    has_text: bool,
    /// The last byte was the backslash of an escape.
    is_escape: bool,
}

/// Whether at least as many rows have `count` of the other delimiter as have `width` cells. Empty rows do not count.
fn fits_the_rows(
    other: Delimiter,
    count: usize,
    width: usize,
    stored: impl Read,
) -> Result<bool, TableError> {
    // In the stored form a tab is the escape `\t`.
    let is_tab = other == Delimiter::Tab;
    let searched = if is_tab { b't' } else { other.byte() };
    let (mut own_rows, mut other_rows) = (0_u64, 0_u64);
    let (mut row, mut is_header) = (RowCounts::default(), true);
    for byte in BufReader::new(stored).bytes() {
        match byte? {
            BLANK => {}
            CELL => row.cells += 1,
            ROW => {
                if row.has_text && !is_header {
                    own_rows += u64::from(row.cells + 1 == width);
                    other_rows += u64::from(row.others >= count);
                }
                (row, is_header) = (RowCounts::default(), false);
            }
            byte => {
                row.has_text = true;
                row.others += usize::from(byte == searched && row.is_escape == is_tab);
                row.is_escape = byte == b'\\' && !row.is_escape;
            }
        }
    }
    Ok(other_rows >= own_rows)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::table::csv::CsvReader;
    use crate::table::verify::read_header;

    fn found(csv: &str, delimiter: Delimiter) -> Option<Delimiter> {
        let mut reader = CsvReader::new(delimiter);
        reader.feed(csv.as_bytes());
        let stats = reader.finish().unwrap();
        let mut stored = Cursor::new(reader.stored());
        let header = read_header(&stats, &mut stored).unwrap();
        other_separator(&header, delimiter, &mut stored).unwrap()
    }

    #[test]
    fn separator_in_a_header_of_one_cell_is_found_without_rows() {
        for (csv, delimiter, other) in [
            ("a;b\n", Delimiter::Comma, Delimiter::Semicolon),
            ("a; b\n1\n", Delimiter::Comma, Delimiter::Semicolon),
            ("a\tb;c\td\n", Delimiter::Comma, Delimiter::Tab),
            ("a|b\n", Delimiter::Tab, Delimiter::Pipe),
            ("a, b\n", Delimiter::Semicolon, Delimiter::Comma),
        ] {
            assert_eq!(found(csv, delimiter), Some(other), "{csv}");
        }
        assert_eq!(found("a b\n1;2\n", Delimiter::Comma), None);
    }

    #[test]
    fn separator_of_more_titles_is_found_if_at_least_as_many_rows_fit_it() {
        for (csv, other) in [
            ("a;b, c;d\n", Some(Delimiter::Semicolon)),
            ("a;b, c;d\n1;2;3\n1;2, 3;4\n\n,\n", Some(Delimiter::Semicolon)),
            ("a;b, c\n1;2,5\n3;4,5\n", Some(Delimiter::Semicolon)),
            ("a\tb, c\n1\t2,5\n", Some(Delimiter::Tab)),
            // A line break in quotes that the delimiter hides makes two rows.
            ("a;b, c;d\n1;\"x\ny\";3\n1;2;3\n", Some(Delimiter::Semicolon)),
            ("a;b, c;d\n1,2\n3,4;5;6\n", None),
            ("a\\tb, c\n\\t,2\n", None),
            ("a,b;c\n1,2;3\n", None),
            ("a,b; c; d\n1,2;3;4\n", None),
            ("\"a;b;c\",d\n1;2,3\n", None),
        ] {
            assert_eq!(found(csv, Delimiter::Comma), other, "{csv:?}");
        }
    }
}
