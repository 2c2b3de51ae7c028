//! Reuse: the reports that `--discover` or `profile` fetched save the next sync its requests.
//!
//! A report is kept encrypted in the state folder. The next sync, `--discover` or `profile` that opens the API deletes
//! it, used or not, so it is used at most once; only a sync uses it. It is not used if it is older than `reuse_seconds`,
//! from the future, not newer than the one that STATE names, of another organisation, stream or API client, or stored
//! with other settings. Any failure leads to a request, never to an error.

use std::cell::RefCell;
use std::fs::File;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::entry_name::{Ending, EntryName};
use super::error::EntryError;
use super::store::EntryStore;
use crate::clock;
use crate::files::{Folder, state_folder};
use crate::report::spool::Report;
use crate::settings::Settings;
use crate::telemetry::{Notice, Telemetry, Warning};

/// The longest `reuse_seconds`. A kept report of another organisation that is older is deleted too.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// The reports that an earlier run kept, each until it is taken, and the place for those of this run.
pub struct Reuse {
    store: EntryStore,
    max_age: Duration,
    /// Open files whose names are deleted.
    claimed: RefCell<Vec<(EntryName, File)>>,
}

impl Reuse {
    /// Claims and deletes what an earlier run kept.
    #[must_use]
    pub fn claim(settings: &Settings) -> Self {
        let reuse =
            Self { store: EntryStore::new(settings), max_age: settings.reuse, claimed: RefCell::default() };
        if let Ok(Some(folder)) = state_folder::open_if_present(&settings.state_dir) {
            reuse.claim_from(&folder);
        }
        reuse
    }

    fn claim_from(&self, folder: &Folder) {
        let now = clock::wall();
        let names = EntryStore::names(folder).unwrap_or_default();
        for name in names.into_iter().filter(|name| name.ending == Ending::Reuse) {
            let is_ours = name.scope == self.store.scope;
            if !is_ours && is_recent(name.completed_at, now, MAX_AGE) {
                continue;
            }
            let file = folder.open_read(&name.to_string());
            // A file that remains would be used twice.
            let is_deleted = folder.remove(&name.to_string()).is_ok();
            if let (true, true, Ok(Some(file))) = (is_ours, is_deleted, file) {
                self.claimed.borrow_mut().push((name, file));
            }
        }
    }

    /// The report of a stream that an earlier run kept, if it is newer than `loaded`, the time of the one in the table.
    pub async fn take(&self, stream: &str, loaded: Option<&str>, telemetry: &Telemetry) -> Option<Report> {
        let claimed = {
            let mut claimed = self.claimed.borrow_mut();
            let position = claimed.iter().rposition(|(name, _)| name.stream == stream)?;
            claimed.remove(position)
        };
        if loaded.is_some_and(|loaded| clock::format_utc(claimed.0.completed_at).as_str() <= loaded) {
            return None;
        }
        let stream = stream.to_owned();
        match self.restore(claimed).await {
            Ok(report) => {
                let report = report?;
                let age = (clock::wall() - report.completed_at).to_std().unwrap_or_default();
                telemetry.notice(&Notice::Reused { stream, seconds: age.as_secs() });
                Some(report)
            }
            Err(cause) => {
                telemetry.warn(&Warning::NotReused { stream, cause: cause.to_string() });
                None
            }
        }
    }

    async fn restore(&self, (name, file): (EntryName, File)) -> Result<Option<Report>, EntryError> {
        if !is_recent(name.completed_at, clock::wall(), self.max_age) {
            return Ok(None);
        }
        let reader = self.store.open(&name, file)?;
        if reader.metadata.form != self.store.form || reader.metadata.client != self.store.client {
            return Ok(None);
        }
        reader.restore().await.map(Some)
    }

    /// Keeps a report for the next run, if it can be kept: the report itself is in use already.
    pub fn keep(&self, stream: &str, report: &mut Report) {
        if self.max_age.is_zero() || report.stats.is_err() {
            return;
        }
        if let Ok(Some(folder)) = state_folder::open_if_present(&self.store.folder) {
            let _ = self.store.write(&folder, stream, report, Ending::Reuse);
        }
    }
}

/// Whether a time is at most `max_age` ago, and not in the future.
fn is_recent(at: DateTime<Utc>, now: DateTime<Utc>, max_age: Duration) -> bool {
    (now - at).to_std().is_ok_and(|age| !max_age.is_zero() && age <= max_age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reuse_age_has_a_limit_and_a_time_from_the_future_is_not_recent() {
        let now = DateTime::from_timestamp_millis(1_773_480_413_589).unwrap();
        let ago = |milliseconds| now - chrono::TimeDelta::milliseconds(milliseconds);
        let limit = Duration::from_secs(600);
        for (milliseconds, expected) in [(0, true), (600_000, true), (600_001, false), (-1, false)] {
            assert_eq!(is_recent(ago(milliseconds), now, limit), expected, "{milliseconds}");
        }
        assert!(!is_recent(now, now, Duration::ZERO));
    }

    #[test]
    fn reuse_seconds_has_the_maximum_that_the_clean_up_assumes() {
        let maximum = &crate::settings::schema::schema()["properties"]["reuse_seconds"]["maximum"];
        assert_eq!(maximum.as_u64(), Some(MAX_AGE.as_secs()));
    }
}
