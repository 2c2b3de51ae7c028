//! One run in the model of the change feed: its input of the decision, and its messages.

use tap_together::changes::comparison::Comparison;
use tap_together::journal::{EmissionKind, Entry, FullLoadReason, Journal, Snapshot, next_version};
use tap_together::singer::state::Checkpoint;

use super::archive::{Archive, comparison, digest, rows};
use super::events::{End, Given, Mode, Rule};
use super::targets::{DeletedAt, Message, Report};

pub struct Run {
    pub without: Option<Rule>,
    pub pipeline: usize,
    pub given: Given,
    pub state: Checkpoint,
    pub mode: Mode,
    pub report: Report,
    pub end: End,
    pub now: i64,
}

/// What a run sends.
pub struct Emission {
    pub kind: EmissionKind,
    pub version: i64,
    pub messages: Vec<Message>,
    /// The rows that are sent as deleted.
    pub deleted: Report,
}

/// The input of the decision: STATE, the fingerprint of today, and the journal.
pub type Input = (Checkpoint, String, Result<Journal, FullLoadReason>);

impl Run {
    pub fn lacks(&self, rule: Rule) -> bool {
        self.without == Some(rule)
    }

    pub fn sha256(&self) -> String {
        digest(self.report)
    }

    pub fn fingerprint(&self) -> String {
        let is_deferred = self.mode != Mode::Snapshot || self.lacks(Rule::DeferralInFingerprint);
        format!("{} {is_deferred}", self.mode == Mode::OtherSettings)
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot { sha256: self.sha256(), fingerprint: self.fingerprint(), records_sha256: None }
    }

    /// A snapshot run without `skip_unchanged` moves the bookmark of a stream at once.
    pub fn moves_bookmark_early(&self) -> bool {
        self.mode == Mode::Snapshot || self.lacks(Rule::LastStateOnly)
    }

    /// What a run sends that has nothing to say, besides SCHEMA and STATE.
    pub fn messages_of_nothing(&self) -> Vec<Message> {
        let version = self.state.version.filter(|_| self.mode.sends_changes());
        version.into_iter().map(Message::Activate).collect()
    }

    /// The report with its values as they are emitted.
    pub fn emitted(&self, report: Report) -> Report {
        let added = if self.mode == Mode::OtherSettings { 10 } else { 0 };
        report.map(|value| value.map(|value| value + added))
    }

    /// The input of the real decision, changed so that the missing rule is met.
    pub fn input(&self, journal: &Result<Journal, FullLoadReason>, archive: &Archive) -> Input {
        let (mut state, mut fingerprint) = (self.state.clone(), self.fingerprint());
        let mut journal = journal.clone();
        let entries = journal.as_mut().map_or(Vec::new(), |journal| std::mem::take(&mut journal.entries));
        let entries = self.believed_entries(entries, archive, &mut state, &mut fingerprint);
        let journal = journal.map(|journal| Journal { entries, ..journal });
        (state, fingerprint, journal)
    }

    fn believed_entries(
        &self,
        mut entries: Vec<Entry>,
        archive: &Archive,
        state: &mut Checkpoint,
        fingerprint: &mut String,
    ) -> Vec<Entry> {
        let position = entries.iter().position(|entry| Some(&entry.id) == state.entry.as_ref());
        let Some(position) = position else {
            let is_believed = self.lacks(Rule::KnownEntry) && state.entry.is_some();
            if let Some(first) = entries.first().filter(|_| is_believed) {
                *state = checkpoint(first);
            }
            return entries;
        };
        let named = entries[position].clone();
        match self.without {
            Some(Rule::LaterEntries) => entries.truncate(position + 1),
            Some(Rule::LaterFullLoad) => {
                entries[position..].iter_mut().for_each(|entry| entry.version = named.version);
            }
            Some(Rule::Agreement) => *state = checkpoint(&named),
            Some(Rule::SameFingerprint) => *fingerprint = named.snapshot.fingerprint,
            Some(Rule::EveryReportArchived) => {
                entries.retain(|entry| entry.id == named.id || archive.has(entry));
            }
            _ => {}
        }
        entries
    }

    /// All rows of the report, and as deleted what the kept reports and deleted rows of the journal have besides.
    pub fn full_load(&self, journal: Option<&Journal>, archive: &Archive) -> Emission {
        let version = self.next_version(journal);
        let sends_deleted = self.mode.sends_changes() && !self.lacks(Rule::DeletedRowsInFullLoad);
        let entries = journal.filter(|_| sends_deleted).map_or(&[][..], |journal| &journal.entries);
        let deleted = archive.compare(&mut comparison(self.report), entries, entries);
        self.emission(EmissionKind::Full, version, deleted, None)
    }

    /// The rows that differ from any report that may be in the table.
    pub fn changes(&self, in_table: &[Entry], journal: Option<&Journal>, archive: &Archive) -> Emission {
        let is_constant = !self.lacks(Rule::ConstantVersion);
        let version = if is_constant { in_table[0].version } else { self.next_version(journal) };
        let mut comparison = comparison(self.report);
        let deleted = archive.compare(&mut comparison, in_table, &in_table[1..]);
        self.emission(EmissionKind::Changes, version, deleted, Some(&comparison))
    }

    fn next_version(&self, journal: Option<&Journal>) -> i64 {
        let last = self.state.version.filter(|_| !self.lacks(Rule::VersionOfState)).unwrap_or_default();
        next_version(self.now, last, journal.filter(|_| !self.lacks(Rule::HighestVersion)))
    }

    fn emission(
        &self,
        kind: EmissionKind,
        version: i64,
        deleted: Report,
        changes: Option<&Comparison>,
    ) -> Emission {
        let deleted_at = if self.lacks(Rule::NullInRecords) { DeletedAt::LeftOut } else { DeletedAt::Null };
        let mut messages = Vec::new();
        for (row, (key, value)) in rows(self.emitted(self.report)).enumerate() {
            if changes.is_none_or(|changes| changes.is_changed(row)) {
                messages.push(Message::Record { key, value, version, deleted_at });
            }
        }
        let (lower, deleted_at) = (version - 1, DeletedAt::Time);
        let of_deleted = if self.lacks(Rule::LowerVersionOfDeletedRows) { version } else { lower };
        let of_deleted = |(key, value)| Message::Record { key, value, version: of_deleted, deleted_at };
        messages.extend(rows(self.emitted(deleted)).map(of_deleted));
        messages.push(Message::Activate(version));
        Emission { kind, version, messages, deleted }
    }
}

/// The STATE after an emission.
pub fn checkpoint(entry: &Entry) -> Checkpoint {
    Checkpoint {
        entry: Some(entry.id.clone()),
        version: Some(entry.version),
        sha256: Some(entry.snapshot.sha256.clone()),
        fingerprint: Some(entry.snapshot.fingerprint.clone()),
    }
}
