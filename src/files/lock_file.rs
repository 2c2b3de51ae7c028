//! A lock file: exclusive among all processes that open the same file (`flock`), released by the kernel at exit.
//!
//! The file is created once; this program never unlinks, renames, truncates or writes it. If another user or program
//! deletes it or moves its folder, the lock excludes no one; [`LockFile::is_current`] detects both.

use std::fs::{File, TryLockError};
use std::io::Result;
use std::sync::Arc;

use rustix::fs::{AtFlags, OFlags};

use super::Folder;
use super::folder::{PRIVATE, SAFE_OPEN, is_same};
use super::read::not_regular;
use crate::platform;

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct LockFile {
    file: File,
    folder: Arc<Folder>,
    name: String,
}

/// The result of one attempt to lock.
#[derive(Debug)]
pub enum TryLock {
    Locked(LockFile),
    /// Another process holds it.
    Held {
        /// The id of that process, if the system shows it.
        pid: Option<u32>,
    },
}

impl LockFile {
    /// Opens the file, creates it if it is missing, and tries the lock once. The file can be replaced between these steps,
    /// so the caller must check [`Self::is_current`] before it relies on the lock.
    pub(super) fn try_lock(folder: &Arc<Folder>, name: &str) -> Result<TryLock> {
        let flags = OFlags::RDWR | OFlags::CREATE | SAFE_OPEN;
        let file = File::from(rustix::fs::openat(folder, name, flags, PRIVATE)?);
        if !file.metadata()?.is_file() {
            return Err(not_regular());
        }
        match file.try_lock() {
            Ok(()) => Ok(TryLock::Locked(Self { file, folder: Arc::clone(folder), name: name.to_owned() })),
            Err(TryLockError::WouldBlock) => Ok(TryLock::Held { pid: platform::lock_holder(&file) }),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }

    /// Whether the locked file is still the file at its path, and its folder still the folder at its path.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let at_name = rustix::fs::statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        let (Ok(locked), Ok(at_name)) = (rustix::fs::fstat(&self.file), at_name) else { return false };
        locked.st_nlink > 0 && is_same(&locked, &at_name) && self.folder.is_current()
    }
}
