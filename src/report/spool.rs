//! The spool: a report at rest, in memory while it is small, else in an anonymous temporary file.
//!
//! Nothing is handed on before the whole report is here, so a slow target never holds a request open
//! and half a report is never loaded. The file has no name: it is gone when the process is.

use std::io::{self, Read, Seek, Write};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::body::Mended;

/// Reports up to this size stay in memory.
pub const MEMORY_CAP: usize = 8 * 1024 * 1024;

/// A report being received.
pub struct Spool {
    file: tempfile::SpooledTempFile,
    digest: Sha256,
    bytes: u64,
}

/// A whole report.
pub struct Report {
    file: tempfile::SpooledTempFile,
    /// Of the CSV.
    pub sha256: String,
    /// When the answer was complete.
    pub completed_at: DateTime<Utc>,
    /// What the decoder mended.
    pub mended: Mended,
    /// Requests that it took.
    pub requests: u32,
}

impl Default for Spool {
    fn default() -> Self {
        Self { file: tempfile::spooled_tempfile(MEMORY_CAP), digest: Sha256::new(), bytes: 0 }
    }
}

impl Spool {
    /// Appends.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The report is whole.
    #[must_use]
    pub fn complete(self, completed_at: DateTime<Utc>, mended: Mended, requests: u32) -> Report {
        let sha256 =
            self.digest.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        Report { file: self.file, sha256, completed_at, mended, requests }
    }
}

impl Report {
    /// The CSV from its first byte, for a reader that takes large pieces.
    pub fn reader(&mut self) -> io::Result<impl Read + '_> {
        self.file.rewind()?;
        Ok(&mut self.file)
    }
}
