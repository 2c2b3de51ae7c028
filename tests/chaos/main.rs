//! Chaos: six real taps behind one gate, against a server that records every violation of the rate limit.
//!
//! Taps run mixed verbs and are killed, stopped and continued at random moments; one has a stderr that nobody reads, one
//! uses the key for another organisation. The lock file is deleted, the state folder moved, or mounted read-only for one
//! tap. Unlike the model, this tests the real program, lock and file system. A [`Sabotage`](pack::Sabotage) must lead to
//! a violation. `CHAOS_SECONDS` sets the length (10), `CHAOS_SEED` repeats the choices of a run, though not its timing.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails where it is")]
#![expect(clippy::print_stdout, reason = "the figures are the point")]

mod pack; // six taps, their killer, and what may be taken from them
mod read_only; // a tap that cannot write to the state folder

use std::time::Duration;

use pack::{Pack, Sabotage};
use tap_together::clock;

/// So few requests prove nothing, however slow the machine is.
const FEWEST_REQUESTS: usize = 10;
/// A sabotage that is not noticed by then is not noticed; a few seconds are usual.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn chaos_of_six_taps_keeps_the_rate_limit() {
    let length = Duration::from_secs(number("CHAOS_SECONDS").unwrap_or(10));
    let mut pack = Pack::new(None, seed());
    let began = clock::now();
    while clock::now().saturating_sub(began) < length || pack.server().seen().len() < FEWEST_REQUESTS {
        pack.round();
        assert_eq!(pack.server().violations(), Vec::<String>::new(), "{}", pack.figures());
    }
    println!("{}", pack.figures());
}

#[test]
fn sabotaged_gate_violates_the_rate_limit() {
    for sabotage in Sabotage::ALL {
        let mut pack = Pack::new(Some(sabotage), seed());
        let began = clock::now();
        while pack.server().violations().is_empty() {
            assert!(
                clock::now().saturating_sub(began) < PATIENCE,
                "{sabotage:?} was not noticed: {}",
                pack.figures()
            );
            pack.round();
        }
        println!("{sabotage:?}: {}, {}", pack.figures(), pack.server().violations()[0]);
    }
}

fn seed() -> u64 {
    number("CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..))
}

#[expect(clippy::disallowed_methods, reason = "the test's own settings, which the program never sees")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
