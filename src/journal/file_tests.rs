//! The file of a journal: copies, damage and newer formats.

use super::super::{EmissionKind, Snapshot};
use super::*;
use crate::files::replace;

const NAME: &str = "scope.s.default.journal";

fn open(folder: &tempfile::TempDir) -> Result<JournalFile> {
    open_as(folder, NAME)
}

fn open_as(folder: &tempfile::TempDir, name: &str) -> Result<JournalFile> {
    let folder = Arc::new(Folder::open(folder.path()).unwrap());
    let TryLock::Locked(lock) = folder.try_lock(&format!("{name}.lock")).unwrap() else { panic!("held") };
    JournalFile::read(folder, name, lock)
}

fn entry() -> Entry {
    let snapshot = Snapshot { sha256: "a".into(), fingerprint: "f".into(), records_sha256: None };
    Entry::new(EmissionKind::Full, 7, snapshot, "2026-01-01T00:00:00.000Z")
}

#[test]
fn recorded_entry_is_read_back_from_a_private_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(&folder).unwrap();
    assert_eq!(journal.content(), Err(FullLoadReason::NoJournal));
    let entry = entry();
    journal.record(entry.clone(), &Checkpoint::default()).unwrap();
    drop(journal);
    let expected = Journal { highest_version: 7, entries: vec![entry] };
    assert_eq!(open(&folder).unwrap().content(), Ok(&expected));
    let mode = folder.path().join(format!("{NAME}.json")).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn restored_copy_of_a_journal_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder).unwrap().record(entry(), &Checkpoint::default()).unwrap();
    let path = folder.path().join(format!("{NAME}.json"));
    let backup = folder.path().join("backup");
    std::fs::copy(&path, &backup).unwrap();
    open(&folder).unwrap().record(entry(), &Checkpoint::default()).unwrap();
    std::fs::remove_file(&path).unwrap();
    // The file system may give the copy the inode number of the deleted original.
    std::fs::copy(&backup, &path).unwrap();
    assert_eq!(open(&folder).unwrap().content(), Err(FullLoadReason::CopiedJournal));
    open(&folder).unwrap().record(entry(), &Checkpoint::default()).unwrap();
    assert_eq!(open(&folder).unwrap().content().map(|journal| journal.entries.len()), Ok(1));
}

#[test]
fn damaged_journal_counts_as_lost_and_a_newer_format_exits_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{NAME}.json"));
    for damaged in ["", "{", "[]", "{\"format\":1}", "{\"format\":1,\"entries\":7}"] {
        replace(&path, damaged.as_bytes()).unwrap();
        assert_eq!(open(&folder).unwrap().content(), Err(FullLoadReason::UnreadableJournal), "{damaged}");
    }
    replace(&path, br#"{"format":2,"entries":"other"}"#).unwrap();
    let newer = open(&folder).unwrap_err();
    assert_eq!(newer.exit, Exit::Usage);
    assert!(newer.message.ends_with("its format 2 is newer than 1, the newest that this version knows"));
}

#[test]
fn journal_whose_lock_file_was_replaced_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(&folder).unwrap();
    std::fs::remove_file(folder.path().join(format!("{NAME}.lock"))).unwrap();
    let error = journal.record(entry(), &Checkpoint::default()).unwrap_err();
    assert_eq!(error.exit, Exit::Io);
    assert!(error.message.ends_with("its lock file was replaced"), "{error}");
    assert_eq!(journal.content(), Err(FullLoadReason::NoJournal));
}

#[test]
fn entries_of_all_pipelines_are_known_only_while_none_of_the_others_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut ours = open(&folder).unwrap();
    let mut others = open_as(&folder, "scope.s.other.journal").unwrap();
    let mut another_stream = open_as(&folder, "scope.t.default.journal").unwrap();
    for journal in [&mut ours, &mut others, &mut another_stream] {
        journal.record(entry(), &Checkpoint::default()).unwrap();
    }
    assert!(ours.all_entries().is_none());
    drop(others);
    let all = ours.all_entries().unwrap();
    assert_eq!(all.entries.len(), 2);
    let folder_handle = Arc::new(Folder::open(folder.path()).unwrap());
    let second = folder_handle.try_lock("scope.s.other.journal.lock").unwrap();
    assert!(matches!(second, TryLock::Held { .. }), "no other run starts meanwhile");
    drop(all);
    replace(&folder.path().join("scope.s.other.journal.json"), br#"{"format":2}"#).unwrap();
    assert!(ours.all_entries().is_none(), "what a newer version needs is not known");
}
