//! A lock file: exclusive among all processes that open the same file (`flock`), released by the kernel at exit.
//!
//! The file is created once and never unlinked, renamed, truncated or written by this program. Somebody else may
//! still delete it or move its folder; [`LockFile::is_current`] notices both, and then the lock protects nothing.

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

/// The outcome of one try.
#[derive(Debug)]
pub enum TryLock {
    /// Ours.
    Locked(LockFile),
    /// Another process holds it.
    Held {
        /// Its process id, where the system shows it.
        pid: Option<u32>,
    },
}

impl LockFile {
    /// Opens the file, which is created if it is missing, and tries the lock once. The file may be
    /// replaced between the two, so the caller asks [`Self::is_current`] before it relies on the lock.
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

    /// Whether the locked file is still the one at its path: it has a name, the name is still this file's, and the
    /// folder is still the one at the folder's path.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let at_name = rustix::fs::statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        let (Ok(locked), Ok(at_name)) = (rustix::fs::fstat(&self.file), at_name) else { return false };
        locked.st_nlink > 0 && is_same(&locked, &at_name) && self.folder.is_current()
    }
}
