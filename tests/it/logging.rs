//! The log on stderr: it never blocks the run, and shows foreign text safely.
//!
//! A stderr that nobody reads is a full pipe here. Levels and formats are chosen as Meltano chooses them.

use std::io::{PipeReader, PipeWriter, Write};

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::tap::{Tap, ended, finish};

/// A pipe that is full and that nobody reads.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    while writer.write(b"x").is_ok() {}
    fcntl_setfl(&writer, OFlags::empty()).unwrap();
    (reader, writer)
}

#[test]
fn stderr_that_nobody_reads_never_stops_the_run() {
    for (faults, code, schemas) in [(&[][..], 0, 3), (&["userReport:400"], 69, 2)] {
        let tap = Tap::new().faults(faults);
        let server = tap.serve();
        let (_reader, full) = full_pipe();
        let child = tap.command(&server).stderr(full).spawn().unwrap();
        let run = finish(ended(child), &server);
        assert_eq!((run.code, run.seen.len()), (code, 3), "{faults:?}");
        assert_eq!(run.stdout.matches(r#""type":"SCHEMA""#).count(), schemas, "{faults:?}");
        assert_eq!(tap.run_on(&server).code, code, "{faults:?}");
        assert_eq!(server.sandbox.violations(), Vec::<String>::new(), "{faults:?}");
    }
}

#[test]
fn stderr_that_nobody_reads_leaves_signals_working() {
    let tap = Tap::new().faults(&["delay=600000"]);
    let server = tap.serve();
    let (_reader, full) = full_pipe();
    let child = tap.command(&server).stderr(full).spawn().unwrap();
    while server.sandbox.seen().is_empty() {
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(finish(ended(child), &server).code, 143);
}

#[test]
fn new_columns_are_one_warning_with_twenty_names() {
    let header: Vec<String> = (1..=25).map(|n| format!("c{n}")).collect();
    let tap = Tap::new().faults(&[&format!("csv={}\n", header.join(","))]);
    let catalog = r#"{"streams":[{"tap_stream_id":"user_report","schema":{"properties":{"c1":{}}}}]}"#;
    let path = tap.file("catalog.json", catalog);
    let run = tap.args(&["--catalog", &path]).run();
    assert_eq!(run.stderr.matches("new column").count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("has 24 new columns that the catalog does not list: `c2 (c2)`, `c3 (c3)`,"));
    assert!(
        run.stderr.contains("`c21 (c21)` and 4 more; left out until discovery runs again"),
        "{}",
        run.stderr
    );
}

#[test]
fn control_characters_from_a_catalog_are_escaped_on_stderr() {
    let tap = Tap::new();
    let catalog = json!({"streams": [{"tap_stream_id": "a\u{1b}[31mb\r\nCRITICAL c"}]});
    let path = tap.file("catalog.json", catalog.to_string());
    let run = tap.args(&["--catalog", &path]).run();
    assert!(run.stderr.contains(r"a stream `a\u{1b}[31mb\r\nCRITICAL c` that"), "{}", run.stderr);
    assert!(!run.stderr.contains(['\u{1b}', '\r']), "{}", run.stderr);
}

#[test]
fn error_body_that_resembles_the_api_key_is_withheld() {
    // No exact spelling of the key, but its letters.
    for body in ["SANDBOX_KEY", "s.a.n.d.b.o.x k.e.y", "&#x73;andbox%2dke\\u0079", "c2FuZGJveC1rZXk="] {
        let body = json!({"message": format!("unknown key {body}")});
        let run = Tap::new().one().faults(&["400", &format!("body={body}")]).run();
        assert_eq!(run.code, 69, "{}", run.stderr);
        assert!(run.critical().contains("(withheld: it resembles a secret)"), "{}", run.stderr);
        assert!(!run.stderr.contains("unknown key"), "{}", run.stderr);
    }
}

#[test]
fn error_that_quotes_a_name_that_resembles_the_api_key_withholds_it() {
    let twice = json!({"streams": [{"tap_stream_id": "SANDBOX_KEY"}, {"tap_stream_id": "SANDBOX_KEY"}]});
    let state = json!({"bookmarks": {"SANDBOX_KEY": {"version": "x"}}});
    let (catalog, bookmark) = (Tap::new(), Tap::new());
    let catalog_file = catalog.file("catalog.json", twice.to_string());
    let state_file = bookmark.file("state.json", state.to_string());
    let no_key = json!({"user_report": ["SANDBOX_KEY"]});
    for (tap, words) in [
        (catalog.args(&["--catalog", &catalog_file]), "the stream `"),
        (bookmark.args(&["--state", &state_file]), "of the bookmark `"),
        (Tap::new().one().set("key_properties", no_key), "the key column `"),
    ] {
        let run = tap.run();
        let words = format!("{words}(withheld: it resembles a secret)` is");
        assert!(run.critical().contains(&words) && !run.stderr.contains("SANDBOX_KEY"), "{}", run.stderr);
    }
}

#[test]
fn singer_sdk_log_config_sets_format_and_level() {
    let structured = json!({"()": "singer_sdk.logging.StructuredFormatter"});
    let is_json = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object());
    for (formatter, level, arguments, json_lines, has_info) in [
        (&structured, "INFO", &[][..], true, true),
        (&structured, "WARNING", &[], true, false),
        (&structured, "INFO", &["--log-format", "text"], false, true),
        (&json!({"format": "{message}"}), "DEBUG", &[], false, true),
        (&json!({"format": "{message}"}), "ERROR", &[], false, false),
    ] {
        let case = format!("{formatter} {level} {arguments:?}");
        let tap = Tap::new().faults(&["userReport:400"]).args(arguments);
        let config = json!({"formatters": {"singer_formatter": formatter}, "root": {"level": level}});
        let path = tap.file("log.json", config.to_string());
        let server = tap.serve();
        let child = tap.command(&server).env("SINGER_SDK_LOG_CONFIG", path).spawn().unwrap();
        let run = finish(child, &server);
        assert_eq!(run.code, 69, "{case}: {}", run.stderr);
        assert!(run.stderr.lines().all(|line| is_json(line) == json_lines), "{case}: {}", run.stderr);
        let is_info = |line: &str| line.starts_with("INFO ") || line.contains(r#""level":"info""#);
        assert_eq!(run.stderr.lines().any(is_info), has_info, "{case}: {}", run.stderr);
    }
}
