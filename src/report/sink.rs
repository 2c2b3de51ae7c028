//! Where a report's text goes while it is decoded.
//!
//! What JSON escapes and what a reader of CSV must look at are nearly the same bytes. So a sink searches and copies in
//! one step, straight from the answer, and no text is gathered in between.

use crate::bytes::buffer::OutBuffer;
use crate::bytes::scan::JsonEscapes;
use crate::table::csv::CsvReader;

/// `char::MAX_LEN_UTF8`, which needs Rust 1.93.
const MAX_CHARACTER_BYTES: usize = 4;

/// Takes the text of a report, from its first byte to its last.
pub trait Sink {
    /// Takes what stands in `bytes` from `from` up to the next byte that JSON escapes; returns where that is, or
    /// the end.
    fn run(&mut self, bytes: &[u8], from: usize) -> usize;

    /// Takes one character, which an escape stood for.
    fn character(&mut self, character: char);
}

/// Gathers the text as it is.
impl Sink for OutBuffer {
    fn run(&mut self, bytes: &[u8], from: usize) -> usize {
        let text = &bytes[from..];
        bytes.len() - self.write(text.len(), |out| out.copy_until::<JsonEscapes>(text)).len()
    }

    fn character(&mut self, character: char) {
        self.write(MAX_CHARACTER_BYTES, |out| out.character(character));
    }
}

/// Reads the text as a table.
impl Sink for CsvReader {
    fn run(&mut self, bytes: &[u8], from: usize) -> usize {
        self.run(bytes, from)
    }

    fn character(&mut self, character: char) {
        self.character(character);
    }
}
