//! The rows of a report at rest, one after the other, in place in one reused buffer.
//!
//! What it reads is what [`csv`](super::csv) wrote: whole rows of whole cells, nothing to be judged. A row that the
//! buffer cuts is begun again once more of it is there, so that no state is carried over.

use std::io::{self, Read};

use super::csv::{BLANK, ROW};
use super::row::Row;
use crate::bytes::marks::{Control, Marks};

/// At first; grows where a row is longer.
const BUFFER: usize = 256 * 1024;

/// The reader.
pub struct Rows<R> {
    input: R,
    buffer: Vec<u8>,
    /// What is read and not yet given out.
    begin: usize,
    end: usize,
    marks: Marks<Control>,
    /// Where the cells of the row end.
    ends: Vec<usize>,
}

impl<R: Read> Rows<R> {
    /// A reader at the beginning of a report at rest.
    pub fn new(input: R) -> Self {
        Self::with_buffer(input, BUFFER)
    }

    pub(super) fn with_buffer(input: R, size: usize) -> Self {
        Self { input, buffer: vec![0; size], begin: 0, end: 0, marks: Marks::new(0), ends: Vec::new() }
    }

    /// The next row; nothing at the end.
    pub fn read(&mut self) -> io::Result<Option<Row<'_>>> {
        let (mut start, mut blanks) = (self.begin, 0);
        loop {
            self.ends.clear();
            while let Some(at) = self.marks.next(&self.buffer[..self.end]) {
                match self.buffer[at] {
                    BLANK => {
                        blanks += 1;
                        start = at + 1;
                        self.begin = start;
                    }
                    ROW => {
                        self.ends.push(at);
                        self.begin = at + 1;
                        return Ok(Some(Row { text: &self.buffer, start, ends: &self.ends, blanks }));
                    }
                    _ => self.ends.push(at),
                }
            }
            if !self.fill()? {
                return Ok(None);
            }
            start = 0;
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
        self.marks = Marks::new(0);
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
        let read = self.input.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read > 0)
    }
}
