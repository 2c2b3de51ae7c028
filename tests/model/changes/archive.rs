//! The archive in the model of the change feed: reports and deleted rows by their digest, shared by all pipelines.
//!
//! A digest is the text of the rows, so that a report can be read from its digest.

use std::convert::Infallible;

use tap_together::changes::comparison::{Comparison, RowDigests};
use tap_together::journal::{Entry, Journal};

use super::targets::{KEYS, Report};

/// The digests that it has, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Archive {
    pub reports: Vec<String>,
    pub deleted: Vec<String>,
}

impl Archive {
    pub fn add_report(&mut self, sha256: &str) {
        self.reports.push(sha256.to_owned());
    }

    pub fn add_deleted_rows_of(&mut self, entry: &Entry) {
        self.deleted.extend(entry.deleted.iter().map(|rows| rows.sha256.clone()));
    }

    /// Keeps the newest reports only, whether a journal needs them or not.
    pub fn retain_newest(&mut self, count: usize) {
        self.reports.drain(..self.reports.len().saturating_sub(count));
    }

    /// Drops what no journal needs.
    pub fn retain_needed_by<'a>(&mut self, journals: impl Iterator<Item = &'a Journal>) {
        let entries: Vec<&Entry> = journals.flat_map(|journal| &journal.entries).collect();
        self.reports.retain(|sha256| entries.iter().any(|entry| entry.snapshot.sha256 == *sha256));
        dedupe(&mut self.reports);
        dedupe(&mut self.deleted);
        let has = |entry: &Entry, sha256: &String| entry.deleted.iter().any(|rows| rows.sha256 == *sha256);
        self.deleted.retain(|sha256| entries.iter().any(|entry| has(entry, sha256)));
    }

    /// Whether it has all rows of an entry.
    pub fn has(&self, entry: &Entry) -> bool {
        self.reports.contains(&entry.snapshot.sha256)
            && entry.deleted.iter().all(|rows| self.deleted.contains(&rows.sha256))
    }

    /// Compares the kept reports of the entries, then the kept deleted rows, each from the newest to the oldest. Returns
    /// the rows that the new report lacks, as they were last known.
    pub fn compare(&self, new: &mut Comparison, reports: &[Entry], deleted: &[Entry]) -> Report {
        let mut gone = Report::default();
        let is_kept = |entry: &&Entry| self.reports.contains(&entry.snapshot.sha256);
        for entry in reports.iter().rev().filter(is_kept) {
            for (key, value) in rows(report_of(&entry.snapshot.sha256)) {
                if new.compare(&digests(key, value)) {
                    gone[key] = Some(value);
                }
            }
            new.end_report();
        }
        let kept = deleted.iter().rev().flat_map(|entry| &entry.deleted);
        for sent in kept.filter(|rows| self.deleted.contains(&rows.sha256)) {
            for (key, value) in rows(report_of(&sent.sha256)) {
                if new.compare_deleted(&digests(key, value).key) {
                    gone[key] = Some(value);
                }
            }
        }
        gone
    }
}

/// Keeps the last of equal digests.
fn dedupe(all: &mut Vec<String>) {
    let last = |(place, sha256): (usize, &String)| !all[place + 1..].contains(sha256);
    let mut is_last = all.iter().enumerate().map(last).collect::<Vec<_>>().into_iter();
    all.retain(|_| is_last.next().is_some_and(|is_last| is_last));
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
