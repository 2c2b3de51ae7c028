//! A run that ends at a random point of its output: SIGTERM truncates no line, and after SIGKILL no STATE is ahead of
//! its records. `POINTS` sets the runs of each test, 60 by default.

use std::collections::HashMap;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use serde_json::Value;

use super::concurrency;
use super::signals::{signal, signals};
use super::tap::{Tap, finish};

const ROWS: u64 = 400;
/// Bytes that a complete run writes, roughly.
const BYTES: usize = 800_000;
const FEW: usize = 60;
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

/// How a run ended: its exit code, its whole lines, and what was left of one.
struct End {
    code: i32,
    lines: String,
    rest: String,
}

impl End {
    /// Whether it came in the middle of a report.
    fn is_inside(&self) -> bool {
        self.lines.lines().last().is_some_and(|line| !line.contains(r#""type":"STATE""#))
    }
}

/// Reads `bytes` bytes and sends the signal. A socket buffers less than a pipe, so the tap is not far ahead.
fn end_after(bytes: usize, name: &str) -> End {
    let tap = Tap::new().rows(ROWS);
    let server = tap.serve();
    let (mut reader, writer) = UnixStream::pair().unwrap();
    let child = tap.command(&server).stdout(OwnedFd::from(writer)).spawn().unwrap();
    let mut output = Vec::new();
    (&mut reader).take(bytes as u64).read_to_end(&mut output).unwrap();
    signal(&child, name);
    reader.read_to_end(&mut output).unwrap();
    let run = finish(child, &server);
    assert_eq!(server.sandbox.violations(), Vec::<String>::new());
    let whole = output.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    // What is read may end inside a character.
    let rest = String::from_utf8_lossy(&output.split_off(whole)).into_owned();
    End { code: run.code, lines: String::from_utf8(output).unwrap(), rest }
}

/// Ends runs at random points, each by one of these signals, and returns those that were hit before they were over.
fn ends(signals: &[(&str, i32)]) -> Vec<End> {
    let points = number("POINTS", FEW);
    let mut ends = concurrency::each(&vec![(); points], AT_ONCE, |()| {
        let (name, code) = signals[fastrand::usize(0..signals.len())];
        let end = end_after(fastrand::usize(0..BYTES), name);
        assert!(end.code == 0 || end.code == code, "{name}: {}", end.code);
        believe(&end.lines);
        end
    });
    ends.retain(|end| end.code != 0);
    let inside = ends.iter().filter(|end| end.is_inside()).count();
    println!("{points} runs, {} of them hit, {inside} inside a report", ends.len());
    assert!(ends.len() > points / 2 && inside > points / 4, "{} {inside}", ends.len());
    ends
}

/// The size of a search, which `.ci/proof` sets.
#[expect(clippy::disallowed_methods, reason = "the test's own setting, which the program never sees")]
pub fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

#[test]
fn sigterm_at_a_random_point_truncates_no_line() {
    for end in ends(&signals()) {
        assert_eq!(end.rest, "");
    }
}

#[test]
fn sigkill_at_a_random_point_leaves_no_state_ahead_of_records() {
    let ends = ends(&[("KILL", -9)]);
    assert!(ends.iter().any(|end| !end.rest.is_empty()), "no line was cut: the points are not random");
}

#[test]
#[should_panic(expected = "user_report")]
fn state_ahead_of_its_records_fails_the_check() {
    believe(r#"{"type":"STATE","value":{"bookmarks":{"user_report":{"row_count":1}}}}"#);
}
