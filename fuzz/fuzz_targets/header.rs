//! The namer of columns: what `docs` and targets rely on, for any header.
//!
//! The input is a header, its cells separated by `|`. What holds in both styles: as many columns as cells, the
//! title is the cell (without NUL characters), names are not blank, unique also when case is ignored, and none is
//! reserved. In snake case also: `[a-z_][a-z0-9_]*`, at most 62 bytes. A header that shares its name with no other
//! is named as if it stood alone, so that a new column elsewhere renames nothing.

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
            assert!(seen.insert(lower), "{name:?} occurs twice");
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
            // A blank cell is named by its position and may so share a name, too.
            if shared[&lower] == 1 && !lower.starts_with("column_") {
                assert_eq!(name, among);
            }
        }
    }
});
