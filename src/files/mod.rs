//! All file access of the program: bounded reads, atomic replaces, lock files and the state folder.
//!
//! Files in the state folder are accessed through an open [`Folder`] only, so a folder that was moved or replaced is
//! detected and nothing is written to the new one by mistake. Files that the operator names are read by [`read_bounded`]
//! (regular files) or [`read_stream`] (also FIFOs and `/dev/fd/N`), both with a limit. Callers decide what an error
//! means for the run.

use std::ffi::OsStr;
use std::io::{ErrorKind, Result};
use std::path::Path;

mod file_id;
mod folder;
mod format;
mod lock_file;
mod poll_writer;
mod read;
pub mod state_folder;

pub use file_id::FileId;
pub use folder::{Folder, is_missing};
pub use format::format_of;
pub use lock_file::{LockFile, TryLock};
pub use poll_writer::PollWriter;
pub use read::{read_bounded, read_stream, take};

/// Atomically replaces a file that the operator names; see [`Folder::replace`].
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The parent may be a symbolic link.
    let folder = Folder::open(&folder.canonicalize()?)?;
    let name = path.file_name().and_then(OsStr::to_str);
    folder.replace(name.ok_or(ErrorKind::InvalidFilename)?, bytes)
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
