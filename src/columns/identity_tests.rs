//! Tests of the identity of columns: which header is which remembered column, and the memory after a report.

use super::fixtures::{after, hashed, lines, names, next, read, settled};
use super::{Ambiguity, RememberedColumn, Settled, TypeSource, remember};
use crate::table::column_type::ColumnType;

fn matches(memory: &[RememberedColumn], titles: &[&str]) -> Vec<Option<usize>> {
    read(memory, titles).columns.into_iter().map(|column| column.memory).collect()
}

#[test]
fn equal_forms_are_the_same_column_and_keep_the_name() {
    let memory = after(&[&["Prénom", "Any notes?"]]);
    assert_eq!(names(&read(&memory, &["any  NOTES", "Pre\u{301}nom "])), ["any_notes", "prenom"]);
    assert_eq!(matches(&memory, &["any  NOTES", "prenom"]), [Some(1), Some(0)]);
}

#[test]
fn two_headers_of_one_form_are_compared_exactly() {
    let memory = after(&[&["User ID", "user_id"]]);
    assert_eq!(matches(&memory, &["user_id", "User ID"]), [Some(1), Some(0)]);
    assert_eq!(matches(&memory, &["user_id"]), [Some(1)]);
    assert_eq!(matches(&memory, &["user_id", "USER ID"]), [Some(1), None]);
    let memory = after(&[&["User ID"]]);
    let identified = read(&memory, &["user_id", "User ID"]);
    assert_eq!(names(&identified), [hashed("user_id", "user_id").as_str(), "user_id"]);
    assert_eq!(identified.ambiguous, []);
}

#[test]
fn one_header_that_may_be_either_of_two_columns_is_new_and_ambiguous() {
    let memory = after(&[&["Notes", "notes", "x"]]);
    let identified = read(&memory, &["x", "NOTES"]);
    assert_eq!(identified.columns[1].memory, None);
    assert_eq!(identified.ambiguous, [Ambiguity { columns: vec![1], remembered: vec![0, 1] }]);
    assert_eq!(identified.gone, [0, 1]);
}

#[test]
fn two_headers_that_may_both_be_the_remembered_column_are_new_and_ambiguous() {
    let memory = after(&[&["Notes"]]);
    let identified = read(&memory, &["NOTES", "notes"]);
    assert_eq!(identified.ambiguous, [Ambiguity { columns: vec![0, 1], remembered: vec![0] }]);
    assert_eq!(identified.columns.iter().filter(|column| column.memory.is_some()).count(), 0);
}

#[test]
fn equal_headers_are_told_apart_by_their_order() {
    let memory = after(&[&["a", "x", "a"]]);
    assert_eq!(matches(&memory, &["a", "a", "x"]), [Some(0), Some(2), Some(1)]);
    assert_eq!(read(&memory, &["a", "a", "x"]).ambiguous, []);
}

#[test]
fn changed_number_of_equal_headers_is_ambiguous_once() {
    let two = after(&[&["a", "a"]]);
    let fewer = read(&two, &["a"]);
    assert_eq!(fewer.ambiguous, [Ambiguity { columns: vec![0], remembered: vec![0, 1] }]);
    assert_eq!(read(&next(&fewer), &["a"]).ambiguous, []);
    let more = read(&two, &["a", "a", "a"]);
    assert_eq!(more.ambiguous, [Ambiguity { columns: vec![0, 1, 2], remembered: vec![0, 1] }]);
    assert_eq!(read(&next(&more), &["a", "a", "a"]).ambiguous, []);
    assert_eq!(names(&more)[2], hashed("a", "a\u{0}2"));
    assert_eq!(read(&after(&[&["a"]]), &["a", "a"]).ambiguous.len(), 1);
}

#[test]
fn equal_header_whose_first_one_was_forgotten_keeps_its_position() {
    let mut memory = after(&[&["a", "x", "a"]]);
    memory.remove(0);
    let identified = read(&memory, &["a", "a", "x"]);
    assert_eq!(names(&identified), ["a".to_owned(), hashed("a", "a"), "x".into()]);
    assert_eq!(identified.ambiguous, []);
    let identified = read(&memory, &["A", "x"]);
    assert_eq!(identified.columns[0].memory, None);
    assert_eq!(identified.ambiguous, [Ambiguity { columns: vec![0], remembered: vec![1] }]);
}

#[test]
fn equal_headers_that_were_all_gone_are_back_if_their_number_is_the_same() {
    let memory = after(&[&["a", "a", "x"], &["x"]]);
    assert_eq!(read(&memory, &["a", "a"]).ambiguous, []);
    assert_eq!(read(&memory, &["a"]).ambiguous.len(), 1);
    assert_eq!(
        lines(&read(&memory, &["x", "a", "a"])),
        [format!("BackAgain: a (a), a ({})", hashed("a", "a"))]
    );
}

#[test]
fn changed_number_of_blank_headers_is_ambiguous() {
    let memory = after(&[&["", "x", " "]]);
    assert_eq!(read(&memory, &[" ", "", "x"]).ambiguous, []);
    assert_eq!(read(&memory, &["", "x"]).ambiguous.len(), 1);
}

#[test]
fn gone_entries_stay_in_the_memory_behind_the_report_in_their_old_order() {
    let memory = after(&[&["a", "b", "c", "d"], &["d", "b"], &["e"]]);
    let names: Vec<&str> = memory.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["e", "d", "b", "a", "c"]);
    assert_eq!(memory.iter().map(|column| column.gone).collect::<Vec<_>>(), [false, true, true, true, true]);
}

#[test]
fn remembered_column_keeps_emitted_and_variant_and_takes_title_and_date() {
    let identified = read(&[], &["Notes", "x"]);
    let number = Settled {
        column_type: Some(ColumnType::Number),
        source: TypeSource::Inferred,
        emitted: true,
        variant: Some("notes__text".into()),
        max_length: None,
    };
    let memory = remember(&identified, &[number, Settled::default()], "2026-01-01");
    assert_eq!((memory[1].emitted, memory[1].column_type), (false, None));
    let identified = read(&memory, &["notes"]);
    let later =
        Settled { column_type: Some(ColumnType::Number), source: TypeSource::Inferred, ..Settled::default() };
    let memory = remember(&identified, &[later], "2026-01-02");
    assert_eq!(
        memory[0],
        RememberedColumn {
            column_type: Some(ColumnType::Number),
            source: TypeSource::Inferred,
            emitted: true,
            variant: Some("notes__text".into()),
            last_seen: Some("2026-01-02".into()),
            ..RememberedColumn::new("notes", "notes", 0)
        }
    );
    assert_eq!((memory[1].gone, memory[1].last_seen.as_deref()), (true, Some("2026-01-01")));
}

#[test]
fn nul_characters_of_a_header_are_ignored() {
    let memory = after(&[&["a\0b"]]);
    assert_eq!(memory[0].title, "ab");
    let identified = read(&memory, &["ab", "c\0"]);
    assert_eq!(identified.columns[0].memory, Some(0));
    assert_eq!(next(&identified).len(), settled(&identified).len());
}
