//! The world of the journal's model: tables, STATEs and journals of one or two pipelines, and the effects of each event.
//!
//! A report has one row or none, with the key 0. The journal, its decision and its versions are the real ones.

use tap_together::journal::{
    EmissionKind, Entry, FullLoadReason, Journal, Snapshot, check_unchanged, next_version,
};
use tap_together::singer::state::Checkpoint;

/// The value of the row, if the report has it.
pub type Report = Option<u8>;

/// A rule of the journal. The doc of each is the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// STATE's entry is the last one of the journal.
    LastEntry,
    /// STATE and its entry agree on version, digest and fingerprint.
    Agreement,
    /// The report is the one of STATE's entry.
    SameReport,
    /// Today's fingerprint is the one of STATE's entry.
    SameFingerprint,
    /// The entry is durable before the first record.
    EntryFirst,
    /// If the entry cannot be written, nothing is emitted.
    NothingUnrecorded,
    /// A run without `skip_unchanged` writes an entry too.
    RecordsWithoutSkip,
    /// An emission without `skip_unchanged` is never taken for one with it.
    SkipInFingerprint,
    /// The bookmark moves in the last STATE of a run only.
    LastStateOnly,
    /// Each pipeline has its own journal.
    JournalPerPipeline,
    /// A copy of the journal is not believed.
    OriginalFile,
    /// A version is greater than every one in the journal.
    HighestVersion,
    /// A version is greater than the one in STATE.
    VersionOfState,
    /// One run at a time reads and writes the journal.
    Lock,
}

impl Rule {
    pub const ALL: [Self; 14] = [
        Self::LastEntry,
        Self::Agreement,
        Self::SameReport,
        Self::SameFingerprint,
        Self::EntryFirst,
        Self::NothingUnrecorded,
        Self::RecordsWithoutSkip,
        Self::SkipInFingerprint,
        Self::LastStateOnly,
        Self::JournalPerPipeline,
        Self::OriginalFile,
        Self::HighestVersion,
        Self::VersionOfState,
        Self::Lock,
    ];
}

/// The STATE that a run is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    Kept,
    Missing,
    /// The first one that was ever kept.
    Oldest,
    OfTheOther,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Skip,
    /// Without `skip_unchanged`.
    Off,
    /// Without `skip_unchanged`, and the journal cannot be written.
    OffUnwritable,
    /// With settings that give the row another value.
    OtherSettings,
    /// The journal cannot be written.
    Unwritable,
    /// The journal was read before the last run wrote it.
    Overlapping,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Confirmed,
    /// This many messages are in the table, and the STATE does not come back.
    Killed(usize),
    /// The same, but the target has printed a STATE that is not the last.
    EarlyState(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    LoseJournal,
    /// The file is replaced by a copy from before the last run.
    RestoreJournal,
    SetClockBack,
    /// A version of the tap without journals loads a report with the row; Meltano merges its STATE.
    EarlierVersion,
    DropTable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Run { pipeline: usize, given: Given, mode: Mode, report: Report, end: End },
    Fault(Fault),
}

/// A row of the table: its value, which settings shaped, and its version.
type Row = Option<((u8, bool), i64)>;

enum Message {
    Record((u8, bool)),
    Activate,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pipeline {
    row: Row,
    /// STATEs that were kept, the last one last.
    states: Vec<Checkpoint>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct File {
    journal: Option<Journal>,
    is_copy: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    clock: i64,
    runs: u32,
    pipelines: Vec<Pipeline>,
    files: Vec<File>,
    /// The files before the last run.
    earlier: Vec<File>,
}

impl World {
    pub fn new(pipelines: usize) -> Self {
        let files = vec![File { journal: None, is_copy: false }; pipelines];
        let pipeline = Pipeline { row: None, states: Vec::new() };
        Self { clock: 1000, runs: 0, pipelines: vec![pipeline; pipelines], earlier: files.clone(), files }
    }

    /// The world after an event, and whether the table is right; `None` if the event is impossible.
    pub fn after(&self, event: Event, without: Option<Rule>) -> Option<(Self, bool)> {
        let mut world = self.clone();
        world.runs += 1;
        world.clock += 10;
        match event {
            Event::Fault(fault) => world.suffer(fault).then_some((world, true)),
            Event::Run { pipeline, given, mode, report, end } => {
                let state = self.given(pipeline, given)?;
                let run = Run { without, pipeline, state, mode, report, end };
                let is_right = world.run(&run)?;
                world.earlier.clone_from(&self.files);
                Some((world, is_right))
            }
        }
    }

    fn given(&self, pipeline: usize, given: Given) -> Option<Checkpoint> {
        let states = &self.pipelines[pipeline].states;
        match given {
            Given::Kept => Some(states.last().cloned().unwrap_or_default()),
            Given::Missing => states.last().map(|_| Checkpoint::default()),
            Given::Oldest => states.first().filter(|_| states.len() > 1).cloned(),
            Given::OfTheOther => self.pipelines[1 - pipeline].states.last().cloned(),
        }
    }

    /// Returns false if the fault is impossible.
    fn suffer(&mut self, fault: Fault) -> bool {
        match fault {
            Fault::LoseJournal => self.files[0].journal = None,
            Fault::RestoreJournal if self.earlier[0].journal.is_none() => return false,
            Fault::RestoreJournal => self.files[0] = File { is_copy: true, ..self.earlier[0].clone() },
            Fault::SetClockBack => self.clock -= 500,
            Fault::EarlierVersion => {
                let Some(last) = self.pipelines[0].states.last().cloned() else { return false };
                let version = self.clock.max(last.version.unwrap_or_default() + 1);
                self.pipelines[0].row = Some(((0, false), version));
                let sha256 = Some(digest(Some(0)));
                self.pipelines[0].states.push(Checkpoint { version: Some(version), sha256, ..last });
            }
            Fault::DropTable => self.pipelines[0].row = None,
        }
        true
    }

    /// Returns whether the table is right if the STATE of the run is kept; `None` if the run is impossible.
    fn run(&mut self, run: &Run) -> Option<bool> {
        let is_missing = |rule| run.without == Some(rule);
        if run.mode == Mode::Overlapping && !is_missing(Rule::Lock) {
            return None;
        }
        let place = if is_missing(Rule::JournalPerPipeline) { 0 } else { run.pipeline };
        let read = if run.mode == Mode::Overlapping { &self.earlier[place] } else { &self.files[place] };
        let journal = match &read.journal {
            None => Err(FullLoadReason::NoJournal),
            Some(_) if read.is_copy && !is_missing(Rule::OriginalFile) => Err(FullLoadReason::CopiedJournal),
            Some(journal) => Ok(journal.clone()),
        };
        let snapshot = run.snapshot();
        if run.skips() && run.is_unchanged(journal.clone(), snapshot.clone()) {
            return Some(run.end != End::Confirmed || self.is_right(run));
        }
        let version = next_version(
            self.clock,
            run.state.version.filter(|_| !is_missing(Rule::VersionOfState)).unwrap_or_default(),
            journal.as_ref().ok().filter(|_| !is_missing(Rule::HighestVersion)),
        );
        let kind = EmissionKind::Full;
        let entry = Entry {
            id: self.runs.to_string(),
            kind,
            version,
            snapshot,
            completed_at: String::new(),
            deleted: Vec::new(),
        };
        let state = checkpoint(&entry);
        let is_unwritable = matches!(run.mode, Mode::Unwritable | Mode::OffUnwritable);
        if is_unwritable && run.skips() && !is_missing(Rule::NothingUnrecorded) {
            return Some(true);
        }
        let is_late = is_missing(Rule::EntryFirst) && run.end != End::Confirmed;
        let is_unrecorded = is_missing(Rule::RecordsWithoutSkip) && !run.skips();
        if !is_unwritable && !is_late && !is_unrecorded {
            let journal = journal.unwrap_or_default().with(entry, &run.state);
            self.files[place] = File { journal: Some(journal), is_copy: false };
        }
        let messages = run.messages();
        let (most, kept) = match run.end {
            End::Confirmed => (messages.len(), Some(state)),
            End::Killed(most) => (most, None),
            // Without `skip_unchanged` the bookmark moves at once.
            End::EarlyState(most) if !run.skips() || is_missing(Rule::LastStateOnly) => (most, Some(state)),
            End::EarlyState(most) => (most, Some(run.state.clone())),
        };
        let pipeline = &mut self.pipelines[run.pipeline];
        for message in messages.into_iter().take(most) {
            match message {
                Message::Record(value) => pipeline.row = Some((value, version)),
                Message::Activate => pipeline.row = pipeline.row.filter(|(_, old)| *old >= version),
            }
        }
        pipeline.states.extend(kept);
        Some(run.end != End::Confirmed || self.is_right(run))
    }

    fn is_right(&self, run: &Run) -> bool {
        self.pipelines[run.pipeline].row.map(|(value, _)| value) == run.value()
    }
}

struct Run {
    without: Option<Rule>,
    pipeline: usize,
    state: Checkpoint,
    mode: Mode,
    report: Report,
    end: End,
}

impl Run {
    fn skips(&self) -> bool {
        !matches!(self.mode, Mode::Off | Mode::OffUnwritable)
    }

    fn value(&self) -> Option<(u8, bool)> {
        self.report.map(|value| (value, self.mode == Mode::OtherSettings))
    }

    fn messages(&self) -> Vec<Message> {
        self.value().map(Message::Record).into_iter().chain([Message::Activate]).collect()
    }

    fn snapshot(&self) -> Snapshot {
        let skips = self.skips() || self.without == Some(Rule::SkipInFingerprint);
        let fingerprint = format!("{} {skips}", self.mode == Mode::OtherSettings);
        Snapshot { sha256: digest(self.report), fingerprint, records_sha256: None }
    }

    /// The real decision, after the input was changed so that the missing rule is met.
    fn is_unchanged(&self, mut journal: Result<Journal, FullLoadReason>, mut today: Snapshot) -> bool {
        let mut state = self.state.clone();
        let is_named = |entry: &Entry| Some(&entry.id) == self.state.entry.as_ref();
        let position = journal.as_ref().ok().and_then(|journal| journal.entries.iter().position(is_named));
        if let (Some(position), Ok(journal)) = (position, &mut journal) {
            let named = journal.entries[position].clone();
            match self.without {
                Some(Rule::LastEntry) => journal.entries.truncate(position + 1),
                Some(Rule::Agreement) => state = checkpoint(&named),
                Some(Rule::SameReport) => today.sha256 = named.snapshot.sha256,
                Some(Rule::SameFingerprint) => today.fingerprint = named.snapshot.fingerprint,
                _ => {}
            }
        }
        check_unchanged(journal.as_ref().map_err(|reason| *reason), &state, &today).is_ok()
    }
}

/// The STATE after an emission.
fn checkpoint(entry: &Entry) -> Checkpoint {
    Checkpoint {
        entry: Some(entry.id.clone()),
        version: Some(entry.version),
        sha256: Some(entry.snapshot.sha256.clone()),
        fingerprint: Some(entry.snapshot.fingerprint.clone()),
    }
}

fn digest(report: Report) -> String {
    format!("{report:?}")
}
