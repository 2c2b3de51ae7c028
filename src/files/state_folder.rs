//! Opens the state folder and checks the permissions of the folder and its parents.
//!
//! A user who can change the folder can make two taps send at once. So the folder is refused (exit 74) if a user outside
//! this process's groups can write to it or rename it: see [`open`] for the rules. The open handle is checked, not only
//! the path, so the folder cannot be exchanged after the check. ACLs are checked only as far as the mode shows them.

use std::ffi::OsString;
use std::fmt::Display;
use std::os::fd::AsFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, AtFlags, FileType, RawMode, Stat};
use rustix::process::{getegid, geteuid, getgroups};

use super::Folder;
use super::folder::{is_missing, is_same};
use crate::error::{Error, Exit, Result};

const GROUP_WRITES: RawMode = 0o020;
const OTHERS_WRITE: RawMode = 0o002;
const STICKY: RawMode = 0o1000;
/// As many symbolic links as Linux follows in one path.
const MAX_LINKS: u32 = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderStatus {
    Ready,
    /// The first run creates the folder.
    Missing,
}

/// The user and the groups that this process acts as.
#[derive(Clone, Debug)]
struct Identity {
    user: u32,
    groups: Vec<u32>,
}

/// The users outside this process's groups who can write to a file; `None` if nobody can. An owner can give himself
/// the right to write.
#[must_use]
pub fn foreign_writers(stat: &Stat) -> Option<String> {
    let us = Identity::current();
    let is_trusted = us.owns(stat) || us.is_shared(stat);
    us.foreign_writers(stat).or_else(|| (!is_trusted).then(|| format!("its owner, user {},", stat.st_uid)))
}

/// Opens the state folder, and creates it if it is missing. The folder is refused unless:
/// 1. it is a folder, not a symbolic link, and belongs to this user or root;
/// 2. it is not writable by others, and writable by its group only if this process is in that group, as in a Kubernetes
///    volume with `fsGroup`;
/// 3. nobody outside this process's groups can rename a parent, or a folder or symbolic link on the way to it: each folder
///    that holds one belongs to this user or root, or its owner shares it with one of this process's groups (`/state` in
///    the image), and has the sticky bit (`/tmp`) if it is writable by others or by another group;
/// 4. each symbolic link on the way belongs to this user or root.
///
/// This process's groups are its effective group and its supplementary groups; their other members are trusted. The
/// folder and its parents are checked through the open handle; folders and links on the way by path.
pub fn open(path: &Path) -> Result<Folder> {
    let us = Identity::current();
    if is_missing(path) {
        check_nearest(path, &us)?;
        let folder = Folder::create(path).map_err(|cause| unusable(path, &cause))?;
        check(&folder, &us)?;
        return Ok(folder);
    }
    open_existing(path)
}

/// Opens the state folder; `None` if it does not exist.
pub fn open_if_present(path: &Path) -> Result<Option<Folder>> {
    if is_missing(path) { Ok(None) } else { open_existing(path).map(Some) }
}

fn open_existing(path: &Path) -> Result<Folder> {
    let folder = Folder::open(path).map_err(|cause| {
        // The cause for a symbolic link is "too many levels" or "not a directory", depending on the system.
        match std::fs::symlink_metadata(path) {
            Ok(meta) if !meta.is_dir() => {
                unusable(path, &"it is not a folder itself (a symbolic link or a file)")
            }
            _ => unusable(path, &cause),
        }
    })?;
    check(&folder, &Identity::current())?;
    Ok(folder)
}

/// Checks whether the folder can be used, without creating a file or folder that remains.
pub fn inspect(path: &Path) -> Result<FolderStatus> {
    let status = if is_missing(path) {
        check_nearest(path, &Identity::current())?;
        FolderStatus::Missing
    } else {
        open_existing(path)?;
        FolderStatus::Ready
    };
    // Permissions do not show a read-only or full disk, so some bytes are written to a file without a name.
    let attempt = tempfile::tempfile_in(nearest(path)).and_then(|mut file| {
        use std::io::Write;
        file.write_all(&[0; 1024])
    });
    attempt.map(|()| status).map_err(|cause| unusable(path, &cause))
}

/// The folder itself, or the nearest parent that exists.
fn nearest(path: &Path) -> &Path {
    let mut existing =
        path.ancestors().filter(|folder| !folder.as_os_str().is_empty() && !is_missing(folder));
    existing.next().unwrap_or(Path::new("."))
}

/// Checks the parents of a folder that will be created.
fn check_nearest(path: &Path, us: &Identity) -> Result<()> {
    let parent = nearest(path);
    // A parent may be a symbolic link; the folder itself may not.
    let resolved = parent.canonicalize().map_err(|cause| unusable(path, &cause))?;
    let folder = Folder::open(&resolved).map_err(|cause| unusable(path, &cause))?;
    let stat = folder.stat().map_err(|cause| unusable(path, &cause))?;
    check_parent(path, parent, &stat, us)?;
    check_parents(path, &folder, us)
}

fn check(folder: &Folder, us: &Identity) -> Result<()> {
    let path = folder.path();
    let stat = folder.stat().map_err(|cause| unusable(path, &cause))?;
    us.reason_against_folder(&stat).map_or(Ok(()), |reason| Err(unusable(path, &reason)))?;
    check_parents(path, folder, us)?;
    rustix::fs::accessat(folder, ".", Access::WRITE_OK, AtFlags::EACCESS)
        .map_err(|cause| unusable(path, &cause))
}

/// Checks every parent of the open folder, and every folder that its path names.
fn check_parents(path: &Path, folder: &Folder, us: &Identity) -> Result<()> {
    let fail = |cause: &dyn Display| unusable(path, cause);
    let mut below = folder.stat().map_err(|cause| fail(&cause))?;
    let mut up = String::from("..");
    loop {
        let parent =
            rustix::fs::statat(folder.as_fd(), &up, AtFlags::empty()).map_err(|cause| fail(&cause))?;
        if is_same(&parent, &below) {
            break;
        }
        check_parent(path, &path.join(&up), &parent, us)?;
        below = parent;
        up.push_str("/..");
    }
    check_way(path, us)
}

/// Follows the path name by name, through every symbolic link, as far as it exists. Checks each folder that holds a
/// name, and each link.
fn check_way(path: &Path, us: &Identity) -> Result<()> {
    let fail = |cause: &dyn Display| unusable(path, cause);
    let whole = std::path::absolute(path).map_err(|cause| fail(&cause))?;
    let mut pending = reversed(&whole);
    let mut folder = PathBuf::new();
    let mut links = 0;
    while let Some(name) = pending.pop() {
        // No name of `folder` is a link, so `..` is the name before.
        match name.as_encoded_bytes() {
            b"/" => folder = PathBuf::from("/"),
            b".." => drop(folder.pop()),
            _ => {
                let holder = rustix::fs::stat(&folder).map_err(|cause| fail(&cause))?;
                check_parent(path, &folder, &holder, us)?;
                let named = folder.join(name);
                let Ok(stat) = rustix::fs::lstat(&named) else { return Ok(()) };
                if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
                    folder = named;
                    continue;
                }
                check_link(path, &named, &stat, us)?;
                links += 1;
                if links > MAX_LINKS {
                    return Err(fail(&"its path has too many levels of symbolic links"));
                }
                pending.extend(reversed(&named.read_link().map_err(|cause| fail(&cause))?));
            }
        }
    }
    Ok(())
}

/// The names of a path, the last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter(|name| *name != Component::CurDir)
        .map(|name| name.as_os_str().to_owned())
        .collect()
}

fn check_link(path: &Path, link: &Path, stat: &Stat, us: &Identity) -> Result<()> {
    if us.owns(stat) {
        return Ok(());
    }
    let (link, owner) = (link.display(), stat.st_uid);
    Err(unusable(path, &format!("user {owner} can redirect it, because the link `{link}` belongs to them")))
}

fn check_parent(path: &Path, parent: &Path, stat: &Stat, us: &Identity) -> Result<()> {
    let mode = stat.st_mode & 0o7777;
    let (who, why) = if !us.owns(stat) && !us.is_shared(stat) {
        // The owner can rename what is in a folder with the sticky bit, too.
        (format!("user {}", stat.st_uid), "belongs to them".to_owned())
    } else if let Some(writers) = us.foreign_writers(stat).filter(|_| mode & STICKY == 0) {
        (writers, format!("has mode {mode:04o}"))
    } else {
        return Ok(());
    };
    let parent = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
    Err(unusable(path, &format!("{who} can rename it, because `{}` {why}", parent.display())))
}

impl Identity {
    fn current() -> Self {
        let mut groups: Vec<u32> =
            getgroups().unwrap_or_default().into_iter().map(rustix::process::Gid::as_raw).collect();
        groups.push(getegid().as_raw());
        Self { user: geteuid().as_raw(), groups }
    }

    /// Whether this user or root owns it.
    fn owns(&self, stat: &Stat) -> bool {
        stat.st_uid == self.user || stat.st_uid == 0
    }

    /// Whether its owner lets one of this process's groups write to it.
    fn is_shared(&self, stat: &Stat) -> bool {
        stat.st_mode & GROUP_WRITES != 0 && self.groups.contains(&stat.st_gid)
    }

    /// The reason why a folder cannot be the state folder.
    fn reason_against_folder(&self, stat: &Stat) -> Option<String> {
        if !self.owns(stat) {
            return Some(format!("it belongs to another user ({})", stat.st_uid));
        }
        self.foreign_writers(stat).map(|writers| format!("{writers} can write to it"))
    }

    /// The users outside this process's groups who can write to a file or folder.
    fn foreign_writers(&self, stat: &Stat) -> Option<String> {
        if stat.st_mode & OTHERS_WRITE != 0 {
            Some("everybody".into())
        } else if stat.st_mode & GROUP_WRITES != 0 && !self.is_shared(stat) {
            Some(format!("group {}", stat.st_gid))
        } else {
            None
        }
    }
}

fn unusable(path: &Path, cause: &dyn Display) -> Error {
    let user = geteuid().as_raw();
    Error::new(Exit::Io, format!("cannot use the state folder `{}`: {cause}", path.display())).hint(format!(
        "set `state_dir` to a folder that outlives the run and that only user {user} can write to (a mounted volume in a container)"
    ))
}

#[cfg(test)]
#[path = "state_folder_tests.rs"]
mod tests;
