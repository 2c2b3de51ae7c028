//! The journals of a run in the state folder: one file for each API, organisation, stream and pipeline.
//!
//! A lock file is held from the start of the run to its end; another run of the same pipeline waits for it. A file is
//! replaced atomically, and holds its own inode number: a copy is not believed, because later entries may be missing in
//! it. An unreadable journal counts as lost. If a journal cannot be locked or written, a run goes on unless a stream needs
//! one (`skip_unchanged`, `replication: changes`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Entry, FullLoadReason, Journal};
use crate::api::scope;
use crate::clock;
use crate::error::{Error, Exit, Result};
use crate::files::{FileId, Folder, LockFile, TryLock, format_of, state_folder, take};
use crate::settings::Settings;
use crate::singer::state::Checkpoint;
use crate::telemetry::{Progress, Telemetry, Warning};

/// The format of the files that this program writes.
const FORMAT: u64 = 1;
/// The largest file that is read, in bytes.
const LIMIT: u64 = 1024 * 1024;
/// How often a lock held by another process is tried again.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// The journals of a run by stream; empty if the run has no state folder.
#[derive(Debug, Default)]
pub struct Journals(BTreeMap<String, JournalFile>);

/// A journal that no other process can change until it is dropped.
#[derive(Debug)]
pub struct JournalFile {
    pub(super) folder: Arc<Folder>,
    pub(super) name: String,
    lock: Arc<LockFile>,
    content: Result<Journal, FullLoadReason>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    format: u64,
    /// Of the file that has this content.
    file: FileId,
    #[serde(flatten)]
    journal: Journal,
}

impl Journals {
    /// Locks and reads the journals of the streams; there are none for reports from files. Waits at most
    /// `max_wait_seconds` for another process.
    pub async fn open(
        settings: &Settings,
        streams: impl Iterator<Item = &str>,
        telemetry: &Telemetry,
    ) -> Result<Self> {
        if settings.reads_files() {
            return Ok(Self::default());
        }
        let streams: BTreeSet<&str> = streams.collect();
        let is_needed = streams.iter().any(|stream| settings.needs_journal(stream));
        match Self::lock(settings, streams, telemetry).await {
            Err(error) if error.exit == Exit::Io && !is_needed => Ok(Self::default()),
            outcome => outcome,
        }
    }

    /// Two runs take the locks in one order, so that neither waits for the other for ever.
    async fn lock(settings: &Settings, streams: BTreeSet<&str>, telemetry: &Telemetry) -> Result<Self> {
        let folder = Arc::new(state_folder::open(&settings.state_dir)?);
        let asked = clock::now();
        let mut journals = BTreeMap::new();
        for stream in streams {
            let name = format!("{}.{stream}.{}.journal", scope(settings), settings.pipeline);
            let wait = Wait { asked, most: settings.max_wait, telemetry };
            let lock = wait.lock(&folder, &name).await?;
            let journal = JournalFile::read(Arc::clone(&folder), &name, lock)?;
            if journal.content == Err(FullLoadReason::UnreadableJournal) {
                telemetry.warn(&Warning::UnreadableJournal { stream: stream.to_owned() });
            }
            journals.insert(stream.to_owned(), journal);
        }
        Ok(Self(journals))
    }

    /// The locks, for a caller that holds them longer than the sync.
    #[must_use]
    pub fn locks(&self) -> Vec<Arc<LockFile>> {
        self.0.values().map(|journal| Arc::clone(&journal.lock)).collect()
    }

    #[must_use]
    pub fn get(&self, stream: &str) -> Option<&JournalFile> {
        self.0.get(stream)
    }

    pub fn get_mut(&mut self, stream: &str) -> Option<&mut JournalFile> {
        self.0.get_mut(stream)
    }
}

/// A wait for locks that began at `asked`.
struct Wait<'a> {
    asked: Duration,
    most: Duration,
    telemetry: &'a Telemetry,
}

impl Wait<'_> {
    async fn lock(&self, folder: &Arc<Folder>, name: &str) -> Result<LockFile> {
        let name = format!("{name}.lock");
        let path = folder.path().join(&name);
        let mut is_logged = false;
        loop {
            let lock = folder.try_lock(&name);
            match lock.map_err(|cause| cannot("lock", folder, &name, &cause))? {
                TryLock::Locked(lock) if lock.is_current() => return Ok(lock),
                TryLock::Held { pid } if !is_logged => {
                    is_logged = true;
                    let holder =
                        pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
                    self.telemetry.info(&format!(
                        "waiting for {holder}, which loads the same stream and holds `{}`",
                        path.display()
                    ));
                    self.telemetry.progress(Progress::Locked);
                }
                // Still held, or the file was replaced, so that another process may have locked the new one.
                TryLock::Held { .. } | TryLock::Locked(_) => {}
            }
            if clock::now().saturating_sub(self.asked) >= self.most {
                return Err(Error::new(
                    Exit::Busy,
                    format!(
                        "cannot lock the journal `{}`: another process has held it for {} s",
                        path.display(),
                        self.most.as_secs()
                    ),
                )
                .hint(
                    "let it finish, raise `max_wait_seconds`, or give each destination another `pipeline`",
                ));
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
    }
}

impl JournalFile {
    fn read(folder: Arc<Folder>, name: &str, lock: LockFile) -> Result<Self> {
        let lock = Arc::new(lock);
        let name = format!("{name}.json");
        let content = read(&folder, &name)?;
        Ok(Self { folder, name, lock, content })
    }

    /// The journal, or the reason why nothing is known.
    pub fn content(&self) -> Result<&Journal, FullLoadReason> {
        self.content.as_ref().map_err(|reason| *reason)
    }

    /// Makes an entry durable: atomic replace and fsync. `state` is the STATE that the run was given.
    pub fn record(&mut self, entry: Entry, state: &Checkpoint) -> Result<()> {
        if !self.lock.is_current() {
            return Err(cannot("write", &self.folder, &self.name, &"its lock file was replaced"));
        }
        let journal = self.content.clone().unwrap_or_default().with(entry, state);
        let write = |file: &mut std::fs::File| {
            let content = Content { format: FORMAT, file: FileId::of(file)?, journal: journal.clone() };
            file.write_all(&serde_json::to_vec(&content)?)
        };
        let written = self.folder.replace_with(&self.name, write);
        written.map_err(|cause| cannot("write", &self.folder, &self.name, &cause))?;
        self.content = Ok(journal);
        Ok(())
    }
}

fn cannot(act: &str, folder: &Folder, name: &str, cause: &dyn Display) -> Error {
    let path = folder.path().join(name);
    Error::new(Exit::Io, format!("cannot {act} the journal `{}`: {cause}", path.display()))
        .hint("make the state folder writable, or set `state_dir` to another one")
}

/// Fails if a newer version of this program wrote the file.
fn read(folder: &Folder, name: &str) -> Result<Result<Journal, FullLoadReason>> {
    match read_file(folder, name) {
        Ok(Some((file, bytes))) => parse(&bytes, file),
        Ok(None) => Ok(Err(FullLoadReason::NoJournal)),
        Err(_) => Ok(Err(FullLoadReason::UnreadableJournal)),
    }
}

/// The id and the content of a file; `None` if the file does not exist.
pub(super) fn read_file(folder: &Folder, name: &str) -> std::io::Result<Option<(FileId, Vec<u8>)>> {
    let Some(file) = folder.open_read(name)? else { return Ok(None) };
    Ok(Some((FileId::of(&file)?, take(file, LIMIT)?)))
}

pub(super) fn parse(bytes: &[u8], file: FileId) -> Result<Result<Journal, FullLoadReason>> {
    match format_of(bytes) {
        Some(format) if format > FORMAT => Err(Error::new(
            Exit::Usage,
            format!("cannot use the journal in the state folder: its format {format} is newer than {FORMAT}, the newest that this version knows"),
        )
        .hint("update tap-together, or give it another `state_dir`")),
        _ => Ok(match serde_json::from_slice::<Content>(bytes) {
            Ok(content) if content.file == file => Ok(content.journal),
            Ok(_) => Err(FullLoadReason::CopiedJournal),
            Err(_) => Err(FullLoadReason::UnreadableJournal),
        }),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
