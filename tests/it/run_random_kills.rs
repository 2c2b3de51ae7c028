//! `run` under random kills: the state file is never ahead of the table, always whole, and never loses a state that the
//! target printed while `run` lived. `RUN_KILLS` sets the number of kills, 40 by default.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::time::Duration;

use serde_json::Value;
use tap_together::singer::state::State;

use super::concurrency;
use super::random_kills::number;
use super::run::{command, kept, state_file, versions};
use super::signals::{signal, signals};
use super::tap::{Tap, finish};

const ROWS: u64 = 20;
/// Lines that a complete run writes, roughly.
const LINES: usize = 80;
/// Milliseconds that a complete run takes, roughly.
const DURATION: u64 = 700;
/// Kills of one table and state file, one after the other.
const KILLS_OF_A_CHAIN: usize = 10;
const FEW: usize = 40;
const AT_ONCE: usize = 6;

/// A target that stores each line before it prints a state: a line is one write to the table. It notes each state that it
/// has printed. It kills itself at a line.
const TARGET: &str = r#"
while IFS= read -r line; do
  [ $((lines += 1)) = "$KILL_AT" ] && kill -9 $$
  printf '%s\n' "$line" >>table
  case $line in '{"type":"STATE"'*)
    state=${line#'{"type":"STATE","value":'}
    printf '%s\n' "${state%?}"
    printf '%s\n' "${state%?}" >>printed
  esac
done"#;

/// The row numbers of each snapshot that the target has stored and activated.
fn table(tap: &Tap) -> BTreeMap<(String, i64), HashSet<u64>> {
    let text = fs::read_to_string(tap.folder.path().join("table")).unwrap_or_default();
    let mut rows: BTreeMap<_, HashSet<u64>> = BTreeMap::new();
    let mut activated = HashSet::new();
    for line in text.lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        let Some(version) = message["version"].as_i64() else { continue };
        let snapshot = (message["stream"].as_str().unwrap().to_owned(), version);
        if message["type"] == "RECORD" {
            rows.entry(snapshot).or_default().insert(message["record"]["_row_number"].as_u64().unwrap());
        } else {
            activated.insert(snapshot);
        }
    }
    rows.retain(|snapshot, _| activated.contains(snapshot));
    rows
}

/// Panics where the state promises more than the table has.
fn is_not_ahead(state: &Value, table: &BTreeMap<(String, i64), HashSet<u64>>) {
    for (stream, bookmark) in state["bookmarks"].as_object().unwrap() {
        let version = bookmark["version"].as_i64().unwrap();
        let rows = table.get(&(stream.clone(), version)).map_or(0, HashSet::len);
        assert_eq!(Some(rows as u64), bookmark["row_count"].as_u64(), "{stream} {version}");
    }
}

/// The versions of the state in the file, by stream; none if the file is missing.
fn stored(tap: &Tap) -> BTreeMap<String, i64> {
    let Ok(text) = fs::read(state_file(tap)) else { return BTreeMap::new() };
    State::parse(&text).unwrap();
    by_stream(&kept(tap))
}

fn by_stream(state: &Value) -> BTreeMap<String, i64> {
    state["bookmarks"].as_object().unwrap().keys().cloned().zip(versions(state)).collect()
}

/// Whether `later` has every stream of `earlier`, in the same version or a greater one.
fn contains(later: &BTreeMap<String, i64>, earlier: &BTreeMap<String, i64>) -> bool {
    earlier.iter().all(|(stream, version)| later.get(stream) >= Some(version))
}

/// Kills one run after the other at a random point, and ends with a complete one. Returns how many were hit.
fn chain(kills: usize) -> usize {
    let tap = Tap::new().rows(ROWS);
    let server = tap.serve();
    let mut before = BTreeMap::new();
    let mut hit = 0;
    for kill in 0..=kills {
        let is_last = kill == kills;
        let (kills_target, kills_run) = [(true, false), (false, true), (true, true)][fastrand::usize(0..3)];
        let mut command = command(&tap, &server, TARGET);
        let _ = fs::remove_file(tap.folder.path().join("printed"));
        if kills_target && !is_last {
            command.env("KILL_AT", fastrand::usize(1..LINES).to_string());
        }
        let child = command.spawn().unwrap();
        let names: Vec<&str> = signals().into_iter().map(|(name, _)| name).chain(["KILL", "KILL"]).collect();
        let name = names[fastrand::usize(..names.len())];
        if kills_run && !is_last {
            std::thread::park_timeout(Duration::from_millis(fastrand::u64(..DURATION)));
            signal(&child, name);
        }
        // The target has the same stderr, so both have ended.
        let run = finish(child, &server);
        hit += usize::from(run.code != 0);
        assert!(!is_last || run.code == 0, "{}", run.stderr);
        let after = stored(&tap);
        assert!(contains(&after, &before), "{before:?} became {after:?}");
        if !after.is_empty() {
            is_not_ahead(&kept(&tap), &table(&tap));
        }
        let printed = fs::read_to_string(tap.folder.path().join("printed")).unwrap_or_default();
        if let (Some(last), true) = (printed.lines().last(), run.code != -9) {
            assert!(contains(&after, &by_stream(&serde_json::from_str(last).unwrap())), "{last} {after:?}");
        }
        before = after;
    }
    assert_eq!((before.len(), server.sandbox.violations()), (3, Vec::new()));
    hit
}

#[test]
fn run_killed_at_a_random_point_never_has_a_state_ahead_of_the_table() {
    let kills = number("RUN_KILLS", FEW);
    let chains: Vec<usize> =
        (0..kills).step_by(KILLS_OF_A_CHAIN).map(|at| (kills - at).min(KILLS_OF_A_CHAIN)).collect();
    let hit: usize = concurrency::each(&chains, AT_ONCE, |kills| chain(*kills)).into_iter().sum();
    println!("{kills} kills, {hit} of them before the run was over");
    assert!(hit > kills / 2, "{hit}");
}

#[test]
#[should_panic(expected = "user_report 7")]
fn state_ahead_of_the_table_fails_the_check() {
    let state = serde_json::json!({"bookmarks": {"user_report": {"version": 7, "row_count": 2}}});
    is_not_ahead(&state, &[(("user_report".to_owned(), 7), HashSet::from([1]))].into());
}
