//! The identity of a file on its file system, by which a file that holds it notices that it is a copy.
//!
//! It has the inode number, and the time of creation where the file system keeps one, because the number of a deleted
//! file is used again. A rename keeps both.

use std::fs::File;
use std::io::Result;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

use crate::platform;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileId {
    inode: u64,
    /// Nanoseconds since 1970; `None` if the system does not show it.
    created_ns: Option<u64>,
}

impl FileId {
    /// The identity of an open file.
    pub fn of(file: &File) -> Result<Self> {
        Ok(Self { inode: file.metadata()?.ino(), created_ns: platform::creation_time_ns(file) })
    }
}
