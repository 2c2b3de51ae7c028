//! The column store: what the state folder remembers of each stream's columns, so that a lost STATE changes nothing.
//!
//! It contains names, headers, types and versions, never a cell. It is written before the first message of a stream, so
//! it also knows what a run emitted whose STATE never came back. If it is missing or unreadable, STATE and the catalog
//! are all there is. If it cannot be written, the run continues without an error.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::park_timeout;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::scope;
use crate::columns::RememberedColumn;
use crate::error::{Error, Exit, Result};
use crate::files::{Folder, LockFile, TryLock, format_of, state_folder};
use crate::settings::Settings;
use crate::singer::state::{FORMAT, StreamMemory};

/// The largest file that is read, in bytes: reports of 10,000 long headers fit.
const LIMIT: u64 = 64 * 1024 * 1024;
/// Another process holds the lock for one read and one write of a small file.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The store of one API and organisation.
pub struct ColumnStore {
    /// `None` if the reports come from files: STATE alone remembers their columns.
    folder: Option<PathBuf>,
    scope: String,
}

#[derive(Serialize, Deserialize)]
struct Content {
    format: u64,
    streams: BTreeMap<String, StreamMemory>,
}

impl ColumnStore {
    /// The store of the API and organisation in the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let folder = (!settings.reads_files()).then(|| settings.state_dir.clone());
        Self { folder, scope: scope(settings) }
    }

    /// What is remembered, by stream. Fails if a newer version of this program wrote it.
    pub fn load(&self) -> Result<BTreeMap<String, StreamMemory>> {
        match self.open() {
            Some(folder) => self.read(&folder),
            None => Ok(BTreeMap::new()),
        }
    }

    /// Remembers a stream.
    pub fn keep(&self, stream: &str, memory: StreamMemory) {
        let Some(folder) = self.open().map(Arc::new) else { return };
        // Two processes that sync different streams must not undo each other's update.
        let _lock = self.lock(&folder);
        let Ok(mut streams) = self.read(&folder) else { return };
        streams.insert(stream.to_owned(), memory);
        if let Ok(bytes) = serde_json::to_vec(&Content { format: FORMAT, streams }) {
            let _ = folder.replace(&self.name(), &bytes);
        }
    }

    fn name(&self) -> String {
        format!("{}.columns.json", self.scope)
    }

    fn open(&self) -> Option<Folder> {
        state_folder::open_if_present(self.folder.as_ref()?).ok().flatten()
    }

    fn lock(&self, folder: &Arc<Folder>) -> Option<LockFile> {
        let name = format!("{}.columns.lock", self.scope);
        for _ in 0..LOCK_ATTEMPTS {
            match folder.try_lock(&name) {
                Ok(TryLock::Locked(lock)) => return Some(lock),
                Ok(TryLock::Held { .. }) => park_timeout(LOCK_PAUSE),
                Err(_) => return None,
            }
        }
        None
    }

    fn read(&self, folder: &Folder) -> Result<BTreeMap<String, StreamMemory>> {
        let bytes = folder.read_small(&self.name(), LIMIT).ok().flatten().unwrap_or_default();
        parse(&bytes)
    }
}

/// Parses the file of any format up to [`FORMAT`]; an unreadable file counts as empty.
fn parse(bytes: &[u8]) -> Result<BTreeMap<String, StreamMemory>> {
    match format_of(bytes) {
        Some(format) if format > FORMAT => Err(Error::new(
            Exit::Usage,
            format!("cannot use the columns in the state folder: their format {format} is newer than {FORMAT}, the newest that this version knows"),
        )
        .hint("update tap-together, or give it another `state_dir`")),
        Some(_) => Ok(serde_json::from_slice::<Content>(bytes).map(|content| content.streams).unwrap_or_default()),
        None => Ok(parse_format_1(bytes)),
    }
}

/// Format 1 had one list of columns for each stream.
fn parse_format_1(bytes: &[u8]) -> BTreeMap<String, StreamMemory> {
    let streams: BTreeMap<String, Vec<RememberedColumn>> = serde_json::from_slice(bytes).unwrap_or_default();
    let memory = |columns| StreamMemory { columns, ..StreamMemory::default() };
    streams.into_iter().map(|(stream, columns)| (stream, memory(columns))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_format_1_are_read_and_count_as_emitted() {
        let streams = parse(br#"{"s":[{"name":"a","title":"A","type":"integer"}]}"#).unwrap();
        let [column] = streams["s"].columns.as_slice() else { panic!("{streams:?}") };
        assert!(column.emitted && column.name == "a" && column.column_type.is_some());
        assert_eq!(streams["s"].version, None);
    }

    #[test]
    fn newer_format_is_refused_and_a_broken_file_counts_as_empty() {
        let newer = parse(br#"{"format":3,"streams":{"s":"other"}}"#).unwrap_err();
        assert!(newer.to_string().contains("their format 3 is newer than 2"), "{newer}");
        for broken in [&b""[..], b"{", b"[]", br#"{"format":2,"streams":7}"#, br#"{"s":7}"#] {
            assert!(parse(broken).unwrap().is_empty());
        }
    }
}
