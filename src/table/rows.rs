//! Reads the rows of a stored report, each in place in one reused buffer.
//!
//! The stored form comes from [`csv`](super::csv): its rows are complete and need no checks. If a row ends beyond the
//! buffer, more bytes are read and the row is scanned again from its start, so nothing is kept of a part of a row. The
//! buffer grows to the longest row, which [`EmittedCells`](super::emitted_cells) bounds.

use std::io::{self, Read};

use super::csv::{BLANK, ROW};
use super::row::Row;
use super::wanted_cells::WantedCells;
use crate::bytes::scan::{ByteScanner, ControlBytes};

/// The initial size; the buffer doubles if a row is longer.
const BUFFER: usize = 256 * 1024;

pub struct Rows<R> {
    input: R,
    buffer: Vec<u8>,
    /// The bytes from `begin` to `end` were read and not returned yet.
    begin: usize,
    end: usize,
    /// The position after each cell of the current row.
    ends: Vec<usize>,
    /// The search for separators in the buffer.
    separators: ByteScanner<ControlBytes>,
    /// The position that the search has reached: another one than `begin` if the row must be searched from its start.
    searched: Option<usize>,
}

impl<R: Read> Rows<R> {
    /// A reader of a stored report from its beginning.
    pub fn new(input: R) -> Self {
        Self::with_buffer(input, BUFFER)
    }

    pub(super) fn with_buffer(input: R, size: usize) -> Self {
        let separators = ByteScanner::new(0);
        Self { input, buffer: vec![0; size], begin: 0, end: 0, ends: Vec::new(), separators, searched: None }
    }

    /// The next row; `None` at the end.
    pub fn read(&mut self) -> io::Result<Option<Row<'_>>> {
        self.find_row(|separators, text, _, ends| split(separators, text, ends))
    }

    /// The next row, of which only the wanted cells can be read; `None` at the end.
    pub(super) fn read_wanted(&mut self, wanted: &WantedCells) -> io::Result<Option<Row<'_>>> {
        self.find_row(|separators, text, start, ends| wanted.find(separators, text, start, ends))
    }

    /// Calls `find` with the separators of the buffered text, the text, the start of the next row and the ends of its cells
    /// to fill in. `find` returns the end of the row, or `None` if the text ends inside the row; then it is called again
    /// with more text.
    #[inline]
    fn find_row(
        &mut self,
        find: impl Fn(&mut ByteScanner<ControlBytes>, &[u8], usize, &mut Vec<usize>) -> Option<usize>,
    ) -> io::Result<Option<Row<'_>>> {
        loop {
            let text = &self.buffer[..self.end];
            if self.searched != Some(self.begin) {
                self.separators = ByteScanner::new(self.begin);
            }
            while text.get(self.begin) == Some(&BLANK) {
                self.begin += 1;
                self.separators.next(text);
            }
            let start = self.begin;
            if let Some(end) = find(&mut self.separators, text, start, &mut self.ends) {
                self.begin = end + 1;
                self.searched = Some(self.begin);
                return Ok(Some(Row { text: &self.buffer, start, ends: &self.ends }));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Calls `take` with the buffered text and the start of the next row in it. `take` returns the position after the row,
    /// or `None` if the text ends inside the row; then it is called again with more text. Returns false at the end.
    pub fn lend(&mut self, mut take: impl FnMut(&[u8], usize) -> Option<usize>) -> io::Result<bool> {
        loop {
            if let Some(end) = take(&self.buffer[..self.end], self.begin) {
                self.begin = end;
                return Ok(true);
            }
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    /// Moves the bytes that were not returned to the front and reads more; returns false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.begin..self.end, 0);
        self.end -= self.begin;
        self.begin = 0;
        self.searched = None;
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
        let read = self.input.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read > 0)
    }
}

/// Collects the end of each cell of the row. Returns the end of the last cell, or `None` if the text ends inside the row.
fn split(separators: &mut ByteScanner<ControlBytes>, text: &[u8], ends: &mut Vec<usize>) -> Option<usize> {
    ends.clear();
    loop {
        let at = separators.next(text)?;
        ends.push(at);
        if text[at] == ROW {
            return Some(at);
        }
    }
}
