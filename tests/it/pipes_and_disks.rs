//! Pipes and disks that fail, and several taps behind one gate.

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;
use tap_together::api::ledger::{LedgerRead, Phase};

use super::signals::signal;
use super::tap::{Tap, finish};

/// Less than the three reports that have arrived, more than one piece of the spool's and the program itself.
const STOPPED: u64 = 56 << 20;

#[test]
fn signal_during_a_download_emits_nothing_of_the_report() {
    let tap = Tap::new().every(0.5).faults(&["1:hang=100"]);
    let server = tap.serve();
    let child = tap.command(&server).spawn().unwrap();
    while server.sandbox.seen().is_empty() {
        std::thread::yield_now();
    }
    signal(&child, "TERM");
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
fn closed_stdout_pipe_names_the_target() {
    let tap = Tap::new().rows(5_000);
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

#[cfg(target_os = "linux")]
#[test]
fn full_disk_on_stdout_fails_with_a_hint() {
    let tap = Tap::new();
    let server = tap.serve();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = finish(tap.command(&server).stdout(Stdio::from(full)).spawn().unwrap(), &server);
    assert_eq!(run.code, 74);
    assert!(run.critical().contains("cannot write to stdout"), "{}", run.stderr);
}

#[test]
fn rate_limit_holds_for_six_concurrent_taps() {
    let tap = Tap::new().set("max_wait_seconds", json!(60));
    let server = tap.serve();
    let children: Vec<_> = (0..6).map(|_| tap.command(&server).spawn().unwrap()).collect();
    for child in children {
        finish(child, &server).messages();
    }
    assert_eq!((server.sandbox.seen().len(), server.sandbox.violations()), (18, Vec::new()));
}

#[test]
fn killed_tap_makes_the_next_run_wait_the_grace() {
    let tap = Tap::new().every(0.5).faults(&["1:hang=100"]);
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

/// A report with this number of kilobytes.
fn report(kilobytes: usize) -> String {
    format!("csv=a\n{}", ("x".repeat(1_000) + "\n").repeat(kilobytes))
}

#[cfg(target_os = "linux")]
#[test]
fn spool_on_a_full_temporary_folder_emits_nothing() {
    for before in [
        "export TMPDIR=/nonexistent",
        "export TMPDIR=/proc",
        "export TMPDIR=/dev/null",
        "trap '' XFSZ; ulimit -f 64",
    ] {
        // More than the spool keeps in memory. A server in a debug build takes long to escape a large report.
        let tap = Tap::new().faults(&[&report(9_000)]).set("request_timeout_seconds", 30.into());
        let run = tap.run_after(before);
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
fn ledger_that_cannot_be_written_sends_no_request() {
    let run = Tap::new().run_after("trap '' XFSZ; ulimit -f 0");
    assert_eq!((run.code, run.seen.len()), (74, 0), "{}", run.stderr);
    assert!(run.critical().contains("nothing was sent"), "{}", run.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn stderr_closed_or_full_never_stops_the_run() {
    for before in ["exec 2>&-", "exec 2>/dev/full"] {
        let run = Tap::new().run_after(before);
        assert_eq!(run.messages().len(), 25, "{before}");
    }
}

#[test]
fn closed_standard_streams_never_write_into_our_files() {
    // The first files to be opened must not become the streams.
    for (closed, code, requests) in [("<&- 2>&-", 0, 3), ("<&- >&- 2>&-", 74, 0)] {
        let tap = Tap::new();
        let server = tap.serve();
        let child = tap.command_after(&format!("exec {closed}"), &server).spawn().unwrap();
        let run = finish(child, &server);
        assert_eq!((run.code, run.seen.len()), (code, requests), "{closed}");
        if requests > 0 {
            let LedgerRead::Found(entry) = tap.store(&server.sandbox.url()).read().unwrap() else {
                panic!("the ledger is damaged")
            };
            assert_eq!(entry.phase, Phase::Done);
        }
    }
}

/// The most that a process has had in memory.
#[cfg(target_os = "linux")]
fn peak(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn backpressure_of_a_slow_target_uses_no_memory() {
    let tap = Tap::new().faults(&[&report(24_000)]).set("request_timeout_seconds", 30.into());
    let server = tap.serve();
    let mut child = tap.command(&server).spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 1]).unwrap();
    // Meanwhile all three reports arrive, and each waits for the one before it.
    while server.sandbox.seen().iter().filter(|seen| seen.finished.is_some()).count() < 3 {
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let peak = peak(&child);
    assert!(peak < STOPPED, "{peak} bytes in memory");
    let run = finish(child, &server);
    assert_eq!((run.code, run.stdout.matches(r#""type":"RECORD""#).count()), (0, 72_000), "{}", run.stderr);
    assert!(run.stdout.ends_with("\"currently_syncing\":null}}\n"));
}

#[test]
fn json_log_for_meltano_is_one_object_per_line() {
    let run = Tap::new().args(&["--log-format", "json"]).run();
    run.messages();
    for line in run.stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in ["level", "pid", "logger_name", "ts", "thread_name", "app_name", "message"] {
            assert!(line.get(key).is_some(), "{key}");
        }
    }
    assert!(run.stderr.contains("metric_info"));
}
