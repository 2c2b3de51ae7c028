//! The store: what counts as a ledger, a lock and a folder of ours.

use std::fs::{Permissions, create_dir, read_dir};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::SystemTime;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::{TempDir, tempdir};

use super::*;
use crate::api::ledger::Phase;

fn entry() -> Ledger {
    Ledger::new(Phase::Done, std::time::Duration::from_secs(7), None, 3)
}

fn store() -> (TempDir, Store, PathBuf, PathBuf) {
    let folder = tempdir().unwrap();
    let store = Store::in_folder(folder.path(), "s").unwrap();
    let [lock, ledger] = ["s.lock", "s.json"].map(|name| folder.path().join(name));
    (folder, store, lock, ledger)
}

fn put(path: &Path, bytes: &[u8]) {
    File::create(path).unwrap().write_all(bytes).unwrap();
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
}

fn refused(folder: &Path) -> String {
    Store::in_folder(folder, "s").map(|_| ()).unwrap_err().message
}

#[test]
fn one_name_for_one_api_and_organisation() {
    // Another name for the same scope would be a second way in beside an older version of this program.
    assert_eq!(scope("api.example.com:443", "o"), "3250ea004713b1dc");
    assert_ne!(scope("api.example.com:443", "o"), scope("api.example.com:44", "3o"));
}

#[test]
fn what_is_written_is_read() {
    let (folder, on_disk, _, _) = store();
    for store in [on_disk, Store::in_memory()] {
        assert_eq!(store.read(), LedgerRead::Absent);
        store.write(&entry()).unwrap();
        assert_eq!(store.read(), LedgerRead::Found(entry()));
    }
    assert_eq!(read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn what_is_no_small_file_is_no_ledger() {
    for make in
        [fifo, |path: &Path| create_dir(path).unwrap(), |path: &Path| symlink("elsewhere", path).unwrap()]
    {
        let (_folder, store, _, ledger) = store();
        make(&ledger);
        assert_eq!(store.read(), LedgerRead::Unreadable);
        assert!(read_small(&ledger, 9).is_err());
    }
    let (_folder, store, _, ledger) = store();
    let mut text = serde_json::to_vec(&entry()).unwrap();
    text.resize(64 * 1024, b' ');
    put(&ledger, &text);
    assert_eq!(store.read(), LedgerRead::Found(entry()));
    text.push(b' ');
    put(&ledger, &text);
    assert_eq!(store.read(), LedgerRead::Unreadable);
}

#[test]
fn a_small_file_is_read_up_to_its_limit() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file");
    assert_eq!(read_small(&path, 9).unwrap(), None);
    put(&path, b"three");
    assert_eq!(read_small(&path, 6).unwrap(), Some(b"three".to_vec()));
    assert_eq!(read_small(&path, 5).unwrap(), Some(b"three".to_vec()));
    assert!(read_small(&path, 4).is_err());
}

#[test]
fn a_lock_is_a_file_that_one_holds() {
    let (folder, store, lock, _) = store();
    let ours = store.try_lock().unwrap();
    assert!(matches!(ours, Lock::Ours(Some(_))));
    assert!(matches!(Store::in_folder(folder.path(), "s").unwrap().try_lock().unwrap(), Lock::Held));
    assert!(matches!(Store::in_memory().try_lock().unwrap(), Lock::Ours(None)));
    drop(ours);
    std::fs::remove_file(&lock).unwrap();
    fifo(&lock);
    let error = store.try_lock().map(|_| ()).unwrap_err();
    assert!(error.message.ends_with("it is not a regular file"), "{error}");
}

#[test]
fn a_look_at_the_lock_makes_no_file() {
    let (_folder, store, lock, _) = store();
    assert!(matches!(store.peek(), Ok(Lock::Ours(None))));
    assert!(!lock.exists());
    let held = store.try_lock().unwrap();
    assert!(matches!(store.peek(), Ok(Lock::Held)));
    drop(held);
    assert!(matches!(store.peek(), Ok(Lock::Ours(Some(_)))));
}

#[test]
fn a_look_at_the_folder_makes_none() {
    let folder = tempdir().unwrap();
    let missing = folder.path().join("a/b");
    assert_eq!(inspect(&missing).unwrap(), FolderStatus::Missing);
    assert!(!folder.path().join("a").exists());
    assert_eq!(inspect(folder.path()).unwrap(), FolderStatus::Ready);
    // The reason is why it cannot be made, not that it is not there.
    let refused = refused(Path::new("/sys/tap-together"));
    assert!(!refused.contains("No such file"), "{refused}");
}

#[test]
fn a_folder_is_made_for_us_alone() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("new/state");
    Store::in_folder(&path, "s").unwrap();
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o700);
}

#[test]
fn a_folder_of_others_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("state");
    put(&path, b"");
    assert!(refused(&path).ends_with("it is not a folder itself (a symbolic link or a file)"));
    assert!(refused(&path.join("below")).ends_with("Not a directory (os error 20)"));
    std::fs::remove_file(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    assert!(refused(&path).ends_with("it is not a folder itself (a symbolic link or a file)"));
    std::fs::remove_file(&path).unwrap();
    create_dir(&path).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o757)).unwrap();
    assert!(refused(&path).ends_with("everyone may write to it"));
    std::fs::set_permissions(&path, Permissions::from_mode(0o775)).unwrap();
    assert!(Store::in_folder(&path, "s").is_ok());

    assert!(is_trusted(1000, 1000) && is_trusted(0, 1000) && is_trusted(0, 0));
    assert!(!is_trusted(1001, 1000) && !is_trusted(1000, 0));
}

#[test]
fn only_old_remains_of_ours_are_removed() {
    let folder = tempdir().unwrap();
    let day = std::time::Duration::from_hours(24);
    for (name, age) in [(".tap-together-old", day), (".tap-together-new", day / 48), ("s.lock", day)] {
        let file = File::create(folder.path().join(name)).unwrap();
        file.set_modified(SystemTime::from(clock::wall()) - age).unwrap();
    }
    Store::in_folder(folder.path(), "s").unwrap();
    let left = |name: &str| folder.path().join(name).exists();
    assert!(!left(".tap-together-old") && left(".tap-together-new") && left("s.lock"));

    let name = OsStr::new(".tap-together-x");
    assert!(!is_abandoned(name, ABANDONED));
    assert!(is_abandoned(name, ABANDONED + TimeDelta::milliseconds(1)));
}

#[test]
fn only_a_folder_that_cannot_be_flushed_need_not_be() {
    for kind in [ErrorKind::InvalidInput, ErrorKind::Unsupported] {
        assert!(flushed(Err(kind.into())).is_ok());
    }
    assert!(flushed(Err(ErrorKind::StorageFull.into())).is_err());
    assert!(flushed(Ok(())).is_ok());
}

#[test]
fn a_store_says_where_it_is() {
    let (_folder, store, lock, _) = store();
    assert_eq!(store.to_string(), format!("`{}`", lock.display()));
    assert_eq!(Store::in_memory().to_string(), "this process");
}
