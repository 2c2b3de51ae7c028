//! Guards before anything is emitted: other separators, unknown columns, repeated headers, lost rows; and `delimiter`.
//!
//! Each test syncs or discovers one report. A refused report exits 65 and emits nothing of its stream.

use serde_json::{Value, json};

use super::tap::{Run, Tap, finish};

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

/// A run after one with 100 rows and the columns `Name` and `Age`.
fn next(csv: &str, settings: &Value) -> Run {
    let tap = tap(csv, settings);
    let column = |name: &str, title: &str| json!({"name": name, "title": title, "type": "string"});
    let columns = [column("name", "Name"), column("age", "Age")];
    let bookmark = json!({"version": 5, "row_count": 100, "columns": columns});
    let state = tap.file("state.json", json!({"bookmarks": {"user_report": bookmark}}).to_string());
    tap.args(&["--state", &state]).run()
}

fn rows(count: usize) -> String {
    format!("Name,Age\n{}", "Ann,7\n".repeat(count))
}

/// Asserts that nothing of the stream was emitted, and returns the error.
#[track_caller]
fn refused(run: &Run) -> &str {
    assert_eq!((run.code, run.stdout.lines().count()), (65, 1), "{}", run.stderr);
    assert!(!run.critical().contains("Ann"), "{}", run.stderr);
    run.critical()
}

/// The digest in the error of a guard.
#[track_caller]
fn digest(run: &Run) -> String {
    let (_, digest) = refused(run).split_once("`accept_columns` to `").unwrap();
    digest.split('`').next().unwrap().to_owned()
}

#[test]
fn other_separator_exits_65_and_names_the_setting_delimiter() {
    for (csv, delimiter, words) in [
        ("Name;Age\nAnn;7\n", ",", "its header is separated by `;` and not by `,`"),
        ("Name\tAge\nAnn\t7\n", ",", "its header is separated by a tab and not by `,`"),
        ("Name|Age\nAnn|7\n", ",", "its header is separated by `|` and not by `,`"),
        ("Name,Age\nAnn,7\n", ";", "its header is separated by `,` and not by `;`"),
        // The commas of a text make several cells, and a row with another number of them.
        ("Name;Goals, wishes;Age\nAnn;a, b;7\nAnn;;\n", ",", "its header is separated by `;` and not by `,`"),
        ("Name;Amount, EUR\nAnn;1,5\n", ",", "its header is separated by `;` and not by `,`"),
    ] {
        let run = table(csv, &json!({"delimiter": delimiter, "on_ragged": "pad"}));
        let error = refused(&run);
        assert!(error.contains(words) && error.contains("; hint: set `delimiter` to "), "{csv}: {error}");
    }
}

#[test]
fn separators_inside_the_texts_of_a_csv_are_accepted() {
    for csv in [
        "Name,Skills; goals\nAnn,a; b\n",
        "Name,\"Skills;goals;wishes\"\nAnn,a;b\nAnn,a;b;c\n",
        "id,Roles|Titles,Name\n1,a|b,Ann\n",
    ] {
        assert_eq!(table(csv, &json!({})).code, 0, "{csv}");
    }
}

#[test]
fn sep_line_of_excel_exits_65() {
    for csv in ["sep=;\nName;Age\nAnn;7\n", "sep=,\nName,Age\nAnn,7\n", "SEP=\t\nName\tAge\n"] {
        let run = table(csv, &json!({"on_ragged": "pad"}));
        assert!(refused(&run).contains("it starts with Excel's line `sep=`"), "{csv}: {}", run.stderr);
    }
}

#[test]
fn report_without_a_remembered_column_exits_65_and_one_of_them_is_enough() {
    let run = next("Ann,7\nBob,8\n", &json!({}));
    let words = "none of its columns is remembered (2 in the header, 2 in the last runs)";
    assert!(refused(&run).contains(words), "{}", run.stderr);
    for header in ["AGE ,x", "x,name"] {
        assert_eq!(next(&format!("{header}\n{}", "1,2\n".repeat(50)), &json!({})).code, 0, "{header}");
    }
}

#[test]
fn repeated_header_exits_65_with_its_line() {
    let run =
        table("Name,\"Age, \"\"y\"\"\"\nAnn,\"7\n8\"\n\n\"Name\",\"Age, \"\"y\"\"\"\nAnn,9\n", &json!({}));
    assert!(refused(&run).contains("its header is repeated in 1 row, first on line 5"), "{}", run.stderr);
    let run = table("Name,Age\nName,Age\nName,Age\n", &json!({}));
    assert!(refused(&run).contains("its header is repeated in 2 rows, first on line 2"), "{}", run.stderr);
    // One equal cell may be a value.
    for csv in ["Name\nAnn\nName\n", "Name,\nName,\n"] {
        assert_eq!(table(csv, &json!({})).records("user_report").last().unwrap()["name"], "Name", "{csv}");
    }
}

#[test]
fn accept_columns_accepts_exactly_the_header_of_the_digest() {
    let repeated = "Name,Age\nName,Age\n";
    for run in [table("Name;Age\nAnn;7\n", &json!({})), table(repeated, &json!({})), next("x\n", &json!({}))]
    {
        assert!(digest(&run).len() == 9, "{}", run.stderr);
    }
    let accepted = digest(&table(repeated, &json!({})));
    let run = table(repeated, &json!({"accept_columns": accepted}));
    assert_eq!(run.records("user_report"), [json!({"name": "Name", "age": "Age", "_row_number": 1})]);
    let run = table(repeated, &json!({"accept_columns": ["c00000000", accepted]}));
    assert_eq!(run.records("user_report").len(), 1);
    let other = "Age,Name\nAge,Name\n";
    assert_ne!(digest(&table(other, &json!({"accept_columns": accepted}))), accepted);
    let unknown = digest(&next("x\n", &json!({})));
    assert_eq!(next("x\n", &json!({"accept_columns": unknown})).code, 0);
}

#[test]
fn discovery_of_another_separator_exits_65_and_remembers_nothing() {
    let tap = tap("Name;Age\nAnn;7\n", &json!({}));
    let server = tap.serve();
    for requests in [1, 2] {
        let run = finish(tap.command(&server).arg("--discover").spawn().unwrap(), &server);
        assert_eq!((run.code, run.stdout.as_str(), run.seen.len()), (65, "", requests), "{}", run.stderr);
        assert!(run.critical().contains("separated by `;`"), "{}", run.stderr);
    }
}

#[test]
fn fail_on_shrink_with_a_share_exits_65_above_it() {
    let run = next(&rows(49), &json!({"fail_on_shrink": 0.5}));
    let words = "lost 51 of 100 rows since the last run, `fail_on_shrink` allows 50";
    assert!(refused(&run).contains(words), "{}", run.stderr);
    for (share, left) in [(json!(0.5), 50), (json!(0.57), 43), (json!(true), 10), (json!(false), 0)] {
        assert_eq!(next(&rows(left), &json!({"fail_on_shrink": share})).code, 0, "{share}");
    }
    let run = next(&rows(9), &json!({"fail_on_shrink": true}));
    assert!(
        refused(&run).contains("lost 91 of 100 rows since the last run, `fail_on_shrink` allows 90"),
        "{}",
        run.stderr
    );
    let run = next(&rows(9), &json!({}));
    let warning = "WARNING `user_report` shrank to 9 rows from 100 in the last run";
    assert!(run.code == 0 && run.stderr.contains(warning), "{}", run.stderr);
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
