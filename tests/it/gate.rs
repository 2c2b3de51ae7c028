//! The rate limit across runs: what the ledger says after every ending, and damaged ledgers and lock files.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use tap_together::api::ledger::{Ledger, LedgerRead, Phase, Witness};
use tap_together::api::store::Store;
use tap_together::clock::{self, BootId};
use tap_together::files::replace;

use super::tap::{Run, Server, Tap, ended, finish, make_fifo};

/// Long enough for the log to speak of a wait.
const SECOND: f64 = 1.0;
/// The sparse file's size; a tap that reads it all is noticed.
const HUGE: u64 = 2 << 30;
/// What the log says when the ledger proves nothing.
const UNPROVEN: &str = "nothing proves when the last request ended";

/// What may be in the place of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Whole,
    Empty,
    Cut,
    Garbage,
    Huge,
    Folder,
    Fifo,
    Link,
}

const THINGS: [Thing; 8] = [
    Thing::Whole,
    Thing::Empty,
    Thing::Cut,
    Thing::Garbage,
    Thing::Huge,
    Thing::Folder,
    Thing::Fifo,
    Thing::Link,
];

/// A tap that checks the credentials, with something in its state folder.
struct Case {
    thing: Thing,
    tap: Tap,
    server: Server,
    store: Store,
}

impl Case {
    fn new(thing: Thing, place: fn(&Store) -> PathBuf) -> Self {
        let tap = Tap::new().every(SECOND).args(&["--test"]);
        let server = tap.serve();
        let store = tap.store(&server.sandbox.url());
        let case = Self { thing, tap, server, store };
        case.put(&place(&case.store));
        case
    }

    fn elsewhere(&self) -> PathBuf {
        self.tap.folder.path().join("elsewhere")
    }

    fn put(&self, path: &Path) {
        let old = Ledger::new(Phase::Done, Duration::ZERO, BootId::current().as_ref(), 0);
        let whole = serde_json::to_vec(&old).unwrap();
        let file = |path: &Path, bytes: &[u8]| File::create(path).unwrap().write_all(bytes).unwrap();
        match self.thing {
            Thing::Whole => file(path, &whole),
            Thing::Empty => file(path, b""),
            Thing::Cut => file(path, &whole[..whole.len() / 2]),
            Thing::Garbage => file(path, b"\0\xff garbage"),
            Thing::Huge => File::create(path).unwrap().set_len(HUGE).unwrap(),
            Thing::Folder => fs::create_dir(path).unwrap(),
            Thing::Fifo => make_fifo(path),
            Thing::Link => {
                file(&self.elsewhere(), &whole);
                symlink(self.elsewhere(), path).unwrap();
            }
        }
    }
}

/// Runs the cases at once; what hangs fails.
fn run(cases: Vec<Case>) -> impl Iterator<Item = (Case, Run)> {
    let children: Vec<Child> =
        cases.iter().map(|case| case.tap.command(&case.server).spawn().unwrap()).collect();
    cases.into_iter().zip(children).map(|(case, child)| {
        let run = finish(ended(child), &case.server);
        assert_eq!(case.server.sandbox.violations(), Vec::<String>::new());
        (case, run)
    })
}

pub fn lock_file(store: &Store) -> PathBuf {
    let Store::Folder(store) = store else { unreachable!("it is in a folder") };
    store.lock_path()
}

pub fn ledger_file(store: &Store) -> PathBuf {
    let Store::Folder(store) = store else { unreachable!("it is in a folder") };
    store.ledger_path()
}

#[test]
fn ledger_unreadable_makes_the_run_wait() {
    for (case, run) in run(THINGS.map(|thing| Case::new(thing, ledger_file)).into()) {
        let thing = case.thing;
        // Where the intent cannot be written, nothing is sent.
        let (code, sent) = if thing == Thing::Folder { (74, 0) } else { (0, 1) };
        assert_eq!((run.code, run.seen.len()), (code, sent), "{thing:?}: {}", run.stderr);
        let waits = !matches!(thing, Thing::Whole | Thing::Folder);
        assert_eq!(run.stderr.contains(UNPROVEN), waits, "{thing:?}: {}", run.stderr);
        if sent == 1 {
            let LedgerRead::Found(entry) = case.store.read().unwrap() else {
                panic!("{thing:?} is still there")
            };
            assert_eq!(entry.phase, Phase::Done);
        }
        if thing == Thing::Link {
            assert!(fs::read_to_string(case.elsewhere()).unwrap().contains("\"boottime_ms\":0"));
        }
    }
}

#[test]
fn lock_path_that_is_not_a_file_sends_no_request() {
    for (case, run) in run(THINGS.map(|thing| Case::new(thing, lock_file)).into()) {
        let thing = case.thing;
        // The content of a lock file is never read.
        let is_file = !matches!(thing, Thing::Folder | Thing::Fifo | Thing::Link);
        let expected = if is_file { (0, 1) } else { (74, 0) };
        assert_eq!((run.code, run.seen.len()), expected, "{thing:?}: {}", run.stderr);
        if thing == Thing::Huge {
            assert_eq!(fs::metadata(lock_file(&case.store)).unwrap().len(), HUGE);
        }
    }
}

#[test]
fn ledger_after_a_partial_answer_adds_the_grace() {
    for (faults, expected) in [
        (&["500"][..], Phase::Done),
        (&["429"], Phase::Done),
        (&["body={}"], Phase::Done),
        (&["500", "hang=5"], Phase::Ambiguous),
        (&["500", "cut=5"], Phase::Ambiguous),
        (&["500", "length=5"], Phase::Ambiguous),
        (&["body=<html></html>", "hang=9"], Phase::Ambiguous),
        (&["cut=5"], Phase::Ambiguous),
    ] {
        let tap = Tap::new().faults(faults).args(&["--test"]);
        let server = tap.serve();
        let run = tap.run_on(&server);
        let LedgerRead::Found(entry) = tap.store(&server.sandbox.url()).read().unwrap() else {
            panic!("{}", run.stderr)
        };
        assert_eq!((entry.phase, run.seen.len()), (expected, 1), "{faults:?}: {}", run.stderr);
        assert_ne!(run.code, 0, "{faults:?}");
    }
}

#[test]
fn lock_held_longer_than_max_wait_exits_75() {
    let tap = Tap::new().set("max_wait_seconds", 1.into()).args(&["--test"]);
    let server = tap.serve();
    let store = tap.store(&server.sandbox.url());
    let lock = store.try_lock().unwrap();
    let run = tap.run_on(&server);
    assert_eq!((run.code, run.seen.len()), (75, 0), "{}", run.stderr);
    let words = format!("another process has held {store} for 1 s; hint: let it finish");
    assert!(run.critical().contains(&words), "{}", run.stderr);
    drop(lock);
    assert_eq!(tap.run_on(&server).code, 0);
}

#[test]
fn rate_limit_holds_for_fifty_concurrent_taps() {
    let tap = Tap::new().every(0.05).args(&["--test"]);
    let server = tap.serve();
    let children: Vec<Child> = (0..50).map(|_| tap.command(&server).spawn().unwrap()).collect();
    for child in children {
        let run = finish(child, &server);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    assert_eq!((server.sandbox.seen().len(), server.sandbox.violations()), (50, Vec::new()));
}

#[test]
fn stale_temp_files_of_killed_processes_are_removed() {
    let tap = Tap::new().args(&["--test"]);
    std::fs::create_dir(tap.state_dir()).unwrap();
    let [old, new] =
        ["oldNAME1", "newNAME2"].map(|name| tap.file(&format!("state/.tap-together-{name}"), ""));
    assert!(Command::new("touch").args(["-d", "2 hours ago", &old]).status().unwrap().success());
    assert_eq!(tap.run().code, 0);
    assert!(!Path::new(&old).exists() && Path::new(&new).exists());
}

/// From the end of the first request to the arrival of the second.
fn gap(run: &Run) -> Duration {
    run.seen[1].arrived.saturating_sub(run.seen[0].finished.unwrap())
}

#[test]
fn gateway_status_with_a_complete_body_adds_the_grace_before_the_next_request() {
    // Interval 0.1 s, grace 0.5 s.
    let least = Duration::from_millis(600);
    for status in ["408", "425", "502", "503", "504", "520", "524", "529"] {
        let tap = Tap::new().faults(&[&format!("1:{status}")]).args(&["--test"]);
        let server = tap.serve();
        let first = tap.run_on(&server);
        assert_eq!((first.code, first.seen.len()), (75, 1), "{status}: {}", first.stderr);
        let LedgerRead::Found(entry) = tap.store(&server.sandbox.url()).read().unwrap() else {
            panic!("{status}")
        };
        assert_eq!(entry.phase, Phase::Ambiguous, "{status}");
        let next = tap.run_on(&server);
        assert_eq!((next.code, next.seen.len()), (0, 2), "{status}: {}", next.stderr);
        assert!(gap(&next) >= least, "{status}: {:?}", gap(&next));
    }
}

#[test]
fn ledger_done_in_another_boot_owes_the_interval_without_the_grace() {
    for (phase, words) in [
        (Phase::Done, "waiting 2.0 s before the next request: the last request ended on another machine"),
        (Phase::Ambiguous, "waiting 6.0 s before the next request: nothing proves when"),
    ] {
        let tap = Tap::new().first_run().every(2.0).args(&["--test"]);
        let server = tap.serve();
        let elsewhere = BootId { boot_id: "another boot".into(), time_ns: 1 };
        let store = tap.store(&server.sandbox.url());
        store.write(&Ledger::new(phase, Duration::from_secs(7), Some(&elsewhere), 0)).unwrap();
        let run = tap.run_on(&server);
        assert_eq!((run.code, run.seen.len()), (0, 1), "{}", run.stderr);
        assert!(run.stderr.contains(words), "{phase:?}: {}", run.stderr);
    }
}

#[test]
fn wait_longer_than_max_wait_is_counted_on_by_the_next_runs() {
    // Without proof of the last end a run waits the interval and the grace, so each run alone would be refused.
    let seconds = SECOND * 2.0;
    let tap = Tap::new().first_run().every(seconds).set("max_wait_seconds", seconds.into()).args(&["--test"]);
    let server = tap.serve();
    replace(&ledger_file(&tap.store(&server.sandbox.url())), b"garbage").unwrap();
    let first = tap.run_on(&server);
    assert_eq!((first.code, first.seen.len()), (75, 0), "{}", first.stderr);
    assert!(first.critical().contains("and the next run waits only for the rest"), "{}", first.stderr);
    let codes: Vec<i32> = std::iter::repeat_with(|| {
        std::thread::park_timeout(Duration::from_millis(300));
        tap.run_on(&server).code
    })
    .take_while(|code| *code == 75)
    .take(30)
    .collect();
    assert!(codes.len() < 30, "30 runs were refused");
    assert_eq!(server.sandbox.seen().len(), 1);

    // The witness of a first run does not outweigh the operator's word.
    let tap = Tap::new().first_run().every(30.0).set("max_wait_seconds", 30.into());
    let server = tap.serve();
    let mut witness = Ledger::new(Phase::Done, clock::now(), BootId::current().as_ref(), 0);
    witness.witness = Some(Witness::FirstRun);
    tap.store(&server.sandbox.url()).write(&witness).unwrap();
    let idle = tap.args(&["--assume-idle", "--test"]).run_on(&server);
    assert_eq!((idle.code, idle.seen.len()), (0, 1), "{}", idle.stderr);
}

#[test]
fn gate_without_a_usable_folder_needs_no_shared_gate_and_waits_like_a_first_run() {
    let missing = "/sys/tap-together";
    let first = |arguments: &[&str]| {
        let tap = Tap::new().first_run().every(SECOND).set("state_dir", missing.into()).args(&["--test"]);
        tap.args(arguments).run()
    };
    let refused = first(&["--assume-idle"]);
    assert_eq!((refused.code, refused.seen.len()), (74, 0), "{}", refused.stderr);
    assert!(!refused.stderr.contains("--assume-idle"), "{}", refused.stderr);
    let alone = first(&["--no-shared-gate"]);
    assert_eq!((alone.code, alone.seen.len()), (0, 1), "{}", alone.stderr);
    assert!(alone.stderr.contains("first run here"), "{}", alone.stderr);
    assert!(alone.stderr.contains("kept inside this process only"), "{}", alone.stderr);

    // A folder that exists may hold a ledger, so it is obeyed or the run ends.
    let tap = Tap::new().args(&["--no-shared-gate", "--test"]);
    fs::create_dir(tap.state_dir()).unwrap();
    fs::set_permissions(tap.state_dir(), fs::Permissions::from_mode(0o777)).unwrap();
    let open = tap.run();
    assert_eq!((open.code, open.seen.len()), (74, 0), "{}", open.stderr);
    fs::set_permissions(tap.state_dir(), fs::Permissions::from_mode(0o700)).unwrap();
    let server = tap.serve();
    let store = tap.store(&server.sandbox.url());
    let lock = store.try_lock().unwrap();
    let held = tap.set("max_wait_seconds", SECOND.into()).run_on(&server);
    assert_eq!((held.code, held.seen.len()), (75, 0), "the lock is obeyed: {}", held.stderr);
    drop(lock);
}
