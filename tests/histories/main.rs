//! Random histories of 2 to 20 snapshots through the real tap into a table, compared with a model after each run.
//!
//! Columns are added, removed, moved, respelled and repeated, types change, STATE or the state folder is lost or old, and
//! catalogs deselect columns; with `replication: changes` the archive is damaged and runs are killed. After each run the
//! table equals the report. The model uses nothing of the tap's modules for columns and tables. `HISTORIES` is the number
//! of histories (25), `HISTORY_SEED` the seed of the first.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails where it is")]
#![expect(clippy::print_stdout, reason = "the figures are the point")]

mod catalog; // catalogs that deselect columns
mod comparison; // a table and the report that it must hold
mod expectation; // what a run must do with a snapshot
mod feed; // `replication: changes`: losses, and which records are right
mod figures; // counts of runs
mod history; // one history: its events and its comparison
mod memory; // what the tap remembers, and which column a header is
mod program; // the tap and the sandbox
mod report; // snapshots that change
mod sabotage; // defects that must be noticed
mod table; // a target with one table

use std::sync::atomic::{AtomicU64, Ordering};

use figures::{Figures, last_lines};
use history::History;
use sabotage::Sabotage;

const THREADS: usize = 2;
/// The most histories in which a sabotage may stay unnoticed.
const PATIENCE: u64 = 40;
const SHOWN_FAILURES: usize = 3;
const SHOWN_LINES: usize = 60;

#[test]
fn table_equals_the_last_report_after_every_run_of_random_histories() {
    let count = number("HISTORIES").unwrap_or(25);
    let first = number("HISTORY_SEED").unwrap_or_else(|| fastrand::u64(..1 << 48));
    let next = AtomicU64::new(0);
    let work = || {
        let mut failures = Vec::new();
        let mut figures = Figures::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return (failures, figures);
            }
            let seed = first + index;
            let mut history = History::new(seed, None);
            if let Err(problem) = history.play() {
                failures.push(format!(
                    "HISTORY_SEED={seed} HISTORIES=1: run {}: {problem}\n{}",
                    history.figures.runs,
                    last_lines(&history.log, SHOWN_LINES)
                ));
            }
            figures.add(history.figures);
        }
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut figures = Figures::default();
    for (_, of_thread) in &results {
        figures.add(*of_thread);
    }
    let failures: Vec<String> = results.into_iter().flat_map(|(failures, _)| failures).collect();
    println!("{} of {count} histories end wrong; {figures:?}; seed {first}", failures.len());
    assert!(failures.is_empty(), "{}", failures[..failures.len().min(SHOWN_FAILURES)].join("\n\n"));
}

#[test]
fn sabotaged_messages_are_noticed_by_the_model() {
    let first = number("HISTORY_SEED").unwrap_or_else(|| fastrand::u64(..1 << 48));
    for sabotage in Sabotage::ALL {
        let problem =
            (first..first + PATIENCE).find_map(|seed| History::new(seed, Some(sabotage)).play().err());
        let problem = problem.unwrap_or_else(|| panic!("{sabotage:?} was not noticed, seed {first}"));
        println!("{sabotage:?}: {}", problem.lines().next().unwrap_or_default());
    }
}

#[expect(clippy::disallowed_methods, reason = "the test's own settings, which the program never sees")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
