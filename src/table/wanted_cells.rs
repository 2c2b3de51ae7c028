//! Finds only the cells of some columns in a row, faster than all cells.
//!
//! The separators between two wanted cells are counted, not noted. The rows must not be ragged: the end of a row is the
//! separator after its last cell, whose position is known.

use crate::bytes::scan::{ByteScanner, ControlBytes};

pub struct WantedCells {
    /// For each separator at an end of a wanted cell, and for the last one: the separators to skip before it, and its
    /// position in the row.
    steps: Vec<(usize, usize)>,
    width: usize,
}

impl WantedCells {
    /// The cells of `columns`, in rows of `width` cells.
    pub fn new(columns: impl Iterator<Item = usize>, width: usize) -> Self {
        let mut ends: Vec<usize> =
            columns.flat_map(|column| [column.saturating_sub(1), column]).chain([width - 1]).collect();
        ends.sort_unstable();
        ends.dedup();
        let mut next = 0;
        let step = |end| (end - std::mem::replace(&mut next, end + 1), end);
        Self { steps: ends.into_iter().map(step).collect(), width }
    }

    /// Notes the ends of the wanted cells of the row that starts at `start`, where the search is. Returns the end of the
    /// row, or `None` if the text ends inside it.
    #[inline]
    pub fn find(
        &self,
        separators: &mut ByteScanner<ControlBytes>,
        text: &[u8],
        start: usize,
        ends: &mut Vec<usize>,
    ) -> Option<usize> {
        ends.resize(self.width, start);
        let mut search = *separators;
        let mut at = start;
        for &(skipped, end) in &self.steps {
            at = search.nth(text, skipped)?;
            ends[end] = at;
        }
        *separators = search;
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::table::rows::Rows;

    proptest! {
        #[test]
        fn wanted_cells_are_those_of_the_whole_row(
            rows in (1usize..9).prop_flat_map(|width| prop::collection::vec(prop::collection::vec("[a-z]{0,9}|x{60,70}", width), 1..6)),
            columns in prop::collection::vec(any::<prop::sample::Index>(), 0..5), size in 1usize..90, has_blank: bool,
        ) {
            let width = rows[0].len();
            let columns: Vec<usize> = columns.iter().map(|column| column.index(width)).collect();
            let blank = if has_blank { "\x1d" } else { "" };
            let stored: String = rows.iter().map(|row| blank.to_owned() + &row.join("\x1f") + "\x1e").collect();
            let wanted = WantedCells::new(columns.iter().copied(), width);
            let mut found = Rows::with_buffer(stored.as_bytes(), size);
            for cells in &rows {
                let row = found.read_wanted(&wanted).unwrap().unwrap();
                for &column in &columns {
                    prop_assert_eq!(row.escaped(column), cells[column].as_bytes());
                }
            }
            prop_assert!(found.read_wanted(&wanted).unwrap().is_none());
        }
    }
}
