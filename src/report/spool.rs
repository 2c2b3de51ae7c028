//! The spool: stores a report until it is complete, in memory up to 8 MiB, else in an anonymous temporary file.
//!
//! It parses the CSV while the text arrives and stores the table in the stored form of [`csv`](crate::table::csv), so
//! the CSV is parsed once. No row is emitted before the report is complete: a slow target cannot hold a request open,
//! and a truncated report is never loaded. The file has no name, so the system deletes it when the process ends.

use std::io::{self, Read, Seek, Write};

use chrono::{DateTime, Utc};

use super::body::Repairs;
use super::sink::Sink;
use crate::bytes::buffer::OutBuffer;
use crate::digest::{Sha256, hex};
use crate::table::csv::{CsvReader, TableStats};
use crate::table::delimiter::Delimiter;
use crate::table::error::TableError;

/// Reports up to this size stay in memory.
pub const MEMORY_CAP: usize = 8 * 1024 * 1024;

/// Bytes of one write to the file. A write for each chunk from the network takes twice as long.
const WRITE: usize = 256 * 1024;

/// A report being received.
pub struct Spool {
    file: tempfile::SpooledTempFile,
    csv: CsvReader,
    /// The text that is not hashed yet.
    text: OutBuffer,
    digest: Sha256,
    /// Bytes of CSV that were hashed.
    bytes: u64,
}

/// A complete report.
pub struct Report {
    /// The stored form, which [`Self::stored`] reads from its first byte.
    pub(crate) file: tempfile::SpooledTempFile,
    /// The statistics of the table, or the reason why the CSV cannot be parsed.
    pub stats: Result<TableStats, TableError>,
    /// Digest of the CSV, in hexadecimal.
    pub sha256: String,
    /// Bytes of the CSV.
    pub bytes: u64,
    /// When the last byte arrived.
    pub completed_at: DateTime<Utc>,
    pub repairs: Repairs,
    /// Requests that were sent for it, retries included.
    pub requests: u32,
}

impl Spool {
    #[must_use]
    pub fn new(delimiter: Delimiter) -> Self {
        Self {
            file: tempfile::spooled_tempfile(MEMORY_CAP),
            csv: CsvReader::new(delimiter),
            text: OutBuffer::default(),
            digest: Sha256::default(),
            bytes: 0,
        }
    }

    /// Hashes the text since the last call, while it is in the CPU cache. Writes the stored form to the file once it is
    /// large enough.
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

    /// Bytes of CSV up to the last [`Self::hash_pending`].
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the table and returns the complete report.
    pub fn complete(mut self, completed_at: DateTime<Utc>, repairs: Repairs) -> io::Result<Report> {
        let stats = self.csv.finish();
        self.hash_pending()?;
        self.spill()?;
        let (bytes, sha256) = (self.bytes, hex(&self.digest.finish::<32>()));
        Ok(Report { file: self.file, stats, sha256, bytes, completed_at, repairs, requests: 1 })
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
    /// The stored form from its first byte. It is not buffered: read it in large pieces.
    pub fn stored(&mut self) -> io::Result<impl Read + Seek + '_> {
        self.file.rewind()?;
        Ok(&mut self.file)
    }
}
