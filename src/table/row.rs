//! A row where the reader found it: cells as they stand inside a JSON string, nothing copied.

use std::borrow::Cow;

/// One row, until the next is read.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub(super) text: &'a [u8],
    pub(super) start: usize,
    pub(super) ends: &'a [usize],
    /// Blank lines before it.
    pub(super) blanks: u64,
}

impl<'a> Row<'a> {
    /// The number of its cells, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no row is empty")]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The cell at `index` as it stands inside a JSON string; empty beyond the end.
    #[must_use]
    pub fn escaped(&self, index: usize) -> &'a [u8] {
        match (self.ends.get(index), index) {
            (Some(&end), 0) => &self.text[self.start..end],
            (Some(&end), _) => &self.text[self.ends[index - 1] + 1..end],
            (None, _) => &[],
        }
    }

    /// The cell's text.
    #[must_use]
    pub fn text(&self, index: usize) -> Cow<'a, str> {
        unescape(self.escaped(index))
    }

    /// All cells' texts.
    pub fn texts(&self) -> impl Iterator<Item = Cow<'a, str>> {
        (0..self.len()).map(|index| self.text(index))
    }

    /// Physical lines that it takes.
    #[must_use]
    pub fn lines(&self) -> u64 {
        let breaks = |text: Cow<str>| text.replace("\r\n", "\n").matches(['\n', '\r']).count() as u64;
        1 + self.texts().map(breaks).sum::<u64>()
    }
}

/// The text of a cell that stands as it does inside a JSON string.
fn unescape(escaped: &[u8]) -> Cow<'_, str> {
    if escaped.contains(&b'\\') {
        let quoted = [b"\"", escaped, b"\""].concat();
        return serde_json::from_slice(&quoted).unwrap_or(Cow::Borrowed("\u{FFFD}"));
    }
    String::from_utf8_lossy(escaped)
}
