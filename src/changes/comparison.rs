//! Compares the rows of a new report with those of the reports that may be in the table, by digests of key and record.
//!
//! It holds 36 bytes for each row of the new report and at most 12 for the index of their keys. Of the known reports it
//! holds only the keys that are gone. Reports mostly have their rows in one order, so the row after the last one is
//! tried before the index. It is pure.

use std::collections::HashSet;

use hashbrown::HashTable;

pub use crate::table::row_digests::{Digest, RowDigests};

/// The rows of a new report, and what is known of each.
#[derive(Debug, Default)]
pub struct Comparison {
    /// In the order of the report.
    rows: Vec<ComparedRow>,
    /// Positions in `rows`, by key.
    index: HashTable<u32>,
    /// The row after the one that was found last.
    next: usize,
    /// Known reports that were compared.
    reports: u16,
    /// Rows of the current known report that the new one lacks.
    missing: u64,
    /// The keys that were gone at least once.
    gone: HashSet<Digest>,
}

#[derive(Debug)]
struct ComparedRow {
    digests: RowDigests,
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
}

impl Comparison {
    /// The rows of the new report in their order. There are `count`, which is at most 2^32.
    pub fn new<E>(count: usize, rows: impl Iterator<Item = Result<RowDigests, E>>) -> Result<Self, E> {
        let mut new = Self {
            rows: Vec::with_capacity(count),
            index: HashTable::with_capacity(count),
            ..Self::default()
        };
        for (position, digests) in (0..).zip(rows) {
            let row = ComparedRow { digests: digests?, equal: 0, is_known: false };
            new.index.insert_unique(hash(&row.digests.key), position, |other| {
                hash(&new.rows[*other as usize].digests.key)
            });
            new.rows.push(row);
        }
        Ok(new)
    }

    /// Compares a row of a known report. Returns true the first time that a key is found which the new report lacks.
    pub fn compare(&mut self, known: &RowDigests) -> bool {
        let Some(position) = self.find(&known.key) else {
            self.missing += 1;
            return self.gone.insert(known.key);
        };
        self.next = position + 1;
        let row = &mut self.rows[position];
        row.is_known = true;
        row.equal += u16::from(row.digests.record == known.record);
        false
    }

    /// Ends a known report, and returns the number of its rows that the new one lacks.
    pub fn end_report(&mut self) -> u64 {
        self.reports += 1;
        self.next = 0;
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
        for row in self.rows.iter().filter(|row| row.equal != self.reports) {
            *(if row.is_known { &mut counts.updated } else { &mut counts.inserted }) += 1;
        }
        counts
    }

    /// The position of the row with this key.
    fn find(&self, key: &Digest) -> Option<usize> {
        let has_key = |position: usize| self.rows.get(position).is_some_and(|row| row.digests.key == *key);
        if has_key(self.next) {
            return Some(self.next);
        }
        let found = self.index.find(hash(key), |position| has_key(*position as usize));
        found.map(|position| *position as usize)
    }
}

/// SHA-256 is uniformly distributed, so its first 8 bytes are a hash.
fn hash(key: &Digest) -> u64 {
    u64::from_le_bytes(*key.first_chunk().expect("a digest has 16 bytes"))
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
