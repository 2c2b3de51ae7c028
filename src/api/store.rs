//! The store of the rate limit: the ledger and its lock file in the state folder, or in memory only.
//!
//! The folder is opened once and everything goes through its handle. The lock file is never unlinked, renamed or
//! truncated: a process that waits on the old file while another locks a new one could send at the same time.
//! Somebody else may do it, so [`Lock::is_current`] is asked after locking and before each intent.

use std::cell::RefCell;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FileType, Stat};

use super::ledger::{Ledger, LedgerRead};
use crate::clock;
use crate::error::{Error, Exit, Result};
use crate::files::{Folder, LockFile, TryLock, state_folder};

/// The largest ledger that is read, in bytes; a longer one counts as unreadable.
const LEDGER_LIMIT: u64 = 64 * 1024;

/// Where the ledger and its lock are kept. A clone is the same store.
#[derive(Clone, Debug)]
pub enum Store {
    /// Files in the state folder, shared by all processes that use it.
    Folder(FolderStore),
    /// A state folder that does not exist yet: no ledger, no lock. For inspection only, nothing can be written.
    Missing(PathBuf),
    /// In this process alone.
    Memory(Rc<RefCell<Option<Ledger>>>),
}

/// The ledger and the lock of one scope in an open state folder.
#[derive(Clone, Debug)]
pub struct FolderStore {
    folder: Arc<Folder>,
    scope: String,
}

/// The outcome of one try at the lock.
#[derive(Debug)]
pub enum Lock {
    /// Ours until it is dropped; a store without a lock file has none.
    Ours(Option<LockFile>),
    /// Another process holds it.
    Held {
        /// Its process id, where the system shows it.
        pid: Option<u32>,
    },
}

impl Store {
    /// A store in the folder at `path`, which is made if it is missing.
    pub fn in_folder(path: &Path, scope: &str) -> Result<Self> {
        Ok(Self::in_open_folder(Arc::new(state_folder::open(path)?), scope))
    }

    /// A store in a folder that was opened and checked before.
    #[must_use]
    pub fn in_open_folder(folder: Arc<Folder>, scope: &str) -> Self {
        Self::Folder(FolderStore { folder, scope: scope.to_owned() })
    }

    /// A store for inspection: the folder is not made.
    pub fn at(path: &Path, scope: &str) -> Result<Self> {
        match state_folder::open_if_present(path)? {
            Some(folder) => Ok(Self::in_open_folder(Arc::new(folder), scope)),
            None => Ok(Self::Missing(path.join(format!("{scope}.lock")))),
        }
    }

    /// A store that forgets everything when the process ends.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::Memory(Rc::default())
    }

    /// The same store in the folder that is now at the path, which is made if it is missing.
    pub fn reopened(&self) -> Result<Self> {
        match self {
            Self::Folder(store) if !store.folder.is_current() => {
                Self::in_folder(store.folder.path(), &store.scope)
            }
            Self::Folder(_) | Self::Missing(_) | Self::Memory(_) => Ok(self.clone()),
        }
    }

    /// The store of another scope in the same open folder.
    #[must_use]
    pub fn sibling(&self, scope: &str) -> Option<Self> {
        self.folder().map(|folder| Self::in_open_folder(folder, scope))
    }

    /// The open folder, if there is one.
    #[must_use]
    pub fn folder(&self) -> Option<Arc<Folder>> {
        match self {
            Self::Folder(store) => Some(Arc::clone(&store.folder)),
            Self::Missing(_) | Self::Memory(_) => None,
        }
    }

    /// The base name of the files; empty for a store without files.
    #[must_use]
    pub fn scope(&self) -> &str {
        match self {
            Self::Folder(store) => &store.scope,
            Self::Missing(_) | Self::Memory(_) => "",
        }
    }

    /// Whether anything is in the ledger's place, or may be there.
    #[must_use]
    pub fn has_ledger(&self) -> bool {
        !matches!(self.read(), Ok(LedgerRead::Absent))
    }

    /// Tries the lock once. With the lock, files that killed processes left behind are removed.
    pub fn try_lock(&self) -> Result<Lock> {
        let Self::Folder(store) = self else { return Ok(Lock::Ours(None)) };
        let lock = store.try_lock()?;
        if let Lock::Ours(_) = lock {
            let now = clock::wall().timestamp().try_into().unwrap_or(0);
            store.folder.remove_abandoned(Duration::from_secs(now));
        }
        Ok(lock)
    }

    /// Tries the lock once and changes nothing on the disk. A lock file that is missing is not created, because it
    /// would belong to the user of an inspection, and is held by nobody.
    pub fn peek(&self) -> Result<Lock> {
        match self {
            Self::Folder(store) if !store.has_lock_file() => Ok(Lock::Ours(None)),
            Self::Folder(store) => store.try_lock(),
            Self::Missing(_) | Self::Memory(_) => Ok(Lock::Ours(None)),
        }
    }

    /// Reads the ledger. Content that is not a ledger counts as unreadable and may be overwritten; a read that fails
    /// is an error, because the file may hold a `Retry-After`.
    pub fn read(&self) -> Result<LedgerRead> {
        match self {
            Self::Folder(store) => store.read(),
            Self::Missing(_) => Ok(LedgerRead::Absent),
            Self::Memory(entry) => Ok(entry.borrow().clone().map_or(LedgerRead::Absent, LedgerRead::Found)),
        }
    }

    /// The ledger's path; `None` for a store without files.
    #[must_use]
    pub fn ledger_path(&self) -> Option<PathBuf> {
        match self {
            Self::Folder(store) => Some(store.ledger_path()),
            Self::Missing(_) | Self::Memory(_) => None,
        }
    }

    /// Removes the ledger, if there is one. The lock file stays.
    pub fn remove_ledger(&self) -> Result<()> {
        let Self::Folder(store) = self else { return Ok(()) };
        let name = store.name("json");
        store.folder.remove(&name).map_err(|cause| io_error("remove", &store.ledger_path(), &cause))
    }

    /// Replaces the ledger atomically.
    pub fn write(&self, entry: &Ledger) -> Result<()> {
        match self {
            Self::Folder(store) => store.write(entry),
            Self::Missing(lock) => Err(io_error("write", lock, &ErrorKind::NotFound.into())),
            Self::Memory(memory) => {
                memory.replace(Some(entry.clone()));
                Ok(())
            }
        }
    }
}

impl FolderStore {
    /// The path of the lock file.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        self.folder.path().join(self.name("lock"))
    }

    /// The path of the ledger.
    #[must_use]
    pub fn ledger_path(&self) -> PathBuf {
        self.folder.path().join(self.name("json"))
    }

    fn name(&self, ending: &str) -> String {
        format!("{}.{ending}", self.scope)
    }

    fn try_lock(&self) -> Result<Lock> {
        self.check_writers(&self.name("lock"))?;
        match self.folder.try_lock(&self.name("lock")) {
            Ok(TryLock::Locked(file)) => Ok(Lock::Ours(Some(file))),
            Ok(TryLock::Held { pid }) => Ok(Lock::Held { pid }),
            Err(cause) => Err(io_error("lock", &self.lock_path(), &cause)),
        }
    }

    fn has_lock_file(&self) -> bool {
        !matches!(self.folder.stat_of(&self.name("lock")), Ok(None))
    }

    fn read(&self) -> Result<LedgerRead> {
        let name = self.name("json");
        self.check_writers(&name)?;
        match self.folder.read_small(&name, LEDGER_LIMIT) {
            Ok(Some(bytes)) => Ok(Ledger::parse(&bytes)),
            Ok(None) => Ok(LedgerRead::Absent),
            // Not from the system: the file is too large or not regular.
            Err(cause) if cause.raw_os_error().is_none() || self.is_irregular(&name) => {
                Ok(LedgerRead::Unreadable)
            }
            Err(cause) => Err(io_error("read", &self.ledger_path(), &cause)
                .hint("make the file readable, and keep it: it may hold a `Retry-After`")),
        }
    }

    /// Whether the name is known to be of something that is not a regular file.
    fn is_irregular(&self, name: &str) -> bool {
        self.folder.stat_of(name).is_ok_and(|stat| stat.is_some_and(|stat| !is_regular(&stat)))
    }

    /// Refuses a file that others can write: they could shorten the wait.
    fn check_writers(&self, name: &str) -> Result<()> {
        let stat = self.folder.stat_of(name).ok().flatten().filter(is_regular);
        let Some(writers) = stat.and_then(|stat| state_folder::foreign_writers(&stat)) else { return Ok(()) };
        let path = self.folder.path().join(name);
        let path = path.display();
        Err(Error::new(Exit::Io, format!("cannot trust the file `{path}`: {writers} can write to it"))
            .hint(format!("run `chmod 600 {path}` as its owner, or `chown` it")))
    }

    fn write(&self, entry: &Ledger) -> Result<()> {
        let bytes = serde_json::to_vec(entry).map_err(std::io::Error::other);
        bytes
            .and_then(|bytes| self.folder.replace(&self.name("json"), &bytes))
            .map_err(|cause| io_error("write", &self.ledger_path(), &cause))
    }
}

impl Lock {
    /// Whether the lock still excludes others: the locked file and its folder are still the ones at their paths.
    /// A lock without a file is always current; a lock that another process holds never is.
    #[must_use]
    pub fn is_current(&self) -> bool {
        match self {
            Self::Ours(file) => file.as_ref().is_none_or(LockFile::is_current),
            Self::Held { .. } => false,
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(store) => write!(f, "`{}`", store.lock_path().display()),
            Self::Missing(lock) => write!(f, "`{}`", lock.display()),
            Self::Memory(_) => f.write_str("this process"),
        }
    }
}

fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

fn io_error(doing: &str, path: &Path, cause: &std::io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot {doing} the ledger at `{}`: {cause}", path.display()))
        .hint(write_hint(cause))
}

/// What to do when a file in the state folder cannot be written.
pub(super) fn write_hint(cause: &std::io::Error) -> &'static str {
    match cause.kind() {
        ErrorKind::FileTooLarge => "raise the limit on file sizes (`ulimit -f`)",
        _ => {
            "make the folder writable, or set `state_dir` to another one; without a ledger the rate limit cannot be kept"
        }
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
