//! Column names: the rules that targets rely on, for any header.
//!
//! The input is a header whose cells are separated by `|`. In both styles each cell gives one column; its title is the
//! cell without NUL characters; names are not blank, not reserved, and unique also when case is ignored. In snake case
//! a name also matches `[a-z_][a-z0-9_]*` and has at most 62 bytes. A cell whose name no other cell shares has the same
//! name as in a header of this cell alone, so that a new column renames no other.

#![no_main]

use std::collections::{HashMap, HashSet};

use libfuzzer_sys::fuzz_target;
use tap_together::table::header::{Column, ColumnNames, columns};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let cells: Vec<&str> = text.split('|').collect();
    for style in [ColumnNames::SnakeCase, ColumnNames::Original] {
        let named = columns(cells.iter().copied(), style);
        assert_eq!(named.len(), cells.len());
        let mut seen = HashSet::new();
        for (cell, Column { name, title }) in cells.iter().zip(&named) {
            assert_eq!(*title, cell.replace('\0', ""));
            assert!(!name.trim().is_empty() && !name.contains('\0'), "{name:?}");
            let lower = name.to_lowercase();
            assert!(!lower.starts_with("_sdc_") && lower != "_row_number" && lower != "_extra", "{name:?}");
            assert!(seen.insert(lower), "two columns are named {name:?}");
            if style == ColumnNames::SnakeCase {
                assert!(name.len() <= 62, "{name:?} is longer than 62 bytes");
                assert!(!name.starts_with(|first: char| first.is_ascii_digit()), "{name:?}");
                assert!(
                    name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')),
                    "{name:?}"
                );
            }
        }
        let alone: Vec<String> =
            cells.iter().map(|cell| columns([*cell].into_iter(), style).remove(0).name).collect();
        let mut shared = HashMap::new();
        for name in &alone {
            *shared.entry(name.to_lowercase()).or_insert(0) += 1;
        }
        for (name, Column { name: among, .. }) in alone.iter().zip(&named) {
            let lower = name.to_lowercase();
            // The name of a blank cell has its position, so it can equal the name of another cell.
            if shared[&lower] == 1 && !lower.starts_with("column_") {
                assert_eq!(name, among);
            }
        }
    }
});
