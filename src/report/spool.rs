//! The spool: a report at rest, in memory while it is small, else in an anonymous temporary file.
//!
//! Text goes in as the decoder finds it; what rests is the table's own form of it, read once and never again as
//! CSV. Nothing is handed on before the whole report is here, so a slow target never holds a request open and half
//! a report is never loaded. The file has no name: it is gone when the process is.

use std::io::{self, Read, Seek, Write};

use chrono::{DateTime, Utc};

use super::body::Repairs;
use super::sink::Sink;
use crate::bytes::buffer::OutBuffer;
use crate::digest::{Sha256, hex};
use crate::table::csv::{CsvReader, TableStats};
use crate::table::error::TableError;

/// Reports up to this size stay in memory.
pub const MEMORY_CAP: usize = 8 * 1024 * 1024;

/// The file is written in pieces of this size: a call for each piece of the network's costs twice as much.
const WRITE: usize = 256 * 1024;

/// A report being received.
pub struct Spool {
    file: tempfile::SpooledTempFile,
    csv: CsvReader,
    /// The text since it was last settled, for the digest.
    text: OutBuffer,
    digest: Sha256,
    bytes: u64,
}

/// A whole report.
pub struct Report {
    file: tempfile::SpooledTempFile,
    /// What its table is, or why it is none.
    pub stats: Result<TableStats, TableError>,
    /// Of the CSV.
    pub sha256: String,
    /// When the answer was complete.
    pub completed_at: DateTime<Utc>,
    /// What the decoder repaired.
    pub repairs: Repairs,
    /// Requests that it took.
    pub requests: u32,
}

impl Default for Spool {
    fn default() -> Self {
        Self {
            file: tempfile::spooled_tempfile(MEMORY_CAP),
            csv: CsvReader::default(),
            text: OutBuffer::default(),
            digest: Sha256::default(),
            bytes: 0,
        }
    }
}

impl Spool {
    /// Digests what came in since the last time, while the processor has it at hand, and puts it away with the next
    /// large piece.
    pub fn hash_pending(&mut self) -> io::Result<()> {
        self.digest.update(self.text.bytes());
        self.bytes += self.text.len() as u64;
        self.text.clear();
        if self.csv.stored().len() < WRITE { Ok(()) } else { self.spill() }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.file.write_all(self.csv.stored())?;
        self.csv.clear();
        Ok(())
    }

    /// Bytes of CSV so far settled.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The report is whole.
    pub fn complete(mut self, completed_at: DateTime<Utc>, repairs: Repairs) -> io::Result<Report> {
        let stats = self.csv.finish();
        self.hash_pending()?;
        self.spill()?;
        let sha256 = hex(&self.digest.finish::<32>());
        Ok(Report { file: self.file, stats, sha256, completed_at, repairs, requests: 1 })
    }
}

impl Sink for Spool {
    #[inline]
    fn run(&mut self, bytes: &[u8], from: usize) -> usize {
        let to = self.csv.run(bytes, from);
        self.text.write(to - from, |out| out.copy(&bytes[from..], to - from));
        to
    }

    #[inline]
    fn character(&mut self, character: char) {
        self.csv.character(character);
        Sink::character(&mut self.text, character);
    }
}

impl Report {
    /// The report at rest from its first byte, for a reader that takes large pieces.
    pub fn stored(&mut self) -> io::Result<impl Read + Seek + '_> {
        self.file.rewind()?;
        Ok(&mut self.file)
    }
}
