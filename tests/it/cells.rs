//! Cells of typed columns: values, mismatches, nulls and spellings, and the settings that decide about them.

use serde_json::{Value, json};

use super::tap::{Run, Tap};

/// A run of one report with this CSV.
fn table(csv: &str, settings: &Value) -> Run {
    let tap = Tap::new().one().set("max_attempts", 1.into());
    let tap =
        settings.as_object().unwrap().iter().fold(tap, |tap, (name, value)| tap.set(name, value.clone()));
    let file = tap.file("table.csv", csv);
    tap.faults(&[&format!("csv-file={file}")]).run()
}

/// The types and formats of the properties in SCHEMA, without `null`.
fn types(run: &Run) -> Vec<(String, String)> {
    let properties = run.messages()[0]["schema"]["properties"].as_object().unwrap().clone();
    let shown =
        |property: &Value| property["format"].as_str().or(property["type"][1].as_str()).unwrap().to_owned();
    properties.iter().map(|(name, property)| (name.clone(), shown(property))).collect()
}

/// The RECORD lines' records as text, so that the spelling of numbers shows.
fn records(run: &Run) -> Vec<&str> {
    let lines = run.stdout.lines().filter(|line| line.starts_with(r#"{"type":"RECORD""#));
    lines
        .map(|line| line.split_once(r#""record":"#).unwrap().1.split_once(r#","version""#).unwrap().0)
        .collect()
}

#[test]
fn types_infer_decides_number_boolean_date_and_date_time() {
    let csv =
        "n,b,d,t,s,u\n1.50,TRUE,2025-01-02,2025-06-02T09:00:00+10:00,007,\n.5,,,2025-06-02T09:00:00Z,1,\n";
    let run = table(csv, &json!({"types": "infer"}));
    let expected = [
        ("n", "number"),
        ("b", "boolean"),
        ("d", "date"),
        ("t", "date-time"),
        ("s", "string"),
        ("u", "string"),
    ];
    let expected = expected.map(|(name, shown)| (name.to_owned(), shown.to_owned()));
    assert_eq!(types(&run)[..6], expected);
    assert_eq!(
        records(&run),
        [
            r#"{"n":1.50,"b":true,"d":"2025-01-02","t":"2025-06-01T23:00:00Z","s":"007","u":null,"_row_number":1}"#,
            r#"{"n":0.5,"b":null,"d":null,"t":"2025-06-02T09:00:00Z","s":"1","u":null,"_row_number":2}"#,
        ]
    );
}

#[test]
fn cell_that_does_not_fit_is_null_or_in_a_variant_or_fails_the_stream() {
    let overrides = json!({"user_report": {"n": "number"}});
    let csv = "n,s\n1,a\nabout 5,b\n";
    let run = table(csv, &json!({"schema_overrides": overrides}));
    assert_eq!(
        records(&run),
        [
            r#"{"n":1,"n__text":null,"s":"a","_row_number":1}"#,
            r#"{"n":null,"n__text":"about 5","s":"b","_row_number":2}"#,
        ]
    );
    assert_eq!(types(&run)[1], ("n__text".to_owned(), "string".to_owned()));
    let run = table(csv, &json!({"schema_overrides": overrides, "on_type_mismatch": "null"}));
    assert_eq!(records(&run)[1], r#"{"n":null,"s":"b","_row_number":2}"#);
    let run = table(csv, &json!({"schema_overrides": overrides, "on_type_mismatch": "fail"}));
    assert_eq!((run.code, run.stdout.lines().count()), (65, 1), "{}", run.stderr);
    let message =
        "cannot use the report of `user_report`: line 3, column `n` is not a lossless number; hint: ";
    assert!(run.critical().contains(message), "{}", run.stderr);
    assert!(!run.stderr.contains("about 5"), "{}", run.stderr);
}

#[test]
fn cells_are_read_in_the_spelling_of_their_override() {
    let overrides = json!({"user_report": {
        "price": {"type": "number", "thousands": ".", "decimal": ",", "strip": ["€", " "]},
        "exact": "decimal",
        "day": {"type": "date", "format": "%d/%m/%Y"},
        "start": {"type": "date-time", "format": "%d/%m/%Y %H:%M"},
        "active": {"type": "boolean", "true_values": ["Yes"], "false_values": ["No"]},
    }});
    let csv = "price,exact,day,start,active\n\
        \"1.234,50 €\",12345678901234567890.10,2/1/2025,02/06/2025 09:30,Yes\n\
        € -5,.5,31/12/2024,,No\n";
    let run = table(csv, &json!({"schema_overrides": overrides, "timezone": "Europe/Berlin"}));
    assert_eq!(
        records(&run),
        [
            r#"{"price":1234.50,"exact":"12345678901234567890.10","day":"2025-01-02","start":"2025-06-02T07:30:00Z","active":true,"_row_number":1}"#,
            r#"{"price":-5,"exact":"0.5","day":"2024-12-31","start":null,"active":false,"_row_number":2}"#,
        ]
    );
    assert_eq!(types(&run)[1], ("exact".to_owned(), "x-singer.decimal".to_owned()));
}

#[test]
fn null_values_and_trim_come_before_types_and_keys() {
    let settings = json!({
        "types": "infer", "null_values": ["N/A", "-"], "trim": true, "key_properties": {"user_report": ["id"]},
    });
    let run = table("id,n,s\n- ,1,\" x\t\"\nN/A, N/A ,-\n7, 2\u{a0},y\n", &settings);
    assert_eq!(
        records(&run),
        [r#"{"id":"-","n":1,"s":"x"}"#, r#"{"id":"N/A","n":null,"s":null}"#, r#"{"id":"7","n":2,"s":"y"}"#]
    );
    let run = table("id,n\na,1\n\" a\",2\n\" \",3\n", &settings);
    let message =
        "key columns are not unique: 1 row has an empty key, 1 row repeats an earlier key (rows 2, 3)";
    assert!(run.code == 65 && run.critical().contains(message), "{}", run.stderr);
}
