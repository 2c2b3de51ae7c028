//! The comparison of small reports: keys and records are digests of one byte.

use std::convert::Infallible;

use super::*;
use crate::digest::sha256;

fn digests(key: u8, record: u8) -> RowDigests {
    RowDigests { key: [key; 16], record: [record; 16] }
}

fn comparison(rows: &[(u8, u8)]) -> Comparison {
    let rows = rows.iter().map(|&(key, record)| Ok::<_, Infallible>(digests(key, record)));
    let Ok(comparison) = Comparison::new(2, rows);
    comparison
}

/// Compares a known report; returns the keys that are gone for the first time, and the number of missing rows.
fn compare(comparison: &mut Comparison, known: &[(u8, u8)]) -> (Vec<u8>, u64) {
    let mut gone: Vec<u8> = known.iter().map(|(key, _)| *key).collect();
    let mut records = known.iter();
    gone.retain(|_| records.next().is_some_and(|&(key, record)| comparison.compare(&digests(key, record))));
    (gone, comparison.end_report())
}

#[test]
fn rows_are_inserted_updated_deleted_or_unchanged() {
    let mut comparison = comparison(&[(3, 0), (1, 0), (2, 1)]);
    assert_eq!(compare(&mut comparison, &[(1, 0), (2, 0), (4, 0)]), (vec![4], 1));
    let changed: Vec<bool> = (0..3).map(|row| comparison.is_changed(row)).collect();
    assert_eq!(changed, [true, false, true]);
    let expected = RowCounts { inserted: 1, updated: 1, deleted: 1 };
    assert_eq!(comparison.counts(), expected);
}

#[test]
fn row_is_unchanged_only_if_all_known_reports_have_it() {
    let mut comparison = comparison(&[(1, 0), (2, 0), (3, 0)]);
    compare(&mut comparison, &[(1, 0), (2, 1), (3, 0)]);
    compare(&mut comparison, &[(1, 0), (2, 0)]);
    let changed: Vec<bool> = (0..3).map(|row| comparison.is_changed(row)).collect();
    assert_eq!(changed, [false, true, true]);
}

#[test]
fn gone_row_is_deleted_once_and_counts_for_each_report_that_has_it() {
    let mut comparison = comparison(&[(1, 0)]);
    assert_eq!(compare(&mut comparison, &[(2, 0), (3, 0)]), (vec![2, 3], 2));
    assert_eq!(compare(&mut comparison, &[(3, 1), (4, 0)]), (vec![4], 2));
    let deleted: Vec<bool> = (1..=6).map(|key| comparison.compare_deleted(&[key; 16])).collect();
    assert_eq!(deleted, [false, false, false, false, true, true]);
    assert!(!comparison.compare_deleted(&[6; 16]), "the second time");
    assert_eq!(comparison.counts().deleted, 5);
}

#[test]
fn memory_of_a_row_is_48_bytes_at_most_at_any_number_of_rows() {
    for count in [1_000, 1_024, 1_800, 3_700] {
        let rows = (0..count).map(|row: usize| {
            Ok::<_, Infallible>(RowDigests { key: sha256(&row.to_le_bytes()), record: [0; 16] })
        });
        let Ok(comparison) = Comparison::new(count, rows);
        let index = comparison.index.allocation_size();
        let rows = comparison.rows.capacity() * size_of::<ComparedRow>();
        assert!(index + rows <= 48 * count, "{count} rows: {rows} + {index} bytes");
    }
}
