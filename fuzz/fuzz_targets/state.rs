//! STATE: unknown members are kept, and a written state can be read again.
//!
//! The input is the file of `--state`. For every accepted state: the bookmark of a completed stream is read back
//! unchanged, all other members are kept, the value is never empty, and the next run reads the same from the value alone
//! as from the STATE message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tap_together::columns::RememberedColumn;
use tap_together::singer::state::{Bookmark, SnapshotSource, State, StreamMemory};
use tap_together::table::column_type::ColumnType;

const STREAM: &str = "user_report";

fuzz_target!(|file: &[u8]| {
    let Ok(mut state) = State::parse(file) else { return };
    let syncing = state.currently_syncing().map(str::to_owned);
    let earlier = state.value(syncing.as_deref()).clone();
    assert_eq!(read(&Value::Object(earlier.clone())), state);

    let columns = vec![RememberedColumn {
        column_type: Some(ColumnType::DateTime),
        ..RememberedColumn::new("a", "A \u{e9}\"", 0)
    }];
    let bookmark = Bookmark {
        row_count: u64::MAX,
        entry: Some("e".into()),
        sha256: "00".into(),
        fingerprint: "11".into(),
        completed_at: "2026-01-01T00:00:00.000Z".into(),
        source: SnapshotSource::File,
        memory: StreamMemory {
            version: Some(i64::MAX),
            columns,
            forgotten: vec!["b".into()],
            automatic: vec!["_row_number".into()],
            mask_key: Some("00".into()),
        },
    };
    state.complete(STREAM, &bookmark);
    let later = state.value(None).clone();
    let again = read(&json!({"type": "STATE", "value": later}));
    assert_eq!(again, state);
    assert_eq!(again.row_count(STREAM), Some(bookmark.row_count));
    assert_eq!(again.memory(STREAM), Some(bookmark.memory));
    assert_eq!(again.currently_syncing(), None);

    assert_kept(&earlier, &later, &["format", "bookmarks", "currently_syncing"]);
    let bookmarks = |state: &Map<String, Value>| state["bookmarks"].as_object().cloned().unwrap_or_default();
    let (earlier, later) = (bookmarks(&earlier), bookmarks(&later));
    assert_kept(&earlier, &later, &[STREAM]);
    if let Some(Value::Object(theirs)) = earlier.get(STREAM) {
        let ours = [
            "row_count",
            "entry",
            "sha256",
            "fingerprint",
            "completed_at",
            "source",
            "version",
            "columns",
            "forgotten",
            "automatic",
            "mask_key",
        ];
        assert_kept(theirs, later[STREAM].as_object().expect("a bookmark"), &ours);
    }
});

fn read(value: &Value) -> State {
    State::parse(&serde_json::to_vec(value).expect("a state is JSON")).expect("a written state can be parsed")
}

/// Asserts that all members except `changed` are the same.
fn assert_kept(earlier: &Map<String, Value>, later: &Map<String, Value>, changed: &[&str]) {
    for (name, value) in earlier.iter().filter(|(name, _)| !changed.contains(&name.as_str())) {
        assert_eq!(later.get(name), Some(value), "{name:?} is lost");
    }
}
