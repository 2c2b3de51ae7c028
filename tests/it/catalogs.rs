//! Catalogs and states that are taken as they are, and what is said of what is odd in them.

use serde_json::{Value, json};

use super::concurrency;
use super::tap::Tap;

const AT_ONCE: usize = 8;

/// A catalog of the user report with this root metadata and these columns' metadata.
fn catalog(root: &Value, columns: &[(&str, Value)]) -> Value {
    let columns = columns
        .iter()
        .map(|(name, metadata)| json!({"breadcrumb": ["properties", name], "metadata": metadata}));
    let metadata: Vec<Value> =
        [json!({"breadcrumb": [], "metadata": root})].into_iter().chain(columns).collect();
    json!({"streams": [{"tap_stream_id": "user_report", "schema": {}, "metadata": metadata}]})
}

#[test]
fn catalog_selection_decides_requests_and_columns() {
    let all = json!(["a", "b", "_row_number"]);
    let rows = [
        (catalog(&json!({}), &[]), all.clone(), ""),
        (catalog(&json!({"selected": "true"}), &[]), all.clone(), ""),
        (catalog(&json!({}), &[("a", json!({"selected": false}))]), json!(["b", "_row_number"]), ""),
        (catalog(&json!({}), &[("a", json!({"selected": "false"}))]), json!(["b", "_row_number"]), ""),
        (
            catalog(&json!({}), &[("a", json!({"inclusion": "automatic", "selected": false}))]),
            all.clone(),
            "",
        ),
        (
            catalog(&json!({}), &[("a", json!({"inclusion": "unsupported", "selected": true}))]),
            json!(["b", "_row_number"]),
            "",
        ),
        (
            catalog(&json!({"replication-method": "INCREMENTAL"}), &[]),
            all.clone(),
            "WARNING `user_report` is synced with FULL_TABLE, not INCREMENTAL: rows of a report change and disappear",
        ),
        (
            json!({"streams": [catalog(&json!({}), &[])["streams"][0], {"tap_stream_id": "orders"}]}),
            all,
            "WARNING the catalog lists a stream `orders` that this tap does not have; it is left out",
        ),
    ];
    concurrency::each(&rows, AT_ONCE, |(catalog, columns, words)| {
        let tap = Tap::new().faults(&["csv=a,b\n1,2\n"]);
        let path = tap.file("catalog.json", catalog.to_string());
        let run = tap.args(&["--catalog", &path]).run();
        let found: Value = run.records("user_report")[0].as_object().unwrap().keys().cloned().collect();
        assert_eq!((&found, run.seen.len()), (columns, 1), "{catalog}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{catalog}: {}", run.stderr);
        assert_eq!(run.stderr.contains("WARNING"), !words.is_empty(), "{catalog}: {}", run.stderr);
    });
}

#[test]
fn catalog_with_every_stream_deselected_sends_no_request() {
    let tap = Tap::new();
    let path = tap.file("catalog.json", catalog(&json!({"selected": false}), &[]).to_string());
    let run = tap.args(&["--catalog", &path]).run();
    assert_eq!((run.code, run.seen.len(), run.stdout.lines().count()), (0, 0, 1), "{}", run.stderr);
    assert!(
        run.stderr.contains("WARNING no stream is selected; with Meltano, see `meltano select"),
        "{}",
        run.stderr
    );
}

#[test]
fn state_bare_wrapped_or_missing_is_accepted() {
    let old = r#"{"bookmarks":{"user_report":{"version":4102444800,"more":1}},"theirs":2}"#;
    let wrapped = format!(r#"{{"type":"STATE","value":{old}}}"#);
    let rows = [
        (None, false),
        (Some("{}"), false),
        (Some("null"), false),
        (Some(old), true),
        (Some(&wrapped), true),
    ];
    concurrency::each(&rows, AT_ONCE, |(text, is_old)| {
        let tap = Tap::new().one();
        let missing = tap.folder.path().join("missing").to_str().unwrap().to_owned();
        let path = text.map_or(missing, |text| tap.file("state.json", text));
        let run = tap.args(&["--state", &path]).run();
        run.messages();
        let state = run.state();
        let version = state["bookmarks"]["user_report"]["version"].as_i64().unwrap();
        // Always greater than the last, whatever the clock says.
        assert_eq!(version == 4_102_444_801, *is_old, "{text:?}: {state}");
        let kept = (&state["bookmarks"]["user_report"]["more"], &state["theirs"]);
        assert_eq!(kept == (&json!(1), &json!(2)), *is_old, "{text:?}: {state}");
    });
}

/// STATE and the state folder of earlier versions named equal forms in another way than a discovery without both.
#[test]
fn deselected_title_never_leaves_the_tap_although_state_has_another_name_for_it() {
    let column = |name: &str, title: &str| json!({"name": name, "title": title, "type": "string"});
    let state = json!({"bookmarks": {"user_report": {
        "columns": [column("id", "id"), column("notes", "Notes"), column("notes_2", "notes")],
    }}});
    let listed = |name: &str, title: &str, selected: bool| {
        let metadata = json!({"breadcrumb": ["properties", name], "metadata": {"selected": selected}});
        (name.to_owned(), json!({"type": ["null", "string"], "title": title}), metadata)
    };
    for (deselected, hidden) in [("Notes", "ann@x"), ("notes", "bob@x")] {
        let columns = [
            listed("id", "id", true),
            listed("notes", "notes", deselected != "notes"),
            listed("notes_0d5d2d0f", "Notes", deselected != "Notes"),
        ];
        let properties: serde_json::Map<_, _> =
            columns.iter().map(|(name, property, _)| (name.clone(), property.clone())).collect();
        let metadata: Vec<&Value> = columns.iter().map(|(.., metadata)| metadata).collect();
        let entry = json!({"tap_stream_id": "user_report", "schema": {"properties": properties}, "metadata": metadata});
        let tap =
            Tap::new().faults(&["csv=id,Notes,notes\n1,ann@x,bob@x\n"]).set("new_columns", json!("include"));
        let catalog = tap.file("catalog.json", json!({"streams": [entry]}).to_string());
        let path = tap.file("state.json", state.to_string());
        let run = tap.args(&["--catalog", &catalog, "--state", &path]).run();
        assert_eq!(run.records("user_report").len(), 1);
        assert!(!run.stdout.contains(hidden), "{deselected}: {}", run.stdout);
    }
}
