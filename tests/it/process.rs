//! Signals, closed pipes, and several taps behind one gate.

use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::json;

use super::tap::{Tap, finish};

pub fn signal(child: &std::process::Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_signal_while_waiting_ends_the_run_with_its_code() {
    for (name, code) in [("-TERM", 143), ("-INT", 130), ("-HUP", 129)] {
        let tap = Tap::new().set("request_interval_seconds", json!(30)).args(&["--log-format", "json"]);
        let server = tap.serve();
        let mut child = tap.command(&server).spawn().unwrap();
        // The first line says that the wait has begun.
        child.stderr.as_mut().unwrap().read_exact(&mut [0; 40]).unwrap();
        signal(&child, name);
        let run = finish(child, &server);
        assert_eq!((run.code, run.seen.len(), run.stdout.as_str()), (code, 0, ""), "{}", run.stderr);
        assert!(run.stderr.lines().last().unwrap().contains("stopped by SIG"), "{}", run.stderr);
    }
}

#[test]
fn a_signal_in_the_middle_of_a_report_emits_nothing_of_it() {
    let tap = Tap::new().faults(&["1:hang=100"]).args(&["--assume-idle"]);
    let server = tap.serve();
    let child = tap.command(&server).spawn().unwrap();
    while server.sandbox.seen().is_empty() {
        std::thread::yield_now();
    }
    signal(&child, "-TERM");
    let run = finish(child, &server);
    assert_eq!((run.code, run.stdout.as_str()), (143, ""));
    let again = tap.run_on(&server);
    assert!(
        again.seen.len() >= 2 && server.sandbox.violations().is_empty(),
        "{:?}",
        server.sandbox.violations()
    );
}

#[test]
fn a_target_that_is_gone_is_named() {
    let tap = Tap::new().rows(20_000).faults(&["chunked"]).args(&["--assume-idle"]);
    let server = tap.serve();
    let mut child = tap.command(&server).spawn().unwrap();
    drop(child.stdout.take());
    let run = finish(child, &server);
    assert_eq!(run.code, 74);
    assert_eq!(
        run.critical(),
        "CRITICAL the target closed the pipe; hint: see the target's own log for the reason"
    );
}

#[test]
fn a_full_disk_is_named() {
    let tap = Tap::new().args(&["--assume-idle"]);
    let server = tap.serve();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = finish(tap.command(&server).stdout(Stdio::from(full)).spawn().unwrap(), &server);
    assert_eq!(run.code, 74);
    assert!(run.critical().contains("cannot write to stdout"), "{}", run.stderr);
}

#[test]
fn six_taps_at_once_keep_one_interval() {
    let tap = Tap::new().set("max_wait_seconds", json!(60)).args(&["--assume-idle"]);
    let server = tap.serve();
    let children: Vec<_> = (0..6).map(|_| tap.command(&server).spawn().unwrap()).collect();
    for child in children {
        finish(child, &server).messages();
    }
    assert_eq!((server.sandbox.seen().len(), server.sandbox.violations()), (18, Vec::new()));
}

#[test]
fn a_killed_tap_costs_its_successor_a_grace() {
    let tap = Tap::new().faults(&["1:hang=100"]).args(&["--assume-idle"]);
    let server = tap.serve();
    let mut child = tap.command(&server).spawn().unwrap();
    while server.sandbox.seen().is_empty() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    tap.run_on(&server).messages();
    assert_eq!(server.sandbox.violations(), Vec::<String>::new());
}

#[test]
fn a_state_folder_that_cannot_be_used_sends_nothing() {
    let tap = Tap::new().set("state_dir", json!("/dev/null/state"));
    let run = tap.run();
    assert_eq!((run.code, run.seen.len()), (74, 0));
    assert!(run.critical().contains("set `state_dir`"), "{}", run.stderr);

    let tap = Tap::new();
    std::os::unix::fs::symlink(tap.folder.path(), tap.state_dir()).unwrap();
    let run = tap.run();
    assert_eq!((run.code, run.seen.len()), (74, 0), "{}", run.stderr);
}

/// Runs the tap under a shell's limit, after `before`.
pub fn limited(tap: &Tap, before: &str) -> super::tap::Run {
    let server = tap.serve();
    let inner = tap.command(&server);
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{before}; exec \"$0\" \"$@\"")])
        .arg(inner.get_program())
        .args(inner.get_args());
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    finish(command.spawn().unwrap(), &server)
}

#[test]
fn a_temporary_folder_that_fails_is_named_and_nothing_is_emitted() {
    // More than the spool keeps in memory.
    let tap = Tap::new().rows(60_000).faults(&["chunked"]).args(&["--assume-idle"]);
    for before in ["export TMPDIR=/nonexistent", "trap '' XFSZ; ulimit -f 64"] {
        let run = limited(&tap, before);
        assert_eq!(
            (run.code, run.stdout.lines().count(), run.seen.len()),
            (74, 1, 1),
            "{before}: {}",
            run.stderr
        );
        let line = run.critical();
        assert!(line.contains("cannot spool the report") && line.contains("`TMPDIR`"), "{line}");
    }
}

#[test]
fn a_ledger_that_cannot_be_written_sends_nothing() {
    let run = limited(&Tap::new().args(&["--assume-idle"]), "trap '' XFSZ; ulimit -f 0");
    assert_eq!((run.code, run.seen.len()), (74, 0), "{}", run.stderr);
    assert!(run.critical().contains("nothing was sent"), "{}", run.stderr);
}

#[test]
fn a_closed_stderr_stops_nothing() {
    let run = limited(&Tap::new().args(&["--assume-idle"]), "exec 2>&-");
    assert_eq!(run.messages().len(), 25);
}

#[test]
fn a_second_signal_does_not_wait() {
    let tap = Tap::new().rows(20_000).faults(&["chunked"]).args(&["--assume-idle"]);
    let server = tap.serve();
    // Nobody reads stdout: the delivery hangs in the middle of a line.
    let mut child = tap.command(&server).spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 1]).unwrap();
    signal(&child, "-TERM");
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(server.sandbox.violations(), Vec::<String>::new());
}

#[test]
fn meltanos_structured_log_is_one_object_a_line() {
    let run = Tap::new().args(&["--assume-idle", "--log-format", "json"]).run();
    run.messages();
    for line in run.stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in ["level", "pid", "logger_name", "ts", "thread_name", "app_name", "message"] {
            assert!(line.get(key).is_some(), "{key}");
        }
    }
    assert!(run.stderr.contains("metric_info"));
}
