//! Tests of the union of STATE, state folder and catalog.

use super::fixtures::{after, hashed, lines, names, next, read};
use super::{RememberedColumn, TypeSource, United, former_names, unite};
use crate::table::column_type::ColumnType;
use crate::table::header::ColumnNames;

fn union(state: &[RememberedColumn], folder: &[RememberedColumn], catalog: &[(&str, &str)]) -> United {
    unite(state, folder, catalog.iter().copied(), ColumnNames::SnakeCase)
}

/// An entry of an emitted column.
fn column(name: &str, title: &str) -> RememberedColumn {
    RememberedColumn { emitted: true, ..RememberedColumn::new(name, title, 0) }
}

fn names_of(united: &United) -> Vec<&str> {
    united.columns.iter().map(|column| column.name.as_str()).collect()
}

#[test]
fn state_takes_precedence_over_folder_and_catalog() {
    let state = [RememberedColumn { column_type: Some(ColumnType::String), ..column("notes", "Notes") }];
    let folder = [RememberedColumn { column_type: Some(ColumnType::Number), ..column("notes", "notes") }];
    let united = union(&state, &folder, &[("notes", "NOTES")]);
    assert_eq!((united.columns, united.from_folder), (state.to_vec(), vec![]));
    let united = union(&[], &folder, &[("notes", "NOTES")]);
    assert_eq!((united.columns, united.from_folder), (folder.to_vec(), vec![0]));
    let united = union(&[], &[], &[("notes", "NOTES")]);
    assert_eq!(united.columns, [RememberedColumn::new("notes", "NOTES", 0)]);
}

#[test]
fn columns_of_the_folder_alone_are_added_and_listed() {
    let united = union(&after(&[&["a", "b"]]), &after(&[&["c", "b", "d"]]), &[("e", "E")]);
    assert_eq!(names_of(&united), ["a", "b", "c", "d", "e"]);
    assert_eq!(united.from_folder, [2, 3]);
}

#[test]
fn name_that_two_sources_give_to_different_columns_is_hashed_in_the_folder() {
    let state = [column("notes", "Remarks")];
    let folder = [
        column("notes", "Notes"),
        RememberedColumn { replaced_by: Some("notes".into()), ..column("n", "Notes") },
    ];
    let united = union(&state, &folder, &[("remarks", "Remarks")]);
    let other = hashed("notes", "Notes");
    assert_eq!(names_of(&united), ["notes", other.as_str(), "n", "remarks"]);
    assert_eq!(former_names(&united.columns)[other.as_str()], ["n"]);
    assert_eq!(former_names(&united.columns)["notes"], ["remarks"]);
    assert_eq!(union(&united.columns, &folder, &[("remarks", "Remarks")]).columns, united.columns);
}

#[test]
fn other_name_of_the_same_column_is_kept_as_a_former_name() {
    let united = union(&[column("skills", "Skills")], &[column("talents", "skills ")], &[]);
    assert_eq!(names_of(&united), ["skills", "talents"]);
    assert_eq!((united.columns[1].gone, united.columns[1].emitted), (true, true));
    assert_eq!(former_names(&united.columns)["skills"], ["talents"]);
    assert_eq!(names(&read(&united.columns, &["SKILLS"])), ["skills"]);
}

#[test]
fn two_columns_of_one_form_in_a_source_are_compared_exactly() {
    let united = union(&[column("notes", "Notes")], &[column("n1", "Notes"), column("n2", "notes")], &[]);
    assert_eq!(names_of(&united), ["notes", "n1", "n2"]);
    assert_eq!(united.columns[1].replaced_by.as_deref(), Some("notes"));
    assert_eq!(united.columns[2].replaced_by, None);
}

#[test]
fn column_with_two_names_from_an_old_catalog_and_the_memory_has_the_name_of_its_exact_header() {
    let memory = after(&[&["Notes", "notes!"]]);
    let united = union(&memory, &[], &[("n1", "notes?")]);
    let memory = next(&read(&united.columns, &["Notes", "notes!"]));
    let identified = read(&memory, &["Notes", "notes?"]);
    assert_eq!(names(&identified), ["notes", "n1"]);
    let gone = format!("Gone: notes! ({})", hashed("notes", "notes!"));
    assert_eq!(lines(&identified), [gone, "BackAgain: notes? (n1)".to_owned()]);
}

#[test]
fn type_that_the_folder_knows_as_emitted_completes_an_undecided_column() {
    let number = RememberedColumn {
        column_type: Some(ColumnType::Number),
        source: TypeSource::Inferred,
        variant: Some("a__text".into()),
        ..column("a", "A")
    };
    let never_emitted =
        RememberedColumn { column_type: Some(ColumnType::String), ..RememberedColumn::new("a", "A", 0) };
    for state in [column("a", "A"), never_emitted] {
        assert_eq!(
            union(&[state], std::slice::from_ref(&number), &[]).columns,
            std::slice::from_ref(&number)
        );
    }
    let undecided = column("a", "A");
    let not_emitted = RememberedColumn { emitted: false, ..number.clone() };
    let united = union(&[not_emitted], &[undecided], &[]).columns;
    assert_eq!((united[0].emitted, united[0].column_type), (true, None), "no target has the type");
    let date = RememberedColumn { column_type: Some(ColumnType::Date), ..column("a", "A") };
    assert_eq!(union(&[date], &[number], &[]).columns[0].column_type, Some(ColumnType::Date));
}

#[test]
fn equal_headers_of_format_1_have_their_positions_in_the_order_of_the_report() {
    let state = [column("a", "a"), column("b", "b"), column("a_2", "a"), column("a_3", "a")];
    let united = union(&state, &[], &[]);
    let positions: Vec<u32> = united.columns.iter().map(|column| column.position).collect();
    assert_eq!(positions, [0, 0, 1, 2]);
    assert_eq!(names(&read(&united.columns, &["b", "a", "a", "a"])), ["b", "a", "a_2", "a_3"]);
    assert_eq!(union(&united.columns, &state, &[]), United { from_folder: vec![], ..united });
    let blank = [column("column_2", ""), column("x", "x"), column("column_4", " ")];
    assert_eq!(names(&read(&union(&blank, &[], &[]).columns, &["", "", "x"])), ["column_2", "column_4", "x"]);
}

#[test]
fn equal_titles_of_a_catalog_have_their_positions_in_its_order() {
    let other = hashed("a", "a");
    let united = union(&[], &[], &[("a", "a"), (&other, "a")]);
    assert_eq!(names(&read(&united.columns, &["a", "a"])), ["a", other.as_str()]);
}

#[test]
fn property_of_the_catalog_that_is_a_variant_is_not_a_column() {
    let state = [RememberedColumn { variant: Some("a__text".into()), ..column("a", "A") }];
    let united = union(&state, &[], &[("a", "A"), ("a__text", "A")]);
    assert_eq!(united.columns, state);
}

#[test]
fn repeated_name_in_one_source_is_given_to_the_first_column() {
    let united = union(&[column("a", "A"), column("a", "B")], &[], &[]);
    assert_eq!(names_of(&united), ["a".to_owned(), hashed("b", "B")]);
}

#[test]
fn variant_whose_name_is_another_column_is_dropped() {
    let folder = [RememberedColumn { variant: Some("b".into()), ..column("a", "A") }];
    let united = union(&[column("b", "B")], &folder, &[]);
    assert_eq!((names_of(&united), &united.columns[1].variant), (vec!["b", "a"], &None));
    let known = [column("a", "A"), column("b", "B")];
    assert_eq!(union(&known, &folder, &[]).columns, known);
}

#[test]
fn former_name_does_not_change_the_positions_of_equal_headers() {
    let former = RememberedColumn { replaced_by: Some("b".into()), position: 1, ..column("former", "a") };
    let state = [RememberedColumn { position: 1, ..column("b", "a") }, former];
    assert_eq!(union(&state, &[], &[]).columns, state);
}
