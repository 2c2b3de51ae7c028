//! Model checking of the gate: every order of events of two taps, with the real decision of `api::ledger`. The journal
//! has its own model.
//!
//! It checks the [`PROMISES`] in every reachable state, as long as each [`Assumption`] holds, and shows that each
//! [`Mutant`] breaks a promise. [`steps::Event`] lists the events. Not modelled: backoff, which only lengthens a wait
//! (`api::ledger` tests that), and clock drift, for which the gate adds a sixtieth of the interval.

#![expect(clippy::unwrap_used, reason = "an error fails the test at its line")]

mod changes; // every history of runs with `replication: changes`, with the real decision and comparison
mod gate; // the real decision, and the mutants
mod journal; // every history of runs that load a table, with the real decision of `journal`
mod journal_world; // the tables, STATEs and journals, and the rules of the journal
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
