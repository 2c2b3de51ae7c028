//! A row of a stored report, borrowed from the buffer of its reader.
//!
//! The cells are in their stored form, which is their JSON form. Nothing is copied, except a text that is unescaped.

use std::borrow::Cow;

use super::plan::Plan;
use super::stored_text::unescape;
use crate::bytes::buffer::OutBuffer;

/// Valid until the next row is read.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub(super) text: &'a [u8],
    pub(super) start: usize,
    pub(super) ends: &'a [usize],
}

impl<'a> Row<'a> {
    /// The number of its cells, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "every row has a cell")]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The cell at `index` in its stored form; empty beyond the end of the row.
    #[must_use]
    pub fn escaped(&self, index: usize) -> &'a [u8] {
        match (self.ends.get(index), index) {
            (Some(&end), 0) => &self.text[self.start..end],
            (Some(&end), _) => &self.text[self.ends[index - 1] + 1..end],
            (None, _) => &[],
        }
    }

    /// All of the row in its stored form, with the separator after it.
    #[must_use]
    pub fn stored(&self) -> &'a [u8] {
        let end = self.ends.last().map_or(self.start, |end| end + 1);
        &self.text[self.start..end]
    }

    /// Appends the RECORD line of the row.
    pub fn write(&self, plan: &Plan, number: u64, out: &mut OutBuffer) {
        // A row that was read is complete.
        let _ = plan.write(self.text, self.start, number, out);
    }

    /// The unescaped text of the cell at `index`.
    #[must_use]
    pub fn text(&self, index: usize) -> Cow<'a, str> {
        unescape(self.escaped(index))
    }

    pub fn texts(&self) -> impl Iterator<Item = Cow<'a, str>> {
        (0..self.len()).map(|index| self.text(index))
    }
}
