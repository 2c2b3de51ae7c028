//! One rate limit for one organisation and one key: replaced lock files, moved folders, spellings, two organisations.

use std::fs;
use std::process::Child;
use std::time::Duration;

use tap_together::api::ledger::{Ledger, LedgerRead, Phase};
use tap_together::api::store::{Lock, Store};
use tap_together::clock::{self, BootId};
use tap_together::digest::{hex, sha256};
use tap_together::sandbox::ORGANIZATION_ID;

use super::gate::{ledger_file, lock_file};
use super::signals::until_told;
use super::tap::{Server, Tap, ended, finish};

/// Long enough for a second tap to start meanwhile.
const SECONDS: f64 = 2.0;

/// A tap that waits because a request has just ended, its server and its store.
fn waiting() -> (Tap, Server, Store, Child) {
    let tap = Tap::new().every(SECONDS).args(&["--test"]);
    let server = tap.serve();
    let store = tap.store(&server.sandbox.url());
    let ended = Ledger::new(Phase::Done, clock::now(), BootId::current().as_ref(), 0);
    store.write(&ended).unwrap();
    let mut child = tap.command(&server).spawn().unwrap();
    until_told(&mut child, "before the next request");
    (tap, server, store, child)
}

fn finish_both(tap: &Tap, server: &Server, first: Child) -> String {
    let second = tap.run_on(server);
    let first = finish(ended(first), server);
    assert_eq!((first.code, second.code), (0, 0), "{}\n{}", first.stderr, second.stderr);
    assert_eq!((server.sandbox.seen().len(), server.sandbox.violations()), (2, Vec::new()));
    first.stderr
}

#[test]
fn lock_file_deleted_while_a_tap_waits_keeps_the_rate_limit() {
    let (tap, server, store, first) = waiting();
    fs::remove_file(lock_file(&store)).unwrap();
    let log = finish_both(&tap, &server, first);
    let words =
        "the lock file, a ledger, the key record or the state folder changed meanwhile; starting over";
    assert!(log.contains(words), "{log}");
}

#[test]
fn state_folder_moved_while_a_tap_waits_keeps_the_rate_limit() {
    let (tap, server, _store, first) = waiting();
    fs::rename(tap.state_dir(), tap.folder.path().join("moved")).unwrap();
    finish_both(&tap, &server, first);
}

#[test]
fn key_record_deleted_while_a_tap_waits_keeps_one_rate_limit_for_the_key() {
    let tap = Tap::new().every(SECONDS).args(&["--test"]);
    let server = tap.serve();
    assert_eq!(tap.run_on(&server).code, 0);
    let mut first = tap.command(&server).spawn().unwrap();
    until_told(&mut first, "before the next request");
    let names = fs::read_dir(tap.state_dir()).unwrap().map(|entry| entry.unwrap().path());
    let records: Vec<_> =
        names.filter(|path| path.extension().is_some_and(|ending| ending == "key")).collect();
    assert_eq!(records.len(), 1, "{records:?}");
    fs::remove_file(&records[0]).unwrap();
    // It waits from its own start, so it is due shortly after the first.
    let other = tap.set("organization_id", "another-organization".into()).first_run();
    let second = other.run_on(&server);
    let first = finish(ended(first), &server);
    assert_eq!((first.code, second.code), (0, 77), "{}\n{}", first.stderr, second.stderr);
    assert_eq!((server.sandbox.seen().len(), server.sandbox.violations()), (3, Vec::new()));
}

#[test]
fn lock_file_deleted_while_a_request_is_in_flight_keeps_the_rate_limit() {
    let tap = Tap::new().every(SECONDS).faults(&["1:delay=500"]).args(&["--test"]);
    let server = tap.serve();
    let store = tap.store(&server.sandbox.url());
    let first = tap.command(&server).spawn().unwrap();
    while server.sandbox.seen().is_empty() {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    fs::remove_file(lock_file(&store)).unwrap();
    finish_both(&tap, &server, first);
}

#[test]
fn lock_file_held_is_named_with_the_advice_not_to_delete_it() {
    let tap = Tap::new().set("max_wait_seconds", 1.into()).args(&["--test"]);
    let server = tap.serve();
    let store = tap.store(&server.sandbox.url());
    let _lock = store.try_lock().unwrap();
    let run = tap.run_on(&server);
    let words = format!("which holds {store}; do not delete this file");
    assert!(run.code == 75 && run.stderr.contains(&words), "{}", run.stderr);
}

#[test]
fn organization_spelled_in_another_way_has_the_same_rate_limit() {
    let upper = ORGANIZATION_ID.to_uppercase();
    let tap = Tap::new().every(0.5).args(&["--test"]);
    let server = tap.serve();
    assert_eq!(tap.run_on(&server).code, 0);
    let other = tap.set("organization_id", upper.as_str().into());
    let run = other.run_on(&server);
    assert_eq!((run.seen.len(), server.sandbox.violations()), (2, Vec::new()), "{}", run.stderr);
}

#[test]
fn ledger_of_an_earlier_scope_is_obeyed_once_and_taken_over() {
    // What version 0.1.0 wrote for `Sandbox-Organization`: the first 64 bits of a hash of host and organisation.
    let name = |port: &str| {
        let scope = format!("127.0.0.1:{port}\nSandbox-Organization");
        hex(&sha256::<8>(scope.as_bytes()))
    };
    let tap = Tap::new()
        .every(SECONDS)
        .set("organization_id", "Sandbox-Organization".into())
        .set("max_wait_seconds", SECONDS.into())
        .args(&["--test"]);
    let server = tap.serve();
    let url = server.sandbox.url();
    let legacy = Store::in_folder(&tap.state_dir(), &name(url.rsplit(':').next().unwrap())).unwrap();
    let ended = Ledger::new(Phase::Ambiguous, clock::now(), BootId::current().as_ref(), 2);
    legacy.write(&ended).unwrap();
    let refused = tap.run_on(&server);
    assert_eq!((refused.code, refused.seen.len()), (75, 0), "{}", refused.stderr);
    assert!(refused.critical().contains("without a complete answer"), "{}", refused.stderr);
    legacy.write(&Ledger { phase: Phase::Done, ..ended }).unwrap();
    let run = tap.run_on(&server);
    // The sandbox does not know this spelling, but it has seen the request.
    assert_eq!((run.code, run.seen.len()), (77, 1), "{}", run.stderr);
    assert!(run.stderr.contains("before the next request"), "the earlier ledger is obeyed: {}", run.stderr);
    assert!(!ledger_file(&legacy).exists() && lock_file(&legacy).exists(), "it is taken over");
    assert!(ledger_file(&tap.store(&url)).exists());
}

#[test]
fn key_used_for_another_organization_waits_for_both_rate_limits_and_warns_once() {
    let tap = Tap::new().every(0.5);
    let server = tap.serve();
    let warning = "the API key was last used for another `organization_id`";
    let first = tap.run_on(&server);
    assert!(first.code == 0 && !first.stderr.contains(warning), "{}", first.stderr);
    let other = tap.set("organization_id", "another-organization".into());
    let second = other.run_on(&server);
    assert_eq!((second.code, second.seen.len()), (77, 4), "{}", second.stderr);
    assert_eq!(second.stderr.matches(warning).count(), 1, "{}", second.stderr);
    let third = other.run_on(&server);
    assert!(third.code == 77 && !third.stderr.contains(warning), "{}", third.stderr);
    assert_eq!(server.sandbox.violations(), Vec::<String>::new());
}

#[test]
fn key_used_for_two_organizations_at_once_keeps_one_rate_limit() {
    let tap = Tap::new().every(0.2).args(&["--test"]);
    let server = tap.serve();
    let mut children = Vec::new();
    let organizations = ["sandbox-organization", "another-organization", "a-third-organization"];
    let taps = organizations.map(|organization| {
        let folder = tap.state_dir();
        let one = Tap::new().every(0.2).args(&["--test"]).set("state_dir", folder.to_str().into());
        one.set("organization_id", organization.into())
    });
    for _ in 0..3 {
        children.extend(taps.each_ref().map(|tap| tap.command(&server).spawn().unwrap()));
    }
    for child in children {
        finish(ended(child), &server);
    }
    assert_eq!((server.sandbox.seen().len(), server.sandbox.violations()), (9, Vec::new()));
}

#[test]
fn stderr_that_nobody_reads_does_not_hold_the_lock() {
    let (_reader, writer) = rustix::pipe::pipe().unwrap();
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
    while rustix::io::write(&writer, &[b'.'; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::empty()).unwrap();
    let tap = Tap::new().args(&["--test"]);
    let server = tap.serve();
    let store = tap.store(&server.sandbox.url());
    let mut child = tap.command(&server).stderr(writer).spawn().unwrap();
    // Whether or not the tap itself goes on, the ledger says how its request ended.
    let is_done = || matches!(store.read().unwrap(), LedgerRead::Found(entry) if entry.phase == Phase::Done);
    let is_free = || matches!(store.try_lock(), Ok(Lock::Ours(_)));
    let polls = std::iter::repeat_with(|| {
        std::thread::park_timeout(Duration::from_millis(20));
        is_done() && is_free()
    });
    let is_over = polls.take(500).any(|is_over| is_over);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_over, "the ledger says {:?}, or the lock is still held", store.read());
}
