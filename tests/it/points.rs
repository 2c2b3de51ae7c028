//! The end at a random point of the output: by SIGTERM no line is cut, by SIGKILL no STATE runs ahead of its records.

use std::collections::HashMap;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::process::signal;
use super::tap::{Tap, finish};

const ROWS: u64 = 400;
/// What a whole run writes, roughly.
const BYTES: usize = 800_000;
const POINTS: usize = 100;
const AT_ONCE: usize = 6;

/// What a target holds when it has read these lines; panics where a STATE promises more.
fn believe(lines: &str) -> HashMap<String, u64> {
    let mut records: HashMap<String, u64> = HashMap::new();
    for line in lines.lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        match message["type"].as_str().unwrap() {
            "RECORD" => *records.entry(message["stream"].as_str().unwrap().to_owned()).or_default() += 1,
            "STATE" => {
                for (stream, bookmark) in message["value"]["bookmarks"].as_object().unwrap() {
                    assert_eq!(records.get(stream), bookmark["row_count"].as_u64().as_ref(), "{stream}");
                }
            }
            _ => {}
        }
    }
    records
}

/// Reads so many bytes, sends the signal, and returns the exit code and the whole lines.
fn end_after(bytes: usize, name: &str) -> (i32, String, String) {
    let tap = Tap::new().rows(ROWS).args(&["--assume-idle"]);
    let server = tap.serve();
    let mut child = tap.command(&server).spawn().unwrap();
    let mut head = vec![0; bytes];
    let mut filled = 0;
    while filled < bytes {
        match child.stdout.as_mut().unwrap().read(&mut head[filled..]).unwrap() {
            0 => break,
            more => filled += more,
        }
    }
    head.truncate(filled);
    signal(&child, name);
    // What is read may end inside a character.
    let mut tail = Vec::new();
    child.stdout.as_mut().unwrap().read_to_end(&mut tail).unwrap();
    let run = finish(child, &server);
    assert_eq!(server.sandbox.violations(), Vec::<String>::new());
    head.extend(tail);
    let whole = head.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let rest = String::from_utf8_lossy(&head[whole..]).into_owned();
    head.truncate(whole);
    (run.code, String::from_utf8(head).unwrap(), rest)
}

/// Ends runs at random points, and says how many were hit before they were over.
fn hits(name: &str, judge: impl Fn(i32, &str) + Sync) -> usize {
    let (next, hits) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < POINTS {
                    let (code, lines, rest) = end_after(fastrand::usize(0..BYTES), name);
                    if code != 0 {
                        hits.fetch_add(1, Ordering::Relaxed);
                        judge(code, &rest);
                    }
                    believe(&lines);
                }
            });
        }
    });
    hits.into_inner()
}

#[test]
fn a_terminated_run_cuts_no_line() {
    let hits = hits("-TERM", |code, rest| assert_eq!((code, rest), (143, "")));
    assert!(hits > POINTS / 2, "{hits} of {POINTS} runs were hit");
}

#[test]
fn a_killed_run_promises_nothing_that_was_not_written() {
    let hits = hits("-KILL", |code, _| assert_eq!(code, -9));
    assert!(hits > POINTS / 2, "{hits} of {POINTS} runs were hit");
}

#[test]
#[should_panic(expected = "user_report")]
fn a_state_that_runs_ahead_is_noticed() {
    believe(r#"{"type":"STATE","value":{"bookmarks":{"user_report":{"row_count":1}}}}"#);
}
