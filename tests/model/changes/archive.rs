//! The archive in the model of the change feed: the reports and deleted rows of entries, shared by all pipelines.
//!
//! A digest is the text of the rows, so that the rows of an entry can be read from its digests.

use std::convert::Infallible;

use tap_together::changes::comparison::{Comparison, RowDigests};
use tap_together::journal::{Entry, Journal};

use super::targets::{KEYS, Report};

/// In place of an entry's id, for a report that got none.
const WITHOUT_ENTRY: &str = "";

/// The ids of the entries that it has rows of, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Archive {
    pub reports: Vec<String>,
    pub deleted: Vec<String>,
}

impl Archive {
    pub fn add(&mut self, entry: &Entry) {
        self.reports.push(entry.id.clone());
        if !entry.deleted.is_empty() {
            self.deleted.push(entry.id.clone());
        }
    }

    pub fn add_without_entry(&mut self) {
        self.reports.push(WITHOUT_ENTRY.to_owned());
    }

    /// Keeps the newest reports only, whether a journal needs them or not.
    pub fn retain_newest(&mut self, count: usize) {
        self.reports.drain(..self.reports.len().saturating_sub(count));
    }

    /// Drops what no journal needs.
    pub fn retain_needed_by<'a>(&mut self, journals: impl Iterator<Item = &'a Journal>) {
        let entries: Vec<&Entry> = journals.flat_map(|journal| &journal.entries).collect();
        let is_needed = |id: &String| entries.iter().any(|entry| entry.id == *id);
        self.reports.retain(is_needed);
        self.deleted.retain(is_needed);
    }

    /// Whether it has all rows of an entry.
    pub fn has(&self, entry: &Entry) -> bool {
        self.reports.contains(&entry.id) && (entry.deleted.is_empty() || self.deleted.contains(&entry.id))
    }

    /// Compares the kept reports of the entries, then the kept deleted rows, each from the newest to the oldest. Returns
    /// the rows that the new report lacks, as they were last known.
    pub fn compare(&self, new: &mut Comparison, reports: &[Entry], deleted: &[Entry]) -> Report {
        let mut gone = Report::default();
        let has_report = |entry: &&Entry| self.reports.contains(&entry.id);
        for entry in reports.iter().rev().filter(has_report) {
            for (key, value) in rows(report_of(&entry.snapshot.sha256)) {
                if new.compare(&digests(key, value)) {
                    gone[key] = Some(value);
                }
            }
            new.end_report();
        }
        let kept = deleted.iter().rev().filter(|entry| self.deleted.contains(&entry.id));
        for sent in kept.flat_map(|entry| &entry.deleted) {
            for (key, value) in rows(report_of(&sent.sha256)) {
                if new.compare_deleted(&digests(key, value).key) {
                    gone[key] = Some(value);
                }
            }
        }
        gone
    }
}

/// The rows of a report in its order.
pub fn rows(report: Report) -> impl Iterator<Item = (usize, u8)> {
    report.into_iter().enumerate().filter_map(|(key, value)| Some((key, value?)))
}

pub fn comparison(report: Report) -> Comparison {
    let digests = rows(report).map(|(key, value)| Ok::<_, Infallible>(digests(key, value)));
    let Ok(comparison) = Comparison::new(KEYS, digests);
    comparison
}

fn digests(key: usize, value: u8) -> RowDigests {
    let key = key.to_le_bytes()[0];
    RowDigests { key: [key; 16], record: [value; 16] }
}

/// The digest of a report or of deleted rows.
pub fn digest(report: Report) -> String {
    report.iter().map(|value| value.map_or('-', |value| char::from(b'0' + value))).collect()
}

pub fn report_of(digest: &str) -> Report {
    let mut values = digest.bytes().map(|byte| (byte != b'-').then(|| byte - b'0'));
    std::array::from_fn(|_| values.next().flatten())
}
