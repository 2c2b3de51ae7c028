//! The journals of all pipelines of one stream, for a caller that deletes what none of them needs.
//!
//! While it looks, no other run of the stream may add an entry: it holds the locks of all other journals, and gives up
//! if another run has one. A run that starts later waits for its lock.

use super::Entry;
use super::file::{JournalFile, parse, read_file};
use crate::files::{LockFile, TryLock};

/// The entries of all pipelines. No other run adds one until this is dropped.
pub struct AllEntries {
    pub entries: Vec<Entry>,
    _locks: Vec<LockFile>,
}

impl JournalFile {
    /// The entries of this stream in every pipeline; `None` if another run of the stream goes on, or if a journal cannot
    /// be read.
    #[must_use]
    pub fn all_entries(&self) -> Option<AllEntries> {
        let names = self.folder.names().ok()?;
        let others = |ending| names.iter().filter(move |name| self.is_of_another_pipeline(name, ending));
        let mut locks = Vec::new();
        for name in others("lock") {
            match self.folder.try_lock(name).ok()? {
                TryLock::Locked(lock) => locks.push(lock),
                TryLock::Held { .. } => return None,
            }
        }
        let mut entries = self.content().map_or_else(|_| Vec::new(), |journal| journal.entries.clone());
        for name in others("json") {
            // A file that a run would not believe needs nothing.
            if let Some((file, bytes)) = read_file(&self.folder, name).ok()?
                && let Ok(journal) = parse(&bytes, file).ok()?
            {
                entries.extend(journal.entries);
            }
        }
        Some(AllEntries { entries, _locks: locks })
    }

    /// Whether a file with this ending belongs to this stream, but not to this pipeline.
    fn is_of_another_pipeline(&self, name: &str, ending: &str) -> bool {
        let ours: Vec<&str> = self.name.split('.').collect();
        match name.split('.').collect::<Vec<_>>()[..] {
            [scope, stream, pipeline, "journal", last] => {
                ours[..2] == [scope, stream] && ours[2] != pipeline && last == ending
            }
            _ => false,
        }
    }
}
