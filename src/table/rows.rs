//! The rows of a report at rest, one after the other, in place in one reused buffer.
//!
//! What it reads is what [`csv`](super::csv) wrote: whole rows of whole cells, nothing to be judged. A row that the
//! buffer cuts is begun again once more of it is there, so that no state is carried over.

use std::io::{self, Read};

use super::csv::{BLANK, ROW};
use super::row::Row;
use crate::bytes::scan::{ByteScanner, ControlBytes};

/// At first; grows where a row is longer.
const BUFFER: usize = 256 * 1024;

/// The reader.
pub struct Rows<R> {
    input: R,
    buffer: Vec<u8>,
    /// What is read and not yet given out.
    begin: usize,
    end: usize,
    /// Where the cells of the row end.
    ends: Vec<usize>,
}

impl<R: Read> Rows<R> {
    /// A reader at the beginning of a report at rest.
    pub fn new(input: R) -> Self {
        Self::with_buffer(input, BUFFER)
    }

    pub(super) fn with_buffer(input: R, size: usize) -> Self {
        Self { input, buffer: vec![0; size], begin: 0, end: 0, ends: Vec::new() }
    }

    /// The next row; nothing at the end.
    pub fn read(&mut self) -> io::Result<Option<Row<'_>>> {
        let mut blanks = 0;
        loop {
            let text = &self.buffer[..self.end];
            while text.get(self.begin) == Some(&BLANK) {
                self.begin += 1;
                blanks += 1;
            }
            let start = self.begin;
            if let Some(end) = split(text, start, &mut self.ends) {
                self.begin = end + 1;
                return Ok(Some(Row { text: &self.buffer, start, ends: &self.ends, blanks }));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Lends `take` the text and where the next row begins in it. `take` returns where the row ends, or nothing if
    /// the text ends first: then it is called again with more. False at the end of the report.
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

    /// The physical line on which row `number` below the header starts. Reads everything before it once more.
    pub fn line_of(mut self, number: u64) -> io::Result<u64> {
        let (mut line, mut passed) = (1, 0);
        while let Some(row) = self.read()? {
            line += row.blanks;
            if passed == number {
                break;
            }
            line += row.lines();
            passed += 1;
        }
        Ok(line)
    }

    /// Reads on, with what is left moved to the front; false at the end.
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

/// Gathers where the cells of the row end that begins at `start`; returns where the last does, or nothing if the text
/// ends before.
fn split(text: &[u8], start: usize, ends: &mut Vec<usize>) -> Option<usize> {
    let mut marks = ByteScanner::<ControlBytes>::new(start);
    ends.clear();
    loop {
        let at = marks.next(text)?;
        ends.push(at);
        if text[at] == ROW {
            return Some(at);
        }
    }
}
