//! Limits that the system sets: open files, threads, file sizes; and standard streams that are closed or non-blocking.
//!
//! Each one is an error with a message and exit code 74, never a defect (70) and never the end by a signal.

use std::io::Read;
use std::process::{Command, Stdio};

use rustix::io::ioctl_fionbio;

use super::tap::{Run, Tap, ended, finish, make_fifo};

/// A user who has no other process.
const LONELY: u32 = 54_321;

fn assert_success_or_limit(run: &Run, limit: &str) {
    assert!(!run.stderr.contains("defect"), "{limit}: {}", run.stderr);
    match run.code {
        0 => {}
        74 => assert!(run.critical().contains("; hint: raise the limit"), "{limit}: {}", run.stderr),
        // The request itself could not be made.
        69 => assert!(run.stderr.contains("os error 24"), "{limit}: {}", run.stderr),
        code => panic!("{limit}: exit {code}: {}", run.stderr),
    }
}

#[test]
fn limit_on_open_files_exits_74_with_a_hint() {
    let run = Tap::new().run_after("ulimit -n 6");
    assert_eq!((run.code, run.seen.len()), (74, 0), "{}", run.stderr);
    assert!(run.critical().ends_with("hint: raise the limit on open files (`ulimit -n`)"), "{}", run.stderr);
    for limit in (4..64).step_by(3) {
        assert_success_or_limit(
            &Tap::new().one().run_after(&format!("ulimit -n {limit}")),
            &format!("{limit} files"),
        );
    }
}

#[test]
fn limit_on_threads_exits_74_with_a_hint() {
    let is_root = rustix::process::geteuid().is_root();
    for threads in 1..8 {
        let tap = Tap::new().one();
        let server = tap.serve();
        let inner = tap.command(&server);
        let limit = format!("--nproc={threads}");
        let mut command = Command::new("prlimit");
        command.arg(&limit);
        if is_root {
            // The limit counts the processes of the user, and root has none.
            super::permissions::give_all(tap.folder.path(), LONELY);
            command.args(["setpriv", &format!("--reuid={LONELY}"), "--clear-groups"]);
        }
        command.arg(super::permissions::link_binary(&tap, &inner)).args(inner.get_args());
        command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let run = finish(ended(child), &server);
        assert_success_or_limit(&run, &limit);
        if threads == 1 {
            assert_eq!((run.code, run.seen.len()), (74, 0), "{}", run.stderr);
            assert!(run.critical().contains("cannot start a thread"), "{}", run.stderr);
        }
    }
}

#[test]
fn limit_on_file_sizes_exits_74_and_not_by_sigxfsz() {
    let run = Tap::new().run_after("ulimit -f 0");
    assert_eq!((run.code, run.seen.len()), (74, 0), "{}", run.stderr);
    assert!(run.critical().contains(", so nothing was sent"), "{}", run.stderr);
    assert!(run.critical().ends_with("hint: raise the limit on file sizes (`ulimit -f`)"), "{}", run.stderr);
    let tap = Tap::new().rows(5_000);
    let server = tap.serve();
    let out = std::fs::File::create(tap.folder.path().join("out")).unwrap();
    let child = tap.command_after("ulimit -f 64", &server).stdout(out).spawn().unwrap();
    let run = finish(child, &server);
    assert_eq!(run.code, 74, "{}", run.stderr);
    assert!(run.critical().contains("cannot write to stdout"), "{}", run.stderr);
    assert!(run.critical().ends_with("hint: raise the limit on file sizes (`ulimit -f`)"), "{}", run.stderr);
}

#[test]
fn closed_stdout_exits_74_before_any_request() {
    for arguments in [&[][..], &["--discover"]] {
        let run = Tap::new().args(arguments).run_after("exec >&-");
        assert_eq!((run.code, run.seen.len()), (74, 0), "{}", run.stderr);
        assert!(run.critical().contains("cannot write to stdout"), "{}", run.stderr);
    }
    // Output that the operator discards is a choice.
    let run = Tap::new().one().run_after("exec >/dev/null");
    assert_eq!((run.code, run.seen.len()), (0, 1), "{}", run.stderr);
}

#[test]
fn non_blocking_stdout_is_waited_for() {
    let tap = Tap::new().rows(5_000).one();
    let server = tap.serve();
    let (mut reader, writer) = std::io::pipe().unwrap();
    ioctl_fionbio(&writer, true).unwrap();
    let child = tap.command(&server).stdout(writer).spawn().unwrap();
    let mut first = [0];
    reader.read_exact(&mut first).unwrap();
    // The pipe is full long before the report has ended.
    while server.sandbox.seen().iter().all(|seen| seen.finished.is_none()) {
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    let run = finish(child, &server);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(rest.matches(r#""type":"RECORD""#).count(), 5_000);
}

#[test]
fn log_config_that_is_a_fifo_is_not_waited_for() {
    let tap = Tap::new().one();
    let server = tap.serve();
    let fifo = tap.folder.path().join("fifo");
    make_fifo(&fifo);
    let child = tap.command(&server).env("SINGER_SDK_LOG_CONFIG", fifo).spawn().unwrap();
    let run = finish(ended(child), &server);
    assert_eq!(run.code, 0, "{}", run.stderr);
}
