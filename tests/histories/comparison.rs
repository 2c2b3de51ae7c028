//! Compares a table with the report that it must hold.

use std::collections::{BTreeMap, BTreeSet};

use super::expectation::Expectation;
use super::report::Value;
use super::table::{Row, Table};

/// Compares every cell of the report's rows, and the rows themselves if the target deletes.
pub fn check_table(table: &Table, deletes: bool, expectation: &Expectation) -> Result<(), String> {
    let expected = expectation.rows();
    if deletes && table.rows.len() != expected.len() {
        let (held, deletion) = (table.rows.len(), table.deletion);
        return Err(format!("the table ({deletion:?}) has {held} rows, not {}", expected.len()));
    }
    for (key, cells) in &expected {
        let row = table.rows.get(key).ok_or(format!("the table lacks the row {key}"))?;
        check_row(key, cells, row, expectation)?;
    }
    Ok(())
}

/// The keys of the rows in which the table and the report differ.
pub fn rows_to_change(table: &Table, expectation: &Expectation) -> BTreeSet<String> {
    let expected = expectation.rows();
    let differs = |key: &&String| match (expected.get(*key), table.rows.get(*key)) {
        (Some(cells), Some(row)) => check_row(key, cells, row, expectation).is_err(),
        _ => true,
    };
    table.rows.keys().chain(expected.keys()).filter(differs).cloned().collect()
}

/// Compares every cell of a row.
fn check_row(
    key: &str,
    cells: &BTreeMap<&str, &(String, Value)>,
    row: &Row,
    expectation: &Expectation,
) -> Result<(), String> {
    for (name, held) in row.cells.iter().filter(|(name, _)| *name != "_row_number") {
        let expected = cells.get(name.as_str());
        let is_right = expected.map_or(held.is_null(), |content| expectation.is_held(name, content, held));
        if !is_right {
            return Err(format!("row {key} has {held} in `{name}`, not {expected:?}"));
        }
    }
    match cells.keys().find(|name| !row.cells.contains_key(**name)) {
        Some(name) => Err(format!("row {key} lacks `{name}`")),
        None => Ok(()),
    }
}
