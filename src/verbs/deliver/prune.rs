//! Deletes from the archive what no journal needs, after a stream was written.
//!
//! A failure is a warning: the messages are written already.

use std::io::Write;

use super::Delivery;
use crate::archive::Archive;
use crate::error::Result;
use crate::job::Stream;
use crate::journal::JournalFile;
use crate::settings::Replication;
use crate::telemetry::Warning;

impl<W: Write> Delivery<W> {
    /// Deletes what no journal needs.
    pub(super) fn prune_archive(&self, stream: &Stream) {
        let is_pruned = self.settings.archive_keep.is_some() || stream.replication == Replication::Changes;
        let Some(archive) = self.archive.as_ref().filter(|_| is_pruned) else { return };
        let Some(journal) = self.journals.get(stream.name()) else { return };
        if let Err(error) = prune(archive, stream.name(), journal, self.settings.archive_keep) {
            let (stream, cause) = (stream.name().to_owned(), error.to_string());
            self.telemetry.warn(&Warning::NotPruned { stream, cause });
        }
    }
}

fn prune(archive: &Archive, stream: &str, journal: &JournalFile, keep: Option<u64>) -> Result<()> {
    // Before the journals: what another run adds after this is not in the list.
    let names = archive.names_of(stream)?;
    let Some(all) = journal.all_entries() else { return Ok(()) };
    let needed = all.entries.iter().flat_map(|entry| {
        entry
            .archived()
            .filter_map(|(sha256, ending)| archive.name(stream, &entry.completed_at, sha256, ending))
    });
    archive.prune(names, &needed.collect(), keep)
}
