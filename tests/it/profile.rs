//! `profile`: one request a report, three forms, a proposal of masks, and no cell without `--values`.

use std::process::Command;

use serde_json::Value;

use super::pty::Pty;
use super::tap::{Run, Tap, finish};

const SCHEMA: &str = include_str!("../../schemas/profile.json");
const FORMATS: [&str; 3] = ["text", "json", "html"];

/// A row of canaries: one cell of each look. `{n}` is the number of the row.
const CANARIES: [(&str, &str); 14] = [
    ("Email", "canary.{n}@example.com"),
    ("Other address", "ask Canaria <canaria.{n}@example.org>"),
    ("First Name", "Canarina"),
    ("Full person", "Canarius {roman} Canarides"),
    ("Mobile", "+1 555 010 {n}77"),
    ("Date of birth", "1984-05-0{n}"),
    ("Employee ID", "canary-000{n}"),
    ("Passport", "31415926535{n}"),
    ("Salary", "27182.8{n}"),
    ("Hired", "1999-12-31T23:59:5{n}Z"),
    ("Feedback?", "Canaries sing\nin cage {n}, says Canarella"),
    ("Location", "https://canary.example.com/j/{n}?pwd=canarypass"),
    ("Employee Status", "canary-on-leave"),
    ("Anything", "canary word"),
];

fn profile(tap: Tap, arguments: &[&str]) -> Run {
    tap.args(&["profile"]).args(arguments).run()
}

/// Cells and CSV of a report with a canary in every column of every row.
fn canaries() -> (Vec<String>, String) {
    let rows = 1..=9;
    let cell =
        |form: &str, row: usize| form.replace("{n}", &row.to_string()).replace("{roman}", &"I".repeat(row));
    let cells = rows.flat_map(|row| CANARIES.map(|(_, form)| cell(form, row))).collect::<Vec<_>>();
    let lines = cells.chunks(CANARIES.len()).map(|row| row.join("\",\"")).collect::<Vec<_>>();
    let header = CANARIES.map(|(header, _)| header).join(",");
    (cells, format!("{header}\n\"{}\"\n", lines.join("\"\n\"")))
}

fn problems(profile: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    validator.iter_errors(profile).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[track_caller]
fn json(run: &Run) -> Value {
    let profile: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    assert_eq!(problems(&profile), Vec::<String>::new());
    profile
}

/// A column of the first stream.
fn column<'a>(profile: &'a Value, name: &str) -> &'a Value {
    let columns = profile["streams"][0]["columns"].as_array().unwrap();
    columns.iter().find(|column| column["name"] == name).unwrap()
}

#[test]
fn profile_sends_one_request_a_report_and_validates_against_its_schema() {
    for (arguments, shows_values) in
        [(&["--format", "json"][..], false), (&["--format", "json", "--values"], true)]
    {
        let run = profile(Tap::new(), arguments);
        assert_eq!((run.code, run.seen.len()), (0, 3), "{}", run.stderr);
        let mut profile = json(&run);
        let streams: Vec<&str> = profile["streams"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stream| stream["stream"].as_str().unwrap())
            .collect();
        assert_eq!(streams, ["user_report", "pairing_report", "session_report"]);
        assert_eq!(profile["shows_values"], shows_values);
        let email = column(&profile, "email");
        assert_eq!((&email["looks_like"], &email["mask"]["rule"]), (&"e-mail".into(), &"hash".into()));
        assert_eq!(email.get("values").is_some(), shows_values);
        profile["shows_values"] = (!shows_values).into();
        assert_eq!(problems(&profile).is_empty(), !shows_values, "values without `shows_values` are refused");
    }
}

#[test]
fn profile_shows_no_cell_in_any_format_in_the_log_or_in_a_file() {
    let (cells, csv) = canaries();
    for format in FORMATS {
        let tap = Tap::new();
        let file = tap.file("canaries.csv", &csv);
        let tap = tap.faults(&[&format!("csv-file={file}")]).args(&["profile", "--format", format]);
        let run = tap.run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        let state = std::fs::read_dir(tap.state_dir()).unwrap();
        let files: Vec<u8> = state.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
        let files = String::from_utf8_lossy(&files);
        let written = format!("{}{}{files}", run.stdout, run.stderr).to_lowercase();
        for cell in &cells {
            let parts = cell.split(['\n', '<']).chain([&cell[..]]);
            for part in parts.map(str::to_lowercase) {
                assert!(!written.contains(part.trim()), "{format}: {part}");
            }
        }
        for word in ["canar", "31415", "27182", "05-0", "23:59"] {
            assert!(!written.contains(word), "{format}: {word}");
        }
        // The headers and the coarse ranges are shown.
        for word in ["date of birth", "1984", "1999"] {
            assert!(written.contains(word), "{format}: {word}");
        }
    }
}

#[test]
fn profile_of_an_unusable_report_shows_no_cell_and_names_the_stream() {
    let (_, csv) = canaries();
    let tap = Tap::new();
    let ragged = tap.file("ragged.csv", csv + "canary,canary\n");
    let run = tap
        .faults(&[&format!("pairingReport:csv-file={ragged}")])
        .args(&["profile", "--format", "json"])
        .run();
    assert_eq!((run.code, run.seen.len()), (65, 3), "{}", run.stderr);
    let profile = json(&run);
    assert_eq!(profile["failed"], serde_json::json!(["pairing_report"]));
    assert_eq!(profile["streams"].as_array().unwrap().len(), 2);
    assert!(run.critical().contains("cannot use the report of `pairing_report`: "), "{}", run.stderr);
    assert!(!format!("{}{}", run.stdout, run.stderr).to_lowercase().contains("canar"), "{}", run.stderr);
}

#[test]
fn profile_with_refused_credentials_prints_nothing_and_exits_77() {
    let run = profile(Tap::new().faults(&["401"]), &["--format", "html"]);
    assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (77, 1, ""), "{}", run.stderr);
}

#[test]
fn profile_with_values_shows_cells_and_says_so() {
    let (_, csv) = canaries();
    for (format, notice) in FORMATS.into_iter().zip(["shows cells", "\"shows_values\": true", "shows cells"])
    {
        let tap = Tap::new();
        let file = tap.file("canaries.csv", &csv);
        let tap = tap.faults(&[&format!("csv-file={file}")]);
        let run = profile(tap, &["--values", "--format", format]);
        for word in [notice, "canary-on-leave", "27182.81", "1984-05-09"] {
            assert!(run.stdout.contains(word), "{format}: {word}: {}", run.stdout);
        }
        assert!(!run.stderr.to_lowercase().contains("canar"), "{}", run.stderr);
    }
}

#[test]
fn profile_finds_what_each_column_looks_like_and_proposes_a_mask() {
    let (_, csv) = canaries();
    let tap = Tap::new();
    let file = tap.file("canaries.csv", &csv);
    let run = profile(tap.faults(&[&format!("csv-file={file}")]), &["--format", "json"]);
    let profile = json(&run);
    for (name, look, rule) in [
        ("email", "e-mail", "hash"),
        ("other_address", "free text", "drop"),
        ("first_name", "name", "drop"),
        ("mobile", "phone", "drop"),
        ("date_of_birth", "birth date", "year"),
        ("employee_id", "id", "hash"),
        ("passport", "number", "drop"),
        ("salary", "number", "drop"),
        ("hired", "date", "keep"),
        ("feedback", "free text", "drop"),
        ("location", "link", "drop"),
        ("employee_status", "category", "drop"),
    ] {
        let found = column(&profile, name);
        assert_eq!((&found["looks_like"], &found["mask"]["rule"]), (&look.into(), &rule.into()), "{name}");
    }
    let masks = profile["masks"]["user_report"].as_object().unwrap();
    assert_eq!(masks.len(), CANARIES.len() + 1);
    assert_eq!(masks["*"], "null");
}

#[test]
fn profile_masks_can_be_pasted_into_the_config() {
    let run = profile(Tap::new(), &["--format", "json"]);
    let masks = json(&run)["masks"].take();
    let tap = Tap::new().set("masks", masks).set("mask_key", "0123456789abcdef-mask".into());
    let records = tap.run().records("user_report");
    assert!(records.iter().all(|record| record.get("first_name").is_none()), "{records:?}");
    assert!(!format!("{records:?}").contains("@example"), "{records:?}");
    assert_eq!(records[0]["user_id"], "usr_0001");
}

#[test]
fn profile_reads_cells_as_the_settings_say() {
    let tap = Tap::new();
    let file = tap.file("cells.csv", "a,b,c\n 1 ,N/A,2025-05-06T07:08:09\n2,7,2025-05-06T07:08:10\n");
    let tap = tap.faults(&[&format!("csv-file={file}")]).set("null_values", serde_json::json!(["N/A"]));
    let tap = tap.set("trim", true.into()).set("timezone", "Europe/Berlin".into());
    let profile = json(&profile(tap, &["--format", "json", "--values"]));
    for (name, column_type, filled) in [("a", "number", 2), ("b", "number", 1), ("c", "date-time", 2)] {
        let found = column(&profile, name);
        assert_eq!((&found["type"], &found["filled"]), (&column_type.into(), &filled.into()), "{found}");
    }
    assert_eq!(column(&profile, "c")["values"]["range"][0], "2025-05-06T07:08:09");
}

#[test]
fn profile_of_more_columns_than_one_pass_reads_each_of_them() {
    let line = |cell: &dyn Fn(usize) -> String| (0..100).map(cell).collect::<Vec<_>>().join(",") + "\n";
    let csv = line(&|n| format!("c{n}")) + &line(&|n| "x".repeat(n)) + &line(&|n| "y".repeat(n % 7));
    let tap = Tap::new();
    let file = tap.file("wide.csv", csv);
    let run = profile(tap.faults(&[&format!("csv-file={file}")]), &["--format", "json"]);
    let profile = json(&run);
    for n in [1, 31, 32, 33, 64, 99] {
        let found = column(&profile, &format!("c{n}"));
        assert_eq!(found["length"]["longest"], n, "{found}");
        assert_eq!(found["filled"], 1 + u64::from(n % 7 > 0), "{found}");
    }
}

#[test]
fn profile_ignores_files_before_it_and_a_key_that_is_not_unique() {
    let tap = Tap::new().set("key_properties", serde_json::json!({"user_report": ["title"]}));
    let none = r#"{"streams":[{"tap_stream_id":"user_report","metadata":[{"breadcrumb":[],"metadata":{"selected":false}}]}]}"#;
    let deselected = tap.file("none.json", none);
    let run = profile(
        tap.args(&["--catalog", &deselected, "--state", "/nonexistent-is-not-ours"]),
        &["--format", "json"],
    );
    assert_eq!((run.code, run.seen.len()), (0, 3), "{}", run.stderr);
    assert_eq!(json(&run)["streams"][0]["columns"].as_array().unwrap().len(), 25);
}

#[test]
fn profile_with_a_catalog_shows_every_column_of_the_selected_streams() {
    let tap = Tap::new();
    let one = r#"{"streams":[{"tap_stream_id":"user_report","schema":{},"metadata":[{"breadcrumb":["properties","email"],"metadata":{"selected":false}}]}]}"#;
    let one = tap.file("one.json", one);
    let run = profile(tap, &["--format", "json", "--catalog", &one]);
    let profile = json(&run);
    assert_eq!((run.seen.len(), profile["streams"].as_array().unwrap().len()), (1, 1), "{}", run.stderr);
    assert_eq!(column(&profile, "email")["looks_like"], "e-mail");
}

#[test]
fn profile_of_the_sandbox_needs_no_config() {
    let tap = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_tap-together")).args(arguments).env_clear().output().unwrap()
    };
    for arguments in
        [&["profile", "--sandbox", "--rows", "40"][..], &["--sandbox", "--rows", "40", "profile"]]
    {
        let output = tap(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains("user_report: 40 rows, 25 columns"), "{text}");
        assert!(text.contains("\nNAME ") && text.trim_end().ends_with('}'), "{text}");
    }
    for (arguments, message) in [
        (&["profile", "--rows", "7"][..], "`--rows` requires `--sandbox`"),
        (
            &["profile", "--format", "markdown"],
            "`--format` has an invalid value; hint: give one of text, json, html",
        ),
    ] {
        let output = tap(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{stderr}");
        assert!(stderr.starts_with(&format!("CRITICAL {message}")), "{stderr}");
    }
}

#[test]
fn profile_shows_its_progress_on_a_terminal_only() {
    let (stderr, pty) = Pty::open(80);
    let tap = Tap::new().rows(5_000).faults(&["chunked"]).args(&["profile"]);
    let server = tap.serve();
    let mut command = tap.command(&server);
    let child = command.env("TERM", "xterm").stderr(stderr).spawn().unwrap();
    drop(command);
    assert_eq!(finish(child, &server).code, 0);
    let live = pty.shown().live();
    assert!(live.iter().any(|line| line.contains("profiles user_report: ")), "{live:?}");
    let piped = tap.run();
    assert!(!piped.stderr.contains("profiles"), "{}", piped.stderr);
}

#[test]
fn profile_with_a_closed_stdout_exits_74_before_a_request() {
    let run = Tap::new().args(&["profile"]).run_after("exec >&-");
    assert_eq!((run.code, run.seen.len()), (74, 0), "{}", run.stderr);
}
