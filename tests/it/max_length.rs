//! The setting `max_length`: `maxLength` of strings in SCHEMA, measured as they are emitted, over several runs.

use serde_json::{Value, json};

use super::history::History;
use super::tap::{Run, Tap};

/// The properties with a `maxLength`, in SCHEMA's order.
#[track_caller]
fn lengths(run: &Run) -> Vec<(String, u64)> {
    lengths_of(&run.messages()[0]["schema"])
}

fn lengths_of(schema: &Value) -> Vec<(String, u64)> {
    let properties = schema["properties"].as_object().unwrap().iter();
    properties.filter_map(|(name, property)| Some((name.clone(), property["maxLength"].as_u64()?))).collect()
}

fn named(lengths: &[(&str, u64)]) -> Vec<(String, u64)> {
    lengths.iter().map(|(name, length)| ((*name).to_owned(), *length)).collect()
}

/// A report with a cell of each of these numbers of bytes.
fn report(lengths: &[(&str, usize)]) -> String {
    let header: Vec<&str> = lengths.iter().map(|(name, _)| *name).collect();
    let cells: Vec<String> = lengths.iter().map(|(_, length)| "x".repeat(*length)).collect();
    format!("{}\n{}\n", header.join(","), cells.join(","))
}

#[test]
fn max_length_measured_is_the_power_of_two_of_the_longest_utf_8_bytes() {
    let csv =
        format!("short,long,umlauts,empty,n,day\na,{},{},,7,2025-01-02\n", "x".repeat(65), "é".repeat(20));
    let run = Tap::new().one().set("types", json!("infer")).faults(&[&format!("csv={csv}")]);
    let run = run.set("max_length", json!("measured")).run();
    let expected = [("short", 32), ("long", 128), ("umlauts", 64), ("empty", 32)];
    assert_eq!(lengths(&run), named(&expected));
    assert!(!run.stderr.contains("WARNING"), "{}", run.stderr);
}

#[test]
fn max_length_left_out_is_in_neither_schema_nor_state() {
    let run = Tap::new().run();
    assert!(!run.stdout.contains("maxLength") && !run.stdout.contains("max_length"), "{}", run.stdout);
}

#[test]
fn max_length_grows_with_a_warning_and_never_shrinks() {
    let reports = [
        report(&[("a", 10), ("gone", 40)]),
        report(&[("a", 33)]),
        report(&[("a", 1)]),
        report(&[("a", 1), ("gone", 1)]),
    ];
    let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
    let mut history = History::new(&reports, &json!({"max_length": "measured"}));
    assert_eq!(lengths(&history.run()), named(&[("a", 32), ("gone", 64)]));
    let run = history.run();
    assert_eq!(lengths(&run), named(&[("a", 64), ("gone", 64)]));
    let warning = "WARNING `user_report` needs a larger `maxLength` in 1 column: `a (a): 64`; hint: widen it";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    // A lost STATE changes nothing, because the state folder knows the lengths.
    history.state = json!({});
    let run = history.run();
    assert_eq!(lengths(&run), named(&[("a", 64), ("gone", 64)]));
    assert!(!run.stderr.contains("maxLength"), "{}", run.stderr);
    let discovered = history.tap.command(&history.server).arg("--discover").output().unwrap();
    let catalog: Value = serde_json::from_slice(&discovered.stdout).unwrap();
    assert_eq!(lengths_of(&catalog["streams"][0]["schema"]), named(&[("a", 64)]));
    assert_eq!(lengths(&history.run()), named(&[("a", 64), ("gone", 64)]));
}

#[test]
fn max_length_switched_off_is_remembered() {
    let reports = [report(&[("a", 40)]), report(&[("a", 1)]), report(&[("a", 1)])];
    let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
    let mut history = History::new(&reports, &json!({"max_length": "measured"}));
    history.run();
    history.set("max_length", json!("none"));
    assert_eq!(lengths(&history.run()), []);
    history.set("max_length", json!("measured"));
    assert_eq!(lengths(&history.run()), named(&[("a", 64)]));
}

#[test]
fn max_length_of_variants_and_masked_columns_is_that_of_the_emitted_text() {
    let (text, name) = ("y".repeat(70), "z".repeat(300));
    let csv = format!("n,mail,name\n7,ann@example.com,{name}\n{text},bob@example.com,{name}\n");
    let settings = json!({
        "max_length": "measured", "schema_overrides": {"user_report": {"n": "number"}},
        "masks": {"user_report": {"mail": "hash", "name": "partial:2"}}, "mask_key": "0123456789abcdef",
    });
    let run = History::new(&[&csv], &settings).run();
    assert_eq!(lengths(&run), named(&[("n__text", 128), ("mail", 64), ("name", 32)]));
}

#[test]
fn max_length_holds_for_every_record_of_nasty_reports() {
    let run = Tap::new().rows(60).set("max_length", json!("measured")).set("types", json!("infer")).run();
    let messages = run.messages();
    let schemas = messages.iter().filter(|message| message["type"] == "SCHEMA");
    for schema in schemas {
        assert!(!lengths_of(&schema["schema"]).is_empty(), "{schema}");
        let validator = jsonschema::validator_for(&schema["schema"]).unwrap();
        let records = run.records(schema["stream"].as_str().unwrap());
        assert!(records.iter().all(|record| validator.is_valid(record)), "{schema}");
        assert!(
            !validator.is_valid(&json!({lengths_of(&schema["schema"])[0].0.clone(): "x".repeat(1 << 20)}))
        );
    }
}
