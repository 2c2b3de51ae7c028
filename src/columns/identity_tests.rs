//! Tests of the identity of columns: which header is which column, and the names of new columns.

use std::collections::BTreeMap;

use super::*;
use crate::table::header::ColumnNames;

const NO_RENAME: BTreeMap<String, String> = BTreeMap::new();
const RULES: Rules = Rules { style: ColumnNames::SnakeCase, rename: &NO_RENAME };
const ORIGINAL: Rules = Rules { style: ColumnNames::Original, rename: &NO_RENAME };

fn header(titles: &[&str]) -> Vec<String> {
    titles.iter().map(ToString::to_string).collect()
}

fn names(identified: &Identified) -> Vec<&str> {
    identified.columns.iter().map(|column| column.name.as_str()).collect()
}

/// The names of a first report.
fn first(titles: &[&str], rules: &Rules) -> Vec<String> {
    names(&identify(&[], &header(titles), rules).unwrap()).into_iter().map(str::to_owned).collect()
}

/// The memory after another report, all columns of which are emitted as strings.
fn after(memory: &[RememberedColumn], titles: &[&str]) -> Vec<RememberedColumn> {
    let identified = identify(memory, &header(titles), &RULES).unwrap();
    let settled = Settled { emitted: true, ..Settled::default() };
    remember(&identified, &vec![settled; titles.len()], "2026-01-01")
}

#[test]
fn equal_forms_are_the_same_column_and_keep_the_name() {
    let memory = after(&[], &["Prénom", "Any notes?"]);
    let identified = identify(&memory, &header(&["any  NOTES", "Pre\u{301}nom "]), &RULES).unwrap();
    assert_eq!(names(&identified), ["any_notes", "prenom"]);
    assert_eq!(identified.columns.iter().map(|column| column.memory).collect::<Vec<_>>(), [Some(1), Some(0)]);
}

#[test]
fn equal_forms_in_a_first_report_have_the_same_names_in_any_order() {
    let forward = first(&["User ID", "user_id"], &RULES);
    let mut backward = first(&["user_id", "User ID"], &RULES);
    backward.reverse();
    assert_eq!(forward, backward);
    assert_eq!(forward[1], "user_id");
    assert_eq!(first(&["A b", "a B"], &ORIGINAL)[0], "A b");
}
