//! Model checking of the gate: every order of events of two taps, with the real decision of `api::ledger`.
//!
//! **Events.** Two taps, each at any speed: open the lock file, lock it, check that it is still the one at its path,
//! read the ledger, write a witness, wait until [`due`](tap_together::api::ledger::due), write *inflight*, check the
//! lock again, send, read the response, give up or time out, record the end, unlock, start again. Between any two steps:
//! time passes, a tap is killed, a machine loses power and boots, the ledger is garbled or lost, the lock file is
//! deleted or its folder moved, a request or its response is late or lost, a gateway responds before the origin has ended.
//! Either both taps run on one machine, or on two that share the state folder.
//!
//! **Promises** in every reachable state, measured at the server. P1: no two requests arrive within an interval.
//! P2: no two requests are in service at once. P3: no request arrives within an interval after the end of the last one.
//! Time is relative to now, so the states are finite although a run is not: the promises hold for any number of steps.
//!
//! **Assumptions.** A request without its client (it gave up, was killed or lost its machine), or behind a gateway that
//! gave up, arrives and ends within the grace, or never; after the client's own timeout, within 15 intervals less one.
//! A ledger is lost, or its folder moved, only while nothing is under way, as in a fresh container, and is not garbled
//! while it remembers a timeout. A request whose lock file is deleted meanwhile ends within the grace. A test drops each
//! assumption and shows that a promise breaks without it. Also assumed: the boot clock is right, all clocks run at one
//! speed (a sixtieth of the interval is added for drift), and the kernel's lock is exclusive and ends with its owner.
//! Backoff only lengthens a wait (`api::ledger` tests that), so it is left out.
//!
//! **Mutants.** Each [`Mutant`](gate::Mutant) breaks one rule of the gate, and each breaks a promise.

#![expect(clippy::unwrap_used, reason = "an error fails the test at its line")]

mod gate; // the real decision, and the mutants
mod steps; // the events and their effects
mod world; // the taps, the ledger, the requests, the server

use std::collections::BTreeSet;

use gate::Mutant;
use stateright::{Checker, HasDiscoveries, Model};
use steps::{Assumption, Gate, PROMISES, Place};

#[test]
#[expect(clippy::print_stdout, reason = "the test reports its figures")]
fn gate_keeps_its_promises_in_every_order_of_events() {
    for place in [Place::OneMachine, Place::TwoMachines] {
        let checker = Gate::shipped(place).checker().spawn_bfs().join();
        println!(
            "{place:?}: {} states, {} of them different, {} steps deep",
            checker.state_count(),
            checker.unique_state_count(),
            checker.max_depth()
        );
        checker.assert_properties();
    }
}

#[test]
fn gate_without_one_of_its_rules_breaks_a_promise() {
    for mutant in Mutant::ALL {
        let place = if mutant == Mutant::AnyBootTrusted { Place::TwoMachines } else { Place::OneMachine };
        assert_breaks(&format!("{mutant:?}"), Gate { mutant: Some(mutant), ..Gate::shipped(place) });
    }
}

#[test]
fn gate_without_one_of_its_assumptions_breaks_a_promise() {
    for denied in [Assumption::StraysEnd, Assumption::LossInPeace, Assumption::UnguardedEnds] {
        let gate = Gate { denied: Some(denied), ..Gate::shipped(Place::OneMachine) };
        assert_breaks(&format!("without {denied:?}"), gate);
    }
}

/// Searches until a promise is broken, and prints the shortest sequence of events that breaks it.
#[expect(clippy::print_stdout, reason = "the events explain the mutant")]
fn assert_breaks(name: &str, gate: Gate) {
    let broken = HasDiscoveries::AnyOf(BTreeSet::from(PROMISES));
    let checker = gate.checker().finish_when(broken).spawn_bfs().join();
    let found = PROMISES.into_iter().find_map(|promise| Some((promise, checker.discovery(promise)?)));
    let (promise, path) = found.unwrap_or_else(|| panic!("{name}: no promise is broken"));
    println!("{name}, after {} states: {promise}\n    {:?}", checker.state_count(), path.into_actions());
}
