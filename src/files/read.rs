//! Bounded reads of files that the operator names: configs, keys, catalogs, states, certificates.
//!
//! A file is opened once. A file of more than `limit` bytes is an error that names the limit; it is never truncated.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Reads a regular file of at most `limit` bytes. Never waits for the other end of a FIFO.
pub fn read_bounded(path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(not_regular());
    }
    take(file, limit)
}

/// Reads at most `limit` bytes from anything that can be opened. It can block on a FIFO, so it must run on a thread that
/// the end of the process does not wait for.
pub fn read_stream(path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>> {
    take(File::open(path)?, limit)
}

/// Reads to the end; an input of more than `limit` bytes is an error.
pub fn take(input: impl Read, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

pub fn not_regular() -> Error {
    Error::other("it is not a regular file")
}

pub fn too_large(limit: u64) -> Error {
    let size = match limit {
        _ if limit >= MIB && limit.is_multiple_of(MIB) => format!("{} MiB", limit / MIB),
        _ if limit >= KIB && limit.is_multiple_of(KIB) => format!("{} KiB", limit / KIB),
        _ => format!("{limit} bytes"),
    };
    Error::new(ErrorKind::FileTooLarge, format!("it is larger than {size}"))
}
