//! An open folder: reads, atomic replaces, locks and clean-up that all go through one handle (`openat`, `renameat`).
//!
//! No function follows a symbolic link or blocks on a FIFO. A file is replaced atomically, also across a power cut:
//! temporary file, fsync, rename, fsync of the folder. Names must be single path components, which is not checked.

use std::fs::File;
use std::io::{ErrorKind, Result, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::read::{not_regular, take, too_large};
use super::{LockFile, TryLock};

/// Flags for opening a file: never follows a symbolic link, never waits for the other end of a FIFO.
pub(super) const SAFE_OPEN: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
/// Mode of a new file: only the owner can read and write it.
pub(super) const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);
/// The start of a temporary file's name; eight letters or digits follow.
const TEMPORARY: &str = ".tap-together-";
const RANDOM_CHARACTERS: usize = 8;
/// Age at which a temporary file is considered abandoned by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Names that are tried for a temporary file.
const ATTEMPTS: u32 = 16;

/// An open folder and the path it was opened by.
#[derive(Debug)]
pub struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder; a symbolic link in its place is an error.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | SAFE_OPEN;
        Ok(Self { handle: rustix::fs::open(path, flags, Mode::empty())?, path: path.to_owned() })
    }

    /// Creates the folder and its missing parents, readable by this user only, and opens it. The parent of each new
    /// folder is fsynced, so that a new folder survives a power cut.
    pub fn create(path: &Path) -> Result<Self> {
        let mut missing: Vec<&Path> = Vec::new();
        for folder in path.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
            if !is_missing(folder) {
                break;
            }
            missing.push(folder);
        }
        for folder in missing.into_iter().rev() {
            match rustix::fs::mkdir(folder, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(cause) => return Err(cause.into()),
            }
            let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
            fsync(&File::open(parent.unwrap_or(Path::new(".")))?)?;
        }
        Self::open(path)
    }

    /// The path that the folder was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the open folder is still the one at its path.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let at_path = rustix::fs::lstat(&self.path);
        let (Ok(open), Ok(at_path)) = (rustix::fs::fstat(&self.handle), at_path) else { return false };
        open.st_nlink > 0 && is_same(&open, &at_path)
    }

    /// Type, owner and permissions of the open folder.
    pub fn stat(&self) -> Result<Stat> {
        Ok(rustix::fs::fstat(&self.handle)?)
    }

    /// Type, owner and permissions of the entry `name`, without following a symbolic link; `None` if it does not exist.
    pub fn stat_of(&self, name: &str) -> Result<Option<Stat>> {
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(cause) => Err(cause.into()),
        }
    }

    /// The names in the folder, unordered.
    pub fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            // This program creates no name that is not UTF-8.
            match entry?.file_name().to_str() {
                Ok(".." | ".") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        Ok(names)
    }

    /// Opens a regular file for reading; `None` if there is no file of this name.
    pub fn open_read(&self, name: &str) -> Result<Option<File>> {
        let flags = OFlags::RDONLY | SAFE_OPEN;
        let file = match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(cause) => return Err(cause.into()),
        };
        if file.metadata()?.is_file() { Ok(Some(file)) } else { Err(not_regular()) }
    }

    /// Reads a regular file of at most `limit` bytes; `None` if there is no file of this name.
    pub fn read_small(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        match self.open_read(name)? {
            None => Ok(None),
            Some(file) if file.metadata()?.len() > limit => Err(too_large(limit)),
            Some(file) => take(file, limit).map(Some),
        }
    }

    /// Replaces a file atomically: temporary file, fsync, rename, fsync of the folder.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.replace_with(name, |file| file.write_all(bytes))
    }

    /// As [`Self::replace`], with the bytes that `write` writes.
    pub fn replace_with(&self, name: &str, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
        self.place(name, write, RenameFlags::empty())
    }

    /// Creates a complete file, readable by this user only. An existing file, folder or link of this name is an error and
    /// remains unchanged.
    pub fn create_new(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.place(name, |file| file.write_all(bytes), RenameFlags::NOREPLACE)
    }

    fn place(
        &self,
        name: &str,
        write: impl FnOnce(&mut File) -> Result<()>,
        flags: RenameFlags,
    ) -> Result<()> {
        let (temporary, mut file) = self.temporary()?;
        let written = write(&mut file).and_then(|()| file.sync_data());
        if let Err(cause) = written.and_then(|()| self.rename(&temporary, name, flags)) {
            let _ = rustix::fs::unlinkat(&self.handle, &temporary, AtFlags::empty());
            return Err(cause);
        }
        fsync(&File::from(self.handle.try_clone()?))
    }

    /// Removes a file; a file that does not exist is not an error.
    pub fn remove(&self, name: &str) -> Result<()> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) => fsync(&File::from(self.handle.try_clone()?)),
            Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(cause.into()),
        }
    }

    fn rename(&self, from: &str, to: &str, flags: RenameFlags) -> Result<()> {
        let (at, plain) = (&self.handle, flags.is_empty());
        if plain {
            return Ok(rustix::fs::renameat(at, from, at, to)?);
        }
        match rustix::fs::renameat_with(at, from, at, to, flags) {
            // Some file systems do not support NOREPLACE. A hard link also fails if the name exists.
            Err(Errno::INVAL | Errno::NOSYS) => {
                rustix::fs::linkat(at, from, at, to, AtFlags::empty())?;
                Ok(rustix::fs::unlinkat(at, from, AtFlags::empty())?)
            }
            outcome => Ok(outcome?),
        }
    }

    fn temporary(&self) -> Result<(String, File)> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | SAFE_OPEN;
        for _ in 1..ATTEMPTS {
            let name = temporary_name();
            match rustix::fs::openat(&self.handle, &name, flags, PRIVATE) {
                Err(Errno::EXIST) => {}
                outcome => return Ok((name, File::from(outcome?))),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    /// Opens the lock file, which is created if it is missing and never written, and tries its lock once.
    pub fn try_lock(self: &std::sync::Arc<Self>, name: &str) -> Result<TryLock> {
        LockFile::try_lock(self, name)
    }

    /// Removes temporary files of killed processes, by their exact name pattern. `now` is the time since 1970. The caller
    /// must hold the lock. A file that cannot be removed remains.
    pub fn remove_abandoned(&self, now: Duration) {
        for name in self.names().unwrap_or_default().into_iter().filter(|name| is_temporary(name)) {
            let Ok(Some(stat)) = self.stat_of(&name) else { continue };
            let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
            let modified = Duration::from_secs(stat.st_mtime.try_into().unwrap_or(0));
            if is_file && now.saturating_sub(modified) > ABANDONED {
                let _ = rustix::fs::unlinkat(&self.handle, &name, AtFlags::empty());
            }
        }
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

fn temporary_name() -> String {
    let random = std::iter::repeat_with(fastrand::alphanumeric).take(RANDOM_CHARACTERS);
    TEMPORARY.chars().chain(random).collect()
}

/// Whether the name has exactly the pattern of [`temporary_name`].
pub(super) fn is_temporary(name: &str) -> bool {
    name.strip_prefix(TEMPORARY).is_some_and(|random| {
        random.len() == RANDOM_CHARACTERS && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Whether two stats are of the same file.
pub(super) fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// Whether the path does not exist, not even as a dangling symbolic link.
#[must_use]
pub fn is_missing(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|cause| cause.kind() == ErrorKind::NotFound)
}

fn fsync(folder: &File) -> Result<()> {
    tolerate_unsupported(folder.sync_all())
}

/// Ignores the error of a network file system that does not support fsync of a folder.
pub(super) fn tolerate_unsupported(outcome: Result<()>) -> Result<()> {
    match outcome {
        Err(cause) if matches!(cause.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}
