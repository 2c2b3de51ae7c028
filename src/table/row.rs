//! A row where the reader found it: cells as ranges of the reader's buffer, nothing copied.

/// Where a cell's text is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub start: usize,
    pub end: usize,
    /// Whether it may hold anything that JSON escapes.
    pub marked: bool,
    /// Whether quotes are still to be taken out of it.
    pub folded: bool,
}

impl Cell {
    /// Takes out what only CSV needs: the second of two quotes, and the closing quote before a tail.
    pub fn unfold(&mut self, text: &mut [u8]) {
        let (mut from, mut to, mut inside) = (self.start, self.start, true);
        while from < self.end {
            if inside && text[from] == b'"' {
                from += 1;
                inside = from < self.end && text[from] == b'"';
                if !inside {
                    continue;
                }
            }
            text[to] = text[from];
            to += 1;
            from += 1;
        }
        self.end = to;
        self.folded = false;
    }
}

/// One row, until the next is read.
#[derive(Debug)]
pub struct Row<'a> {
    pub(super) text: &'a [u8],
    pub(super) cells: &'a [Cell],
    pub(super) line: u64,
}

impl<'a> Row<'a> {
    /// The number of its cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Never: even a blank line has one cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The physical line on which it starts, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The cell at `index`, empty beyond the end.
    #[must_use]
    pub fn cell(&self, index: usize) -> &'a str {
        std::str::from_utf8(self.bytes(index)).unwrap_or("\u{FFFD}")
    }

    /// The same without a second look at its UTF-8.
    #[must_use]
    pub fn bytes(&self, index: usize) -> &'a [u8] {
        self.cells.get(index).map_or(&[], |cell| &self.text[cell.start..cell.end])
    }

    /// Whether the cell can stand in JSON as it is.
    #[must_use]
    pub fn is_plain(&self, index: usize) -> bool {
        self.cells.get(index).is_none_or(|cell| !cell.marked)
    }

    /// All cells.
    pub fn cells(&self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).map(|index| self.cell(index))
    }

    /// No fewer bytes than its cells have together.
    #[must_use]
    pub fn span(&self) -> usize {
        let end = self.cells.last().map_or(0, |cell| cell.end);
        end - self.cells.first().map_or(end, |cell| cell.start)
    }
}
