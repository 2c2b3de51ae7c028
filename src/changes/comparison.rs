//! Compares the rows of a new report with those of the reports that may be in the table, by digests of key and record.
//!
//! It holds 44 bytes for each row of the new report, and nothing of the known reports but the keys that are gone. It is pure.

use std::collections::HashSet;

pub use crate::table::row_digests::{Digest, RowDigests};

/// The rows of a new report, and what is known of each.
#[derive(Debug, Default)]
pub struct Comparison {
    /// By key.
    index: Vec<IndexedRow>,
    /// In the order of the report.
    rows: Vec<RowFacts>,
    /// Known reports that were compared.
    reports: u16,
    /// Rows of the current known report that the new one lacks.
    missing: u64,
    /// The keys that were gone at least once.
    gone: HashSet<Digest>,
}

#[derive(Clone, Copy, Debug)]
struct IndexedRow {
    digests: RowDigests,
    row: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct RowFacts {
    /// Known reports with the same row.
    equal: u16,
    /// Whether a known report has the key.
    is_known: bool,
}

/// Counts of the rows that a comparison found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    pub unchanged: u64,
}

impl Comparison {
    /// The rows of the new report in their order.
    pub fn new<E>(count: usize, rows: impl Iterator<Item = Result<RowDigests, E>>) -> Result<Self, E> {
        let mut index = Vec::with_capacity(count);
        for (row, digests) in rows.enumerate() {
            index.push(IndexedRow { digests: digests?, row });
        }
        index.sort_unstable_by_key(|row| row.digests.key);
        let rows = vec![RowFacts::default(); index.len()];
        Ok(Self { index, rows, ..Self::default() })
    }

    /// Compares a row of a known report. Returns whether the new report lacks its key, which no earlier row had.
    pub fn compare(&mut self, known: &RowDigests) -> bool {
        let Some(new) = self.find(&known.key) else {
            self.missing += 1;
            return self.gone.insert(known.key);
        };
        let is_equal = new.digests.record == known.record;
        let facts = &mut self.rows[new.row];
        facts.is_known = true;
        facts.equal += u16::from(is_equal);
        false
    }

    /// Ends a known report, and returns the number of its rows that the new one lacks.
    pub fn end_report(&mut self) -> u64 {
        self.reports += 1;
        std::mem::take(&mut self.missing)
    }

    /// As [`compare`](Self::compare) for a row that was sent as deleted, after all known reports.
    pub fn compare_deleted(&mut self, key: &Digest) -> bool {
        self.find(key).is_none() && self.gone.insert(*key)
    }

    /// Whether a row of the new report, counted from 0, differs from any known report.
    #[must_use]
    pub fn is_changed(&self, row: usize) -> bool {
        self.rows[row].equal != self.reports
    }

    #[must_use]
    pub fn counts(&self) -> RowCounts {
        let mut counts = RowCounts { deleted: self.gone.len() as u64, ..RowCounts::default() };
        for (row, facts) in self.rows.iter().enumerate() {
            *match (self.is_changed(row), facts.is_known) {
                (false, _) => &mut counts.unchanged,
                (true, true) => &mut counts.updated,
                (true, false) => &mut counts.inserted,
            } += 1;
        }
        counts
    }

    fn find(&self, key: &Digest) -> Option<IndexedRow> {
        let position = self.index.binary_search_by_key(key, |row| row.digests.key);
        position.ok().map(|position| self.index[position])
    }
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
