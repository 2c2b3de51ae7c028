//! The column cache: the columns of the reports, stored in the state folder, so that discovery needs no request.
//!
//! It contains names, headers and types, never a cell. If it is missing or unreadable, the next discovery sends a
//! request. If it cannot be written, the run continues without an error.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::api::scope;
use crate::files::{Folder, state_folder};
use crate::settings::Settings;
use crate::singer::state::RememberedColumn;

/// The largest cache that is read, in bytes: reports of 10,000 long headers fit.
const LIMIT: u64 = 64 * 1024 * 1024;

/// The columns of one API and organisation.
pub struct ColumnCache {
    folder: PathBuf,
    name: String,
}

type Columns = BTreeMap<String, Vec<RememberedColumn>>;

impl ColumnCache {
    /// The cache of the API and organisation in the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self { folder: settings.state_dir.clone(), name: format!("{}.columns.json", scope(settings)) }
    }

    /// The columns of a stream; `None` if the cache has none.
    #[must_use]
    pub fn columns(&self, stream: &str) -> Option<Vec<RememberedColumn>> {
        self.load(&self.folder()?).remove(stream).filter(|columns| !columns.is_empty())
    }

    /// Stores the columns of a stream, if they have changed.
    pub fn keep(&self, stream: &str, columns: Vec<RememberedColumn>) {
        let Some(folder) = self.folder() else { return };
        let mut all = self.load(&folder);
        if all.get(stream) == Some(&columns) {
            return;
        }
        all.insert(stream.to_owned(), columns);
        if let Ok(bytes) = serde_json::to_vec(&all) {
            let _ = folder.replace(&self.name, &bytes);
        }
    }

    fn folder(&self) -> Option<Folder> {
        state_folder::open_if_present(&self.folder).ok().flatten()
    }

    fn load(&self, folder: &Folder) -> Columns {
        let bytes = folder.read_small(&self.name, LIMIT).ok().flatten();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}
