//! The destination of a report's text while the body is decoded.
//!
//! The bytes that JSON escapes (quotes, backslashes, control characters) are also those that a CSV reader looks for,
//! except the comma. So a sink searches and copies in one pass over the body, without a buffer in between.

use crate::bytes::buffer::OutBuffer;
use crate::bytes::scan::JsonEscapes;
use crate::table::csv::CsvReader;

/// `char::MAX_LEN_UTF8`, which needs Rust 1.93.
const MAX_CHARACTER_BYTES: usize = 4;

/// Receives the text of a report in order.
pub trait Sink {
    /// Takes `bytes` from position `from` up to the next byte that JSON escapes. Returns the position of that byte, or
    /// the length of `bytes`.
    fn run(&mut self, bytes: &[u8], from: usize) -> usize;

    /// Takes one character that was written as an escape.
    fn character(&mut self, character: char);
}

/// Collects the text unchanged.
impl Sink for OutBuffer {
    fn run(&mut self, bytes: &[u8], from: usize) -> usize {
        let text = &bytes[from..];
        bytes.len() - self.write(text.len(), |out| out.copy_until::<JsonEscapes>(text)).len()
    }

    fn character(&mut self, character: char) {
        self.write(MAX_CHARACTER_BYTES, |out| out.character(character));
    }
}

/// Parses the text as CSV.
impl Sink for CsvReader {
    fn run(&mut self, bytes: &[u8], from: usize) -> usize {
        self.run(bytes, from)
    }

    fn character(&mut self, character: char) {
        self.character(character);
    }
}
