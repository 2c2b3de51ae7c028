//! `run` and signals: they are passed on to the target, which is killed if it does not end.

use std::process::Child;

use serde_json::{Value, json};

use super::run::{PRINT_STATES, codes, command, kept, slow, state_file, under, versions};
use super::signals::{signal, signals, until_told};
use super::tap::{Server, Tap, ended, finish};

/// A run that waits for its second request, with one state kept.
fn waiting(tap: &Tap, server: &Server, script: &str) -> Child {
    let mut child = command(tap, server, script).spawn().unwrap();
    until_told(&mut child, "sync_duration");
    // The state follows the message on its own way.
    while !state_file(tap).exists() {
        std::thread::yield_now();
    }
    child
}

#[test]
fn run_passes_a_signal_to_the_target_and_keeps_the_state() {
    for (name, code) in signals() {
        let tap = slow();
        let server = tap.serve();
        let script = format!("trap 'exit 7' {name}; {PRINT_STATES} & wait $!");
        // A background process of a shell ignores SIGINT and reads nothing, unless it is told what.
        let script = script.replace(" & ", " <&3 & ");
        let child = waiting(&tap, &server, &format!("exec 3<&0; {script}"));
        signal(&child, name);
        let run = finish(ended(child), &server);
        assert_eq!((run.code, run.seen.len()), (code, 1), "{name}: {}", run.stderr);
        assert_eq!(codes(&run), format!("INFO exit codes: tap {code}, target 7"), "{name}");
        assert_eq!(run.critical(), format!("CRITICAL stopped by SIG{name}; hint: run again to go on"));
        assert_eq!(versions(&kept(&tap)).len(), 1, "{name}");
    }
}

#[test]
fn run_signal_before_the_target_starts_ends_the_run() {
    let tap = Tap::new();
    let script = format!("echo > {}; exec sleep 20", tap.folder.path().join("began").display());
    let tap = tap.set("api_key", Value::Null).set("api_key_command", json!(["sh", "-c", script]));
    let server = tap.serve();
    let child = command(&tap, &server, "touch started; cat").spawn().unwrap();
    while !tap.folder.path().join("began").exists() {
        std::thread::yield_now();
    }
    signal(&child, "TERM");
    let run = finish(ended(child), &server);
    assert_eq!((run.code, run.seen.len(), codes(&run)), (143, 0, ""), "{}", run.stderr);
    assert!(!tap.folder.path().join("started").exists());
}

/// Ignores every signal that can be ignored, and the end of its input.
fn ignoring() -> String {
    format!("trap '' TERM INT HUP; {PRINT_STATES}; echo deaf >&2; exec sleep 600")
}

#[test]
fn run_target_that_ignores_signals_is_killed_after_the_grace() {
    let tap = slow();
    let server = tap.serve();
    let child = waiting(&tap, &server, &ignoring());
    signal(&child, "TERM");
    let run = finish(ended(child), &server);
    assert_eq!((run.code, codes(&run)), (143, "INFO exit codes: tap 143, target 137"), "{}", run.stderr);
    assert_eq!(versions(&kept(&tap)).len(), 1);
}

#[test]
fn run_second_signal_kills_a_target_that_ignores_signals_at_once() {
    let tap = slow();
    let server = tap.serve();
    let mut child = waiting(&tap, &server, &ignoring());
    signal(&child, "TERM");
    until_told(&mut child, "deaf\n");
    signal(&child, "TERM");
    let run = finish(ended(child), &server);
    assert_eq!((run.code, codes(&run)), (143, "INFO exit codes: tap 143, target 137"), "{}", run.stderr);
}

#[test]
fn run_with_sigchld_ignored_by_its_parent_still_gets_the_exit_code() {
    let tap = Tap::new();
    let server = tap.serve();
    let child = under(&command(&tap, &server, &format!("{PRINT_STATES}; exit 3")), "trap '' CHLD");
    let run = finish(child, &server);
    assert_eq!((run.code, codes(&run)), (3, "INFO exit codes: tap 0, target 3"), "{}", run.stderr);
}

#[test]
fn run_signal_while_the_target_finishes_is_passed_on() {
    let tap = Tap::new();
    let server = tap.serve();
    let mut child =
        command(&tap, &server, &format!("{PRINT_STATES}; echo late >&2; exec sleep 600")).spawn().unwrap();
    until_told(&mut child, "late\n");
    signal(&child, "TERM");
    let run = finish(ended(child), &server);
    assert_eq!(run.code, 143, "{}", run.stderr);
    assert_eq!(run.critical(), "CRITICAL stopped by SIGTERM; hint: run again to go on");
    assert_eq!(versions(&kept(&tap)).len(), 3);
}
