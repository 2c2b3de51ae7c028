//! `skip_unchanged`: a report that the table has is SCHEMA and STATE only; each doubt about the table is a full load.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tap_together::files::{Folder, TryLock, replace};

use super::history::{History, rows};
use super::run::{PRINT_STATES, command, with_state};
use super::signals::until_told;
use super::tap::{Run, Tap, finish};

const A: &str = "User ID,E-mail\nu1,a@example.com\nu2,b@example.com\n";
const REORDERED: &str = "User ID,E-mail\nu2,b@example.com\nu1,a@example.com\n";
const B: &str = "User ID,E-mail\nu1,changed@example.com\nu2,b@example.com\n";

fn history(reports: &[&str]) -> History {
    History::new(reports, &json!({"skip_unchanged": true}))
}

fn types(run: &Run) -> Vec<Value> {
    run.messages().into_iter().map(|message| message["type"].clone()).collect()
}

/// Asserts that a run is a full load for this reason.
#[track_caller]
fn assert_full(run: &Run, reason: &str) {
    assert!(types(run).contains(&json!("RECORD")), "{}", run.stderr);
    assert!(
        run.stderr.contains(&format!("all records of `user_report` are sent: {reason}")),
        "{}",
        run.stderr
    );
}

#[track_caller]
fn assert_unchanged(run: &Run) {
    assert_eq!(types(run), ["SCHEMA", "STATE", "STATE"], "{}", run.stderr);
}

fn bookmark(state: &Value) -> &Value {
    &state["bookmarks"]["user_report"]
}

fn journal(tap: &Tap) -> PathBuf {
    let files = std::fs::read_dir(tap.state_dir()).unwrap().map(|entry| entry.unwrap().path());
    let mut journals =
        files.filter(|path| path.to_str().unwrap().ends_with(".user_report.default.journal.json"));
    journals.next().expect("a journal")
}

#[test]
fn unchanged_report_is_schema_and_state_only_and_keeps_version_and_journal() {
    let mut history = history(&[A, A, B]);
    let first = history.run();
    assert_full(&first, "STATE names no entry of the journal");
    let (state, entries) = (history.state.clone(), std::fs::read(journal(&history.tap)).unwrap());
    let second = history.run();
    assert_unchanged(&second);
    assert_eq!((second.state(), std::fs::read(journal(&history.tap)).unwrap()), (state.clone(), entries));
    assert!(second.stderr.contains("`user_report` is unchanged since the last run"), "{}", second.stderr);
    assert!(second.stderr.contains("user_report             unchanged "), "{}", second.stderr);
    let third = history.run();
    assert_full(&third, "the report changed");
    assert_eq!(rows(&third)[0]["e_mail"], "changed@example.com");
    assert!(bookmark(&third.state())["version"].as_i64() > bookmark(&state)["version"].as_i64());
}

#[test]
fn order_of_rows_counts_without_a_natural_key_only() {
    for (key, is_unchanged) in [("_row_number", false), ("user_id", true)] {
        let settings = json!({"skip_unchanged": true, "key_properties": {"user_report": [key]}});
        let mut history = History::new(&[A, REORDERED, A, B], &settings);
        history.run();
        for _ in 0..2 {
            let run = history.run();
            if is_unchanged {
                assert_unchanged(&run);
            } else {
                assert_full(&run, "the report changed");
            }
        }
        assert_full(&history.run(), "the report changed");
    }
}

#[test]
fn order_of_rows_counts_while_the_row_number_is_a_column() {
    let mut history = history(&[A, A, REORDERED]);
    history.run();
    history.set("key_properties", json!({"user_report": ["user_id"]}));
    assert_full(&history.run(), "its columns, types, key");
    assert_full(&history.run(), "the report changed");
}

#[test]
fn unchanged_reports_of_all_streams_are_skipped_with_types_and_masks() {
    let tap = Tap::new()
        .set("skip_unchanged", json!(true))
        .set("types", json!("infer"))
        .set("max_length", json!("measured"))
        .set("mask_key", json!("0123456789abcdef"))
        .set("masks", json!({"*": {"*mail*": "hash", "*": "keep"}}));
    let state = tap.file("state.json", "{}");
    let tap = tap.args(&["--state", &state]);
    let server = tap.serve();
    let first = tap.run_on(&server);
    first.messages();
    tap.file("state.json", first.state().to_string());
    let second = tap.run_on(&server);
    assert_eq!(types(&second), ["SCHEMA", "STATE", "SCHEMA", "STATE", "SCHEMA", "STATE", "STATE"]);
    assert_eq!(second.state(), first.state());
}

#[test]
fn bookmarks_move_in_the_last_state_only() {
    let run = Tap::new().set("skip_unchanged", json!(true)).run();
    let states = run.messages().into_iter().filter(|message| message["type"] == "STATE");
    let streams: Vec<usize> =
        states.map(|state| state["value"]["bookmarks"].as_object().unwrap().len()).collect();
    assert_eq!(streams, [0, 0, 0, 3]);
}

#[test]
fn bookmark_has_entry_version_digest_and_fingerprint() {
    let mut history = History::new(&[A], &json!({}));
    let run = history.run();
    let state = run.state();
    let journal: Value = serde_json::from_slice(&std::fs::read(journal(&history.tap)).unwrap()).unwrap();
    let [entry] = journal["entries"].as_array().unwrap().as_slice() else { panic!("{journal}") };
    assert_eq!((&entry["kind"], &entry["id"]), (&json!("full"), &bookmark(&state)["entry"]));
    for name in ["version", "sha256", "fingerprint"] {
        assert!(!entry[name].is_null(), "{name}");
        assert_eq!(entry[name], bookmark(&state)[name], "{name}");
    }
    assert_eq!(journal["highest_version"], entry["version"]);
}

#[test]
fn state_older_than_the_last_emission_is_a_full_load() {
    let mut history = history(&[A, B, A, A]);
    history.run();
    let older = history.state.clone();
    // The rows of this run may be in the table, although its STATE never comes back.
    assert_full(&history.run(), "the report changed");
    history.state = older;
    assert_full(&history.run(), "its journal has a later entry than the one that STATE names");
    assert_unchanged(&history.run());
}

#[test]
fn run_with_a_closed_pipe_leaves_an_entry_that_the_next_run_finds() {
    let mut history = history(&[A, B, A]);
    history.run();
    let mut child = history.tap.command(&history.server);
    let mut child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(super::tap::finish(child, &history.server).code, 74);
    assert_full(&history.run(), "its journal has a later entry than the one that STATE names");
}

#[test]
fn changed_settings_are_a_full_load() {
    let mut history = History::new(&[A, A, A], &json!({}));
    history.run();
    history.set("skip_unchanged", json!(true));
    let changed = "its columns, types, key, masks, settings or the version of the tap changed";
    assert_full(&history.run(), changed);
    history.set("activate_version", json!(false));
    assert_full(&history.run(), changed);
}

#[test]
fn state_of_a_run_that_kept_no_journal_is_a_full_load() {
    let mut history = history(&[A, A, A]);
    history.run();
    // An earlier version of this tap keeps the members that it does not know, and Meltano merges them.
    history.state["bookmarks"]["user_report"]["version"] = json!(4_000_000_000_u64);
    let run = history.run();
    assert_full(&run, "STATE and its journal disagree on the version, the report or the fingerprint");
    assert_eq!(bookmark(&run.state())["version"], 4_000_000_001_u64);
}

#[test]
fn version_stays_above_the_journal_without_state_and_columns() {
    let mut history = history(&[A, A]);
    history.state = json!({"bookmarks": {"user_report": {"version": 4_000_000_000_u64}}});
    history.run();
    history.state = json!({});
    let columns = journal(&history.tap).to_str().unwrap().replace("user_report.default.journal", "columns");
    std::fs::remove_file(columns).unwrap();
    let run = history.run();
    assert_full(&run, "STATE names no entry of the journal");
    assert_eq!(bookmark(&run.state())["version"], 4_000_000_002_u64);
}

#[test]
fn lost_restored_and_damaged_journal_is_a_full_load() {
    let mut history = history(&[A; 7]);
    history.run();
    let path = journal(&history.tap);
    std::fs::remove_file(&path).unwrap();
    assert_full(&history.run(), "the state folder has no journal of the stream");
    let copy = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    replace(&path, &copy).unwrap();
    assert_full(&history.run(), "its journal is a copy, which may lack later entries");
    assert_unchanged(&history.run());
    replace(&path, b"{").unwrap();
    let damaged = history.run();
    assert_full(&damaged, "its journal cannot be read");
    let warning =
        "WARNING the journal of `user_report` in the state folder cannot be read, so it counts as lost";
    assert!(damaged.stderr.contains(warning), "{}", damaged.stderr);
    assert_unchanged(&history.run());
    replace(&path, br#"{"format":2}"#).unwrap();
    let newer = history.run();
    assert_eq!((newer.code, newer.stdout.as_str()), (2, ""), "{}", newer.stderr);
    assert!(newer.critical().contains("its format 2 is newer than 1"), "{}", newer.stderr);
    assert_eq!(newer.seen.len(), 6, "the requests of the runs before");
}

#[test]
fn journal_that_cannot_be_written_exits_74_without_a_message() {
    let mut history = history(&[A, A]);
    history.run();
    let path = journal(&history.tap);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let run = history.run();
    assert_eq!((run.code, run.stdout.as_str()), (74, ""), "{}", run.stderr);
    assert!(run.critical().contains("cannot write the journal"), "{}", run.stderr);
}

#[test]
fn journal_that_cannot_be_written_is_null_in_state_without_skip_unchanged() {
    let mut history = History::new(&[A, A], &json!({}));
    history.run();
    let path = journal(&history.tap);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(rows(&history.run()).len(), 2);
    let bookmark = bookmark(&history.state);
    assert_eq!(bookmark["entry"], Value::Null);
    assert!(bookmark["fingerprint"].is_string() && bookmark.as_object().unwrap().contains_key("entry"));
}

#[test]
fn pipelines_with_other_names_have_journals_of_their_own() {
    let mut history = history(&[A, A, A]);
    history.run();
    let of_default = history.state.clone();
    history.set("pipeline", json!("other"));
    assert_full(&history.run(), "the state folder has no journal of the stream");
    history.set("pipeline", json!("default"));
    history.state = of_default;
    assert_unchanged(&history.run());
}

#[test]
fn journal_locked_by_another_run_exits_75_without_a_request() {
    for settings in
        [json!({"max_wait_seconds": 0.3, "skip_unchanged": true}), json!({"max_wait_seconds": 0.3})]
    {
        let mut history = History::new(&[A, A], &settings);
        history.run();
        let folder = Arc::new(Folder::open(&history.tap.state_dir()).unwrap());
        let journal = journal(&history.tap);
        let lock = journal.file_name().unwrap().to_str().unwrap().replace(".json", ".lock");
        let TryLock::Locked(_lock) = folder.try_lock(&lock).unwrap() else { panic!("held") };
        let run = history.run();
        assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (75, 1, ""), "{}", run.stderr);
        assert!(run.critical().contains("cannot lock the journal"), "{}", run.stderr);
    }
}

#[test]
fn run_of_the_same_pipeline_waits_until_the_target_of_the_other_has_ended() {
    let tap = Tap::new().one();
    let server = tap.serve();
    let slow = format!("{PRINT_STATES}; sleep 1; echo first >> order");
    let mut first = command(&tap, &server, &slow).spawn().unwrap();
    until_told(&mut first, "1 request, ");
    // Another state file, whose lock is free.
    let other = tap.folder.path().join("other.json");
    let script = format!("echo second >> order; {PRINT_STATES}");
    let mut second = with_state(&tap, &server, &other, &["sh", "-c", &script]);
    let second = finish(second.spawn().unwrap(), &server);
    let first = finish(first, &server);
    assert_eq!((first.code, second.code), (0, 0), "{}\n{}", first.stderr, second.stderr);
    assert_eq!(std::fs::read_to_string(tap.folder.path().join("order")).unwrap(), "first\nsecond\n");
}
