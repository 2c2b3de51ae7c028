//! The archive: every report that was synced with `archive: on`, until `archive_keep` or `archive forget` deletes it, and
//! the rows that the emissions of a journal sent as deleted.
//!
//! An entry is durable before the first message of its report. A report that cannot be archived is not emitted (exit
//! 74). Listing and deleting need no key; only this API and organisation are listed.

use std::collections::HashSet;
use std::fs::File;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::entry::{EntryReader, Metadata};
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

    /// Adds a verified report, and the rows that are sent as deleted with it.
    pub fn add<'r>(
        &self,
        stream: &str,
        report: &mut Report,
        mut deleted: impl Iterator<Item = &'r mut Report>,
    ) -> Result<()> {
        let folder = state_folder::open(&self.0.folder)?;
        let mut write = || {
            self.0.write(&folder, stream, report, Ending::Archive)?;
            deleted.try_for_each(|rows| self.0.write(&folder, stream, rows, Ending::Deleted))
        };
        write().map_err(|cause| {
            Error::new(
                Exit::Io,
                format!("cannot archive the report of `{stream}`: {cause}, so nothing of it was emitted"),
            )
            .hint("free some space with `tap-together archive forget`, or set `archive` to `off`")
        })
    }

    /// The name of the entry with this digest of a report or of deleted rows.
    #[must_use]
    pub fn name(&self, stream: &str, completed_at: &str, sha256: &str, ending: Ending) -> Option<EntryName> {
        EntryName::of(&self.0.scope, stream, completed_at, sha256, ending)
    }

    /// Opens the entry with this digest that was complete at this time, if it was stored with today's settings.
    pub fn open(
        &self,
        stream: &str,
        completed_at: &str,
        sha256: &str,
        ending: Ending,
    ) -> Result<EntryReader<File>, EntryError> {
        let name = self.name(stream, completed_at, sha256, ending).ok_or(EntryError::Misnamed)?;
        let folder = Folder::open(&self.0.folder).map_err(EntryError::Read)?;
        let reader = self.open_in(&folder, &name)?;
        if reader.metadata.sha256 != sha256 {
            Err(EntryError::Misnamed)
        } else if reader.metadata.form != self.0.form {
            Err(EntryError::OtherForm)
        } else {
            Ok(reader)
        }
    }

    /// The entries of a stream, the oldest first, but not what is kept for reuse.
    pub fn names_of(&self, stream: &str) -> Result<Vec<EntryName>> {
        let Some(folder) = state_folder::open_if_present(&self.0.folder)? else { return Ok(Vec::new()) };
        let mut names = self.names(&folder)?;
        names.retain(|name| name.stream == stream && name.ending != Ending::Reuse);
        Ok(names)
    }

    /// Deletes, of the entries that are not `needed`, all deleted rows, and all reports but the newest `keep`.
    pub fn prune(&self, names: Vec<EntryName>, needed: &HashSet<EntryName>, keep: Option<u64>) -> Result<()> {
        let (mut reports, deleted): (Vec<_>, Vec<_>) = names
            .into_iter()
            .filter(|name| !needed.contains(name))
            .partition(|name| name.ending == Ending::Archive);
        let kept = keep.map_or(usize::MAX, |keep| usize::try_from(keep).unwrap_or(usize::MAX));
        reports.truncate(reports.len().saturating_sub(kept));
        match state_folder::open_if_present(&self.0.folder)? {
            Some(folder) => remove(&folder, deleted.iter().chain(&reports)),
            None => Ok(()),
        }
    }

    /// Reads each entry as far as `depth` says, the oldest first.
    pub fn inspect(&self, depth: Depth) -> Result<Vec<Inspected>> {
        let Some(folder) = state_folder::open_if_present(&self.0.folder)? else { return Ok(Vec::new()) };
        let names = self.names(&folder)?.into_iter().filter(|name| name.ending == Ending::Archive);
        Ok(names.map(|name| self.inspect_one(&folder, name, depth)).collect())
    }

    /// Deletes all older entries, also those for reuse and deleted rows, and returns their names.
    pub fn forget(&self, older_than: Duration, now: DateTime<Utc>) -> Result<Vec<EntryName>> {
        let Some(folder) = state_folder::open_if_present(&self.0.folder)? else { return Ok(Vec::new()) };
        let mut names = self.names(&folder)?;
        names.retain(|name| (now - name.completed_at).to_std().is_ok_and(|age| age > older_than));
        remove(&folder, names.iter())?;
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

    fn open_in(&self, folder: &Folder, name: &EntryName) -> Result<EntryReader<File>, EntryError> {
        let file = folder.open_read(&name.to_string()).map_err(EntryError::Read)?;
        self.0.open(name, file.ok_or(EntryError::Read(std::io::ErrorKind::NotFound.into()))?)
    }

    fn inspect_one(&self, folder: &Folder, name: EntryName, depth: Depth) -> Inspected {
        let mut bytes = 0;
        let mut read = || {
            bytes = folder.stat_of(&name.to_string())?.map_or(0, |stat| stat.st_size.unsigned_abs());
            let reader = self.open_in(folder, &name)?;
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

fn remove<'n>(folder: &Folder, names: impl Iterator<Item = &'n EntryName>) -> Result<()> {
    for name in names {
        folder.remove(&name.to_string()).map_err(|cause| {
            Error::new(Exit::Io, format!("cannot delete `{name}` from the archive: {cause}"))
                .hint("make the state folder writable")
        })?;
    }
    Ok(())
}
