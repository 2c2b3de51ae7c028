//! Model checking of the journal: every history of runs with the real decision, up to a depth, by breadth-first search.
//!
//! The promise: after a run whose STATE was kept, the table equals the report. Each [`Rule`] is left out once, and a
//! history that breaks the promise is found; with all rules none is. Targets honour `ACTIVATE_VERSION`.

use std::collections::{HashSet, VecDeque};

use crate::journal_world::{End, Event, Fault, Given, Mode, Rule, World};

/// The events of a search.
#[derive(Clone, Copy)]
struct Alphabet {
    given: &'static [Given],
    modes: &'static [Mode],
    ends: &'static [End],
    faults: &'static [Fault],
    pipelines: usize,
}

const KILLS: Alphabet = Alphabet {
    given: &[Given::Kept, Given::Missing, Given::Oldest],
    modes: &[Mode::Skip, Mode::Unwritable, Mode::OtherSettings],
    ends: &[End::Confirmed, End::Killed(0), End::Killed(1), End::EarlyState(0), End::EarlyState(1)],
    faults: &[],
    pipelines: 1,
};
const SWITCHED: Alphabet =
    Alphabet { given: &[Given::Kept], modes: &[Mode::Skip, Mode::Off, Mode::OtherSettings], ..KILLS };
const LOSSES: Alphabet = Alphabet {
    given: &[Given::Kept, Given::Missing],
    modes: &[Mode::Skip],
    ends: &[End::Confirmed, End::Killed(1)],
    faults: &[Fault::LoseJournal, Fault::RestoreJournal, Fault::EarlierVersion],
    pipelines: 1,
};
const CLOCK: Alphabet = Alphabet {
    given: &[Given::Kept, Given::Missing, Given::Oldest],
    faults: &[Fault::SetClockBack],
    ..LOSSES
};
const DOWNGRADES: Alphabet =
    Alphabet { given: &[Given::Kept], faults: &[Fault::SetClockBack, Fault::EarlierVersion], ..LOSSES };
const TWO_PIPELINES: Alphabet = Alphabet {
    given: &[Given::Kept, Given::Oldest, Given::OfTheOther],
    modes: &[Mode::Skip],
    ends: &[End::Confirmed, End::Killed(1)],
    faults: &[],
    pipelines: 2,
};
const OVERLAPPING: Alphabet =
    Alphabet { given: &[Given::Kept], modes: &[Mode::Skip, Mode::Overlapping], ..LOSSES };
const DROPPED: Alphabet = Alphabet { faults: &[Fault::DropTable], ..LOSSES };
const UNWRITTEN: Alphabet = Alphabet { modes: &[Mode::Skip, Mode::OffUnwritable], ..KILLS };

/// The histories in which a rule is needed.
fn alphabet(rule: Rule) -> Alphabet {
    match rule {
        Rule::LastEntry
        | Rule::SameReport
        | Rule::SameFingerprint
        | Rule::EntryFirst
        | Rule::NothingUnrecorded
        | Rule::LastStateOnly => KILLS,
        Rule::RecordsWithoutSkip | Rule::SkipInFingerprint => SWITCHED,
        Rule::OriginalFile => LOSSES,
        Rule::HighestVersion => CLOCK,
        Rule::Agreement | Rule::VersionOfState => DOWNGRADES,
        Rule::JournalPerPipeline => TWO_PIPELINES,
        Rule::Lock => OVERLAPPING,
    }
}

impl Alphabet {
    fn events(self) -> Vec<Event> {
        let mut events: Vec<Event> = self.faults.iter().map(|fault| Event::Fault(*fault)).collect();
        for pipeline in 0..self.pipelines {
            for &given in self.given {
                for &mode in self.modes {
                    for &end in self.ends {
                        for report in [None, Some(0)] {
                            events.push(Event::Run { pipeline, given, mode, report, end });
                        }
                    }
                }
            }
        }
        events
    }

    /// The shortest history that breaks the promise, if one of at most `depth` events does, and the steps tried.
    fn search(self, without: Option<Rule>, depth: usize) -> (Option<Vec<Event>>, u64) {
        let events = self.events();
        let start = World::new(self.pipelines);
        let mut seen = HashSet::from([start.clone()]);
        let mut pending = VecDeque::from([(start, Vec::new())]);
        let mut steps = 0;
        while let Some((world, history)) = pending.pop_front() {
            for event in &events {
                let Some((next, is_right)) = world.after(*event, without) else { continue };
                steps += 1;
                let history = [&history[..], &[*event]].concat();
                if !is_right {
                    return (Some(history), steps);
                }
                if history.len() < depth && seen.insert(next.clone()) {
                    pending.push_back((next, history));
                }
            }
        }
        (None, steps)
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the test reports its figures")]
fn journal_keeps_the_table_equal_to_the_report_in_every_history() {
    for (name, alphabet, depth) in [
        ("kills", KILLS, 4),
        ("switched on and off", Alphabet { modes: &[Mode::Skip, Mode::Off], ..SWITCHED }, 4),
        ("losses", LOSSES, 6),
        ("clock set back", CLOCK, 6),
        ("downgrades", DOWNGRADES, 6),
        ("two pipelines", TWO_PIPELINES, 5),
    ] {
        let (broken, steps) = alphabet.search(None, depth);
        println!("{name}: {steps} steps");
        assert_eq!(broken, None, "{name}");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the history explains the rule")]
fn journal_without_one_of_its_rules_breaks_the_promise() {
    for rule in Rule::ALL {
        let (broken, steps) = alphabet(rule).search(Some(rule), 4);
        let history = broken.unwrap_or_else(|| panic!("without {rule:?} the promise holds"));
        println!("without {rule:?}, after {steps} steps:\n    {history:?}");
    }
}

/// What `docs/journal.md` says cannot be guaranteed.
#[test]
fn journal_cannot_notice_a_dropped_table_or_an_unwritable_run_without_skip() {
    for alphabet in [DROPPED, UNWRITTEN] {
        assert!(alphabet.search(None, 4).0.is_some());
    }
}
