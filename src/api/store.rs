//! Where the ledger and its lock lie: a folder of ours, or, by the operator's word, only this process.
//!
//! The lock file is never unlinked, renamed or truncated: a process that waits on the old file while another
//! locks a new one would be a second way in. Nothing here follows a symbolic link or blocks on a FIFO.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use super::ledger::{Ledger, LedgerRead};
use crate::clock;
use crate::error::{Error, Exit, Result};

/// No ledger is longer; what is longer is none.
const LEDGER_LIMIT: u64 = 64 * 1024;
/// Never through a symbolic link, never waiting for the other end of a FIFO.
const SAFE_OPEN: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// Files on their way into another's place.
const UNFINISHED: &str = ".tap-together-";
/// What is older was left behind by a process that was killed.
const ABANDONED: TimeDelta = TimeDelta::hours(1);

/// The gate's memory.
#[derive(Debug)]
pub enum Store {
    /// Files in the state folder, shared by all processes that use it.
    Folder {
        /// Locked while a request is under way.
        lock: PathBuf,
        /// Replaced whole.
        ledger: PathBuf,
    },
    /// This process alone.
    Memory(RefCell<Option<Ledger>>),
}

/// What there is in place of the state folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderStatus {
    /// A folder that will do.
    Ready,
    /// Nothing yet, and the first request can make it.
    Missing,
}

/// The outcome of one try at the lock.
#[derive(Debug)]
pub enum Lock {
    /// Ours until the file is closed; a store in memory has no file.
    Ours(Option<File>),
    /// Another process has it.
    Held,
}

/// The hashed name under which everything about one API and organisation is kept.
#[must_use]
pub fn scope(host: &str, organization_id: &str) -> String {
    let digest = Sha256::digest(format!("{host}\n{organization_id}"));
    digest.iter().take(8).fold(String::new(), |name, byte| name + &format!("{byte:02x}"))
}

impl Store {
    /// A store in `folder`, which is made if it is missing.
    pub fn in_folder(folder: &Path, scope: &str) -> Result<Self> {
        prepare(folder)?;
        sweep(folder);
        Ok(Self::at(folder, scope))
    }

    /// The same without a look at the folder.
    #[must_use]
    pub fn at(folder: &Path, scope: &str) -> Self {
        let file = |ending: &str| folder.join(format!("{scope}.{ending}"));
        Self::Folder { lock: file("lock"), ledger: file("json") }
    }

    /// A store that forgets everything when the process ends.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::Memory(RefCell::new(None))
    }

    /// Tries the lock once.
    pub fn try_lock(&self) -> Result<Lock> {
        let Self::Folder { lock, .. } = self else { return Ok(Lock::Ours(None)) };
        let fail = |cause: &dyn fmt::Display| io_error("lock", lock, cause);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(SAFE_OPEN.bits().cast_signed())
            .open(lock)
            .map_err(|cause| fail(&cause))?;
        if !file.metadata().map_err(|cause| fail(&cause))?.is_file() {
            return Err(fail(&"it is not a regular file"));
        }
        match file.try_lock() {
            Ok(()) => Ok(Lock::Ours(Some(file))),
            Err(TryLockError::WouldBlock) => Ok(Lock::Held),
            Err(TryLockError::Error(cause)) => Err(fail(&cause)),
        }
    }

    /// The same without making the lock's file, which a doctor under another user would own: where there is
    /// none, nobody holds it.
    pub fn peek(&self) -> Result<Lock> {
        match self {
            Self::Folder { lock, .. } if is_missing(lock) => Ok(Lock::Ours(None)),
            _ => self.try_lock(),
        }
    }

    /// Reads the ledger; whatever is not one counts as unreadable.
    #[must_use]
    pub fn read(&self) -> LedgerRead {
        let path = match self {
            Self::Memory(entry) => {
                return entry.borrow().clone().map_or(LedgerRead::Absent, LedgerRead::Found);
            }
            Self::Folder { ledger, .. } => ledger,
        };
        match read_small(path, LEDGER_LIMIT) {
            Ok(Some(bytes)) => Ledger::parse(&bytes),
            Ok(None) => LedgerRead::Absent,
            Err(_) => LedgerRead::Unreadable,
        }
    }

    /// Replaces the ledger.
    pub fn write(&self, entry: &Ledger) -> Result<()> {
        match self {
            Self::Memory(memory) => {
                memory.replace(Some(entry.clone()));
                Ok(())
            }
            Self::Folder { ledger, .. } => {
                let bytes = serde_json::to_vec(entry).map_err(|cause| io_error("write", ledger, &cause))?;
                replace(ledger, &bytes).map_err(|cause| io_error("write", ledger, &cause))
            }
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { lock, .. } => write!(f, "`{}`", lock.display()),
            Self::Memory(_) => f.write_str("this process"),
        }
    }
}

/// Reads a regular file of at most `limit` bytes; nothing if there is none.
pub fn read_small(path: &Path, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    let file = match OpenOptions::new().read(true).custom_flags(SAFE_OPEN.bits().cast_signed()).open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(cause),
    };
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() > limit {
        return Err(std::io::Error::other("not a small regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Puts a whole file in the place of another: a reader sees the old one or the new one, and a power cut
/// brings the old one back no more.
pub fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(|failed| failed.error)?;
    flushed(File::open(folder)?.sync_all())
}

/// Some network file systems cannot flush a folder; there the rename is as good as it gets.
fn flushed(outcome: std::io::Result<()>) -> std::io::Result<()> {
    match outcome {
        Err(cause) if matches!(cause.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}

/// Removes what killed processes left behind; what cannot be removed harms nobody.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(modified) = entry.metadata().and_then(|meta| meta.modified()) else { continue };
        if is_abandoned(&entry.file_name(), clock::wall() - DateTime::<Utc>::from(modified)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn is_abandoned(name: &OsStr, age: TimeDelta) -> bool {
    name.to_string_lossy().starts_with(UNFINISHED) && age > ABANDONED
}

fn is_missing(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|cause| cause.kind() == ErrorKind::NotFound)
}

fn prepare(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    // What cannot be made may be there already, and may be what it should not.
    match made {
        Err(cause) if is_missing(folder) => Err(unusable(folder, &cause)),
        _ => check_folder(folder),
    }
}

/// Whether the folder will do, as far as can be known without leaving a trace.
pub fn inspect(folder: &Path) -> Result<FolderStatus> {
    let place = if is_missing(folder) {
        FolderStatus::Missing
    } else {
        check_folder(folder)?;
        FolderStatus::Ready
    };
    let there = folder.ancestors().find(|above| !is_missing(above)).unwrap_or(Path::new("."));
    // Permissions do not tell all. The file has no name, and some bytes, so that a full disk is noticed.
    let tried = tempfile::tempfile_in(there).and_then(|mut file| file.write_all(&[0; 1024]));
    tried.map(|()| place).map_err(|cause| unusable(folder, &cause))
}

fn unusable(folder: &Path, cause: &dyn fmt::Display) -> Error {
    Error::new(Exit::Io, format!("cannot use the state folder `{}`: {cause}", folder.display())).hint(
        "set `state_dir` to a writable folder that outlives the run (a mounted volume in a container), or use `--assume-idle`",
    )
}

fn check_folder(folder: &Path) -> Result<()> {
    let fail = |cause: &dyn fmt::Display| unusable(folder, cause);
    let meta = std::fs::symlink_metadata(folder).map_err(|cause| fail(&cause))?;
    if !meta.is_dir() {
        return Err(fail(&"it is not a folder itself (a symbolic link or a file)"));
    }
    if !is_trusted(meta.uid(), rustix::process::geteuid().as_raw()) {
        return Err(fail(&"it belongs to another user"));
    }
    if meta.mode() & 0o002 != 0 {
        return Err(fail(&"everyone may write to it"));
    }
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).map_err(|cause| fail(&cause))
}

/// Whether what this user keeps stays as `us` left it.
fn is_trusted(owner: u32, us: u32) -> bool {
    owner == us || owner == 0
}

fn io_error(doing: &str, path: &Path, cause: &dyn fmt::Display) -> Error {
    Error::new(Exit::Io, format!("cannot {doing} the ledger at `{}`: {cause}", path.display()))
        .hint("without a ledger the API's limit cannot be kept; mend the folder or set `state_dir`")
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
