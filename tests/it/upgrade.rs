//! Upgrade: STATE and the state folder that the version before format 2 wrote.
//!
//! The fixtures are what that version wrote for the report in [`FIRST`] with `types: infer`.

use serde_json::{Value, json};
use tap_together::api::scope::canonical_scope;
use tap_together::sandbox::ORGANIZATION_ID;

use super::tap::{Run, Server, Tap};

const STATE: &str = include_str!("fixtures/state_format_1.json");
const COLUMNS: &str = include_str!("fixtures/columns_format_1.json");

/// The headers of the report that the fixtures know, in its order, and the names that they got.
const FIRST: [(&str, &str); 13] = [
    ("User ID", "user_id"),
    ("user_id", "user_id_2"),
    ("Notes", "notes"),
    ("notes", "notes_2"),
    ("Notes", "notes_3"),
    ("capacity", "capacity"),
    ("Score", "score"),
    ("Start date", "start_date"),
    ("Joined at", "joined_at"),
    ("Is mentor", "is_mentor"),
    (
        "What skills would you like to develop in the next year of your career?",
        "what_skills_would_you_like_to_develop_in_the_next_yea_b4c02b58",
    ),
    ("", "column_12"),
    ("Empty", "empty"),
];

/// The same columns in another order, with edited headers, and with cells that do not fit the types of the fixtures.
const SECOND: &str = concat!(
    "user_id,User ID,notes,Notes,Notes,Capacity?,score,START DATE,joined at,is_mentor,",
    "what  skills would you like to develop in the next year of your career,,empty,New\n",
    "b,u3,x3,n3,m3,2.5,many,2025-03-04T05:06:07Z,2025-03-04,maybe,go,e3,first,n\n",
);

fn tap() -> Tap {
    let tap = Tap::new().one().set("types", json!("infer"));
    tap.faults(&[&format!("userReport:csv={SECOND}")])
}

/// Writes the fixture, or another text, as the file with the columns in the state folder.
fn keep_columns(tap: &Tap, server: &Server, text: &str) {
    let scope = canonical_scope(&server.sandbox.url().parse().unwrap(), ORGANIZATION_ID);
    std::fs::create_dir_all(tap.state_dir()).unwrap();
    tap.file(&format!("state/{scope}.columns.json"), text);
}

#[track_caller]
fn assert_upgraded(run: &Run) {
    let messages = run.messages();
    let properties = messages[0]["schema"]["properties"].as_object().unwrap();
    for (name, expected) in [
        ("capacity", json!(["null", "integer"])),
        ("score", json!(["null", "number"])),
        ("is_mentor", json!(["null", "boolean"])),
    ] {
        assert_eq!(properties[name]["type"], expected, "{name}");
    }
    assert_eq!(
        (&properties["start_date"]["format"], &properties["joined_at"]["format"]),
        (&json!("date"), &json!("date-time"))
    );
    let variants = FIRST.iter().filter(|(_, name)| properties.contains_key(&format!("{name}__text")));
    let variants: Vec<&str> = variants.map(|(_, name)| *name).collect();
    assert_eq!(variants, ["capacity", "score", "start_date", "joined_at", "is_mentor"]);
    assert_eq!(properties.len(), FIRST.len() + variants.len() + 2, "the names, `new` and `_row_number`");
    let expected = json!({
        "user_id": "u3", "user_id_2": "b", "notes": "n3", "notes_2": "x3", "notes_3": "m3",
        "capacity": null, "capacity__text": "2.5", "score": null, "score__text": "many",
        "start_date": null, "start_date__text": "2025-03-04T05:06:07Z",
        "joined_at": null, "joined_at__text": "2025-03-04", "is_mentor": null, "is_mentor__text": "maybe",
        "what_skills_would_you_like_to_develop_in_the_next_yea_b4c02b58": "go", "column_12": "e3",
        "empty": "first", "new": "n", "_row_number": 1,
    });
    assert_eq!(run.records("user_report"), [expected]);
    assert_eq!(run.state()["format"], 2);
}

#[test]
fn state_of_format_1_keeps_names_and_types() {
    let tap = tap();
    let state = tap.file("state.json", STATE);
    let tap = tap.args(&["--state", &state]);
    let run = tap.run();
    assert_upgraded(&run);
    let version =
        serde_json::from_str::<Value>(STATE).unwrap()["bookmarks"]["user_report"]["version"].as_i64();
    assert!(run.messages()[1]["version"].as_i64() > version);
}

#[test]
fn state_folder_of_format_1_keeps_names_and_types() {
    let tap = tap();
    let server = tap.serve();
    keep_columns(&tap, &server, COLUMNS);
    assert_upgraded(&tap.run_on(&server));
}

#[test]
fn state_and_state_folder_of_format_1_agree() {
    let tap = tap();
    let server = tap.serve();
    keep_columns(&tap, &server, COLUMNS);
    let state = tap.file("state.json", STATE);
    let tap = tap.args(&["--state", &state]);
    let run = tap.run_on(&server);
    assert_upgraded(&run);
    assert!(!run.stderr.contains("the state folder knows"), "{}", run.stderr);
}

#[test]
fn newer_format_of_state_or_state_folder_exits_2_without_a_request() {
    let newer = STATE.replacen('{', r#"{"format":3,"#, 1);
    let by_state = tap();
    let state = by_state.file("state.json", newer);
    let by_state = by_state.args(&["--state", &state]).run();
    let by_folder = tap();
    let server = by_folder.serve();
    keep_columns(&by_folder, &server, r#"{"format":3,"streams":{}}"#);
    for run in [by_state, by_folder.run_on(&server)] {
        assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (2, 0, ""), "{}", run.stderr);
        assert!(
            run.critical().contains("newer than 2") && run.critical().contains("hint: "),
            "{}",
            run.stderr
        );
    }
}
