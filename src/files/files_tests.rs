//! Bounded reads, atomic replaces and lock files.

use std::fs::{File, create_dir, read, read_dir, rename, set_permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::FileType;
use rustix::io::{fcntl_getfd, ioctl_fionbio};
use tempfile::{TempDir, tempdir};

use super::folder::{is_temporary, tolerate_unsupported};
use super::*;
use crate::clock;

fn folder() -> (TempDir, Arc<Folder>) {
    let directory = tempdir().unwrap();
    let folder = Folder::open(directory.path()).unwrap();
    (directory, Arc::new(folder))
}

fn put(path: &Path, bytes: &[u8]) {
    File::create(path).unwrap().write_all(bytes).unwrap();
}

fn fifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn bounded_read_refuses_a_byte_more_than_its_limit() {
    let (directory, folder) = folder();
    let path = directory.path().join("file");
    put(&path, b"three");
    for limit in [5, 6] {
        assert_eq!(read_bounded(&path, limit).unwrap(), b"three");
        assert_eq!(read_stream(&path, limit).unwrap(), b"three");
        assert_eq!(folder.read_small("file", limit).unwrap().unwrap(), b"three");
    }
    let messages =
        [read_bounded(&path, 4), read_stream(&path, 4), folder.read_small("file", 4).map(Option::unwrap)];
    for error in messages.map(Result::unwrap_err) {
        assert_eq!(error.to_string(), "it is larger than 4 bytes");
    }
    assert_eq!(super::read::too_large(64 << 10).to_string(), "it is larger than 64 KiB");
    assert_eq!(super::read::too_large(3 << 20).to_string(), "it is larger than 3 MiB");
}

#[test]
fn fifo_is_read_as_a_stream_only_and_never_in_the_folder() {
    let (directory, folder) = folder();
    let path = directory.path().join("fifo");
    fifo(&path);
    assert_eq!(read_bounded(&path, 9).unwrap_err().to_string(), "it is not a regular file");
    assert_eq!(folder.read_small("fifo", 9).unwrap_err().to_string(), "it is not a regular file");
    let writer = std::thread::spawn({
        let path = path.clone();
        move || put(&path, b"once")
    });
    assert_eq!(read_stream(&path, 9).unwrap(), b"once");
    writer.join().unwrap();
}

#[test]
fn read_in_the_folder_never_follows_a_link() {
    let (directory, folder) = folder();
    put(&directory.path().join("file"), b"three");
    symlink("file", directory.path().join("link")).unwrap();
    assert!(folder.read_small("link", 9).is_err());
    assert!(folder.read_small("missing", 9).unwrap().is_none());
    assert!(folder.stat_of("missing").unwrap().is_none());
    assert!(FileType::from_raw_mode(folder.stat_of("link").unwrap().unwrap().st_mode) == FileType::Symlink);
}

#[test]
fn atomic_replace_leaves_one_private_file() {
    let (directory, folder) = folder();
    for bytes in [&b"old"[..], b"new"] {
        folder.replace("file", bytes).unwrap();
        assert_eq!(folder.read_small("file", 9).unwrap().unwrap(), bytes);
    }
    assert_eq!(directory.path().join("file").metadata().unwrap().mode() & 0o777, 0o600);
    assert_eq!(folder.names().unwrap(), ["file"]);
}

#[test]
fn atomic_replace_replaces_a_link_and_not_its_target() {
    let (directory, folder) = folder();
    put(&directory.path().join("target"), b"kept");
    symlink("target", directory.path().join("link")).unwrap();
    folder.replace("link", b"new").unwrap();
    assert_eq!(read(directory.path().join("target")).unwrap(), b"kept");
    assert!(!directory.path().join("link").is_symlink());
}

#[test]
fn atomic_replace_that_fails_leaves_no_temporary_file() {
    let (directory, folder) = folder();
    create_dir(directory.path().join("taken")).unwrap();
    assert!(folder.replace("taken", b"new").is_err());
    assert_eq!(folder.names().unwrap(), ["taken"]);
}

#[test]
fn create_new_never_overwrites() {
    let (directory, folder) = folder();
    folder.create_new("file", b"first").unwrap();
    symlink("nowhere", directory.path().join("link")).unwrap();
    for name in ["file", "link"] {
        assert_eq!(folder.create_new(name, b"second").unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
    assert_eq!(read(directory.path().join("file")).unwrap(), b"first");
    assert_eq!(read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn folder_that_was_moved_or_replaced_is_not_current() {
    let directory = tempdir().unwrap();
    let (path, moved) = (directory.path().join("state"), directory.path().join("moved"));
    let folder = Folder::create(&path).unwrap();
    assert!(folder.is_current());
    rename(&path, &moved).unwrap();
    assert!(!folder.is_current());
    // Writes go to the folder that was opened.
    folder.replace("file", b"").unwrap();
    assert!(moved.join("file").exists());
    create_dir(&path).unwrap();
    assert!(!folder.is_current());
}

#[test]
fn lock_file_has_one_holder_and_names_its_process() {
    let (_directory, folder) = folder();
    let TryLock::Locked(lock) = folder.try_lock("s.lock").unwrap() else { panic!("it is held") };
    let TryLock::Held { pid } = folder.try_lock("s.lock").unwrap() else { panic!("two hold it") };
    assert_eq!(pid, Some(std::process::id()));
    assert!(lock.is_current());
    drop(lock);
    assert!(matches!(folder.try_lock("s.lock").unwrap(), TryLock::Locked(_)));
}

#[test]
fn lock_file_is_not_current_after_it_or_its_folder_was_replaced() {
    let changes: [fn(&Path); 4] = [
        |state| std::fs::remove_file(state.join("s.lock")).unwrap(),
        |state| {
            std::fs::remove_file(state.join("s.lock")).unwrap();
            put(&state.join("s.lock"), b"");
        },
        |state| rename(state.join("s.lock"), state.join("moved")).unwrap(),
        |state| rename(state, state.with_extension("moved")).unwrap(),
    ];
    for change in changes {
        let directory = tempdir().unwrap();
        let path = directory.path().join("state");
        let folder = Arc::new(Folder::create(&path).unwrap());
        let TryLock::Locked(lock) = folder.try_lock("s.lock").unwrap() else { panic!("it is held") };
        assert!(lock.is_current());
        change(&path);
        assert!(!lock.is_current());
    }
}

#[test]
fn lock_file_that_is_not_a_regular_file_is_refused() {
    let (directory, folder) = folder();
    fifo(&directory.path().join("fifo"));
    symlink("elsewhere", directory.path().join("link")).unwrap();
    create_dir(directory.path().join("folder")).unwrap();
    for name in ["fifo", "link", "folder"] {
        assert!(folder.try_lock(name).is_err(), "{name}");
    }
    assert!(!directory.path().join("elsewhere").exists());
}

#[test]
fn abandoned_temporary_files_are_removed_by_their_exact_name_only() {
    let (directory, folder) = folder();
    let hour = Duration::from_secs(3600);
    let now = SystemTime::from(clock::wall());
    let files = [
        (".tap-together-aZ09bY18", 2, false),
        (".tap-together-aZ09bY19", 0, true),
        (".tap-together-old", 2, true),
        (".tap-together-aZ09bY181", 2, true),
        (".tap-together-aZ09.Y18", 2, true),
        ("s.lock", 2, true),
    ];
    for (name, age, _) in files {
        let file = File::create(directory.path().join(name)).unwrap();
        file.set_modified(now - age * hour - Duration::from_secs(2)).unwrap();
    }
    symlink("s.lock", directory.path().join(".tap-together-aLinkAaa")).unwrap();
    folder.remove_abandoned(now.duration_since(SystemTime::UNIX_EPOCH).unwrap());
    for (name, _, stays) in files {
        assert_eq!(directory.path().join(name).exists(), stays, "{name}");
    }
    assert!(directory.path().join(".tap-together-aLinkAaa").is_symlink());
    assert!(is_temporary(".tap-together-aLinkAaa") && !is_temporary("x.tap-together-aLinkAaa"));
}

#[test]
fn fsync_of_a_folder_that_is_unsupported_is_ignored_and_other_errors_are_not() {
    for kind in [ErrorKind::InvalidInput, ErrorKind::Unsupported] {
        assert!(tolerate_unsupported(Err(kind.into())).is_ok());
    }
    assert!(tolerate_unsupported(Err(ErrorKind::StorageFull.into())).is_err());
    assert!(tolerate_unsupported(Ok(())).is_ok());
}

#[test]
fn handles_are_closed_in_child_processes() {
    let (_directory, folder) = folder();
    assert!(fcntl_getfd(&*folder).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
}

#[test]
fn folder_is_created_with_its_parents_for_this_user_only() {
    let directory = tempdir().unwrap();
    set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = directory.path().join("a/b");
    let folder = Folder::create(&path).unwrap();
    assert_eq!(folder.path(), path);
    for made in [&path, path.parent().unwrap()] {
        assert_eq!(made.metadata().unwrap().mode() & 0o777, 0o700);
    }
    assert!(Folder::create(&path).is_ok());
}

#[test]
fn non_blocking_pipe_that_is_full_is_waited_for() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    ioctl_fionbio(&writer, true).unwrap();
    let bytes = vec![b'x'; 1 << 20];
    let expected = bytes.len();
    let reading = std::thread::spawn(move || {
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        read.len()
    });
    let mut out = PollWriter::new(writer);
    out.write_all(&bytes).and_then(|()| out.flush()).unwrap();
    drop(out);
    assert_eq!(reading.join().unwrap(), expected);
}
