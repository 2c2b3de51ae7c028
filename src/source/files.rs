//! Reports from files: CSV or the API's JSON body, each also compressed with gzip.
//!
//! The receiver and its limits are those of the API. A file is opened once and read from its start to its end, so a FIFO
//! or `/dev/stdin` works too. Nothing here knows credentials, the gate or the state folder.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::{FailureScope, FetchError};
use crate::error::{Error, Exit};
use crate::receive::error::SPOOL_HINT;
use crate::receive::sniff::sniff;
use crate::receive::{ReceiveError, ReceiveLimits, Receiver};
use crate::report::spool::Report;
use crate::safe_name;
use crate::telemetry::{Progress, Telemetry};

/// Bytes of one read.
const CHUNK: u64 = 256 * 1024;

/// The files of some streams.
pub struct Files {
    /// By stream.
    pub paths: BTreeMap<String, PathBuf>,
    pub limits: ReceiveLimits,
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Receive(#[from] ReceiveError),
}

impl Files {
    /// Reads the complete report of a stream.
    pub async fn fetch(&self, stream: &str, telemetry: &Telemetry) -> Result<Report, FetchError> {
        let path = self.paths.get(stream).expect("the job leaves out every stream without a file");
        read(path, self.limits, telemetry).await.map_err(|cause| failure(stream, path, &cause))
    }
}

async fn read(path: &Path, limits: ReceiveLimits, telemetry: &Telemetry) -> Result<Report, ReadError> {
    let mut file = File::open(path).await?;
    let mut chunk = Vec::new();
    read_chunk(&mut file, &mut chunk).await?;
    let (format, compression) = sniff(&chunk);
    let mut receiver = Receiver::new(format, compression, limits);
    while !chunk.is_empty() {
        receiver.feed(&chunk)?;
        telemetry.progress(Progress::Received { bytes: receiver.report_bytes() });
        read_chunk(&mut file, &mut chunk).await?;
    }
    let mut report = receiver.finish()?;
    report.requests = 0;
    Ok(report)
}

/// Reads the next bytes; fewer than [`CHUNK`] only at the end of the file.
async fn read_chunk(file: &mut File, chunk: &mut Vec<u8>) -> io::Result<()> {
    chunk.clear();
    file.take(CHUNK).read_to_end(chunk).await.map(drop)
}

fn failure(stream: &str, path: &Path, cause: &ReadError) -> FetchError {
    let (exit, scope, hint) = match cause {
        ReadError::Io(_) => (Exit::Io, FailureScope::Stream, "check the file and its disk"),
        ReadError::Receive(ReceiveError::Spool(_)) => (Exit::Io, FailureScope::Run, SPOOL_HINT),
        ReadError::Receive(cause) => (
            Exit::Report,
            FailureScope::Stream,
            cause.hint().unwrap_or("give the complete report as CSV, or the JSON body as the API sends it"),
        ),
    };
    let file = safe_name::path(path);
    let message = format!("cannot use {file}, the file of `{stream}`: {cause}");
    FetchError { error: Error::new(exit, message).hint(hint), scope, requests: 0 }
}
