//! What the state folder remembers of the reports' columns, so that discovery needs no request.
//!
//! Column names only, never a cell. It is a convenience: what is missing or unreadable is discovered again,
//! and what cannot be written is not missed by anyone but the next discovery.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::api::{scope, store};
use crate::settings::Settings;
use crate::singer::state::RememberedColumn;

/// A report of 10,000 long headers fits.
const LIMIT: u64 = 64 * 1024 * 1024;

/// The memory of one API and organisation.
pub struct ColumnCache {
    path: PathBuf,
}

type Columns = BTreeMap<String, Vec<RememberedColumn>>;

impl ColumnCache {
    /// The memory that belongs to the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self { path: settings.state_dir.join(format!("{}.columns.json", scope(settings))) }
    }

    /// The columns of a stream, if they are known.
    #[must_use]
    pub fn columns(&self, stream: &str) -> Option<Vec<RememberedColumn>> {
        self.load().remove(stream).filter(|columns| !columns.is_empty())
    }

    /// Keeps the columns of a stream.
    pub fn keep(&self, stream: &str, columns: Vec<RememberedColumn>) {
        let mut all = self.load();
        if all.get(stream) == Some(&columns) {
            return;
        }
        all.insert(stream.to_owned(), columns);
        if let Ok(bytes) = serde_json::to_vec(&all) {
            let _ = store::replace(&self.path, &bytes);
        }
    }

    fn load(&self) -> Columns {
        let bytes = store::read_small(&self.path, LIMIT).ok().flatten();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}
