//! Reads the rows of a stored report, each in place in one reused buffer.
//!
//! The stored form comes from [`csv`](super::csv): its rows are complete and need no checks. If a row ends beyond the
//! buffer, more bytes are read and the row is scanned again from its start, so no state is kept between two reads. The
//! buffer grows to the longest row, which [`EmittedCells`](super::emitted_cells) bounds.

use std::io::{self, Read};

use super::csv::{BLANK, ROW};
use super::row::Row;
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
}

impl<R: Read> Rows<R> {
    /// A reader of a stored report from its beginning.
    pub fn new(input: R) -> Self {
        Self::with_buffer(input, BUFFER)
    }

    pub(super) fn with_buffer(input: R, size: usize) -> Self {
        Self { input, buffer: vec![0; size], begin: 0, end: 0, ends: Vec::new() }
    }

    /// The next row; `None` at the end.
    pub fn read(&mut self) -> io::Result<Option<Row<'_>>> {
        loop {
            let text = &self.buffer[..self.end];
            while text.get(self.begin) == Some(&BLANK) {
                self.begin += 1;
            }
            let start = self.begin;
            if let Some(end) = split(text, start, &mut self.ends) {
                self.begin = end + 1;
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
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
        let read = self.input.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read > 0)
    }
}

/// Collects the end of each cell of the row that starts at `start`. Returns the end of the last cell, or `None` if the
/// text ends inside the row.
fn split(text: &[u8], start: usize, ends: &mut Vec<usize>) -> Option<usize> {
    let mut separators = ByteScanner::<ControlBytes>::new(start);
    ends.clear();
    loop {
        let at = separators.next(text)?;
        ends.push(at);
        if text[at] == ROW {
            return Some(at);
        }
    }
}
