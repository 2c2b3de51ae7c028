//! The setting `run_report`: the file after every kind of end, and that it shows no cell and no secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tap_together::sandbox::API_KEY;

use super::history::History;
use super::run::{PRINT_STATES, command};
use super::schemas::problems;
use super::signals::{signal, until_told};
use super::tap::{Tap, finish};

const SCHEMA: &str = include_str!("../../schemas/run_report.json");

fn reporting(tap: Tap) -> Tap {
    let path = tap.run_report();
    tap.set("run_report", json!(path))
}

/// The report, which fits its schema.
#[track_caller]
fn report(tap: &Tap) -> Value {
    let report = serde_json::from_slice(&fs::read(tap.run_report()).unwrap()).unwrap();
    assert_eq!(problems(SCHEMA, &report), Vec::<String>::new(), "{report}");
    report
}

fn members<'r>(report: &'r Value, name: &str) -> Vec<&'r Value> {
    report["streams"].as_array().unwrap().iter().map(|stream| &stream[name]).collect()
}

#[test]
fn run_report_of_a_sync_has_the_figures_of_its_state_and_log() {
    let tap = reporting(Tap::new());
    let run = tap.run();
    let report = report(&tap);
    assert_eq!((report["exit_code"].as_u64(), &report["error"]), (Some(0), &Value::Null), "{report}");
    assert_eq!((report["requests"].as_u64(), report["streams"].as_array().unwrap().len()), (Some(3), 3));
    for stream in report["streams"].as_array().unwrap() {
        let bookmark = &run.state()["bookmarks"][stream["stream"].as_str().unwrap()];
        for (name, kept) in [
            ("rows", "row_count"),
            ("source", "source"),
            ("sha256", "sha256"),
            ("version", "version"),
            ("completed_at", "completed_at"),
        ] {
            assert_eq!(stream[name], bookmark[kept], "{name}: {stream}");
        }
        assert_eq!((stream["requests"].as_u64(), &stream["error"]), (Some(1), &Value::Null));
    }
    // Two intervals lie between three requests, and the next run waits for one.
    assert!(report["waited_seconds"].as_f64().unwrap() >= 0.15, "{report}");
    assert!(report["next_request_at"].as_str() > report["started_at"].as_str(), "{report}");
    let warnings = members(&report, "warnings").iter().filter_map(|count| count.as_u64()).sum::<u64>();
    let logged = run.stderr.lines().filter(|line| line.starts_with("WARNING")).count() as u64;
    assert_eq!((warnings, report["warnings"].as_u64()), (logged, Some(logged)), "{}", run.stderr);
    assert_eq!(fs::metadata(tap.run_report()).unwrap().permissions().mode() & 0o777, 0o600);
    let text = report.to_string();
    assert!(!text.contains(API_KEY) && !text.contains("Grünwald"), "{text}");
}

#[test]
fn run_report_of_a_changed_report_names_columns_and_counts_mismatches_without_a_cell() {
    let reports = ["a,Gone,n\nx,y,1\n", "a,New Column,n\nx,zebra,aardvark\n"];
    let mut history = History::new(&reports, &json!({"types": "infer"}));
    history.set("run_report", json!(history.tap.run_report()));
    history.run();
    assert_eq!(members(&report(&history.tap), "column_changes"), [&json!([])]);
    history.run();
    let report = report(&history.tap);
    assert_eq!(
        members(&report, "column_changes"),
        [&json!([
            {"header": "New Column", "name": "new_column", "change": "new"},
            {"header": "Gone", "name": "gone", "change": "gone"},
        ])]
    );
    assert_eq!(members(&report, "mismatches"), [&json!([{"header": "n", "name": "n", "cells": 1}])]);
    assert!(!report.to_string().contains("zebra") && !report.to_string().contains("aardvark"), "{report}");
}

#[test]
fn run_report_of_an_unchanged_stream_says_so_and_of_a_full_load_why() {
    let mut history = History::new(&["a\nx\n", "a\nx\n"], &json!({"skip_unchanged": true}));
    history.set("run_report", json!(history.tap.run_report()));
    history.run();
    let first = report(&history.tap);
    assert_eq!(members(&first, "unchanged"), [&json!(false)]);
    assert_eq!(members(&first, "full_load_reason"), [&json!("STATE names no entry of the journal")]);
    history.run();
    let second = report(&history.tap);
    assert_eq!(members(&second, "unchanged"), [&json!(true)]);
    assert_eq!(members(&second, "full_load_reason"), [&Value::Null]);
    assert_eq!(
        (members(&second, "version"), members(&second, "rows")),
        (vec![&Value::Null], vec![&json!(1)])
    );
}

#[test]
fn run_report_of_a_failed_stream_has_its_error_and_the_other_streams() {
    let tap = reporting(Tap::new()).faults(&["pairingReport:csv="]);
    let run = tap.run();
    let report = report(&tap);
    assert_eq!((run.code, report["exit_code"].as_u64()), (65, Some(65)), "{}", run.stderr);
    let errors = members(&report, "error");
    assert!(errors[0].is_null() && errors[2].is_null(), "{report}");
    assert!(run.critical().ends_with(errors[1].as_str().unwrap()), "{}\n{report}", run.critical());
    assert_eq!(members(&report, "rows")[1], &Value::Null);
}

#[test]
fn run_report_after_a_signal_has_its_exit_code_and_the_streams_so_far() {
    let tap = reporting(Tap::new().every(30.0).args(&["--assume-idle"]));
    let server = tap.serve();
    let mut child = tap.command(&server).spawn().unwrap();
    until_told(&mut child, "waiting");
    signal(&child, "TERM");
    assert_eq!(finish(child, &server).code, 143);
    let report = report(&tap);
    assert_eq!(
        (report["exit_code"].as_u64(), members(&report, "stream")),
        (Some(143), vec![&json!("user_report")])
    );
    assert!(report["error"].as_str().unwrap().starts_with("stopped by SIGTERM"), "{report}");
}

#[test]
fn run_report_of_a_killed_run_has_no_end() {
    let tap = reporting(Tap::new().every(30.0).args(&["--assume-idle"]));
    tap.file("report.json", "of an earlier run");
    let server = tap.serve();
    let mut child = tap.command(&server).spawn().unwrap();
    until_told(&mut child, "waiting");
    signal(&child, "KILL");
    finish(child, &server);
    let report = report(&tap);
    assert_eq!((&report["ended_at"], &report["exit_code"]), (&Value::Null, &Value::Null));
}

#[test]
fn run_report_of_the_verb_run_has_the_exit_code_of_the_target() {
    for (script, code) in [("exec 0<&-; exit 3", 3), (PRINT_STATES, 0)] {
        let tap = reporting(Tap::new().one());
        let server = tap.serve();
        let run = finish(command(&tap, &server, script).spawn().unwrap(), &server);
        assert_eq!(
            (run.code, report(&tap)["exit_code"].as_i64()),
            (code, Some(code.into())),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn run_report_that_cannot_be_written_exits_74_before_any_request() {
    let tap = Tap::new();
    let missing = tap.folder.path().join("missing/report.json");
    let run = tap.set("run_report", json!(missing)).run();
    assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (74, 0, ""), "{}", run.stderr);
    assert!(run.critical().contains("cannot write the run report: No such file"), "{}", run.stderr);
}

#[test]
fn run_report_is_not_written_by_verbs_that_sync_nothing() {
    for verb in ["--discover", "--test", "--dry-run"] {
        let tap = reporting(Tap::new()).args(&[verb]);
        assert_eq!(tap.run().code, 0, "{verb}");
        assert!(!tap.run_report().exists(), "{verb}");
    }
}
