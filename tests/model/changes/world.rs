//! The world in the model of the change feed: tables, STATEs, journals and the archive, and the effects of each event.
//!
//! The journal, its decision, its versions and the comparison of rows are the real ones.

use std::rc::Rc;

use tap_together::journal::{
    DeletedRows, EmissionKind, Entry, FullLoadReason, Journal, check_changes, check_unchanged, has_no_changes,
};
use tap_together::singer::state::Checkpoint;

use super::archive::{Archive, digest, report_of};
use super::events::{End, Event, Fault, Given, Mode, Rule};
use super::run::{Emission, Run, checkpoint};
use super::targets::{DeletedAt, Family, KEYS, Message, Report, Tables};

/// What is wrong after a run whose STATE was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// The table of this family differs from the report.
    Table(Family),
    /// Nothing disturbed the runs, but the records are not exactly the rows that changed.
    Records,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Pipeline {
    tables: Tables,
    /// STATEs that were kept: the first, the second and the last one.
    states: Vec<Checkpoint>,
    /// The tables and the STATE after the first run whose STATE was kept, if the search needs them.
    backup: Option<(Tables, Checkpoint)>,
    /// Nothing happened since a run whose STATE was kept.
    is_undisturbed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct File {
    journal: Option<Journal>,
    is_copy: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    clock: i64,
    next_id: u32,
    pipelines: Vec<Pipeline>,
    files: Vec<Rc<File>>,
    archive: Archive,
    /// The files before the last run, if the search needs them.
    earlier: Option<Vec<Rc<File>>>,
}

impl World {
    /// `keeps_earlier`: whether an event can bring back an earlier file or table.
    pub fn new(pipelines: usize, keeps_earlier: bool) -> Self {
        let files = vec![Rc::default(); pipelines];
        Self {
            clock: 1000,
            next_id: 0,
            pipelines: vec![Pipeline::default(); pipelines],
            earlier: keeps_earlier.then(|| files.clone()),
            files,
            archive: Archive::default(),
        }
    }

    /// The world after an event, and what is wrong then; `None` if the event is impossible.
    pub fn after(&self, event: Event, without: Option<Rule>) -> Option<(Self, Vec<Breach>)> {
        let mut world = self.clone();
        match event {
            Event::Fault(fault) => world.suffer(fault).then_some((world, Vec::new())),
            Event::Run { pipeline, given, mode, report, end } => {
                let state = self.given(pipeline, given)?;
                let run = Run { without, pipeline, given, state, mode, report, end, now: self.clock };
                let breaches = world.run(&run)?;
                world.earlier = self.earlier.is_some().then(|| self.files.clone());
                Some((world, breaches))
            }
        }
    }

    fn given(&self, pipeline: usize, given: Given) -> Option<Checkpoint> {
        let states = &self.pipelines[pipeline].states;
        match given {
            Given::Kept => Some(states.last().cloned().unwrap_or_default()),
            Given::Missing => states.last().map(|_| Checkpoint::default()),
            Given::Older(number) => states.split_last()?.1.get(number).cloned(),
            Given::OfTheOther => self.pipelines[1 - pipeline].states.last().cloned(),
        }
    }

    /// Returns false if the fault is impossible.
    fn suffer(&mut self, fault: Fault) -> bool {
        if fault != Fault::SetClockBack {
            self.pipelines.iter_mut().for_each(|pipeline| pipeline.is_undisturbed = false);
        }
        let (archive, pipeline) = (&mut self.archive, &mut self.pipelines[0]);
        match fault {
            Fault::LoseJournal => self.files[0] = Rc::default(),
            Fault::LoseArchive => *archive = Archive::default(),
            Fault::LoseOldestReport if archive.reports.is_empty() => return false,
            Fault::LoseOldestReport => drop(archive.reports.remove(0)),
            Fault::LoseNewestReport => return archive.reports.pop().is_some(),
            Fault::LoseDeletedRows => return archive.deleted.pop().is_some(),
            Fault::RestoreJournal => {
                let earlier = self.earlier.as_ref().map(|files| File::clone(&files[0]));
                let Some(copy) = earlier.filter(|file| file.journal.is_some()) else { return false };
                self.files[0] = Rc::new(File { is_copy: true, ..copy });
            }
            Fault::SetClockBack => self.clock -= 500,
            Fault::EarlierVersion => return self.run_earlier_version(),
            Fault::DropTable => pipeline.tables = Tables::default(),
            Fault::RestoreTableAndState => {
                let Some((tables, state)) = pipeline.backup.clone() else { return false };
                (pipeline.tables, pipeline.states) = (tables, vec![state]);
            }
        }
        true
    }

    fn run_earlier_version(&mut self) -> bool {
        let pipeline = &mut self.pipelines[0];
        let Some(last) = pipeline.states.last().cloned() else { return false };
        let version = self.clock.max(last.version.unwrap_or_default() + 1);
        self.clock += 10;
        let record = Message::Record { key: 0, value: 0, version, deleted_at: DeletedAt::LeftOut };
        pipeline.tables.apply(&[record, Message::Activate(version)], true);
        let sha256 = Some(digest([Some(0), None]));
        pipeline.keep(Checkpoint { version: Some(version), sha256, ..last });
        true
    }

    /// Returns what is wrong if the STATE of the run is kept; `None` if the run is impossible.
    fn run(&mut self, run: &Run) -> Option<Vec<Breach>> {
        let is_prevented = match run.mode {
            Mode::Overlapping => !run.lacks(Rule::Lock),
            Mode::PrunedByAnother => !run.lacks(Rule::ArchiveLock),
            _ => false,
        };
        if is_prevented {
            return None;
        }
        let place = if run.lacks(Rule::JournalPerPipeline) { 0 } else { run.pipeline };
        let journal = self.read_journal(run, place);
        let is_confirmed = run.end == End::Confirmed;
        let emission = self.plan(run, &journal);
        let is_unwritable = match run.mode {
            Mode::UnwritableArchive => true,
            Mode::UnwritableJournal => emission.is_some(),
            _ => false,
        };
        if is_unwritable && !run.lacks(Rule::NothingUnrecorded) {
            return is_confirmed.then(Vec::new);
        }
        if run.end == End::KilledBeforeEntry {
            self.archive.add_without_entry();
            self.prune(run);
            return Some(Vec::new());
        }
        let (messages, state) = match emission {
            Some(emission) => {
                let entry = self.entry(run, &emission);
                let state = checkpoint(&entry);
                self.record(run, place, journal.unwrap_or_default(), entry);
                (emission.messages, state)
            }
            None => (run.messages_of_nothing(), run.state.clone()),
        };
        let (most, kept) = match run.end {
            End::EarlyState(most) if run.moves_bookmark_early() => (most, Some(state)),
            End::EarlyState(most) => (most, Some(run.state.clone())),
            End::Killed(most) => (most, None),
            End::Confirmed | End::KilledBeforeEntry => (messages.len(), Some(state)),
        };
        let expected = self.expected_records(run);
        let pipeline = &mut self.pipelines[run.pipeline];
        pipeline.tables.apply(messages.get(..most)?, is_confirmed);
        if let Some(state) = kept {
            pipeline.keep(state);
        }
        pipeline.is_undisturbed = is_confirmed;
        if !is_confirmed {
            return Some(Vec::new());
        }
        if self.earlier.is_some() && pipeline.backup.is_none() {
            pipeline.backup = pipeline.states.last().map(|state| (pipeline.tables.clone(), state.clone()));
        }
        let mut breaches: Vec<Breach> =
            pipeline.tables.wrong(run.emitted(run.report)).map(Breach::Table).collect();
        if expected.is_some_and(|expected| records(&messages) != expected) {
            breaches.push(Breach::Records);
        }
        Some(breaches)
    }

    fn read_journal(&self, run: &Run, place: usize) -> Result<Journal, FullLoadReason> {
        let earlier = self.earlier.as_ref().filter(|_| run.mode == Mode::Overlapping);
        let file = &earlier.unwrap_or(&self.files)[place];
        match &file.journal {
            None => Err(FullLoadReason::NoJournal),
            Some(_) if file.is_copy && !run.lacks(Rule::OriginalFile) => Err(FullLoadReason::CopiedJournal),
            Some(journal) => Ok(journal.clone()),
        }
    }

    /// What the run sends; `None` if there is nothing to say.
    fn plan(&self, run: &Run, journal: &Result<Journal, FullLoadReason>) -> Option<Emission> {
        let full_load = || run.full_load(journal.as_ref().ok(), &self.archive);
        if !run.mode.sends_changes() {
            let content = journal.as_ref().map_err(|reason| *reason);
            let checked = check_unchanged(content, &run.state, &run.snapshot());
            return (run.mode == Mode::Snapshot || checked.is_err()).then(full_load);
        }
        let (state, fingerprint, input) = run.input(journal, &self.archive);
        let input = input.as_ref().map_err(|reason| *reason);
        let in_table = check_changes(input, &state, &fingerprint, |entry| self.archive.has(entry));
        let Some(in_table) = in_table.ok().filter(|_| run.mode != Mode::Due) else {
            return Some(full_load());
        };
        let last = if run.lacks(Rule::NothingAfterLastEntry) { &in_table[..1] } else { in_table };
        let sha256 =
            if run.lacks(Rule::NothingIfSameReport) { last[0].snapshot.sha256.clone() } else { run.sha256() };
        let has_no_changes = has_no_changes(last, &sha256);
        (!has_no_changes).then(|| run.changes(in_table, journal.as_ref().ok(), &self.archive))
    }

    fn entry(&mut self, run: &Run, emission: &Emission) -> Entry {
        let mut entry = Entry::new(emission.kind, emission.version, run.snapshot(), "");
        entry.id = self.next_id.to_string();
        self.next_id += 1;
        if emission.kind == EmissionKind::Full {
            self.clock += 10;
        }
        if emission.deleted != Report::default() && !run.lacks(Rule::RememberDeletedRows) {
            entry.deleted.push(DeletedRows { sha256: digest(emission.deleted), rows: 1 });
        }
        entry
    }

    /// Makes report, deleted rows and entry durable.
    fn record(&mut self, run: &Run, place: usize, journal: Journal, entry: Entry) {
        let is_killed = run.end != End::Confirmed;
        let is_unarchived = run.mode == Mode::UnwritableArchive || run.mode == Mode::PrunedByAnother;
        if !(is_unarchived || is_killed && run.lacks(Rule::ArchiveFirst)) {
            self.archive.add(&entry);
        }
        let is_unrecorded = run.mode == Mode::UnwritableJournal
            || is_killed && run.lacks(Rule::EntryFirst)
            || !run.mode.sends_changes() && run.lacks(Rule::RecordSnapshots);
        if !is_unrecorded {
            let journal = Some(journal.with(entry, &run.state));
            self.files[place] = Rc::new(File { journal, is_copy: false });
        }
        self.prune(run);
    }

    /// Drops from the archive what no journal needs.
    fn prune(&mut self, run: &Run) {
        if run.lacks(Rule::Retention) {
            self.archive.retain_newest(1);
        } else {
            self.archive.retain_needed_by(self.files.iter().filter_map(|file| file.journal.as_ref()));
        }
    }

    /// The keys of the rows that changed, if nothing disturbed the runs.
    fn expected_records(&self, run: &Run) -> Option<[bool; KEYS]> {
        let is_undisturbed = self.pipelines[run.pipeline].is_undisturbed
            && run.given == Given::Kept
            && run.mode == Mode::Changes
            && run.state.fingerprint == Some(run.fingerprint());
        let before = report_of(run.state.sha256.as_ref().filter(|_| is_undisturbed)?);
        Some(std::array::from_fn(|key| before[key] != run.report[key]))
    }
}

impl Pipeline {
    fn keep(&mut self, state: Checkpoint) {
        if self.states.last() != Some(&state) {
            self.states.truncate(if self.states.len() > 2 { 2 } else { 3 });
            self.states.push(state);
        }
    }
}

/// The keys of the records.
fn records(messages: &[Message]) -> [bool; KEYS] {
    let mut keys = [false; KEYS];
    for message in messages {
        if let Message::Record { key, .. } = message {
            keys[*key] = true;
        }
    }
    keys
}
