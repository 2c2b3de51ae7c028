//! Finds the physical line on which a row of a stored report starts, for error messages.
//!
//! It reads the stored report again from its start to the row, in constant memory.

use std::io::{self, Read};

use super::csv::{BLANK, CELL, ROW};

const BUFFER: usize = 256 * 1024;

/// The line, counted from 1, on which row `number` starts. The header is row 0.
pub fn line_of_row(mut stored: impl Read, number: u64) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut counter = LineCounter { line: 1, rows: 0, is_row_start: true, is_escape: false, after_cr: false };
    loop {
        let read = stored.read(&mut buffer)?;
        for &byte in &buffer[..read] {
            if counter.is_row_start && counter.rows == number && byte != BLANK {
                return Ok(counter.line);
            }
            counter.count(byte);
        }
        if read == 0 {
            return Ok(counter.line);
        }
    }
}

struct LineCounter {
    line: u64,
    rows: u64,
    is_row_start: bool,
    /// The last byte was the backslash of an escape.
    is_escape: bool,
    /// The last escape was `\r`: a `\n` after it is the same line break.
    after_cr: bool,
}

impl LineCounter {
    fn count(&mut self, byte: u8) {
        if std::mem::take(&mut self.is_escape) {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'r');
            self.line += u64::from(byte == b'r' || byte == b'n' && !after_cr);
            return;
        }
        self.is_row_start = matches!(byte, ROW | BLANK);
        self.is_escape = byte == b'\\';
        self.after_cr &= self.is_escape;
        self.line += u64::from(self.is_row_start);
        self.rows += u64::from(byte == ROW);
        debug_assert!(byte >= b' ' || matches!(byte, CELL | ROW | BLANK));
    }
}
