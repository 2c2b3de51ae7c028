//! STATE as it is read and written: foreign members, bookmarks, formats.
//!
//! Values stand as JSON, because other programs read them.

use std::io::Write;

use super::*;

fn bookmark(version: i64) -> Bookmark {
    let columns = vec![RememberedColumn::new("a", "A", 0)];
    Bookmark {
        row_count: 3,
        entry: None,
        sha256: "00".into(),
        fingerprint: "11".into(),
        completed_at: "2026-01-01T00:00:00.000Z".into(),
        source: SnapshotSource::Api,
        memory: StreamMemory { version: Some(version), columns, ..StreamMemory::default() },
    }
}

fn version(state: &State, stream: &str) -> Option<i64> {
    state.memory(stream)?.version
}

#[test]
fn unknown_state_members_are_kept() {
    let mut state = State::parse(
        br#"{"type":"STATE","value":{"x":1,"bookmarks":{"other":{"y":2},"user_report":{"z":3,"version":5}}}}"#,
    )
    .unwrap();
    assert_eq!(version(&state, "user_report"), Some(5));
    state.complete("user_report", &bookmark(6));
    let value = Value::Object(state.value(Some("pairing_report")).clone());
    assert_eq!((&value["x"], &value["bookmarks"]["other"]["y"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&value["bookmarks"]["user_report"]["z"], &value["currently_syncing"]),
        (&json!(3), &json!("pairing_report"))
    );
    assert_eq!(version(&state, "user_report"), Some(6));
    assert_eq!(state.memory("user_report").unwrap().columns[0].title, "A");
}

#[test]
fn checkpoint_members_are_read_back_and_missing_ones_are_written_as_null() {
    let mut state = State::parse(br#"{"bookmarks":{"s":{"entry":"old","version":5}}}"#).unwrap();
    let checkpoint = Checkpoint { entry: Some("old".into()), version: Some(5), ..Checkpoint::default() };
    assert_eq!(state.checkpoint("s"), checkpoint);
    state.complete("s", &bookmark(6));
    assert_eq!(state.value(None)["bookmarks"]["s"]["entry"], Value::Null);
    let (sha256, fingerprint) = (Some("00".into()), Some("11".into()));
    let checkpoint = Checkpoint { entry: None, version: Some(6), sha256, fingerprint };
    assert_eq!(state.checkpoint("s"), checkpoint);
    assert_eq!(state.checkpoint("t"), Checkpoint::default());
}

#[test]
fn empty_state_is_never_written_as_an_empty_object() {
    for fresh in [&b"{}"[..], b"null"] {
        let value = Value::Object(State::parse(fresh).unwrap().value(None).clone());
        assert_eq!(value, json!({"format": 2, "bookmarks": {}, "currently_syncing": null}));
    }
}

#[test]
fn unreadable_state_is_refused_with_its_reason() {
    for (bytes, message) in [
        (" ", "the file is empty; hint: give `{}` for a fresh start"),
        ("{", "not JSON (line 1, column 1)"),
        ("[]", "not a JSON object"),
        ("{}\n{}", "the file has more than one document; hint: keep the last line only, as `tail -1` does"),
        (
            r#"{"bookmarks":[]}"#,
            "`bookmarks` is not an object; hint: give a state that this version of tap-together wrote",
        ),
    ] {
        assert_eq!(State::parse(bytes.as_bytes()).unwrap_err().to_string(), message);
    }
    for version in ["\"7\"", "7.5"] {
        let newer = format!(r#"{{"bookmarks":{{"user_report":{{"version":{version}}}}}}}"#);
        let error = State::parse(newer.as_bytes()).unwrap_err();
        assert!(error.message.contains("not an integer"), "{version}: {error}");
    }
    let other = State::parse(br#"{"bookmarks":{"user_report":{"columns":["a"]}}}"#).unwrap_err();
    assert!(other.message.contains("the `columns` of the bookmark `user_report` cannot be read"));
    for message in [r#"{"type":"STATE"}"#, r#"{"type":"STATE","value":7}"#] {
        let error = State::parse(message.as_bytes()).unwrap_err();
        assert_eq!(error.message, "the `value` of the STATE message is not an object");
    }
}

#[test]
fn state_of_a_newer_format_is_refused_and_of_format_1_is_read() {
    for newer in ["3", "\"2\"", "-1"] {
        let error = State::parse(format!(r#"{{"format":{newer},"bookmarks":{{}}}}"#).as_bytes()).unwrap_err();
        assert_eq!(error.message, "its `format` is newer than 2, the newest that this version knows");
    }
    let old = br#"{"bookmarks":{"s":{"version":5,"columns":[{"name":"a_2","title":"A","type":"integer"}]}}}"#;
    let memory = State::parse(old).unwrap().memory("s").unwrap();
    let [column] = memory.columns.as_slice() else { panic!("{memory:?}") };
    assert_eq!((column.name.as_str(), column.emitted, memory.version), ("a_2", true, Some(5)));
}

#[test]
fn missing_bookmark_members_are_none() {
    let state = State::parse(
        br#"{"currently_syncing":"s","bookmarks":{"s":{"version":null,"columns":[]},"t":{"row_count":9}}}"#,
    );
    let state = state.unwrap();
    assert_eq!((state.memory("s"), state.row_count("s")), (None, None));
    assert_eq!((state.row_count("t"), state.memory("u")), (Some(9), None));
    assert_eq!(state.currently_syncing(), Some("s"));
    assert_eq!(State::default().currently_syncing(), None);
}

#[test]
fn state_message_in_a_state_message_is_unwrapped() {
    let twice = br#"{"type":"STATE","value":{"type":"STATE","value":{"bookmarks":{"s":{"version":5}}}}}"#;
    assert_eq!(version(&State::parse(twice).unwrap(), "s"), Some(5));
}

#[test]
fn missing_state_file_is_an_empty_state_and_others_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let put = |bytes: &[u8]| std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    assert_eq!(State::load(&path).unwrap(), State::default());
    put(br#"{"bookmarks":{"s":{"version":5}}}"#);
    assert_eq!(version(&State::load(&path).unwrap(), "s"), Some(5));
    put((r#"{"bookmarks":{"s":{"version":6}}}"#.to_owned() + &" ".repeat(2 << 20)).as_bytes());
    assert_eq!(version(&State::load(&path).unwrap(), "s"), Some(6), "a state of 2 MiB");
    put(b"[]");
    assert!(State::load(&path).unwrap_err().message.ends_with("state.json`: not a JSON object"));
    let folder = State::load(folder.path()).unwrap_err();
    assert!(folder.message.starts_with("cannot read the state file"), "{folder}");
}

#[test]
fn printed_line_is_a_state_only_with_bookmarks() {
    for line in [r#"{"bookmarks":{}}"#, r#"{"type":"STATE","value":{"bookmarks":{"s":{}}}}"#] {
        assert!(State::is_printed_in(line.as_bytes()), "{line}");
    }
    for line in
        ["", "{}", "rows: 3", r#"{"bookmarks":[]}"#, r#"{"rows":3}"#, r#"{"type":"STATE","value":{}}"#]
    {
        assert!(!State::is_printed_in(line.as_bytes()), "{line}");
    }
}

#[test]
fn snapshot_source_has_one_name_in_state_and_in_the_run_report() {
    for source in [SnapshotSource::Api, SnapshotSource::File] {
        assert_eq!(serde_json::to_value(source).unwrap(), source.name());
    }
}

#[test]
fn time_of_the_last_report_is_that_of_the_bookmark() {
    let state = State::parse(br#"{"bookmarks":{"s":{"completed_at":"2026-01-01T00:00:00.000Z"},"t":{}}}"#);
    let state = state.unwrap();
    assert_eq!(state.completed_at("s"), Some("2026-01-01T00:00:00.000Z"));
    assert_eq!((state.completed_at("t"), state.completed_at("u")), (None, None));
}
