//! The setting `delimiter`: which character separates the cells of a report.
//!
//! Each test syncs one report.

use serde_json::{Value, json};

use super::tap::{Run, Tap};

/// A tap of one report with this CSV and these settings.
fn tap(csv: &str, settings: &Value) -> Tap {
    let tap = Tap::new().one();
    let tap =
        settings.as_object().unwrap().iter().fold(tap, |tap, (name, value)| tap.set(name, value.clone()));
    let file = tap.file("table.csv", csv);
    tap.faults(&[&format!("csv-file={file}")])
}

fn table(csv: &str, settings: &Value) -> Run {
    tap(csv, settings).run()
}

#[test]
fn delimiter_reads_the_same_records_as_the_comma() {
    let csv = "id,text,empty\n1,\"a,;|\t\"\"\n\",\n2,\"x\"y,\n";
    let expected = table(csv, &json!({}));
    for delimiter in [";", "|", "\t"] {
        // The commas outside quotes are the delimiters.
        let quoted = csv.replace("a,;", "a\u{0};");
        let other = quoted.replace(',', delimiter).replace('\u{0}', ",");
        let run = table(&other, &json!({"delimiter": delimiter}));
        assert_eq!(run.records("user_report"), expected.records("user_report"), "{delimiter:?}");
        assert!(run.stderr.contains("kept the text after the closing quote of 1 cell"), "{}", run.stderr);
    }
}
