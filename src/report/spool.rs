//! The spool: stores a report in memory while it is small, else in an anonymous temporary file.
//!
//! The text is parsed as CSV and hashed as it arrives, and its stored form is written. Nothing is emitted before the
//! report is complete, so a slow target never holds a request open and a truncated report is never loaded. The file
//! has no name: it vanishes with the process.

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

/// Bytes of one write to the file. A write for each chunk from the network takes twice the time.
const WRITE: usize = 256 * 1024;

/// A report being received.
pub struct Spool {
    file: tempfile::SpooledTempFile,
    csv: CsvReader,
    /// The text that is not hashed yet.
    text: OutBuffer,
    digest: Sha256,
    bytes: u64,
}

/// A complete report.
pub struct Report {
    file: tempfile::SpooledTempFile,
    /// Statistics of its table, or why it has none.
    pub stats: Result<TableStats, TableError>,
    /// Of the CSV, in hexadecimal digits.
    pub sha256: String,
    /// When the last byte arrived.
    pub completed_at: DateTime<Utc>,
    pub repairs: Repairs,
    /// Requests that it took, failed attempts included.
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
    /// Hashes the text since the last call, while it is in the CPU cache, and writes to the file once a large piece is
    /// ready.
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

    /// Bytes of CSV hashed so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the CSV and returns the complete report.
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
    /// The stored form from its first byte; read it in large pieces.
    pub fn stored(&mut self) -> io::Result<impl Read + Seek + '_> {
        self.file.rewind()?;
        Ok(&mut self.file)
    }
}
