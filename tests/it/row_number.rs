//! The setting `row_number_column`: the name of the row number in messages, catalogs, keys and STATE.

use serde_json::{Value, json};

use super::history::{History, names};
use super::tap::{Run, Tap};

const REPORT: &str = "Row ID,b\n1,x\n2,y\n";

fn named(name: &str) -> Tap {
    Tap::new().one().set("row_number_column", json!(name)).faults(&[&format!("csv={REPORT}")])
}

#[track_caller]
fn key(run: &Run) -> Value {
    run.messages()[0]["key_properties"].clone()
}

#[test]
fn row_number_column_names_the_key_in_schema_records_and_catalog() {
    let run = named("row_nr").run();
    assert_eq!(names(&run), ["row_id", "b", "row_nr"]);
    assert_eq!(key(&run), json!(["row_nr"]));
    assert_eq!(run.records("user_report")[1], json!({"row_id": "2", "b": "y", "row_nr": 2}));
    assert_eq!(run.state()["bookmarks"]["user_report"]["automatic"], json!(["_row_number"]));

    let run = named("row_nr").args(&["--discover"]).run();
    let catalog: Value = serde_json::from_str(&run.stdout).unwrap();
    let stream = &catalog["streams"][0];
    assert_eq!(stream["key_properties"], json!(["row_nr"]));
    assert_eq!(stream["metadata"][0]["metadata"]["table-key-properties"], json!(["row_nr"]));
    let automatic: Vec<&Value> = stream["metadata"].as_array().unwrap().iter().collect();
    let automatic = automatic.iter().filter(|entry| entry["metadata"]["inclusion"] == "automatic");
    assert_eq!(
        automatic.map(|entry| &entry["breadcrumb"]).collect::<Vec<_>>(),
        [&json!(["properties", "row_nr"])]
    );
}

#[test]
fn catalog_with_the_row_number_column_is_read_back_as_meltano_writes_it() {
    let run = named("row_nr").args(&["--discover"]).run();
    let mut catalog: Value = serde_json::from_str(&run.stdout).unwrap();
    for entry in catalog["streams"][0]["metadata"].as_array_mut().unwrap() {
        let is_column = entry["breadcrumb"] != json!([]);
        entry["metadata"]["selected"] = (!is_column || entry["breadcrumb"][1] == "b").into();
    }
    let tap = named("row_nr");
    tap.file("one.json", catalog.to_string());
    let run = tap.run();
    assert_eq!((names(&run), key(&run)), (vec!["b".to_owned(), "row_nr".to_owned()], json!(["row_nr"])));
    assert!(!run.stderr.contains("WARNING"), "{}", run.stderr);
}

#[test]
fn key_properties_with_the_row_number_column_is_the_default_key() {
    for given in ["row_nr", "_row_number"] {
        let run = named("row_nr").set("key_properties", json!({"user_report": [given]})).run();
        assert_eq!(
            (names(&run), key(&run)),
            (vec!["row_id".to_owned(), "b".to_owned(), "row_nr".to_owned()], json!(["row_nr"]))
        );
        assert!(!run.stderr.contains("WARNING"), "{}", run.stderr);
    }
}

#[test]
fn header_and_variant_never_get_the_name_of_the_row_number_column() {
    let run = named("row_id").run();
    let found = names(&run);
    assert!(found[0].starts_with("row_id_") && found[0].len() == "row_id_".len() + 8, "{found:?}");
    assert_eq!(run.records("user_report")[0], json!({(&found[0]): "1", "b": "x", "row_id": 1}));

    let settings =
        json!({"row_number_column": "b__text", "schema_overrides": {"user_report": {"b": "number"}}});
    let run = History::new(&[REPORT], &settings).run();
    let found = names(&run);
    assert!(found[2].starts_with("b__text_"), "{found:?}");
    assert_eq!(
        run.records("user_report")[0],
        json!({"row_id": "1", "b": null, (&found[2]): "x", "b__text": 1})
    );
}

#[test]
fn row_number_column_with_the_name_of_a_remembered_column_exits_2() {
    let mut history = History::new(&[REPORT, REPORT, REPORT], &json!({}));
    history.run();
    history.set("row_number_column", json!("row_id"));
    let run = history.run();
    assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (2, 1, ""), "{}", run.stderr);
    assert!(
        run.critical().contains("`row_number_column` is the name of the remembered column Row ID (row_id) of `user_report`; hint: set another name, or drop the column with `forget_columns`"),
        "{}",
        run.stderr
    );
    history.set("forget_columns", json!({"user_report": ["Row ID"]}));
    assert_eq!(key(&history.run()), json!(["row_id"]));
}

#[test]
fn row_number_column_that_targets_refuse_or_that_rename_gives_exits_2() {
    let run = named("Row ID").run();
    assert_eq!((run.code, run.seen.len()), (2, 0), "{}", run.stderr);
    assert!(
        run.critical().contains("`row_number_column` is a name that targets refuse; hint: use at most 62"),
        "{}",
        run.stderr
    );
    let run = named("row_nr").set("rename", json!({"user_report": {"b": "row_nr"}})).run();
    assert_eq!((run.code, run.seen.len()), (2, 0), "{}", run.stderr);
    assert!(
        run.critical()
            .contains("`rename`: entry 1 of `user_report` gives the name that `row_number_column` has"),
        "{}",
        run.stderr
    );
}
