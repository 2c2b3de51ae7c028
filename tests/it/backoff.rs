//! Backoff and `Retry-After`: how long a failed request delays the next one, in this run and in later runs.

use std::time::Duration;

use tap_together::api::ledger::{Ledger, LedgerRead};

use super::concurrency;
use super::signals::signal;
use super::tap::{Run, Server, Tap, ended, finish};

const AT_ONCE: usize = 8;
/// The longest backoff of our own, in seconds.
const LONGEST: u64 = 900;
/// The longest backoff that is kept, in seconds.
const WEEK: u64 = 7 * 24 * 3_600;
/// Seconds that are added to `Retry-After` at most.
const JITTER: u64 = 5;
/// Two minutes before the dates of the tests.
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// The head of a 429 with these headers.
fn busy(headers: &str) -> String {
    format!("raw=HTTP/1.1 429 Too Many Requests\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n")
}

/// One request, whose failure is final.
fn once(script: &[&str]) -> (Tap, Server) {
    let tap = Tap::new().faults(script).set("max_wait_seconds", 1.into()).args(&["--test"]);
    let server = tap.serve();
    (tap, server)
}

fn allowed_in(run: &Run) -> u64 {
    let line = run.critical();
    let number = line.split("the next request is allowed in ").nth(1).unwrap().split(' ').next().unwrap();
    number.parse().unwrap()
}

#[test]
fn retry_after_in_every_form_delays_the_next_run_and_unreadable_counts_as_the_longest_backoff() {
    let relative = |then: &str| format!("date: {DATE}\r\nretry-after: {then}\r\n");
    let asked = [
        ("retry-after: 120\r\n".into(), 120),
        ("retry-after:   7  \r\n".into(), 7),
        (relative("Sun, 06 Nov 1994 08:51:37 GMT"), 120),
        (relative("Sunday, 06-Nov-94 08:51:37 GMT"), 120),
        (relative("Sun Nov  6 08:51:37 1994"), 120),
        // No response says when it was made, so the wall clock counts, and this date is past.
        ("retry-after: Sun, 06 Nov 1994 08:51:37 GMT\r\nretry-after: 9\r\n".into(), 9),
        ("retry-after: 5\r\nretry-after: 900\r\n".into(), 900),
        ("retry-after: 900\r\nretry-after: 5\r\n".into(), 900),
        ("retry-after: soon\r\nretry-after: 60\r\n".into(), LONGEST),
        ("retry-after: 60\r\nretry-after: soon\r\n".into(), LONGEST),
        ("retry-after: -5\r\n".into(), LONGEST),
        ("retry-after: 1e12\r\n".into(), LONGEST),
        ("retry-after: 1.5\r\n".into(), LONGEST),
        ("retry-after:\r\n".into(), LONGEST),
        ("retry-after: \u{e9}\r\n".into(), LONGEST),
    ];
    concurrency::each(&asked, AT_ONCE, |(headers, asked)| {
        let (tap, server) = once(&[&busy(headers)]);
        let run = tap.run_on(&server);
        assert_eq!((run.code, run.seen.len()), (75, 1), "{headers}: {}", run.stderr);
        assert!((*asked..=asked + JITTER).contains(&allowed_in(&run)), "{headers}: {}", run.stderr);
        let again = tap.run_on(&server);
        assert_eq!((again.code, again.seen.len()), (75, 1), "{headers}: {}", again.stderr);
        assert!(again.critical().contains("backing off after a failed request"), "{}", again.stderr);
    });
}

#[test]
fn retry_after_in_the_past_leaves_our_own_backoff() {
    let date = |then: &str| format!("date: {DATE}\r\nretry-after: {then}\r\n");
    let rows = [
        String::new(),
        date("Sun, 06 Nov 1994 08:00:00 GMT"),
        // Without the answer's own date the wall clock counts.
        "retry-after: Sun, 06 Nov 1994 08:51:37 GMT\r\n".into(),
        "retry-after: 0\r\n".into(),
    ];
    concurrency::each(&rows, AT_ONCE, |headers| {
        let (tap, server) = once(&[&busy(headers)]);
        let run = tap.run_on(&server);
        // On loopback the backoff is below a second, and rounded up.
        assert_eq!((run.code, run.seen.len(), allowed_in(&run)), (75, 1, 1), "{headers}: {}", run.stderr);
        assert_eq!(tap.run_on(&server).seen.len(), 2, "{headers}");
        assert_eq!(server.sandbox.violations(), Vec::<String>::new(), "{headers}");
    });
}

#[test]
fn retry_after_of_any_status_delays_the_next_run() {
    let asked = |status: &str| {
        let script = format!(
            "raw=HTTP/1.1 {status} Words\r\nretry-after: 120\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let (tap, server) = once(&[&script]);
        let run = tap.run_on(&server);
        assert_eq!(run.seen.len(), 1, "{status}: {}", run.stderr);
        (tap, server, run)
    };
    let statuses =
        ["200", "204", "302", "400", "401", "404", "407", "408", "422", "451", "500", "501", "524"];
    concurrency::each(&statuses, AT_ONCE, |status| {
        let (tap, server, first) = asked(status);
        let entry = ledger(&tap, &server);
        let owed = entry.not_before.expect("the ledger keeps it") - entry.boottime_ms;
        assert!((120_000..=125_000).contains(&owed), "{status}: {owed} ms");
        if *status != "200" {
            assert!((120..=125).contains(&allowed_in(&first)), "{status}: {}", first.stderr);
        }
        let next = tap.run_on(&server);
        assert_eq!((next.code, next.seen.len()), (75, 1), "{status}: {}", next.stderr);
    });

    let tap = Tap::new()
        .one()
        .faults(&["retry-after=120"])
        .set("max_wait_seconds", 1.into())
        .args(&["--assume-idle"]);
    let server = tap.serve();
    assert_eq!(tap.run_on(&server).records("user_report").len(), 5, "a success that asks for patience");
    let next = tap.run_on(&server);
    assert_eq!((next.code, next.seen.len()), (75, 1), "{}", next.stderr);
}

#[test]
fn retry_after_of_an_answer_that_a_signal_cuts_delays_the_next_run() {
    let tap = Tap::new().faults(&["429", "retry-after=120", "hang=5"]).args(&["--test"]);
    let server = tap.serve();
    let child = tap.command(&server).spawn().unwrap();
    while server.sandbox.seen().is_empty() {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    // Longer than the timeout of the answer's head, shorter than that of its body.
    std::thread::park_timeout(Duration::from_secs(1));
    signal(&child, "TERM");
    assert_eq!(finish(ended(child), &server).code, 143);
    let entry = ledger(&tap, &server);
    let owed = entry.not_before.expect("the ledger keeps it") - entry.boottime_ms;
    assert!((120_000..=125_000).contains(&owed), "{owed} ms");
}

#[test]
fn retry_after_beyond_seven_days_is_capped_and_the_message_names_the_file() {
    let raw = "99999999999999999999999";
    let (tap, server) = once(&[&busy(&format!("retry-after: {raw}\r\n"))]);
    let run = tap.run_on(&server);
    assert_eq!((run.code, allowed_in(&run)), (75, WEEK), "{}", run.stderr);
    let entry = ledger(&tap, &server);
    assert_eq!(entry.not_before.map(|end| end - entry.boottime_ms), Some(WEEK * 1_000));
    let file = ledger_file(&tap, &server);
    let words = format!("the API asked for `Retry-After: {raw}`; hint: delete `{file}` to end the wait");
    assert!(run.critical().contains(&words), "{}", run.stderr);
    std::fs::remove_file(file).unwrap();
    assert_eq!(tap.run_on(&server).seen.len(), 2);
}

/// From the end of each exchange to the next arrival, in units of the interval.
fn gaps(run: &Run, interval: Duration) -> Vec<f64> {
    let gap = |two: &[tap_together::sandbox::ReceivedRequest]| {
        two[1].arrived.saturating_sub(two[0].finished.unwrap()).as_secs_f64() / interval.as_secs_f64()
    };
    run.seen.windows(2).map(gap).collect()
}

fn assert_doubling(gaps: &[f64]) {
    for (number, gap) in gaps.iter().enumerate() {
        let least = 2f64.powi(i32::try_from(number).unwrap());
        assert!(*gap >= least, "gap {number} of {gaps:?} is below {least} intervals");
    }
}

fn ledger_file(tap: &Tap, server: &Server) -> String {
    let store = tap.store(&server.sandbox.url());
    store.ledger_path().unwrap().to_str().unwrap().to_owned()
}

fn ledger(tap: &Tap, server: &Server) -> Ledger {
    let LedgerRead::Found(entry) = tap.store(&server.sandbox.url()).read().unwrap() else {
        panic!("there is no ledger")
    };
    entry
}

#[test]
fn backoff_doubles_from_run_to_run_until_a_request_succeeds() {
    let interval = Duration::from_millis(200);
    let tap = Tap::new()
        .every(interval.as_secs_f64())
        .faults(&["1:500", "2:503", "3:cut=9", "4:429"])
        .args(&["--assume-idle", "--test"]);
    let server = tap.serve();
    for failures in 1..=4 {
        assert_ne!(tap.run_on(&server).code, 0);
        assert_eq!(ledger(&tap, &server).failures, failures);
    }
    let last = tap.run_on(&server);
    assert_eq!((last.code, last.seen.len()), (0, 5), "{}", last.stderr);
    assert_doubling(&gaps(&last, interval));
    assert_eq!((ledger(&tap, &server).failures, ledger(&tap, &server).not_before), (0, None));
    assert_eq!(server.sandbox.violations(), Vec::<String>::new());
}

#[test]
fn retry_of_a_temporary_status_stops_at_max_attempts() {
    let rows = [
        ("408", 3, 75),
        ("425", 3, 75),
        ("429", 3, 75),
        ("500", 3, 75),
        ("502", 3, 75),
        ("503", 3, 75),
        ("504", 3, 75),
        ("cut=9", 3, 69),
        ("reset=9", 3, 69),
        // A web page rarely turns into a report, however many attempts are allowed.
        ("body=<html>", 3, 65),
        // What will not change is not tried again.
        ("501", 3, 75),
        ("524", 3, 75),
        ("404", 1, 69),
        ("302", 1, 69),
        ("body={}", 1, 65),
        ("csv=a,b\n1\n", 1, 65),
    ];
    concurrency::each(&rows, AT_ONCE, |(fault, requests, code)| {
        let attempts = if fault.starts_with("body") { 5 } else { 3 };
        let tap = Tap::new().one().set("max_attempts", attempts.into());
        let run = tap.faults(&[fault]).run();
        assert_eq!((run.code, run.seen.len()), (*code, *requests), "{fault}: {}", run.stderr);
        assert_eq!(run.stdout.lines().count(), 1, "{fault}");
        assert_doubling(&gaps(&run, Duration::from_millis(100)));

        let run = Tap::new().one().faults(&[&format!("1:{fault}")]).run();
        let passes = *requests > 1;
        assert_eq!((run.code == 0, run.seen.len()), (passes, 1 + usize::from(passes)), "1:{fault}");
    });
}

#[test]
fn run_ended_by_429_503_401_or_403_keeps_completed_streams() {
    for (fault, code) in [("503", 75), ("429", 75), ("401", 77), ("403", 77)] {
        let script = format!("pairingReport:{fault}");
        let tap = Tap::new().set("max_attempts", 2.into()).faults(&[&script]);
        let run = tap.run();
        let tries = if code == 75 { 2 } else { 1 };
        assert_eq!((run.code, run.seen.len()), (code, 1 + tries), "{}", run.stderr);
        assert_eq!(run.stdout.matches(r#""type":"RECORD""#).count(), 5, "{fault}");
        let state = run.state();
        assert_eq!(state["bookmarks"]["user_report"]["row_count"], 5, "{fault}");
        assert_eq!(state["currently_syncing"], "pairing_report", "{fault}");
    }
}
