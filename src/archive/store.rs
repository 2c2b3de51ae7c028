//! The entries of one API and organisation in the state folder: their names, their keys, reading and writing.
//!
//! A file is written under a temporary name, fsynced and renamed. The caller opens the folder, which checks who can
//! write to it, and decides what a failure means for the run.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use secrecy::SecretString;

use super::entry::{self, EntryReader, Metadata, StoredForm};
use super::entry_name::{Ending, EntryName};
use super::error::EntryError;
use crate::api::scope;
use crate::api::scope::Identity;
use crate::digest::{hex, sha256};
use crate::files::Folder;
use crate::report::spool::Report;
use crate::settings::Settings;

#[derive(Clone)]
pub struct EntryStore {
    /// The state folder.
    pub folder: PathBuf,
    pub scope: String,
    pub form: StoredForm,
    /// Identifies who fetched a report.
    pub client: String,
    secret: SecretString,
}

impl EntryStore {
    /// The store that the settings name. Without an archive key, the API key is the secret.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            folder: settings.state_dir.clone(),
            scope: scope(settings),
            form: StoredForm::new(settings),
            client: client(settings),
            secret: settings.archive_key.as_ref().unwrap_or(&settings.api_key).clone(),
        }
    }

    /// The names of all entries of any organisation, the oldest first.
    pub fn names(folder: &Folder) -> io::Result<Vec<EntryName>> {
        let names = folder.names()?;
        let mut names: Vec<EntryName> = names.iter().filter_map(|name| EntryName::parse(name)).collect();
        names.sort_by(|a, b| (a.completed_at, &a.stream).cmp(&(b.completed_at, &b.stream)));
        Ok(names)
    }

    /// Writes a complete report, durably.
    pub fn write(
        &self,
        folder: &Folder,
        stream: &str,
        report: &mut Report,
        ending: Ending,
    ) -> io::Result<()> {
        let metadata = Metadata::new(&self.scope, stream, self.form, &self.client, report)
            .ok_or(ErrorKind::InvalidData)?;
        let name = EntryName::new(&metadata, ending).to_string();
        let stored = report.stored()?;
        folder.replace_with(&name, |file| entry::write(file, &self.secret, &metadata, stored))
    }

    /// Opens an entry and checks that it is the one that its name says.
    pub fn open(&self, name: &EntryName, file: File) -> Result<EntryReader<File>, EntryError> {
        let reader = EntryReader::new(file, &self.secret)?;
        let inside = EntryName::new(&reader.metadata, name.ending);
        if inside == *name { Ok(reader) } else { Err(EntryError::Misnamed) }
    }
}

/// A digest of address, client and API key: another client may not see the same report.
fn client(settings: &Settings) -> String {
    let parts = (settings.base_url.as_str(), &settings.client_id, Identity::new(settings).key);
    hex(&sha256::<16>(format!("{parts:?}").as_bytes()))
}
