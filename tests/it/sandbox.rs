//! The sandbox as a user sees it: `--data`, `--evolve`, and the list of faults in `--help`.

use std::process::{Command, Output};

use super::raw_server::Wire;
use super::tap::Tap;

fn tap(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tap-together")).args(arguments).env_clear().output().unwrap()
}

#[test]
fn embedded_sandbox_serves_the_day_that_evolve_names() {
    let records = |arguments: &[&str]| {
        let output = tap(&[&["--sandbox"], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        text.lines().filter(|line| line.contains(r#""type":"RECORD""#)).collect::<Vec<_>>().join("\n")
    };
    let (first, second) = (records(&[]), records(&["--evolve", "1"]));
    assert!(first.contains(r#""title":"Analyst""#) && !first.contains("usr_0004"), "{first}");
    assert!(second.contains(r#""title":"Senior Analyst""#) && second.contains("usr_0004"), "{second}");
    assert!(records(&["--rows", "4", "--data", "nasty"]).contains("usr_x000004"));
}

#[test]
fn embedded_sandbox_with_a_config_for_another_api_sends_nothing_there() {
    let api = Wire::saying(vec![b"HTTP/1.1 500 Words\r\ncontent-length: 0\r\n\r\n".to_vec()]);
    let folder = Tap::new();
    let config = folder.file("config.json", format!(r#"{{"base_url":"{}"}}"#, api.url()));
    for verb in ["--test", "--discover"] {
        let output = tap(&["--sandbox", "--config", &config, verb]);
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), api.connections()), (Some(2), 0), "{verb}: {log}");
        assert!(log.contains("cannot use `--sandbox`: the config names another API"), "{verb}: {log}");
    }
}

#[test]
fn sandbox_days_sync_with_the_state_of_the_day_before() {
    let mut tap = Tap::new().rows(60).every(0.05);
    let mut before = None;
    for day in 0..=10 {
        tap = tap.day(day);
        if let Some(state) = before {
            let state = tap.file("state.json", state);
            tap = if day == 1 { tap.args(&["--state", &state]) } else { tap };
        }
        let run = tap.run();
        assert!(run.records("user_report").len() >= 60, "day {day}");
        before = Some(run.state().to_string());
    }
}

#[test]
fn help_of_the_sandbox_lists_the_faults() {
    let help = String::from_utf8(tap(&["sandbox", "--help"]).stdout).unwrap();
    for fault in ["STATUS", "retry-after=TEXT", "chunked", "cut=BYTES", "csv-file=FILE"] {
        assert!(help.lines().any(|line| line.trim().starts_with(fault)), "{fault}: {help}");
    }
}
