//! Decides which rows of a stream are sent, and logs why.
//!
//! [`journal`](crate::journal) decides which reports may be in the table, and [`changes`](crate::changes) compares them.

use std::io::Write;

use super::Delivery;
use super::emission::Emission;
use super::verify::table_error;
use crate::changes::{ChangeSet, Load, Search, Today};
use crate::clock;
use crate::error::Result;
use crate::job::Stream;
use crate::journal::{FullLoadReason, Journal, JournalFile, Snapshot, check_unchanged};
use crate::report::spool::Report;
use crate::settings::Replication;
use crate::telemetry::Notice;

impl<W: Write> Delivery<W> {
    /// The rows that are sent.
    pub(super) fn plan_load(
        &self,
        stream: &Stream,
        emission: &Emission,
        report: &mut Report,
    ) -> Result<ChangeSet> {
        Ok(match (stream.replication, &self.archive) {
            (Replication::Changes, Some(archive)) => {
                let search = Search {
                    stream: stream.name(),
                    today: Today { header: &emission.header, key: &emission.key, layout: &emission.layout },
                    snapshot: &emission.snapshot,
                    journal: self.journal(stream.name()),
                    state: &self.state.checkpoint(stream.name()),
                    archive,
                    full_every: self.settings.full_every,
                    now: clock::wall(),
                    next_version: self.next_version(stream),
                    max_message_bytes: self.settings.max_message_bytes,
                    telemetry: &self.telemetry,
                };
                search.find(report).map_err(|cause| table_error(stream.name(), &cause.into()))?
            }
            _ => ChangeSet::without_comparison(self.check_unchanged(stream, &emission.snapshot)),
        })
    }

    fn check_unchanged(&self, stream: &Stream, snapshot: &Snapshot) -> Load {
        let name = stream.name();
        let check = || check_unchanged(self.journal(name), &self.state.checkpoint(name), snapshot);
        match self.settings.skip_unchanged.then(check) {
            Some(Ok(())) => Load::Nothing { activate: None },
            outcome => {
                Load::Full { version: self.next_version(stream), reason: outcome.and_then(Result::err) }
            }
        }
    }

    fn journal(&self, stream: &str) -> Result<&Journal, FullLoadReason> {
        let journal = self.journals.get(stream).ok_or(FullLoadReason::NoJournal);
        journal.and_then(JournalFile::content)
    }

    pub(super) fn log_load(&self, stream: &str, changes: &ChangeSet) {
        let stream = stream.to_owned();
        let notice = match (changes.load, changes.counts()) {
            (Load::Nothing { .. }, _) => Notice::Unchanged { stream },
            (Load::Full { reason: Some(reason), .. }, _) => {
                Notice::FullLoad { stream, reason: reason.to_string() }
            }
            (_, Some(rows)) => Notice::Changes {
                stream,
                inserted: rows.inserted,
                updated: rows.updated,
                deleted: rows.deleted,
            },
            (_, None) => return,
        };
        self.telemetry.notice(&notice);
    }
}
