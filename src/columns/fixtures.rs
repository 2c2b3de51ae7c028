//! Headers, rules and memories for the tests of this module.
//!
//! A report is read in snake case and without `rename`, and all of its columns are emitted.

use std::collections::BTreeMap;

use super::{Identified, Label, RememberedColumn, Rules, Settled, changes, identify, remember};
use crate::digest::{hex, sha256};
use crate::table::header::{ColumnNames, ROW_NUMBER};

const NO_RENAME: BTreeMap<String, String> = BTreeMap::new();
pub const SNAKE_CASE: Rules =
    Rules { style: ColumnNames::SnakeCase, rename: &NO_RENAME, row_number: ROW_NUMBER };
pub const ORIGINAL: Rules =
    Rules { style: ColumnNames::Original, rename: &NO_RENAME, row_number: ROW_NUMBER };

pub fn header(titles: &[&str]) -> Vec<String> {
    titles.iter().map(ToString::to_string).collect()
}

pub fn read(memory: &[RememberedColumn], titles: &[&str]) -> Identified {
    identify(memory, &header(titles), &SNAKE_CASE).unwrap()
}

/// The memory after a report, all columns of which are emitted as strings.
pub fn next(identified: &Identified) -> Vec<RememberedColumn> {
    remember(identified, &settled(identified), "2026-01-02")
}

/// The memory after reports with these headers.
pub fn after(headers: &[&[&str]]) -> Vec<RememberedColumn> {
    headers.iter().fold(Vec::new(), |memory, titles| next(&read(&memory, titles)))
}

pub fn settled(identified: &Identified) -> Vec<Settled> {
    vec![Settled { emitted: true, ..Settled::default() }; identified.columns.len()]
}

pub fn names(identified: &Identified) -> Vec<&str> {
    identified.columns.iter().map(|column| column.name.as_str()).collect()
}

/// The names of a first report.
pub fn first(titles: &[&str], rules: &Rules) -> Vec<String> {
    let identified = identify(&[], &header(titles), rules).unwrap();
    identified.columns.into_iter().map(|column| column.name).collect()
}

/// The changes as `kind: header (name), …`.
pub fn lines(identified: &Identified) -> Vec<String> {
    let changes = changes(identified, &settled(identified));
    let line = |columns: &[Label]| columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    changes.iter().map(|change| format!("{:?}: {}", change.kind, line(&change.columns))).collect()
}

/// A name with the hash of a text.
pub fn hashed(stem: &str, text: &str) -> String {
    format!("{stem}_{}", hex(&sha256::<4>(text.as_bytes())))
}
