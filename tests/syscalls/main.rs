//! The tap under `strace`, which injects faults: SIGKILL at every system call from the lock on, a disk that fails or hangs
//! at each call on the state folder, and a network without name resolution. The order of fsyncs is checked, too.
//!
//! Needs `strace` and the feature of that name: `cargo test --features strace --test syscalls`.

#![expect(clippy::unwrap_used, reason = "an error fails the test at its line")]
#![expect(clippy::print_stdout, reason = "the tests report their figures")]

#[path = "../it/tap.rs"]
#[expect(dead_code, reason = "the builder is shared with the end-to-end tests")]
mod tap;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tap::{Run, Server, Tap, finish};

/// Runs at once. A run mostly waits, so there can be more than cores.
const AT_ONCE: usize = 4;
/// The placeholder for the path of the state folder in options.
const STATE: &str = "STATE";

/// A system call: its name, and its number from 1 among the calls of that name in its thread.
#[derive(PartialEq, Eq)]
struct Point {
    name: String,
    nth: u32,
}

fn tap() -> Tap {
    Tap::new().args(&["--assume-idle", "--test"])
}

/// The tap under `strace` with these options.
fn under_strace(tap: &Tap, server: &Server, options: &[&str]) -> Command {
    let inner = tap.command(server);
    let mut command = Command::new("strace");
    command.arg("-qq").args(options).arg(inner.get_program()).args(inner.get_args());
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    command
}

fn traced(tap: &Tap, server: &Server, options: &[&str]) -> Run {
    finish(under_strace(tap, server, options).spawn().unwrap(), server)
}

/// The thread, name and arguments of every system call of a run that succeeds.
fn trace(options: &[&str]) -> Vec<(String, String, String)> {
    let tap = tap();
    let log = tap.file("trace", "");
    let state = tap.state_dir();
    let options: Vec<&str> = options
        .iter()
        .map(|option| if *option == STATE { state.to_str().unwrap() } else { *option })
        .collect();
    let run = traced(&tap, &tap.serve(), &[&["-f", "-y", "-o", &log], &options[..]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let trace = fs::read_to_string(&log).unwrap();
    let calls = trace.lines().filter_map(|line| {
        let (thread, call) = line.split_once(' ')?;
        let (name, arguments) = call.trim().split_once('(')?;
        let is_call = !name.starts_with(['<', '+', '-']) && !name.starts_with("exit");
        is_call.then(|| (thread.to_owned(), name.to_owned(), arguments.to_owned()))
    });
    calls.collect()
}

/// The points of a trace, from the first call on whose arguments `begins` accepts.
fn points(calls: &[(String, String, String)], begins: fn(&str) -> bool) -> Vec<Point> {
    let mut counts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut points: Vec<Point> = Vec::new();
    let mut has_begun = false;
    for (thread, name, arguments) in calls {
        // strace counts the calls of each name in each thread.
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        has_begun |= begins(arguments);
        let point = Point { name: name.clone(), nth: *count };
        if has_begun && !points.contains(&point) {
            points.push(point);
        }
    }
    points
}

/// Injects each fault, given as options of `strace`, into a run and checks the run. A run without faults after it must
/// succeed and keep the rate limit.
fn each(faults: &[Vec<String>], check: impl Fn(&[String], &Run) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let tap = tap();
                    let state = tap.state_dir();
                    let options = fault.iter().map(|option| {
                        if option == STATE { state.to_str().unwrap() } else { option.as_str() }
                    });
                    let options: Vec<&str> = ["-f", "-o", "/dev/null"].into_iter().chain(options).collect();
                    let server = tap.serve();
                    let run = traced(&tap, &server, &options);
                    check(fault, &run);
                    let again = finish(tap.command(&server).spawn().unwrap(), &server);
                    assert_eq!(again.code, 0, "after {fault:?}: {}", again.stderr);
                    assert_eq!(server.sandbox.violations(), Vec::<String>::new(), "after {fault:?}");
                }
            });
        }
    });
}

#[test]
fn sigkill_at_any_system_call_keeps_the_interval() {
    let points = points(&trace(&[]), |arguments| arguments.contains(".lock\""));
    assert!(points.len() > 50, "the trace shows no gate");
    let faults: Vec<_> = points
        .iter()
        .map(|Point { name, nth }| vec!["-e".into(), format!("inject={name}:signal=SIGKILL:when={nth}")])
        .collect();
    let killed = AtomicUsize::new(0);
    each(&faults, |_, run| {
        killed.fetch_add(usize::from(run.code == -9), Ordering::Relaxed);
    });
    let killed = killed.into_inner();
    println!("{} calls, {killed} runs killed", faults.len());
    // The number of calls varies a little from run to run.
    assert!(killed * 2 > faults.len(), "only {killed} of {} runs were killed", faults.len());
}

#[test]
fn disk_error_at_any_call_on_the_state_folder_is_reported_or_harmless() {
    // All calls on the open folder, and `fdatasync`, which is called on its files only. `tests/it/limits.rs` tests a
    // failing `write`.
    let on_folder = points(&trace(&["-P", STATE]), |_| true);
    assert!(on_folder.len() > 10, "the trace shows no state folder");
    let fdatasync = (1..=2).map(|nth| (&[][..], "fdatasync", nth));
    let calls = on_folder.iter().map(|point| (&["-P", STATE][..], point.name.as_str(), point.nth));
    let faults: Vec<Vec<String>> = calls
        .chain(fdatasync)
        .flat_map(|(path, name, nth)| {
            ["ENOSPC", "EROFS", "EIO"].map(|error| {
                let inject = format!("inject={name}:error={error}:when={nth}");
                path.iter().map(|option| (*option).to_owned()).chain(["-e".into(), inject]).collect()
            })
        })
        .collect();
    let refused = AtomicUsize::new(0);
    each(&faults, |fault, run| {
        assert!(matches!(run.code, 0 | 69 | 74), "{fault:?}: exit {}, {}", run.code, run.stderr);
        if run.stderr.contains("nothing was sent") {
            refused.fetch_add(1, Ordering::Relaxed);
            assert_eq!(run.seen.len(), 0, "{fault:?}: {}", run.stderr);
        }
    });
    println!("{} failing calls, {refused:?} refusals", faults.len());
    assert!(refused.into_inner() > 0, "no fault hit the ledger");
}

#[test]
fn parents_of_a_new_state_folder_are_fsynced() {
    let tap = tap();
    let root = tap.folder.path().to_owned();
    let tap = tap.set("state_dir", root.join("a/b/state").to_str().unwrap().into());
    let log = tap.file("trace", "");
    let options = ["-f", "-y", "-e", "trace=mkdir,mkdirat,fsync", "-o", &log];
    let run = traced(&tap, &tap.serve(), &options);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let trace = fs::read_to_string(&log).unwrap();
    let mut calls = trace.lines();
    for (made, parent) in [("a", ""), ("a/b", "/a"), ("a/b/state", "/a/b")] {
        let mkdir = format!("{}/{made}\"", root.display());
        assert!(calls.any(|call| call.contains("mkdir") && call.contains(&mkdir)), "{made}: {trace}");
        let fsync = format!("<{}{parent}>)", root.display());
        assert!(calls.next().is_some_and(|call| call.contains("fsync") && call.contains(&fsync)), "{trace}");
    }
}

/// Whether a thread of the process is held in a system call by `strace`.
fn is_held(process: &str) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let states = threads.map(|thread| fs::read_to_string(thread.path().join("status")).unwrap_or_default());
    states.into_iter().any(|state| state.contains("State:\tt"))
}

#[test]
fn sigterm_ends_a_run_whose_state_folder_does_not_answer() {
    // Imitates a dead network mount: the first call on the folder does not return within the time of the test.
    let tap = tap();
    let server = tap.serve();
    fs::create_dir(tap.state_dir()).unwrap();
    let state = tap.state_dir();
    let delay = "inject=open,openat:delay_enter=100000000:when=1";
    let options = ["-f", "-o", "/dev/null", "-P", state.to_str().unwrap(), "-e", delay];
    let mut strace = under_strace(&tap, &server, &options).spawn().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", strace.id());
    let child = || fs::read_to_string(&children).unwrap().split_whitespace().next().map(str::to_owned);
    let mut looks = 0;
    // Other system calls return after a moment.
    while looks < 50 {
        looks = if child().is_some_and(|child| is_held(&child)) { looks + 1 } else { 0 };
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let child = child().unwrap();
    assert!(Command::new("kill").args(["-s", "TERM", &child]).status().unwrap().success());
    let log = BufReader::new(strace.stderr.take().unwrap());
    let last = log.lines().map(Result::unwrap).find(|line| line.starts_with("CRITICAL")).unwrap();
    assert!(last.starts_with("CRITICAL stopped by SIGTERM"), "{last}");
    assert!(is_held(&child), "the call on the folder returned");
    // Otherwise `strace` would keep the process until the delay has passed.
    strace.kill().unwrap();
    strace.wait().unwrap();
    assert_eq!(server.sandbox.seen().len(), 0);
}

#[test]
fn host_name_that_does_not_resolve_exits_69() {
    // No packet leaves the machine: every resolver is unreachable.
    let fault = "inject=connect,sendto,sendmmsg:error=ENETUNREACH";
    let tap = tap().set("base_url", "https://nothing.example.com".into()).every(60.0);
    let server = tap.serve();
    let run = traced(&tap, &server, &["-f", "-o", "/dev/null", "-e", fault]);
    assert_eq!(run.code, 69, "{}", run.stderr);
    let words = "cannot connect: failed to lookup address information";
    assert!(run.critical().contains(words), "{}", run.stderr);
}
