//! What a person at a terminal sees: a warning before records of real people, and the progress line.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;
use std::thread::JoinHandle;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use super::tap::{Run, Tap, finish};

const WARNING: &str =
    "WARNING this sync writes records of real people to the terminal; pipe it into a target";

/// A terminal, and a thread that reads what it shows until the last process has closed it.
pub fn terminal() -> (Stdio, JoinHandle<String>) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = OpenOptions::new().write(true).open(std::ffi::OsStr::from_bytes(name.as_bytes())).unwrap();
    let reader = std::thread::spawn(move || {
        let mut shown = Vec::new();
        // The end of a terminal is an error.
        let _ = File::from(master).read_to_end(&mut shown);
        String::from_utf8(shown).unwrap()
    });
    (terminal.into(), reader)
}

/// A run whose stdout is a terminal.
fn run(tap: &Tap) -> Run {
    let (terminal, reader) = terminal();
    let server = tap.serve();
    let child = tap.command(&server).stdout(terminal).spawn().unwrap();
    let run = finish(child, &server);
    assert!(reader.join().is_ok());
    run
}

#[test]
fn stdout_terminal_sync_warns_first() {
    let run = run(&Tap::new());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stderr.lines().next(), Some(WARNING));
}

#[test]
fn stdout_terminal_warning_is_for_real_syncs_only() {
    // The embedded sandbox has its own address and interval.
    let sandbox = Tap::new().set("base_url", Value::Null).set("request_interval_seconds", Value::Null);
    for tap in [Tap::new().args(&["--test"]), sandbox.args(&["--sandbox"])] {
        let run = run(&tap);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(!run.stderr.contains(WARNING), "{}", run.stderr);
    }
    let piped = Tap::new().run();
    assert!(!piped.stderr.contains(WARNING), "{}", piped.stderr);
}

#[test]
fn stderr_terminal_shows_the_progress_line_and_clears_it() {
    let (terminal, reader) = terminal();
    let tap = Tap::new().every(0.5);
    let server = tap.serve();
    let child = tap.command(&server).stderr(terminal).spawn().unwrap();
    assert_eq!(finish(child, &server).code, 0);
    let shown = reader.join().unwrap();
    let clear = "\r\u{1b}[2K";
    assert!(shown.contains(&format!("{clear}next request in 1 s: ")), "{shown:?}");
    assert!(shown.contains(&format!("{clear}INFO METRIC")), "{shown:?}");
    assert!(shown.rsplit(clear).next().unwrap().starts_with("INFO"), "{shown:?}");
    let piped = Tap::new().every(0.5).run();
    assert!(!piped.stderr.contains(clear), "{:?}", piped.stderr);
}
