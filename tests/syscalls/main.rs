//! The tap killed at every system call from the lock on, the disk failing at each, and a network without names.
//!
//! `strace` injects the faults, so this needs it and the feature of the same name:
//! `cargo test --features strace --test syscalls`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
#![expect(clippy::print_stdout, reason = "the figures are the point")]

#[path = "../it/tap.rs"]
#[expect(dead_code, reason = "the builder is shared with the end-to-end tests")]
mod tap;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use tap::{Run, Server, Tap, finish};

/// Each trace spends its time waiting.
const AT_ONCE: usize = 4;

/// Kills come to whichever thread makes the call.
const ALL_THREADS: &[&str] = &["-f"];
/// The gate works on the first thread alone; a call of the same number on another one wakes the runtime, and no disk
/// has a part in it.
const GATE_THREAD: &[&str] = &[];

/// A system call: its name, its number among those of its name in its thread, and whether that is the gate's and
/// works on the state folder.
struct Point {
    name: String,
    nth: u32,
    on_disk: bool,
}

fn tap() -> Tap {
    Tap::new().args(&["--assume-idle", "--test"])
}

/// The tap under `strace` with these options.
fn traced(tap: &Tap, server: &Server, options: &[&str]) -> Run {
    let inner = tap.command(server);
    let mut command = Command::new("strace");
    command.arg("-qq").args(options).arg(inner.get_program()).args(inner.get_args());
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).stdout(Stdio::piped());
    finish(command.stderr(Stdio::piped()).spawn().unwrap(), server)
}

/// Every system call from the opening of the lock on.
fn points() -> Vec<Point> {
    let tap = tap();
    let log = tap.file("trace", "");
    let run = traced(&tap, &tap.serve(), &["-f", "-y", "-o", &log]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let trace = fs::read_to_string(&log).unwrap();
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut points: Vec<Point> = Vec::new();
    let (mut locking, mut gate) = (false, None);
    for line in trace.lines() {
        let Some((process, call)) = line.split_once(' ') else { continue };
        let Some((name, rest)) = call.trim().split_once('(') else { continue };
        if name.starts_with(['<', '+', '-']) || name.starts_with("exit") {
            continue;
        }
        let gate = *gate.get_or_insert(process);
        // strace counts for each thread and name.
        let count = counts.entry((process.into(), name.into())).or_default();
        *count += 1;
        locking |= rest.contains(".lock\"");
        let on_disk = process == gate && rest.contains("/state");
        match points.iter_mut().find(|point| point.name == name && point.nth == *count) {
            Some(point) => point.on_disk |= on_disk,
            None if locking => points.push(Point { name: name.to_owned(), nth: *count, on_disk }),
            None => {}
        }
    }
    assert!(points.len() > 50, "the trace shows no gate");
    points
}

/// Injects each fault into a run of its own; afterwards a run without faults must find its gap.
fn each(threads: &[&str], faults: &[String], judge: impl Fn(&str, &Run) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let tap = tap();
                    let server = tap.serve();
                    let run = traced(&tap, &server, &[threads, &["-o", "/dev/null", "-e", fault]].concat());
                    judge(fault, &run);
                    let again = finish(tap.command(&server).spawn().unwrap(), &server);
                    assert_eq!(again.code, 0, "after {fault}: {}", again.stderr);
                    assert_eq!(server.sandbox.violations(), Vec::<String>::new(), "after {fault}");
                }
            });
        }
    });
}

#[test]
fn a_kill_at_any_call_keeps_the_gap() {
    let faults: Vec<String> = points()
        .iter()
        .map(|Point { name, nth, .. }| format!("inject={name}:signal=SIGKILL:when={nth}"))
        .collect();
    let killed = AtomicUsize::new(0);
    each(ALL_THREADS, &faults, |_, run| {
        killed.fetch_add(usize::from(run.code == -9), Ordering::Relaxed);
    });
    let killed = killed.into_inner();
    println!("{} calls, {killed} runs killed", faults.len());
    // Numbers of calls vary a little from run to run.
    assert!(killed * 2 > faults.len(), "only {killed} of {} runs were killed", faults.len());
}

#[test]
fn a_disk_that_fails_at_any_call_sends_nothing_unnoted() {
    let points = points();
    let faults: Vec<String> = points
        .iter()
        .filter(|point| point.on_disk)
        .flat_map(|Point { name, nth, .. }| {
            ["ENOSPC", "EROFS", "EIO"].map(|error| format!("inject={name}:error={error}:when={nth}"))
        })
        .collect();
    let refused = AtomicUsize::new(0);
    each(GATE_THREAD, &faults, |fault, run| {
        assert!(matches!(run.code, 0 | 69 | 74), "{fault}: exit {}, {}", run.code, run.stderr);
        if run.stderr.contains("nothing was sent") {
            refused.fetch_add(1, Ordering::Relaxed);
            assert_eq!(run.seen.len(), 0, "{fault}: {}", run.stderr);
        }
    });
    println!("{} failing calls, {refused:?} refusals", faults.len());
    assert!(refused.into_inner() > 0, "no fault hit the ledger");
}

#[test]
fn a_name_that_nobody_resolves_is_unreachable() {
    // No packet leaves the machine: whoever would be asked cannot be reached.
    let fault = "inject=connect,sendto,sendmmsg:error=ENETUNREACH";
    let tap = tap().set("base_url", "https://nothing.example.com".into()).every(60.0);
    let server = tap.serve();
    let run = traced(&tap, &server, &["-f", "-o", "/dev/null", "-e", fault]);
    assert_eq!(run.code, 69, "{}", run.stderr);
    let words = "cannot connect: failed to lookup address information";
    assert!(run.critical().contains(words), "{}", run.stderr);
}
