//! The main job: records equal the reports, keys, selection, state.

use serde_json::{Value, json};
use tap_together::sandbox::data::{self, DataKind, Dataset};

use super::tap::Tap;

const REPORTS: [(&str, &str); 3] =
    [("userReport", "user_report"), ("pairingReport", "pairing_report"), ("sessionReport", "session_report")];

#[test]
fn records_equal_the_csv_crate_and_empty_cells_are_null() {
    let run = Tap::new().rows(2_000).run();
    let dataset = Dataset { rows: 2_000, kind: DataKind::Nasty, ..Dataset::default() };
    for (report, stream) in REPORTS {
        let csv = data::csv(report, &dataset);
        let rows = csv::ReaderBuilder::new().from_reader(csv.as_bytes()).into_records();
        let records = run.records(stream);
        assert_eq!(records.len(), 2_000);
        for (number, (row, record)) in rows.zip(records).enumerate() {
            let cells = row.unwrap();
            let expected: Vec<Value> = cells
                .iter()
                .map(|cell| if cell.is_empty() { Value::Null } else { cell.into() })
                .chain([json!(number + 1)])
                .collect();
            let found: Vec<Value> = record.as_object().unwrap().values().cloned().collect();
            assert_eq!(found, expected, "{stream}, row {}", number + 1);
        }
    }
}

#[test]
fn schema_has_a_property_for_every_header() {
    let messages = Tap::new().run().messages();
    let properties = messages[0]["schema"]["properties"].as_object().unwrap();
    let names: Vec<&String> = properties.keys().collect();
    assert_eq!(names.last().unwrap().as_str(), "_row_number");
    for name in ["user_id", "what_skills_would_you_like_to_develop_f768cf7d", "management_level"] {
        assert!(properties.contains_key(name), "{name}");
    }
    assert_eq!(properties["management_level"]["title"], "management_level ");
    assert_eq!(messages[0]["key_properties"], json!(["_row_number"]));
}

#[test]
fn request_headers_are_sent_once_per_report() {
    let run = Tap::new().run();
    let reports: Vec<&str> = run.seen.iter().map(|seen| seen.report.as_str()).collect();
    assert_eq!(reports, ["userReport", "pairingReport", "sessionReport"]);
    for seen in &run.seen {
        for header in ["organization-id", "client-id", "api-key", "content-type"] {
            assert!(seen.headers.contains_key(header), "{header}");
        }
    }
}

#[test]
fn second_run_keeps_the_interval_and_raises_the_version() {
    let tap = Tap::new();
    let server = tap.serve();
    let first = tap.run_on(&server);
    first.messages();
    let state = tap.file("state.json", first.state().to_string());
    let tap = tap.args(&["--state", &state]);
    let second = tap.run_on(&server);
    second.messages();
    assert_eq!(second.seen.len(), 6);
    assert_eq!(server.sandbox.violations(), Vec::<String>::new());
    for (_, stream) in REPORTS {
        let version = |state: Value| state["bookmarks"][stream]["version"].as_i64().unwrap();
        assert!(version(second.state()) > version(first.state()), "{stream}");
    }
}

#[test]
fn deselected_streams_and_columns_are_not_emitted() {
    let tap = Tap::new();
    let catalog = json!({"streams": [
        {"tap_stream_id": "user_report", "schema": {"properties": {"user_id": {}, "email": {}, "gone": {}}}, "metadata": [
            {"breadcrumb": [], "metadata": {"selected": true}},
            {"breadcrumb": ["properties", "email"], "metadata": {"selected": false}},
        ]},
        {"tap_stream_id": "pairing_report", "schema": {}, "metadata": [{"breadcrumb": [], "metadata": {"selected": false}}]},
    ]});
    let path = tap.file("catalog.json", catalog.to_string());
    let run = tap.args(&["--catalog", &path]).run();
    assert_eq!(run.seen.len(), 1);
    let records = run.records("user_report");
    assert_eq!(records[0], json!({"user_id": "usr_0001", "_row_number": 1}));
    assert!(run.stderr.contains("lacks 1 column that the catalog lists: `gone`"), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("has 23 new columns that the catalog does not list: `Employee ID (employee_id)`, "),
        "{}",
        run.stderr
    );
}

#[test]
fn natural_key_is_verified_as_unique_or_refused() {
    let tap = Tap::new().set("key_properties", json!({"user_report": ["user_id"]}));
    let run = tap.run();
    assert_eq!(run.messages()[0]["key_properties"], json!(["user_id"]));
    assert!(run.records("user_report")[0].get("_row_number").is_none());

    let run = Tap::new().set("key_properties", json!({"user_report": ["office"]})).run();
    assert_eq!(run.code, 65);
    assert!(run.critical().contains("cannot use the report of `user_report`: "), "{}", run.stderr);
    assert!(!run.stdout.contains(r#""stream":"user_report""#));
    assert!(run.stdout.contains(r#""stream":"session_report""#));
    assert_eq!(run.state()["currently_syncing"], "user_report");
}

#[test]
fn types_infer_keeps_every_value_without_loss() {
    let csv = "csv=a,b,c\n1,007,2025-06-02T09:00:00+10:00\n2,1,\n";
    let run = Tap::new().set("types", json!("infer")).faults(&[csv]).run();
    assert_eq!(
        run.records("user_report")[0],
        json!({"a": 1, "b": "007", "c": "2025-06-01T23:00:00Z", "_row_number": 1})
    );
}

#[test]
fn empty_report_emits_its_schema() {
    let run = Tap::new().rows(0).run();
    assert_eq!(run.messages().iter().filter(|message| message["type"] == "SCHEMA").count(), 3);
    assert!(run.records("user_report").is_empty());
    assert!(run.stderr.contains("has a header but no rows"));
}

#[test]
fn checkpoint_starts_at_the_currently_syncing_stream_and_keeps_foreign_state() {
    let tap = Tap::new();
    let state = tap
        .file("state.json", r#"{"currently_syncing":"session_report","mine":1,"bookmarks":{"x":{"y":2}}}"#);
    let run = tap.args(&["--state", &state]).run();
    assert_eq!(run.messages()[0]["stream"], "session_report");
    assert_eq!(run.seen.len(), 3);
    assert_eq!((&run.state()["mine"], &run.state()["bookmarks"]["x"]["y"]), (&json!(1), &json!(2)));
    assert_eq!(run.state()["currently_syncing"], Value::Null);
}

#[test]
fn activate_version_false_emits_no_version() {
    let run = Tap::new().one().set("activate_version", json!(false)).run();
    let messages = run.messages();
    assert!(messages.iter().all(|message| message["type"] != "ACTIVATE_VERSION"), "{}", run.stdout);
    assert!(messages.iter().all(|message| message.get("version").is_none()), "{}", run.stdout);
    assert_eq!(run.records("user_report").len(), 5);
}

#[test]
fn column_names_original_keeps_headers_and_makes_them_unique() {
    let csv = "csv=User Id,What skills?,User Id,e-mail\n1,a,2,b\n";
    let run = Tap::new().one().set("column_names", json!("original")).faults(&[csv]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let message = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let record = run.stdout.lines().map(message).find(|message| message["type"] == "RECORD").unwrap();
    assert_eq!(
        record["record"],
        json!({"User Id": "1", "What skills?": "a", "User Id_213be392": "2", "e-mail": "b", "_row_number": 1})
    );
}

#[test]
fn user_agent_setting_is_sent_as_header() {
    let named = Tap::new().one().set("user_agent", json!("example-org/7")).run();
    assert_eq!(named.seen[0].headers["user-agent"], "example-org/7");
    let default = Tap::new().one().run();
    assert_eq!(default.seen[0].headers["user-agent"], concat!("tap-together/", env!("CARGO_PKG_VERSION")));
}
