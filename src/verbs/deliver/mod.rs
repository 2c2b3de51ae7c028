//! Writes a complete report: verify, compare, archive, journal, then SCHEMA, RECORDs, `ACTIVATE_VERSION` and STATE.
//!
//! Nothing of a stream is emitted unless the whole report is verified, archived (`archive: on`) and in the journal (if
//! runs rely on it); after that only stdout or the spool can fail. An unchanged report has no RECORD.
//! Delivery runs on a separate thread, so that the wait for the next request continues, and stops between two lines
//! when a signal asks for it.

mod checks;
mod emission;
mod load;
mod prune;
mod records;
mod verify;

use std::io::Write;
use std::sync::Arc;

use serde_json::json;

use self::emission::Emission;
pub use self::verify::{table_error, verify_report, verify_with};
use crate::archive::Archive;
use crate::changes::{ChangeSet, Deleted, Load};
use crate::clock;
use crate::column_store::ColumnStore;
use crate::error::Result;
use crate::job::Stream;
use crate::journal::{EmissionKind, Entry, Journals, Snapshot, next_version};
use crate::report::spool::Report;
use crate::settings::{Settings, Switch};
use crate::shutdown::Stop;
use crate::singer::message::Message;
use crate::singer::state::{Bookmark, SnapshotSource, State};
use crate::singer::writer::Writer;
use crate::table::verify::VerifiedTable;
use crate::telemetry::{StreamReport, Telemetry, metric_seconds};

/// Writes streams to stdout and keeps the state.
pub struct Delivery<W: Write> {
    writer: Writer<W>,
    state: State,
    /// Bookmarks that only the last STATE has.
    held_back: Vec<(String, Bookmark)>,
    store: ColumnStore,
    journals: Journals,
    archive: Option<Archive>,
    settings: Settings,
    telemetry: Arc<Telemetry>,
    stop: Stop,
}

impl<W: Write> Delivery<W> {
    pub fn new(
        out: W,
        state: State,
        journals: Journals,
        settings: Settings,
        telemetry: Arc<Telemetry>,
        stop: Stop,
    ) -> Result<Self> {
        let keeps = settings.archive == Switch::On && !settings.reads_files();
        let archive = keeps.then(|| Archive::new(&settings));
        archive.as_ref().map_or(Ok(()), Archive::check)?;
        Ok(Self {
            writer: Writer::new(out),
            state,
            held_back: Vec::new(),
            store: ColumnStore::new(&settings),
            journals,
            archive,
            settings,
            telemetry,
            stop,
        })
    }

    /// Verifies and writes one stream. `next` is the stream at which a run that ends here is resumed.
    pub fn write_stream(
        &mut self,
        stream: &Stream,
        mut report: Report,
        next: Option<&str>,
    ) -> Result<StreamReport> {
        let began = clock::now();
        let (plan, table) = verify_report(stream, &mut report)?;
        self.warn_of_repairs(stream.name(), &report, &table);
        let (emission, mut done) = self.plan_emission(stream, plan, &mut report, &table)?;
        let mut changes = self.plan_load(stream, &emission, &mut report)?;
        self.check_rows(stream.name(), table.rows, changes.loss)?;
        self.log_load(stream.name(), &changes);
        if let Some(archive) = &self.archive {
            archive.add(
                stream.name(),
                &mut report,
                changes.deleted.iter_mut().map(|rows| &mut rows.report),
            )?;
        }
        changes.fill_in(stream.replication, &mut done);
        let records = match changes.load {
            Load::Nothing { activate } => {
                self.write_schema(stream, &emission)?;
                self.activate(stream, activate)?;
                0
            }
            Load::Changes { version } | Load::Full { version, .. } => {
                done.version = self.settings.activate_version.then_some(version);
                self.write_all(stream, emission, &mut report, &table, &mut changes, version)?
            }
        };
        self.write_state(next)?;
        self.prune_archive(stream);
        let seconds = metric_seconds(clock::now().saturating_sub(began));
        let tags = json!({"stream": stream.name()});
        self.telemetry.metric("counter", "record_count", &json!(records), &tags);
        self.telemetry.metric("timer", "sync_duration", &json!(seconds), &tags);
        done.seconds = Some(seconds);
        Ok(done)
    }

    /// Writes all messages of the stream but STATE, and moves its bookmark. Returns the number of RECORDs.
    fn write_all(
        &mut self,
        stream: &Stream,
        emission: Emission,
        report: &mut Report,
        table: &VerifiedTable,
        changes: &mut ChangeSet,
        version: i64,
    ) -> Result<u64> {
        // Before the first message: if the STATE of this run is lost, the table still has these names and types.
        let entry = self.enter_journal(stream, version, &emission, changes)?;
        let memory = stream.remember(emission.columns.clone(), Some(version), &emission.layout);
        self.store.keep(stream.name(), memory.clone());
        let version = self.settings.activate_version.then_some(version);
        self.write_schema(stream, &emission)?;
        let records = self.write_records(stream, report, table, &emission.layout, changes, version)?;
        self.activate(stream, version)?;
        self.writer.flush()?;
        let Snapshot { sha256, fingerprint, .. } = emission.snapshot;
        let bookmark = Bookmark {
            row_count: table.rows,
            entry,
            sha256,
            fingerprint,
            completed_at: emission.seen,
            source: self.source(),
            memory,
        };
        self.complete(stream.name(), bookmark);
        Ok(records)
    }

    /// The version of a full load.
    fn next_version(&self, stream: &Stream) -> i64 {
        let journal = self.journals.get(stream.name()).and_then(|journal| journal.content().ok());
        next_version(clock::wall().timestamp(), stream.last_version, journal)
    }

    fn activate(&mut self, stream: &Stream, version: Option<i64>) -> Result<()> {
        let Some(version) = version else { return Ok(()) };
        self.writer.message(&Message::ActivateVersion { stream: stream.name(), version })
    }

    fn write_schema(&mut self, stream: &Stream, emission: &Emission) -> Result<()> {
        self.writer.message(&Message::Schema {
            stream: stream.name(),
            schema: &emission.layout.schema,
            key_properties: &emission.key,
        })
    }

    fn source(&self) -> SnapshotSource {
        if self.settings.reads_files() { SnapshotSource::File } else { SnapshotSource::Api }
    }

    /// Enters the emission into the journal and returns the entry's name. If it cannot be written, the run goes on unless
    /// later runs rely on it.
    fn enter_journal(
        &mut self,
        stream: &Stream,
        version: i64,
        emission: &Emission,
        changes: &ChangeSet,
    ) -> Result<Option<String>> {
        let stream = stream.name();
        let Some(journal) = self.journals.get_mut(stream) else { return Ok(None) };
        let kind = match changes.load {
            Load::Changes { .. } => EmissionKind::Changes,
            Load::Full { .. } | Load::Nothing { .. } => EmissionKind::Full,
        };
        let mut entry = Entry::new(kind, version, emission.snapshot.clone(), &emission.seen);
        entry.deleted = changes.deleted.iter().map(Deleted::for_journal).collect();
        let name = entry.id.clone();
        match journal.record(entry, &self.state.checkpoint(stream)) {
            Err(_) if !self.settings.needs_journal(stream) => Ok(None),
            outcome => outcome.map(|()| Some(name)),
        }
    }

    /// Moves the bookmark of a stream. Some targets print a STATE before they have written its rows, so a bookmark that a
    /// later run relies on moves in the last STATE only.
    fn complete(&mut self, stream: &str, bookmark: Bookmark) {
        if self.settings.needs_journal(stream) {
            self.held_back.push((stream.to_owned(), bookmark));
        } else {
            self.state.complete(stream, &bookmark);
        }
    }

    /// Writes the last STATE of the run, in which all bookmarks move.
    pub fn write_last_state(&mut self, syncing: Option<&str>) -> Result<()> {
        for (stream, bookmark) in std::mem::take(&mut self.held_back) {
            self.state.complete(&stream, &bookmark);
        }
        self.write_state(syncing)
    }

    /// Writes a STATE with the bookmarks that have moved so far.
    fn write_state(&mut self, syncing: Option<&str>) -> Result<()> {
        let value = self.state.value(syncing);
        self.writer.message(&Message::State { value })?;
        self.telemetry.state_written();
        Ok(())
    }

    /// Whether a signal asked the run to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }
}

#[cfg(test)]
#[path = "property_tests.rs"]
mod tests;
