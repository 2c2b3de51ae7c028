//! The end by a signal, in every phase of a run: its own exit code, soon, and nothing that is not whole.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::ioctl_fionbio;
use serde_json::{Value, json};
use tap_together::api::ledger::{LedgerRead, Phase as Entry};
use tap_together::clock;
use tap_together::platform::is_signal_ignored;

use super::concurrency;
use super::hangs::FullQueue;
use super::tap::{TIMEOUT, Tap, ended, finish, make_fifo};

const AT_ONCE: usize = 12;

/// The signals that end a run, with their exit codes; without those that this test's own parent ignores, because the
/// tap inherits that.
pub fn signals() -> Vec<(&'static str, i32)> {
    let all = [("TERM", 143), ("INT", 130), ("HUP", 129)];
    all.into_iter().filter(|(_, code)| !is_signal_ignored(code - 128)).collect()
}

pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Where a run is when the signal comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Its config is a FIFO that says nothing.
    Config,
    /// The same, read by the doctor.
    Doctor,
    /// Its CA bundle is a FIFO that says nothing.
    CaBundle,
    /// The key's command takes its time.
    Key,
    /// Another process has the lock.
    Lock,
    /// The interval has not passed.
    Interval,
    /// The server accepts nobody.
    Connect,
    /// It does not answer.
    Head,
    /// It falls silent in the middle.
    Body,
    /// It falls silent in the words of an error.
    Words,
    /// The next attempt has to wait.
    BackOff,
    /// One report is out, and the next has to wait.
    Between,
    /// The reader of a report has stopped.
    Stopped,
}

impl Phase {
    const ALL: [Self; 13] = [
        Self::Config,
        Self::Doctor,
        Self::CaBundle,
        Self::Key,
        Self::Lock,
        Self::Interval,
        Self::Connect,
        Self::Head,
        Self::Body,
        Self::Words,
        Self::BackOff,
        Self::Between,
        Self::Stopped,
    ];

    fn tap(self) -> Tap {
        let tap = Tap::new();
        let idle = ["--assume-idle"];
        match self {
            Self::Doctor => tap,
            Self::Config | Self::Lock | Self::Connect => tap.args(&idle),
            Self::CaBundle => {
                let fifo = tap.folder.path().join("fifo");
                tap.set("ca_bundle", json!(fifo))
            }
            Self::Key => {
                let script = format!("echo > {}; exec sleep 20", tap.folder.path().join("began").display());
                tap.set("api_key", Value::Null).set("api_key_command", json!(["sh", "-c", script]))
            }
            Self::Interval => tap.every(30.0).first_run(),
            Self::Head => tap.faults(&["delay=600000"]).args(&idle),
            Self::Body => tap.faults(&["hang=100"]).args(&idle),
            Self::Words => tap.faults(&["503", "hang=5"]).args(&idle),
            Self::BackOff => tap.faults(&["503", "retry-after=60"]).args(&idle),
            Self::Between => tap.every(30.0).args(&idle),
            Self::Stopped => tap.rows(5_000).args(&idle),
        }
    }

    /// Requests until then.
    fn requests(self) -> usize {
        match self {
            Self::Config
            | Self::Doctor
            | Self::CaBundle
            | Self::Key
            | Self::Lock
            | Self::Interval
            | Self::Connect => 0,
            Self::Head | Self::Body | Self::Words | Self::BackOff | Self::Between | Self::Stopped => 1,
        }
    }
}

/// Looks again and again until it is so; panics after the timeout of a run.
#[track_caller]
pub fn until(mut is_so: impl FnMut() -> bool) {
    let began = clock::now();
    while !is_so() {
        assert!(clock::now().saturating_sub(began) < TIMEOUT, "it never becomes so");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Reads the log up to these words.
pub fn until_told(child: &mut Child, words: &str) {
    let (log, mut told) = (child.stderr.as_mut().unwrap(), Vec::new());
    while !String::from_utf8_lossy(&told).contains(words) {
        let mut byte = [0];
        log.read_exact(&mut byte).unwrap();
        told.push(byte[0]);
    }
}

fn judge((phase, (name, code)): &(Phase, (&str, i32))) {
    let mut tap = phase.tap();
    let server = tap.serve();
    let queue = (*phase == Phase::Connect).then(FullQueue::new);
    let url = queue.as_ref().map_or(server.sandbox.url(), FullQueue::url);
    // Without TLS the CA bundle is not read.
    let scheme = if *phase == Phase::CaBundle { "https:" } else { "http:" };
    tap = tap.set("base_url", url.replace("http:", scheme).into());
    let mut command = tap.command(&server);
    let fifo = tap.folder.path().join("fifo");
    make_fifo(&fifo);
    if matches!(phase, Phase::Config | Phase::Doctor) {
        command.args(["--config", fifo.to_str().unwrap()]);
    }
    if *phase == Phase::Doctor {
        command.arg("doctor");
    }
    let _lock = (*phase == Phase::Lock).then(|| tap.store(&url).try_lock().unwrap());
    let mut child = command.spawn().unwrap();
    let mut writer = None;
    match phase {
        Phase::Config | Phase::Doctor | Phase::CaBundle => until(|| {
            let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
            writer = File::options().write(true).custom_flags(nonblocking).open(&fifo).ok();
            writer.is_some()
        }),
        Phase::Key => until(|| tap.folder.path().join("began").exists()),
        Phase::Lock => until_told(&mut child, ", which holds "),
        Phase::Connect => until(|| matches!(tap.store(&url).read().unwrap(), LedgerRead::Found(_))),
        Phase::Head | Phase::Body | Phase::Words => until(|| !server.sandbox.seen().is_empty()),
        Phase::BackOff => until_told(&mut child, "backing off"),
        Phase::Interval => until_told(&mut child, "before the next request"),
        Phase::Between => until_told(&mut child, "sync_duration"),
        Phase::Stopped => child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap(),
    }
    signal(&child, name);
    let mut child = ended(child);
    if *phase == Phase::Stopped {
        // What lies in the pipe may end in the middle: its reader is to blame.
        child.stdout = None;
    }
    let run = finish(child, &server);
    assert_eq!(run.code, *code, "{phase:?}: {}", run.stderr);
    // A hint about the STATE makes sense only after one.
    let advice = if *phase == Phase::Between { "; hint: run again with the last STATE to go on" } else { "" };
    let last = format!("CRITICAL stopped by SIG{name}{advice}");
    assert_eq!(run.critical(), last, "{phase:?}");
    if *phase == Phase::Between {
        assert!(run.stdout.ends_with("\"currently_syncing\":\"pairing_report\"}}\n"), "{}", run.stdout);
    } else {
        assert_eq!(run.stdout, "", "{phase:?}");
    }
    assert!(run.seen.len() >= phase.requests(), "{phase:?}");
    assert!(phase.requests() > 0 || run.seen.is_empty(), "{phase:?}");
    if matches!(phase, Phase::Head | Phase::Body | Phase::Words) {
        // The server may still work on the request, so the next run adds the grace.
        let LedgerRead::Found(entry) = tap.store(&url).read().unwrap() else { panic!("there is no ledger") };
        assert_eq!(entry.phase, Entry::Ambiguous, "{phase:?}");
    }
}

#[test]
fn signal_in_any_phase_ends_the_run_with_its_code() {
    let signals = signals();
    let rows: Vec<_> =
        Phase::ALL.iter().flat_map(|phase| signals.iter().map(|signal| (*phase, *signal))).collect();
    concurrency::each(&rows, AT_ONCE, judge);
}

#[test]
fn second_signal_ends_the_run_at_once() {
    let tap = Tap::new().rows(5_000).args(&["--assume-idle"]);
    let server = tap.serve();
    // Nobody reads stdout: the delivery hangs in the middle of a line.
    let mut child = tap.command(&server).spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 1]).unwrap();
    signal(&child, "TERM");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(server.sandbox.violations(), Vec::<String>::new());
}

#[test]
fn signal_ignored_by_the_parent_stays_ignored() {
    // As `nohup` does it. Another signal still ends the run.
    let tap = Tap::new().every(2.0).first_run().one();
    let server = tap.serve();
    let ignoring = || tap.command_after("trap '' HUP INT", &server).spawn().unwrap();
    let mut child = ignoring();
    until_told(&mut child, "before the next request");
    signal(&child, "HUP");
    signal(&child, "INT");
    let run = finish(child, &server);
    assert_eq!((run.code, run.seen.len()), (0, 1), "{}", run.stderr);
    let mut child = ignoring();
    until_told(&mut child, "before the next request");
    signal(&child, "HUP");
    signal(&child, "TERM");
    let run = finish(ended(child), &server);
    assert_eq!((run.code, run.seen.len()), (143, 1), "{}", run.stderr);
}

/// Whether the process has a handler for SIGTERM.
fn handles_sigterm(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
    u64::from_str_radix(caught.trim(), 16).unwrap() >> 14 & 1 == 1
}

/// The one child of a process.
fn only_child(pid: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

#[test]
fn sigterm_ends_every_verb_also_as_process_1() {
    let isolated = ["--pid", "--fork", "--kill-child"];
    let is_possible = Command::new("unshare").args(isolated).arg("true").status().is_ok_and(|s| s.success());
    let verbs: [&[&str]; 6] = [
        &["--about", "--format", "json"],
        &["init"],
        &["check"],
        &["completions", "bash"],
        &["man"],
        &["sandbox"],
    ];
    for (verb, is_process_1) in verbs.iter().flat_map(|verb| [(verb, false), (verb, is_possible)]) {
        let folder = tempfile::tempdir().unwrap();
        // Neither stdin nor stdout moves, so the verb cannot end by itself.
        let (_reader, mut stdout) = std::io::pipe().unwrap();
        let (stdin, _writer) = std::io::pipe().unwrap();
        ioctl_fionbio(&stdout, true).unwrap();
        while stdout.write(&[b' '; 4096]).is_ok() {}
        ioctl_fionbio(&stdout, false).unwrap();
        let mut command = Command::new(if is_process_1 { "unshare" } else { "env" });
        command.args(if is_process_1 { &isolated[..] } else { &[] });
        command.arg(env!("CARGO_BIN_EXE_tap-together")).args(*verb).current_dir(folder.path());
        let mut child = command.stdin(stdin).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
        let mut pid = child.id();
        if is_process_1 {
            until(|| only_child(child.id()).is_some());
            pid = only_child(child.id()).unwrap();
        }
        until(|| handles_sigterm(pid) || child.try_wait().unwrap().is_some());
        assert!(Command::new("kill").args(["-s", "TERM", &pid.to_string()]).status().unwrap().success());
        let output = ended(child).wait_with_output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(143), "{verb:?}, process 1: {is_process_1}: {log}");
        assert!(log.ends_with("CRITICAL stopped by SIGTERM\n"), "{log}");
    }
}
