//! Receives a report: decodes its bytes as they arrive and spools it until it is complete.
//!
//! Steps: gunzip, decode (the API's JSON body or plain CSV), parse the CSV, hash, spool. Every step streams, so memory
//! is constant. [`Receiver::finish`] returns a report only if all of its bytes have arrived. Limits bound the report, the
//! bytes outside it and the whole input. It knows no HTTP: a source feeds it chunks and maps [`ReceiveError`].

pub mod error;
mod gunzip;
mod plain_csv;
pub mod sniff;

pub use error::ReceiveError;
use gunzip::Gunzip;
use plain_csv::PlainCsvDecoder;

use crate::clock;
use crate::report::body::{BodyDecoder, OnNul, Repairs};
use crate::report::spool::{Report, Spool};
use crate::table::delimiter::Delimiter;

/// Input is decoded, hashed and parsed in pieces of this size, so that a piece stays in the CPU cache.
const CHUNK: usize = 64 * 1024;
/// The most bytes of a JSON body outside its `report`. The API sends a few.
const OUTSIDE_BYTES: u64 = 16 * 1024 * 1024;
/// A JSON string takes at most six bytes for one byte of text: `\u0041` for `A`.
const LONGEST_ESCAPE: u64 = 6;

/// The format of the bytes after decompression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The API's `{"report": "<CSV>"}`.
    JsonBody,
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    /// One gzip member or several.
    Gzip,
}

#[derive(Clone, Copy, Debug)]
pub struct ReceiveLimits {
    /// Bytes of CSV: the setting `max_report_bytes`.
    report_bytes: u64,
    /// Bytes of a JSON body outside the `report` string.
    outside_bytes: u64,
    on_nul: OnNul,
    delimiter: Delimiter,
}

impl ReceiveLimits {
    #[must_use]
    pub fn new(report_bytes: u64, on_nul: OnNul, delimiter: Delimiter) -> Self {
        Self { report_bytes, outside_bytes: OUTSIDE_BYTES, on_nul, delimiter }
    }

    /// The most bytes of input for a report within the limits, before and after decompression. It bounds input that adds
    /// nothing to the report, such as escaped NUL characters or empty gzip members.
    fn input_bytes(self) -> u64 {
        self.report_bytes.saturating_mul(LONGEST_ESCAPE).saturating_add(self.outside_bytes)
    }
}

/// Receives one report. Feed it every byte, then call [`Receiver::finish`].
pub struct Receiver {
    gunzip: Option<Gunzip>,
    decoder: Decoder,
    spool: Spool,
    limits: ReceiveLimits,
    /// Bytes before decompression.
    received: u64,
    /// Bytes after decompression.
    decompressed: u64,
}

enum Decoder {
    JsonBody(BodyDecoder),
    Csv(PlainCsvDecoder),
}

impl Receiver {
    #[must_use]
    pub fn new(format: Format, compression: Compression, limits: ReceiveLimits) -> Self {
        Self {
            gunzip: match compression {
                Compression::None => None,
                Compression::Gzip => Some(Gunzip::default()),
            },
            decoder: match format {
                Format::JsonBody => Decoder::JsonBody(BodyDecoder::new(limits.on_nul)),
                Format::Csv => Decoder::Csv(PlainCsvDecoder::new(limits.on_nul)),
            },
            spool: Spool::new(limits.delimiter),
            limits,
            received: 0,
            decompressed: 0,
        }
    }

    /// Bytes of CSV received so far.
    #[must_use]
    pub fn report_bytes(&self) -> u64 {
        self.spool.bytes()
    }

    /// Takes the next bytes, in pieces of any size.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ReceiveError> {
        self.received += bytes.len() as u64;
        self.check_input(self.received)?;
        let Some(mut gunzip) = self.gunzip.take() else { return self.decode(bytes) };
        gunzip.feed(bytes, |plain| self.decode(plain))?;
        self.gunzip = Some(gunzip);
        Ok(())
    }

    /// Checks that the input is complete and returns the report.
    pub fn finish(mut self) -> Result<Report, ReceiveError> {
        if let Some(gunzip) = self.gunzip.take() {
            gunzip.finish(|plain| self.decode(plain))?;
        }
        let repairs = self.decoder.finish()?;
        if self.spool.bytes() == 0 {
            return Err(ReceiveError::EmptyReport);
        }
        self.spool.complete(clock::wall(), repairs).map_err(ReceiveError::Spool)
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<(), ReceiveError> {
        self.decompressed += bytes.len() as u64;
        self.check_input(self.decompressed)?;
        for piece in bytes.chunks(CHUNK) {
            self.decoder.feed(piece, &mut self.spool)?;
            self.check_outside()?;
            self.spool.hash_pending().map_err(ReceiveError::Spool)?;
        }
        if self.spool.bytes() > self.limits.report_bytes {
            return Err(ReceiveError::ReportTooLarge { limit: self.limits.report_bytes });
        }
        Ok(())
    }

    fn check_outside(&self) -> Result<(), ReceiveError> {
        let (outside, limit) = (self.decoder.bytes_outside(), self.limits.outside_bytes);
        if outside > limit { Err(ReceiveError::OutsideTooLarge { limit }) } else { Ok(()) }
    }

    fn check_input(&self, bytes: u64) -> Result<(), ReceiveError> {
        let limit = self.limits.input_bytes();
        if bytes > limit { Err(ReceiveError::InputTooLarge { limit }) } else { Ok(()) }
    }
}

impl Decoder {
    fn feed(&mut self, bytes: &[u8], spool: &mut Spool) -> Result<(), ReceiveError> {
        match self {
            Self::JsonBody(body) => Ok(body.feed(bytes, spool)?),
            Self::Csv(csv) => csv.feed(bytes, spool),
        }
    }

    fn bytes_outside(&self) -> u64 {
        match self {
            Self::JsonBody(body) => body.bytes_outside(),
            Self::Csv(_) => 0,
        }
    }

    fn finish(self) -> Result<Repairs, ReceiveError> {
        match self {
            Self::JsonBody(body) => Ok(body.finish()?),
            Self::Csv(csv) => csv.finish(),
        }
    }
}

#[cfg(test)]
#[path = "receive_tests.rs"]
mod tests;
