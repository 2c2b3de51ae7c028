//! The state file of `run`: locked against other runs, replaced atomically by each new state.
//!
//! The lock is a file beside the state file, `FILE.lock`, because the state file itself is replaced. A symbolic link is
//! followed once, so that two names of one file share a lock. The content is read and checked by `singer::state`.

use std::fmt::{self, Display, Formatter};
use std::io::{Error as IoError, ErrorKind, Result as IoResult};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::error::{Error, Exit, Result};
use crate::files::{Folder, LockFile, TryLock, is_missing};
use crate::safe_name;

/// The state file of this run, locked until this value is dropped.
#[derive(Debug)]
pub struct StateFile {
    folder: Arc<Folder>,
    name: String,
    /// As the operator typed it.
    path: PathBuf,
    _lock: LockFile,
}

impl StateFile {
    /// Locks the state file, which may be missing. Fails with exit code 75 if another run holds the lock.
    pub fn lock(path: &Path) -> Result<Self> {
        let unusable = |cause: &dyn Display| {
            let path = safe_name::path(path);
            Error::new(Exit::Io, format!("cannot use the state file {path}: {cause}"))
                .hint("give `--state` a file in a folder that exists and that you can write to")
        };
        let (folder, name) = locate(path).map_err(|cause| unusable(&cause))?;
        let lock = match folder.try_lock(&format!("{name}.lock")).map_err(|cause| unusable(&cause))? {
            TryLock::Locked(lock) if lock.is_current() => lock,
            TryLock::Locked(_) => return Err(unusable(&"its lock file was just replaced")),
            TryLock::Held { pid } => return Err(held(path, pid)),
        };
        let now = clock::wall().timestamp().try_into().unwrap_or(0);
        folder.remove_abandoned(Duration::from_secs(now));
        Ok(Self { folder, name, path: path.to_owned(), _lock: lock })
    }

    /// Replaces the file atomically.
    pub fn replace(&self, state: &[u8]) -> Result<()> {
        self.folder.replace(&self.name, state).map_err(|cause| {
            Error::new(Exit::Io, format!("cannot write the state file {self}: {cause}"))
                .hint("free space there and run again: the target has loaded more than the file says")
        })
    }
}

impl Display for StateFile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&safe_name::path(&self.path))
    }
}

/// The folder and the name of the file, after a symbolic link.
fn locate(path: &Path) -> IoResult<(Arc<Folder>, String)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
    let resolved = if is_missing(path) { folder.canonicalize()?.join(name) } else { path.canonicalize()? };
    if !is_missing(&resolved) && !resolved.metadata()?.is_file() {
        return Err(IoError::other("it is not a regular file"));
    }
    let name = resolved.file_name().and_then(|name| name.to_str()).ok_or(ErrorKind::InvalidFilename)?;
    let folder = Folder::open(resolved.parent().unwrap_or(Path::new("/")))?;
    Ok((Arc::new(folder), name.to_owned()))
}

fn held(path: &Path, pid: Option<u32>) -> Error {
    let holder = pid.map_or_else(|| "another run".to_owned(), |pid| format!("process {pid}"));
    Error::new(
        Exit::Busy,
        format!("cannot use the state file {}: {holder} holds its lock", safe_name::path(path)),
    )
    .hint("wait until that run has ended, or give each run its own state file")
}
