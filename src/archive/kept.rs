//! The archive: every report that was synced with `archive: on`, until `archive forget` deletes it.
//!
//! An entry is durable before the first message of its report. A report that cannot be archived is not emitted (exit
//! 74). Listing and deleting need no key; only this API and organisation are listed.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::entry::Metadata;
use super::entry_name::{Ending, EntryName};
use super::error::EntryError;
use super::store::EntryStore;
use crate::error::{Error, Exit, Result};
use crate::files::{Folder, state_folder};
use crate::report::spool::Report;
use crate::settings::Settings;

pub struct Archive(EntryStore);

/// An entry as it was found.
pub struct Inspected {
    pub name: EntryName,
    /// Bytes of the file.
    pub bytes: u64,
    pub content: Result<Metadata, EntryError>,
}

/// How much of an entry is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    Metadata,
    /// Every byte is decrypted and decompressed.
    Whole,
}

impl Archive {
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self(EntryStore::new(settings))
    }

    /// Fails if the folder cannot be used, so that a run fails before its first request.
    pub fn check(&self) -> Result<()> {
        state_folder::open(&self.0.folder).map(drop)
    }

    /// Adds a verified report.
    pub fn add(&self, stream: &str, report: &mut Report) -> Result<()> {
        let folder = state_folder::open(&self.0.folder)?;
        self.0.write(&folder, stream, report, Ending::Archive).map_err(|cause| {
            Error::new(
                Exit::Io,
                format!("cannot archive the report of `{stream}`: {cause}, so nothing of it was emitted"),
            )
            .hint("free some space with `tap-together archive forget`, or set `archive` to `off`")
        })
    }

    /// Reads each entry as far as `depth` says, the oldest first.
    pub fn inspect(&self, depth: Depth) -> Result<Vec<Inspected>> {
        let Some(folder) = state_folder::open_if_present(&self.0.folder)? else { return Ok(Vec::new()) };
        let names = self.names(&folder)?.into_iter().filter(|name| name.ending == Ending::Archive);
        Ok(names.map(|name| self.inspect_one(&folder, name, depth)).collect())
    }

    /// Deletes the entries that are older, also those that are kept for reuse, and returns their names.
    pub fn forget(&self, older_than: Duration, now: DateTime<Utc>) -> Result<Vec<EntryName>> {
        let Some(folder) = state_folder::open_if_present(&self.0.folder)? else { return Ok(Vec::new()) };
        let mut names = self.names(&folder)?;
        names.retain(|name| (now - name.completed_at).to_std().is_ok_and(|age| age > older_than));
        for name in &names {
            folder.remove(&name.to_string()).map_err(|cause| {
                Error::new(Exit::Io, format!("cannot delete `{name}` from the archive: {cause}"))
                    .hint("make the state folder writable")
            })?;
        }
        Ok(names)
    }

    fn names(&self, folder: &Folder) -> Result<Vec<EntryName>> {
        let mut names = EntryStore::names(folder).map_err(|cause| {
            Error::new(Exit::Io, format!("cannot list the archive in `{}`: {cause}", folder.path().display()))
                .hint("make the state folder readable")
        })?;
        names.retain(|name| name.scope == self.0.scope);
        Ok(names)
    }

    fn inspect_one(&self, folder: &Folder, name: EntryName, depth: Depth) -> Inspected {
        let mut bytes = 0;
        let mut read = || {
            let file = folder.open_read(&name.to_string()).map_err(EntryError::Read)?;
            let file = file.ok_or(EntryError::Read(std::io::ErrorKind::NotFound.into()))?;
            bytes = file.metadata()?.len();
            let reader = self.0.open(&name, file)?;
            let metadata = reader.metadata.clone();
            if depth == Depth::Whole {
                reader.verify()?;
            }
            Ok(metadata)
        };
        let content = read();
        Inspected { name, bytes, content }
    }
}
