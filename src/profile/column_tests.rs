//! Column profiles against an independent slow implementation, and their decisions on keys, ranges and values.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::profile::stats::hash;

fn profile(cells: &[String], keeps_values: bool) -> ColumnProfile {
    let mut stats = ColumnStats::new(keeps_values, None);
    for cell in cells {
        stats.observe(cell);
    }
    let rows = cells.len() as u64;
    ColumnProfile::new(stats, &ColumnFacts { header: "H", name: "h", rows, is_key: false, this_year: 2025 })
}

fn owned(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// The cells of a column: empty, repeated, of many lengths and scripts.
fn column() -> impl Strategy<Value = Vec<String>> {
    let cell = prop_oneof![
        Just(String::new()),
        "[ab]{1,2}",
        "\\PC{0,9}",
        "-?[0-9]{1,6}(\\.[0-9]{0,3})?",
        "(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9])",
    ];
    prop::collection::vec(cell, 0..60)
}

proptest! {
    #[test]
    fn column_profile_equals_a_slow_count(cells in column()) {
        let found = profile(&cells, false);
        let filled: Vec<&String> = cells.iter().filter(|cell| !cell.is_empty()).collect();
        let distinct: BTreeSet<&String> = filled.iter().copied().collect();
        prop_assert_eq!(found.filled, filled.len() as u64);
        prop_assert_eq!(found.distinct, DistinctCount { count: distinct.len() as u64, estimated: false });
        let lengths: Vec<u64> = filled.iter().map(|cell| cell.chars().count() as u64).collect();
        let slow = lengths.iter().min().zip(lengths.iter().max());
        prop_assert_eq!(found.length, slow.map(|(a, b)| LengthRange { shortest: *a, longest: *b }));
        let tenths = (0..=1000).rev().find(|tenths| filled.len() * 1000 >= tenths * cells.len()).unwrap();
        let tenths = if cells.is_empty() { 0 } else { tenths };
        prop_assert_eq!((found.filled_percent * 10.0).to_string(), tenths.to_string());
        let is_key = !cells.is_empty() && filled.len() == cells.len() && distinct.len() == cells.len();
        prop_assert_eq!(found.key, if is_key { CouldBeKey::Yes } else { CouldBeKey::No });
        let counts: Vec<u64> = found.types.found().map(|(_, count)| count).collect();
        prop_assert_eq!(counts.iter().sum::<u64>(), found.filled);
        prop_assert!(found.distribution.bars.iter().map(|bar| bar.count).sum::<u64>() <= found.filled);
    }

    #[test]
    fn column_range_equals_a_slow_search(numbers in prop::collection::vec(-99_999_i32..99_999, 1..50)) {
        let cells: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let found = profile(&cells, true);
        let power = |number: i32| match number {
            0 => "0".to_owned(),
            _ => format!("{}10^{}", if number < 0 { "-" } else { "" }, number.unsigned_abs().to_string().len() - 1),
        };
        let (least, greatest) = (*numbers.iter().min().unwrap(), *numbers.iter().max().unwrap());
        let range = ValueRange::Numbers { least: power(least), greatest: power(greatest) };
        prop_assert_eq!(found.range, Some(range));
        let values = found.values.unwrap();
        prop_assert_eq!(values.range, Some((least.to_string(), greatest.to_string())));
    }
}

#[test]
fn column_range_of_dates_is_years_and_with_values_the_exact_moments() {
    let cells = owned(&["2025-06-02T01:00:00+10:00", "2025-06-01T20:00:00Z", "2019-01-01", ""]);
    let found = profile(&cells, true);
    assert_eq!(found.range, Some(ValueRange::Years { least: 2019, greatest: 2025 }));
    assert_eq!(found.column_type, Some("string"));
    let range = found.values.unwrap().range.unwrap();
    assert_eq!((range.0.as_str(), range.1.as_str()), ("2019-01-01", "2025-06-01T20:00:00Z"));
    assert!(profile(&owned(&["2019-01-01", "x", "y"]), false).range.is_none());
}

#[test]
fn column_without_a_value_is_undecided_and_no_key() {
    let found = profile(&owned(&["", ""]), true);
    assert_eq!((found.column_type, found.length, found.key), (None, None, CouldBeKey::No));
    assert_eq!((found.looks_like, found.mask.rule), (Look::Empty, MaskRule::Null));
    assert!(!found.is_personal());
}

#[test]
fn column_key_with_an_estimated_count_is_likely_only() {
    let mut stats = ColumnStats::new(false, None);
    let mut add = |number: u64| {
        stats.filled += 1;
        stats.distinct.observe(hash(&number.to_string()));
        could_be_key(&stats, stats.distinct.count(), stats.filled)
    };
    let keys: Vec<CouldBeKey> = (0..100_001).map(&mut add).collect();
    assert_eq!(keys[99_999..], [CouldBeKey::Yes, CouldBeKey::Likely]);
    assert_eq!(add(7), CouldBeKey::No);
}

#[test]
fn column_category_has_sizes_without_labels_and_values_on_request() {
    let cells = owned(&["Active", "Active", "Active", "Ended", "Ended", ""]);
    let found = profile(&cells, false);
    assert_eq!((found.looks_like, &found.category_sizes[..]), (Look::Category, &[3, 2][..]));
    assert!(found.values.is_none() && !format!("{found:?}").contains("Active"));
    let values = profile(&cells, true).values.unwrap();
    assert_eq!(values.commonest[0].value, "Active");
    assert!(!values.estimated);
}
