//! Unusual tables: cells are emitted unchanged, column names fit every target, and oddities are warned of.

use serde_json::{Value, json};

use super::concurrency;
use super::tap::{Run, Tap, finish};

const AT_ONCE: usize = 8;

/// A run of one report with this CSV.
fn table(csv: &str, settings: &Value) -> Run {
    let tap = Tap::new().one().set("max_attempts", 1.into());
    let tap =
        settings.as_object().unwrap().iter().fold(tap, |tap, (name, value)| tap.set(name, value.clone()));
    let file = tap.file("table.csv", csv);
    tap.faults(&[&format!("csv-file={file}")]).run()
}

/// The records' cells in the schema's order, without the row number.
fn cells(run: &Run) -> Vec<Vec<Value>> {
    let row = |record: &Value| {
        let fields = record.as_object().unwrap().iter().filter(|(name, _)| *name != "_row_number");
        fields.map(|(_, value)| value.clone()).collect()
    };
    run.records("user_report").iter().map(row).collect()
}

/// Names and titles of the columns.
fn columns(run: &Run) -> Vec<(String, String)> {
    let schema = &run.messages()[0]["schema"]["properties"];
    let named =
        |(name, property): (&String, &Value)| (name.clone(), property["title"].as_str().unwrap().to_owned());
    let mut columns: Vec<_> = schema.as_object().unwrap().iter().map(named).collect();
    columns.pop();
    columns
}

#[test]
fn csv_cells_are_emitted_unchanged() {
    let rows = [
        ("=SUM(1+1)", "=SUM(1+1)"),
        ("@x", "@x"),
        ("007", "007"),
        ("1e5", "1e5"),
        ("NaN", "NaN"),
        ("-0", "-0"),
        (" 1 ", " 1 "),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("0.10", "0.10"),
        ("TRUE", "TRUE"),
        ("2025-02-30", "2025-02-30"),
        ("\"a\n\r\nb\"", "a\n\r\nb"),
        ("\"a,\"\"b\"\"\"", "a,\"b\""),
        ("a\"b", "a\"b"),
        ("\u{85}\u{2028}", "\u{85}\u{2028}"),
        ("\u{1}\u{7f}\t", "\u{1}\u{7f}\t"),
        ("\\n\\u0041\\", "\\n\\u0041\\"),
    ];
    let csv = rows.map(|(cell, _)| format!("{cell},x\n")).concat();
    for types in ["string", "infer"] {
        let run = table(&format!("a,b\n{csv}"), &json!({"types": types}));
        let expected: Vec<Vec<Value>> = rows.iter().map(|(_, cell)| vec![json!(cell), json!("x")]).collect();
        assert_eq!(cells(&run), expected, "{types}");
    }
    // Alone in its column each would tempt an inference; those that it would change stay strings.
    let csv = "a,b,c,d,e,f\n007,1e999,NaN,-0, 1 ,123456789012345678901234567890\n";
    let run = table(csv, &json!({"types": "infer"}));
    let expected = ["007", "1e999", "NaN", "-0", " 1 ", "123456789012345678901234567890"].map(Value::from);
    assert_eq!(cells(&run), [expected]);
}

#[test]
fn line_endings_and_blank_lines_give_the_same_rows() {
    let expected = [["1", "2"], ["3", "4"]].map(|row| row.map(Value::from).to_vec());
    let tables = [
        "a,b\n1,2\n3,4\n",
        "a,b\r\n1,2\r\n3,4",
        "a,b\r1,2\r3,4\r",
        "a,b\r\n\n1,2\n\r\r\n3,4\n\n",
        "\u{feff}a,b\n1,2\n3,4",
    ];
    concurrency::each(&tables, AT_ONCE, |csv| {
        assert_eq!(cells(&table(csv, &json!({}))), expected, "{csv:?}");
    });
    // Where there is one column, a blank line is a row.
    let run = table("a\n\n1\n\n", &json!({}));
    assert_eq!(cells(&run), [[Value::Null], [json!("1")], [Value::Null]]);
}

#[test]
fn column_names_are_snake_case_and_titles_keep_the_header() {
    let long = format!("What is {}?", "very ".repeat(2_000));
    let header =
        ["id", "ID", "", " ", "id", "_sdc_x", "select", "a\tb\u{1}", "_row_number", "_extra", "😊", &long];
    let line = header.map(|title| format!("\"{title}\"")).join(",");
    let run = table(&format!("{line}\n{}1\n", ",".repeat(header.len() - 1)), &json!({}));
    let columns = columns(&run);
    let titles: Vec<&str> = columns.iter().map(|(_, title)| title.as_str()).collect();
    assert_eq!(titles, header);
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names[..11],
        [
            "id",
            "id_3843971d",
            "column_1",
            "column_2",
            "id_a5614527",
            "sdc_x",
            "select",
            "a_b",
            "row_number",
            "extra",
            "blush"
        ]
    );
    assert!(names[11].starts_with("what_is_very_very") && names[11].len() == 62, "{}", names[11]);
    assert_eq!(run.records("user_report")[0][names[11]], "1");
}

#[test]
fn table_of_ten_thousand_columns_is_synced() {
    let line = |cells: usize, text: &str| vec![text; cells].join(",") + "\n";
    let run = table(&(line(10_000, "a") + &line(10_000, "1")), &json!({}));
    assert_eq!(run.records("user_report")[0].as_object().unwrap().len(), 10_001);
    let run = table(&(line(10_001, "a") + &line(10_001, "1")), &json!({}));
    assert_eq!((run.code, run.stdout.lines().count()), (65, 1), "{}", run.stderr);
    assert!(run.critical().contains("line 1 has more than 10,000 cells"), "{}", run.stderr);
}

#[test]
fn ragged_rows_and_text_after_quotes_are_warned_of() {
    for (csv, settings, words, first) in [
        ("a,b\n\"x\"y,2\n", json!({}), ": kept the text after the closing quote of 1 cell", json!("xy")),
        (
            "a,b\n1\n1,2,3\n",
            json!({"on_ragged": "pad"}),
            ": accepted 2 ragged rows: missing cells are null, surplus cells are in `_extra`",
            json!("1"),
        ),
    ] {
        let run = table(csv, &settings);
        assert_eq!(cells(&run)[0][0], first, "{csv}");
        assert!(run.stderr.contains(&format!("WARNING `user_report`{words}")), "{csv}: {}", run.stderr);
    }
    let run = table("a,b\n1\n1,2,3\n", &json!({"on_ragged": "pad"}));
    assert_eq!(run.records("user_report")[1]["_extra"], json!(["3"]));
    let run = table("a,b\n", &json!({}));
    assert_eq!((cells(&run).len(), columns(&run).len()), (0, 2));
    assert!(run.stderr.contains("WARNING `user_report` has a header but no rows"), "{}", run.stderr);
}

/// Two runs, the second with the state and the catalog of the first.
fn twice(first: &str, second: &str) -> (Run, Run) {
    let tap = Tap::new()
        .one()
        .faults(&[&format!("userReport:1:csv={first}"), &format!("userReport:2:csv={second}")]);
    let tap = tap.set("types", "infer".into());
    let server = tap.serve();
    let before = tap.run_on(&server);
    let state = tap.file("state.json", before.state().to_string());
    let discovery = finish(tap.command(&server).arg("--discover").spawn().unwrap(), &server);
    // It lists all there is, and knows the one already.
    assert_eq!((discovery.code, discovery.seen.len()), (0, 3), "{}", discovery.stderr);
    let mut catalog: Value = serde_json::from_str(&discovery.stdout).unwrap();
    catalog["streams"].as_array_mut().unwrap().truncate(1);
    tap.file("one.json", catalog.to_string());
    let after = tap.args(&["--state", &state]).run_on(&server);
    assert_eq!((after.seen.len(), server.sandbox.violations()), (4, Vec::new()));
    (before, after)
}

#[test]
fn columns_moved_added_or_removed_between_runs_are_followed() {
    let (before, after) = twice("a,b,c\n1,x,2\n", "c,new,a\nz,n,1\n");
    assert_eq!(before.records("user_report")[0], json!({"a": 1, "b": "x", "c": 2, "_row_number": 1}));
    // Types hold, values follow their headers.
    let expected = json!({"c": null, "c__text": "z", "a": 1, "b": null, "_row_number": 1});
    assert_eq!(after.records("user_report")[0], expected);
    assert!(
        after.stderr.contains("has 1 new column that the catalog does not list: `new (new)`;"),
        "{}",
        after.stderr
    );
    assert!(after.stderr.contains("lacks 1 column that the last report had: `b (b)`"), "{}", after.stderr);
    let (_, after) = twice("a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", "a\n1\n");
    assert!(
        after.stderr.contains("WARNING `user_report` shrank to 1 row from 11 in the last run"),
        "{}",
        after.stderr
    );
    let (_, after) = twice("a\n1.5\n", "a\n7\n");
    assert_eq!(after.messages()[0]["schema"]["properties"]["a"]["type"], json!(["null", "number"]));
}
