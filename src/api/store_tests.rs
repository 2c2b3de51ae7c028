//! The store: what counts as a ledger, and what a lock does.

use std::fs::{File, Permissions, create_dir, read_dir, remove_file, set_permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::SystemTime;

use tempfile::{TempDir, tempdir};

use super::*;
use crate::api::ledger::Phase;

fn entry() -> Ledger {
    Ledger::new(Phase::Done, Duration::from_secs(7), None, 3)
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
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn ledger_that_was_written_is_read() {
    let (folder, on_disk, _, _) = store();
    for store in [on_disk, Store::in_memory()] {
        assert_eq!(store.read().unwrap(), LedgerRead::Absent);
        store.write(&entry()).unwrap();
        assert_eq!(store.read().unwrap(), LedgerRead::Found(entry()));
    }
    assert_eq!(read_dir(folder.path()).unwrap().count(), 1, "temporary files are left behind");
}

#[test]
fn ledger_that_is_not_a_small_regular_file_is_unreadable() {
    for make in
        [fifo, |path: &Path| create_dir(path).unwrap(), |path: &Path| symlink("elsewhere", path).unwrap()]
    {
        let (_folder, store, _, ledger) = store();
        make(&ledger);
        assert_eq!(store.read().unwrap(), LedgerRead::Unreadable);
    }
    let (_folder, store, _, ledger) = store();
    let mut text = serde_json::to_vec(&entry()).unwrap();
    text.resize(64 * 1024, b' ');
    put(&ledger, &text);
    assert_eq!(store.read().unwrap(), LedgerRead::Found(entry()));
    text.push(b' ');
    put(&ledger, &text);
    assert_eq!(store.read().unwrap(), LedgerRead::Unreadable);
}

#[test]
fn lock_is_held_by_one() {
    let (folder, store, lock, _) = store();
    let ours = store.try_lock().unwrap();
    assert!(matches!(ours, Lock::Ours(Some(_))) && ours.is_current());
    let other = Store::in_folder(folder.path(), "s").unwrap().try_lock().unwrap();
    assert!(matches!(other, Lock::Held { pid } if pid == Some(std::process::id())) && !other.is_current());
    let in_memory = Store::in_memory().try_lock().unwrap();
    assert!(matches!(in_memory, Lock::Ours(None)) && in_memory.is_current());
    remove_file(&lock).unwrap();
    assert!(!ours.is_current());
    drop(ours);
    fifo(&lock);
    let error = store.try_lock().map(|_| ()).unwrap_err();
    assert!(error.message.ends_with("it is not a regular file"), "{error}");
}

#[test]
fn peek_at_the_lock_creates_no_file() {
    let (_folder, store, lock, _) = store();
    assert!(matches!(store.peek(), Ok(Lock::Ours(None))));
    assert!(!lock.exists());
    let held = store.try_lock().unwrap();
    assert!(matches!(store.peek(), Ok(Lock::Held { .. })));
    drop(held);
    assert!(matches!(store.peek(), Ok(Lock::Ours(Some(_)))));
}

#[test]
fn inspection_of_a_missing_folder_makes_none_and_writes_nothing() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("state");
    let store = Store::at(&path, "s").unwrap();
    assert!(matches!(store.peek(), Ok(Lock::Ours(None))));
    assert_eq!(store.read().unwrap(), LedgerRead::Absent);
    assert_eq!(store.to_string(), format!("`{}`", path.join("s.lock").display()));
    assert!(store.write(&entry()).is_err());
    assert!(!path.exists());
    create_dir(&path).unwrap();
    assert!(matches!(Store::at(&path, "s").unwrap(), Store::Folder(_)));
}

#[test]
fn abandoned_temporary_files_are_removed_with_the_lock_only() {
    let (folder, store, lock, _) = store();
    let path = folder.path().join(".tap-together-aZ09bY18");
    let file = File::create(&path).unwrap();
    file.set_modified(SystemTime::from(clock::wall()) - Duration::from_secs(2 * 3600)).unwrap();
    put(&lock, b"");
    drop(store.peek().unwrap());
    assert!(path.exists());
    drop(store.try_lock().unwrap());
    assert!(!path.exists());
}

#[test]
fn store_is_shown_as_the_path_of_its_lock() {
    let (_folder, store, lock, ledger) = store();
    assert_eq!(store.to_string(), format!("`{}`", lock.display()));
    assert_eq!(Store::in_memory().to_string(), "this process");
    assert_eq!((store.ledger_path(), Store::in_memory().ledger_path()), (Some(ledger.clone()), None));
    let Store::Folder(store) = store else { panic!("it is in a folder") };
    assert_eq!((store.lock_path(), store.ledger_path()), (lock, ledger));
}

#[test]
fn ledger_that_cannot_be_read_is_an_error_and_not_unreadable_content() {
    let folder = tempdir().unwrap();
    // The name is too long for the system.
    let store = Store::in_folder(folder.path(), &"s".repeat(300)).unwrap();
    let error = store.read().unwrap_err();
    assert_eq!(error.exit, Exit::Io);
    assert!(error.message.starts_with("cannot read the ledger at `"), "{error}");
    assert!(store.has_ledger(), "it may be there");
}

#[test]
fn removed_ledger_is_absent_and_its_lock_file_stays() {
    let (_folder, store, lock, ledger) = store();
    drop(store.try_lock().unwrap());
    store.write(&entry()).unwrap();
    assert!(store.has_ledger());
    store.remove_ledger().unwrap();
    assert!(!store.has_ledger());
    store.remove_ledger().unwrap();
    assert!(lock.exists() && !ledger.exists());
}

#[test]
fn sibling_of_a_store_is_another_scope_in_the_same_folder() {
    let (folder, store, _, _) = store();
    let sibling = store.sibling("other").unwrap();
    assert_eq!((store.scope(), sibling.scope()), ("s", "other"));
    assert_eq!(sibling.ledger_path(), Some(folder.path().join("other.json")));
    assert!(Store::in_memory().sibling("other").is_none());
}

#[test]
fn state_folder_is_opened_again_only_if_it_was_moved() {
    let parent = tempdir().unwrap();
    let path = parent.path().join("state");
    let store = Store::in_folder(&path, "s").unwrap();
    let is_same = |other: &Store| Arc::ptr_eq(&store.folder().unwrap(), &other.folder().unwrap());
    assert!(is_same(&store.reopened().unwrap()));
    std::fs::rename(&path, parent.path().join("moved")).unwrap();
    let reopened = store.reopened().unwrap();
    assert!(!is_same(&reopened) && reopened.ledger_path() == Some(path.join("s.json")));
}

#[test]
fn file_size_limit_has_another_hint_than_other_write_errors() {
    assert!(write_hint(&ErrorKind::FileTooLarge.into()).contains("`ulimit -f`"));
    assert!(write_hint(&ErrorKind::PermissionDenied.into()).starts_with("make the folder writable"));
}

#[test]
fn ledger_or_lock_that_others_can_write_exits_74() {
    let (_folder, store, lock, ledger) = store();
    store.write(&entry()).unwrap();
    drop(store.try_lock().unwrap());
    for path in [&lock, &ledger] {
        set_permissions(path, Permissions::from_mode(0o666)).unwrap();
    }
    for (path, outcome) in [(lock, store.try_lock().map(|_| ())), (ledger, store.read().map(|_| ()))] {
        let error = outcome.unwrap_err();
        assert_eq!(error.exit, Exit::Io);
        let path = path.display();
        assert_eq!(error.message, format!("cannot trust the file `{path}`: everybody can write to it"));
        assert_eq!(error.hint, Some(format!("run `chmod 600 {path}` as its owner, or `chown` it")));
    }
}
