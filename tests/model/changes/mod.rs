//! Model checking of the change feed: every history of runs with the real decision and comparison, up to a depth.
//!
//! The promise: after a run whose STATE was kept, the table of each target equals the report; and if nothing disturbed
//! the runs, the records are exactly the rows that changed. Each [`Rule`] is left out once, and a history that breaks the
//! promise is found; with all rules none is. It does not model the files of the archive or the rows of a target.

mod archive;
mod events;
mod run;
mod targets;
mod world;

use std::collections::{HashSet, VecDeque};

use events::{End, Event, Fault, Given, Mode, Rule};
use targets::{Family, Report};
use world::{Breach, World};

/// A history that breaks the promise, and what is wrong after it.
type Broken = (Vec<Event>, Vec<Breach>);

/// The events of a search, and the targets that are right in all histories of them.
#[derive(Clone, Copy)]
struct Alphabet {
    given: &'static [Given],
    modes: &'static [Mode],
    ends: &'static [End],
    faults: &'static [Fault],
    reports: &'static [Report],
    pipelines: usize,
    families: &'static [Family],
}

/// They honour `ACTIVATE_VERSION`.
const VERSIONED: &[Family] = &[Family::MeltanoHard, Family::MeltanoSoft, Family::SdkHard, Family::SdkSoft];
const ONE_KEY: &[Report] = &[[None, None], [Some(0), None], [Some(1), None]];
const TWO_KEYS: &[Report] =
    &[[None, None], [Some(0), None], [Some(0), Some(0)], [Some(1), None], [Some(1), Some(0)]];

const KILLS: Alphabet = Alphabet {
    given: &[Given::Kept, Given::Missing, Given::Older(0), Given::Older(1)],
    modes: &[Mode::Changes],
    ends: &[
        End::Confirmed,
        End::KilledBeforeEntry,
        End::Killed(0),
        End::Killed(1),
        End::Killed(2),
        End::EarlyState(0),
    ],
    faults: &[],
    reports: ONE_KEY,
    pipelines: 1,
    families: &Family::ALL,
};
const WIDE: Alphabet = Alphabet {
    given: &[Given::Kept, Given::Missing, Given::Older(0)],
    ends: &[End::Confirmed, End::Killed(0), End::Killed(1), End::Killed(2), End::Killed(3)],
    reports: TWO_KEYS,
    ..KILLS
};
const SETTINGS: Alphabet = Alphabet {
    modes: &[Mode::Changes, Mode::OtherSettings, Mode::Due, Mode::UnwritableArchive, Mode::UnwritableJournal],
    ends: &[End::Confirmed, End::Killed(1)],
    ..KILLS
};
/// Snapshot runs send no deleted rows, so targets without versions are not promised anything.
const SWITCHED: Alphabet = Alphabet {
    given: &[Given::Kept, Given::Missing, Given::Older(0)],
    modes: &[Mode::Changes, Mode::Snapshot, Mode::SkipSnapshot],
    ends: &[End::Confirmed, End::Killed(0), End::Killed(1), End::EarlyState(0)],
    families: VERSIONED,
    ..KILLS
};
const LOSSES: Alphabet = Alphabet {
    given: &[Given::Kept, Given::Missing, Given::Older(0)],
    ends: &[End::Confirmed, End::Killed(0), End::Killed(1)],
    faults: &[
        Fault::LoseJournal,
        Fault::LoseArchive,
        Fault::LoseOldestReport,
        Fault::LoseNewestReport,
        Fault::LoseDeletedRows,
    ],
    families: VERSIONED,
    ..KILLS
};
const COPIES: Alphabet = Alphabet {
    given: &[Given::Kept, Given::Older(0)],
    faults: &[Fault::RestoreJournal, Fault::RestoreTableAndState],
    ..LOSSES
};
const DOWNGRADES: Alphabet =
    Alphabet { given: &[Given::Kept], faults: &[Fault::EarlierVersion, Fault::SetClockBack], ..LOSSES };
const CLOCK: Alphabet = Alphabet {
    ends: &[End::Confirmed, End::Killed(0), End::Killed(1)],
    faults: &[Fault::SetClockBack],
    ..KILLS
};
const LOSSES_AND_CLOCK: Alphabet =
    Alphabet { ends: &[End::Confirmed], faults: &[Fault::SetClockBack, Fault::LoseArchive], ..LOSSES };
const TWO_PIPELINES: Alphabet = Alphabet {
    given: &[Given::Kept, Given::Older(0)],
    ends: &[End::Confirmed, End::Killed(0), End::Killed(1)],
    pipelines: 2,
    ..KILLS
};
const EXCHANGED: Alphabet =
    Alphabet { given: &[Given::Kept, Given::OfTheOther], families: VERSIONED, ..TWO_PIPELINES };
const OVERLAPPING: Alphabet = Alphabet {
    given: &[Given::Kept],
    modes: &[Mode::Changes, Mode::Overlapping, Mode::PrunedByAnother],
    ends: &[End::Confirmed, End::Killed(1)],
    ..KILLS
};
const DROPPED: Alphabet = Alphabet { faults: &[Fault::DropTable], ..LOSSES };

/// The histories in which a rule is needed.
fn alphabet(rule: Rule) -> Alphabet {
    match rule {
        Rule::LaterEntries
        | Rule::LaterFullLoad
        | Rule::NothingAfterLastEntry
        | Rule::NothingIfSameReport
        | Rule::LowerVersionOfDeletedRows
        | Rule::DeletedRowsInFullLoad
        | Rule::NullInRecords
        | Rule::RememberDeletedRows
        | Rule::Retention
        | Rule::ArchiveFirst
        | Rule::EntryFirst
        | Rule::LastStateOnly => KILLS,
        Rule::ConstantVersion => WIDE,
        Rule::SameFingerprint | Rule::NothingUnrecorded => SETTINGS,
        Rule::RecordSnapshots | Rule::DeferralInFingerprint => SWITCHED,
        Rule::KnownEntry | Rule::EveryReportArchived => LOSSES,
        Rule::HighestVersion => LOSSES_AND_CLOCK,
        Rule::Agreement | Rule::VersionOfState => DOWNGRADES,
        Rule::OriginalFile => COPIES,
        Rule::JournalPerPipeline => EXCHANGED,
        Rule::Lock | Rule::ArchiveLock => OVERLAPPING,
    }
}

impl Alphabet {
    fn events(self) -> Vec<Event> {
        let mut events: Vec<Event> = self.faults.iter().map(|fault| Event::Fault(*fault)).collect();
        for pipeline in 0..self.pipelines {
            for &given in self.given {
                for &mode in self.modes {
                    for &end in self.ends {
                        for &report in self.reports {
                            events.push(Event::Run { pipeline, given, mode, report, end });
                        }
                    }
                }
            }
        }
        events
    }

    /// The shortest history that breaks the promise, if one of at most `depth` events does, and the steps tried.
    fn search(self, without: Option<Rule>, depth: usize) -> (Option<Broken>, u64) {
        let events = self.events();
        let keeps_earlier =
            self.faults.contains(&Fault::RestoreJournal) || self.modes.contains(&Mode::Overlapping);
        let start = World::new(self.pipelines, keeps_earlier);
        let mut seen = HashSet::from([start.clone()]);
        let mut pending = VecDeque::from([(start, Vec::new())]);
        let mut steps = 0;
        while let Some((world, history)) = pending.pop_front() {
            let is_last = history.len() + 1 == depth;
            for event in &events {
                // Only a run whose STATE is kept can break the promise.
                if is_last && !matches!(event, Event::Run { end: End::Confirmed, .. }) {
                    continue;
                }
                let Some((next, mut breaches)) = world.after(*event, without) else { continue };
                steps += 1;
                breaches.retain(|breach| match breach {
                    Breach::Table(family) => self.families.contains(family),
                    // A rule keeps the table right; a needless full load does not show what it is for.
                    Breach::Records => without.is_none(),
                });
                if !breaches.is_empty() {
                    return (Some(([&history[..], &[*event]].concat(), breaches)), steps);
                }
                if !is_last && !seen.contains(&next) {
                    seen.insert(next.clone());
                    pending.push_back((next, [&history[..], &[*event]].concat()));
                }
            }
        }
        (None, steps)
    }

    #[expect(clippy::print_stdout, reason = "the test reports its figures")]
    fn assert_keeps_promise(self, name: &str, depth: usize) {
        let (broken, steps) = self.search(None, depth);
        println!("{name}: {steps} steps");
        assert_eq!(broken, None, "{name}");
    }
}

#[test]
fn changes_keep_the_table_equal_to_the_report_whatever_is_killed() {
    KILLS.assert_keeps_promise("kills", 5);
    WIDE.assert_keeps_promise("kills with two keys", 4);
    SETTINGS.assert_keeps_promise("settings", 4);
    CLOCK.assert_keeps_promise("clock set back", 5);
    TWO_PIPELINES.assert_keeps_promise("two pipelines", 5);
}

#[test]
fn changes_keep_a_table_with_versions_equal_to_the_report_whatever_is_lost() {
    SWITCHED.assert_keeps_promise("switched to snapshot and back", 4);
    LOSSES.assert_keeps_promise("losses", 5);
    COPIES.assert_keeps_promise("copies", 5);
    DOWNGRADES.assert_keeps_promise("downgrades", 6);
    EXCHANGED.assert_keeps_promise("exchanged STATEs", 4);
}

#[test]
#[expect(clippy::print_stdout, reason = "the history explains the rule")]
fn changes_without_one_of_the_rules_break_the_promise() {
    for rule in Rule::ALL {
        let (broken, steps) = alphabet(rule).search(Some(rule), 4);
        let (history, breaches) = broken.unwrap_or_else(|| panic!("without {rule:?} the promise holds"));
        println!("without {rule:?}, after {steps} steps: {breaches:?}\n    {history:?}");
    }
}

/// What `docs/changes.md` says cannot be guaranteed.
#[test]
fn changes_cannot_notice_a_dropped_table_or_delete_rows_that_only_lost_files_had() {
    let without_versions = Alphabet { families: &[Family::PipelinewiseHard], ..LOSSES };
    let switched = Alphabet { families: &[Family::PipelinewiseHard], ..SWITCHED };
    for alphabet in [DROPPED, without_versions, switched] {
        assert!(alphabet.search(None, 4).0.is_some());
    }
}
