//! A person at a terminal is warned before the records of real people appear there.

use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::tap::{Run, Tap, finish};

const WARNING: &str =
    "WARNING this sync writes records of real people to the terminal; pipe it into a target";

/// A run whose stdout is a terminal.
fn run(tap: &Tap) -> Run {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = OpenOptions::new().write(true).open(std::ffi::OsStr::from_bytes(name.as_bytes())).unwrap();
    let server = tap.serve();
    let child = tap.command(&server).stdout(Stdio::from(terminal)).spawn().unwrap();
    // What is shown must be taken away, or the terminal is full; its end is an error.
    let reader =
        std::thread::spawn(move || std::io::copy(&mut std::fs::File::from(master), &mut std::io::sink()));
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
    for tap in [Tap::new().args(&["--test"]), Tap::new().args(&["--sandbox"])] {
        let run = run(&tap);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(!run.stderr.contains(WARNING), "{}", run.stderr);
    }
    let piped = Tap::new().run();
    assert!(!piped.stderr.contains(WARNING), "{}", piped.stderr);
}
