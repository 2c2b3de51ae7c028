//! Column names: the rules that targets rely on, for any header.
//!
//! The input is a header whose cells are separated by `|`. In both styles each cell gives one column; its title is the
//! cell without NUL characters; names are valid, and unique also when case is ignored. They do not depend on the order
//! of the header, and the next report keeps them. A cell whose name no other cell shares has the same name as in a
//! header of this cell alone.

#![no_main]

use std::collections::{BTreeMap, HashMap, HashSet};

use libfuzzer_sys::fuzz_target;
use tap_together::columns::{RememberedColumn, Rules, Settled, identify, remember};
use tap_together::table::header::{ColumnNames, ROW_NUMBER, is_valid_name};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let cells: Vec<String> = text.split('|').map(str::to_owned).collect();
    for style in [ColumnNames::SnakeCase, ColumnNames::Original] {
        let (names, memory) = read(&[], &cells, style);
        assert_eq!(names.len(), cells.len());
        let mut seen = HashSet::new();
        for ((cell, name), column) in cells.iter().zip(&names).zip(&memory) {
            assert_eq!(column.title, cell.replace('\0', ""));
            assert!(is_valid_name(name, style), "{name:?}");
            assert!(seen.insert(name.to_lowercase()), "two columns are named {name:?}");
        }
        let backward: Vec<String> = cells.iter().rev().cloned().collect();
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        assert_eq!(sorted(read(&[], &backward, style).0), sorted(names.clone()));
        assert_eq!(read(&memory, &cells, style).0, names);
        let alone: Vec<String> =
            cells.iter().map(|cell| read(&[], std::slice::from_ref(cell), style).0.remove(0)).collect();
        let mut shared = HashMap::new();
        for name in &alone {
            *shared.entry(name.to_lowercase()).or_insert(0) += 1;
        }
        for (name, among) in alone.iter().zip(&names) {
            // The name of a blank cell has its position, so it can equal the name of another cell.
            let lower = name.to_lowercase();
            if shared[&lower] == 1 && !lower.starts_with("column_") {
                assert_eq!(name, among);
            }
        }
    }
});

/// The names of a report, and the memory after it.
fn read(
    memory: &[RememberedColumn],
    header: &[String],
    style: ColumnNames,
) -> (Vec<String>, Vec<RememberedColumn>) {
    let rename = BTreeMap::new();
    let identified = identify(memory, header, &Rules { style, rename: &rename, row_number: ROW_NUMBER })
        .expect("nothing is renamed");
    let settled = vec![Settled::default(); header.len()];
    let memory = remember(&identified, &settled, "2026-01-01");
    (identified.columns.into_iter().map(|column| column.name).collect(), memory)
}
