//! Where the decoder writes a report's text.
//!
//! JSON and the CSV reader look for nearly the same bytes. So a sink scans and copies in one step, directly from the
//! input, without a buffer in between.

use crate::bytes::buffer::OutBuffer;
use crate::bytes::scan::JsonEscapes;
use crate::table::csv::CsvReader;

/// `char::MAX_LEN_UTF8`, which needs Rust 1.93.
const MAX_CHARACTER_BYTES: usize = 4;

/// Takes the text of a report, from its first byte to its last.
pub trait Sink {
    /// Takes `bytes` from `from` up to the next byte that JSON escapes; returns its position, or the end.
    fn run(&mut self, bytes: &[u8], from: usize) -> usize;

    /// Takes the character of an escape.
    fn character(&mut self, character: char);
}

/// Collects the text.
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
