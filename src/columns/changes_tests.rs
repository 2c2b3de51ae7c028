//! Tests of the list of changes, and of the stored form of columns.

use serde_json::{from_value, json, to_value};

use super::fixtures::{after, hashed, lines, next, read, settled};
use super::{Change, ChangeKind, Label, RememberedColumn, Settled, TypeSource, changes, former_names};
use crate::table::column_type::ColumnType;

#[test]
fn changes_of_a_first_report_are_not_listed() {
    assert_eq!(lines(&read(&[], &["a", "b"])), Vec::<String>::new());
}

#[test]
fn changes_of_a_report_are_listed_by_kind_with_header_and_name() {
    let memory = after(&[&["a", "b", "Old one"], &["a", "Old one"]]);
    let identified = read(&memory, &["A ", "b", "New one"]);
    let expected =
        ["New: New one (new_one)", "Gone: Old one (old_one)", "HeaderEdited: A  (a)", "BackAgain: b (b)"];
    assert_eq!(lines(&identified), expected);
    assert_eq!(lines(&read(&next(&identified), &["A ", "b", "New one"])), Vec::<String>::new());
}

#[test]
fn column_that_is_back_with_an_edited_header_is_in_both_lists() {
    let memory = after(&[&["a", "b"], &["b"]]);
    assert_eq!(lines(&read(&memory, &["A", "b"])), ["HeaderEdited: A (a)", "BackAgain: A (a)"]);
}

#[test]
fn ambiguous_columns_and_the_remembered_ones_are_listed_once() {
    let memory = after(&[&["a", "a"]]);
    let other = hashed("a", "a");
    let expected = [format!("Gone: a ({other})"), format!("Ambiguous: a (a), a ({other})")];
    assert_eq!(lines(&read(&memory, &["a"])), expected);
}

#[test]
fn type_of_an_undecided_column_is_a_change_when_it_is_decided() {
    let memory = after(&[&["a", "b"]]);
    let identified = read(&memory, &["a", "b", "c"]);
    let mut settled = settled(&identified);
    settled[1].column_type = Some(ColumnType::Date);
    settled[2].column_type = Some(ColumnType::Date);
    let decided =
        Change { kind: ChangeKind::Decided, columns: vec![Label { title: "b".into(), name: "b".into() }] };
    assert_eq!(changes(&identified, &settled)[1], decided);
    let memory = super::remember(&identified, &settled, "2026-01-03");
    let again = read(&memory, &["a", "b", "c"]);
    settled[0] = Settled { column_type: None, ..Settled::default() };
    assert_eq!(changes(&again, &settled), []);
}

#[test]
fn columns_of_format_1_are_read_and_count_as_emitted() {
    let stored = json!([
        {"name": "user_id", "title": "User ID", "type": "integer"},
        {"name": "created_at", "title": "Created at", "type": "date-time"},
    ]);
    let columns: Vec<RememberedColumn> = from_value(stored.clone()).unwrap();
    let expected = RememberedColumn {
        column_type: Some(ColumnType::Integer),
        emitted: true,
        ..RememberedColumn::new("user_id", "User ID", 0)
    };
    assert_eq!(columns[0], expected);
    assert_eq!(columns[1].column_type, Some(ColumnType::DateTime));
    assert_eq!(to_value(&columns).unwrap(), stored);
}

#[test]
fn columns_of_format_2_are_written_without_default_values_and_read_back() {
    let mut column = RememberedColumn::new("notes", "Notes", 0);
    let written = json!({"name": "notes", "title": "Notes", "type": null, "emitted": false});
    assert_eq!(to_value(&column).unwrap(), written);
    column = RememberedColumn {
        position: 3,
        column_type: Some(ColumnType::Number),
        source: TypeSource::Override,
        emitted: true,
        variant: Some("notes__text".into()),
        max_length: Some(64),
        last_seen: Some("2026-01-01".into()),
        gone: true,
        replaced_by: Some("remarks".into()),
        ..column
    };
    let written = json!({
        "name": "notes", "title": "Notes", "position": 3, "type": "number", "source": "override",
        "variant": "notes__text", "max_length": 64, "last_seen": "2026-01-01", "gone": true, "replaced_by": "remarks",
    });
    assert_eq!(to_value(&column).unwrap(), written);
    assert_eq!(from_value::<RememberedColumn>(written).unwrap(), column);
    assert_eq!(former_names(&[column])["remarks"], ["notes"]);
}

#[test]
fn column_with_an_unknown_type_is_refused() {
    let newer = json!({"name": "a", "title": "A", "type": "uuid"});
    assert!(from_value::<RememberedColumn>(newer).is_err());
}
