//! One entry: the stored form of a complete report and what is known of it, compressed, then encrypted.
//!
//! The plain content is one line of JSON ([`Metadata`]) and the stored form. Both directions stream, so memory does not
//! follow the size of the report. A reader trusts nothing that was not authenticated.

use std::io::{self, BufRead, BufReader, Read, Write};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zstd::{Decoder, Encoder};

use super::chunks::{ChunkReader, ChunkWriter};
use super::error::EntryError;
use crate::report::body::{OnNul, Repairs};
use crate::report::spool::{MEMORY_CAP, Report};
use crate::settings::Settings;
use crate::table::csv::TableStats;
use crate::table::delimiter::Delimiter;

/// A higher level makes an entry a tenth smaller and takes twice the time.
const LEVEL: i32 = 1;
/// Bytes of the metadata's line.
const METADATA_LIMIT: u64 = 64 * 1024;
/// Bytes that are read or written at once.
const PIECE: usize = 256 * 1024;
/// Bytes that are decrypted before other tasks run.
const STEP: u64 = 4 * 1024 * 1024;
/// The format of the stored form, see [`csv`](crate::table::csv).
const STORED_FORM: u32 = 1;

/// What decides how the same CSV is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredForm {
    format: u32,
    on_nul: OnNul,
    delimiter: Delimiter,
}

impl StoredForm {
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self { format: STORED_FORM, on_nul: settings.on_nul, delimiter: settings.delimiter }
    }
}

/// What is known of an archived report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The API and organisation.
    pub scope: String,
    pub stream: String,
    /// Digest of the CSV, in hexadecimal.
    pub sha256: String,
    /// Bytes of the CSV.
    pub bytes: u64,
    /// When the last byte arrived, in milliseconds since 1970.
    completed_at_ms: i64,
    repairs: Repairs,
    pub stats: TableStats,
    pub form: StoredForm,
    /// Identifies who fetched the report.
    pub client: String,
}

impl Metadata {
    /// The metadata of a report; `None` if its CSV cannot be parsed.
    #[must_use]
    pub fn new(scope: &str, stream: &str, form: StoredForm, client: &str, report: &Report) -> Option<Self> {
        Some(Self {
            scope: scope.to_owned(),
            stream: stream.to_owned(),
            sha256: report.sha256.clone(),
            bytes: report.bytes,
            completed_at_ms: report.completed_at.timestamp_millis(),
            repairs: report.repairs,
            stats: *report.stats.as_ref().ok()?,
            form,
            client: client.to_owned(),
        })
    }

    #[must_use]
    pub fn completed_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.completed_at_ms).unwrap_or_default()
    }
}

/// Writes an entry.
pub fn write(
    output: impl Write,
    secret: &SecretString,
    metadata: &Metadata,
    stored: impl Read,
) -> io::Result<()> {
    let mut encoder = Encoder::new(ChunkWriter::new(output, secret)?, LEVEL)?;
    serde_json::to_writer(&mut encoder, metadata)?;
    encoder.write_all(b"\n")?;
    io::copy(&mut BufReader::with_capacity(PIECE, stored), &mut encoder)?;
    encoder.finish()?.finish()
}

/// An entry whose metadata was read.
pub struct EntryReader<R: Read> {
    pub metadata: Metadata,
    stored: BufReader<Decoder<'static, ChunkReader<BufReader<R>>>>,
}

impl<R: Read> EntryReader<R> {
    /// Reads the header and the metadata.
    pub fn new(input: R, secret: &SecretString) -> Result<Self, EntryError> {
        let chunks = ChunkReader::new(BufReader::with_capacity(PIECE, input), secret)?;
        let mut stored = BufReader::with_capacity(PIECE, Decoder::with_buffer(chunks)?);
        let mut line = Vec::new();
        stored.by_ref().take(METADATA_LIMIT).read_until(b'\n', &mut line)?;
        let metadata = serde_json::from_slice(&line).map_err(|_| EntryError::Damaged)?;
        Ok(Self { metadata, stored })
    }

    /// Reads the entry to its end, which authenticates every byte.
    pub fn verify(mut self) -> Result<(), EntryError> {
        io::copy(&mut self.stored, &mut io::sink())?;
        Ok(())
    }

    /// The stored form, from its first byte. A byte that is not authentic is an error in its place.
    pub fn stored(self) -> impl BufRead {
        self.stored
    }

    /// The report, for which no request was sent. Other tasks run while a large report is decrypted.
    pub async fn restore(mut self) -> Result<Report, EntryError> {
        let mut file = tempfile::spooled_tempfile(MEMORY_CAP);
        while io::copy(&mut self.stored.by_ref().take(STEP), &mut file)? > 0 {
            tokio::task::yield_now().await;
        }
        let completed_at = self.metadata.completed_at();
        let Metadata { sha256, bytes, repairs, stats, .. } = self.metadata;
        Ok(Report { file, stats: Ok(stats), sha256, bytes, completed_at, repairs, requests: 0 })
    }
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
