//! Why a report cannot be received.
//!
//! A message has positions and limits, never a byte of the report.

use std::io;

use crate::report::error::BodyError;

/// For the operator, if the spool's file cannot be written.
pub const SPOOL_HINT: &str = "free space on this machine, or set `TMPDIR` to a larger folder";

#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("the gzip data is damaged")]
    GzipDamaged,
    /// The input ended inside a gzip member, or the member's checksum does not match.
    #[error("the gzip data is truncated or damaged")]
    GzipTruncated,
    /// The data is a gzip bomb.
    #[error("the gzip data grows more than 1000 times")]
    GzipBomb,
    #[error("the CSV is not UTF-8: invalid byte at {0}")]
    NotUtf8(u64),
    #[error("the CSV is truncated: it ends inside a UTF-8 character, after {0} bytes")]
    TruncatedCharacter(u64),
    #[error("the report is an empty text, without even a header")]
    EmptyReport,
    #[error("the report is larger than `max_report_bytes` ({limit})")]
    ReportTooLarge { limit: u64 },
    #[error("the data has more than {limit} bytes outside its `report`")]
    OutsideTooLarge { limit: u64 },
    /// The limit also applies to input that adds nothing to the report.
    #[error(
        "the data is larger than {limit} bytes, the most that a report of `max_report_bytes` can take in JSON"
    )]
    InputTooLarge { limit: u64 },
    #[error("cannot spool the report to a temporary file: {0}")]
    Spool(#[source] io::Error),
}

impl ReceiveError {
    /// The hint for the operator; `None` if the hint depends on the source of the bytes.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::ReportTooLarge { .. } | Self::InputTooLarge { .. } => {
                Some("raise `max_report_bytes` if the report is meant to be so large")
            }
            Self::Body(_)
            | Self::GzipDamaged
            | Self::GzipTruncated
            | Self::GzipBomb
            | Self::NotUtf8(_)
            | Self::TruncatedCharacter(_)
            | Self::EmptyReport
            | Self::OutsideTooLarge { .. }
            | Self::Spool(_) => None,
        }
    }
}
