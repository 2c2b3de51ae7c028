//! Tests of the setting `rename`.

use std::collections::BTreeMap;

use super::fixtures::{SNAKE_CASE, after, hashed, header, lines, names, next};
use super::{Identified, RememberedColumn, RenameError, Rules, former_names, identify};
use crate::table::column_type::ColumnType;

fn renamed(
    memory: &[RememberedColumn],
    titles: &[&str],
    rename: &[(&str, &str)],
) -> Result<Identified, RenameError> {
    let rename: BTreeMap<String, String> =
        rename.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    identify(memory, &header(titles), &Rules { rename: &rename, ..SNAKE_CASE })
}

fn message(result: Result<Identified, RenameError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn rename_by_header_or_name_gives_the_new_name() {
    for key in ["What skills?", "what_skills"] {
        let identified = renamed(&[], &["What skills?", "x"], &[(key, "skills")]).unwrap();
        assert_eq!(names(&identified), ["skills", "x"]);
        assert_eq!(lines(&identified), Vec::<String>::new(), "a first report changes nothing");
        let memory = next(&identified);
        assert_eq!(former_names(&memory)["skills"], ["what_skills"]);
        let again = renamed(&memory, &["x", "what skills"], &[(key, "skills")]).unwrap();
        assert_eq!(names(&again), ["x", "skills"], "the remembered name stays");
    }
}

#[test]
fn rename_of_a_remembered_column_keeps_its_type_and_its_former_name() {
    let mut memory = after(&[&["Skills", "x"]]);
    memory[0].column_type = Some(ColumnType::Date);
    memory[0].variant = Some("skills__text".into());
    let identified = renamed(&memory, &["Skills", "x"], &[("Skills", "talents")]).unwrap();
    assert_eq!(lines(&identified), ["Renamed: Skills (talents)"]);
    let column = identified.remembered(&identified.columns[0]).unwrap();
    assert_eq!((column.column_type, column.emitted, &column.variant), (Some(ColumnType::Date), false, &None));
    let memory = next(&identified);
    assert_eq!(former_names(&memory)["talents"], ["skills"]);
    let former = memory.iter().find(|column| column.name == "skills").unwrap();
    assert_eq!((former.column_type, former.emitted, former.gone), (Some(ColumnType::Date), true, true));
    let again = renamed(&memory, &["Skills", "x"], &[]).unwrap();
    assert_eq!(names(&again), ["talents", "x"], "no header matches a former name");
    assert_eq!(lines(&again), Vec::<String>::new());
}

#[test]
fn rename_twice_keeps_both_former_names_and_rename_back_takes_the_first_one_over() {
    let memory = after(&[&["Skills"]]);
    let memory = next(&renamed(&memory, &["Skills"], &[("Skills", "talents")]).unwrap());
    let memory = next(&renamed(&memory, &["Skills"], &[("talents", "gifts")]).unwrap());
    let mut former = former_names(&memory)["gifts"].clone();
    former.sort_unstable();
    assert_eq!(former, ["skills", "talents"]);
    let back = renamed(&memory, &["Skills"], &[("gifts", "skills")]).unwrap();
    assert_eq!(back.remembered(&back.columns[0]).unwrap().replaced_by, None);
    let memory = next(&back);
    assert_eq!((memory.len(), memory[0].name.as_str(), memory[0].emitted), (3, "skills", true));
    let mut former = former_names(&memory)["skills"].clone();
    former.sort_unstable();
    assert_eq!(former, ["gifts", "talents"]);
}

#[test]
fn rename_to_the_name_of_another_column_of_the_report_is_refused() {
    let expected = "cannot rename the column `A` to `b`: the column `B` of the same report has this name";
    assert_eq!(message(renamed(&[], &["A", "B"], &[("A", "b")])), expected);
    assert_eq!(message(renamed(&after(&[&["B"]]), &["A", "B"], &[("A", "b")])), expected);
    let expected = "cannot rename the column `B` to `c`: the column `A` of the same report has this name";
    assert_eq!(
        message(renamed(&[], &["A", "B"], &[("A", "c"), ("B", "C"), ("b", "c")])),
        expected.replace("`c`", "`C`")
    );
    assert_eq!(message(renamed(&[], &["A", "A"], &[("A", "c")])).matches("`A`").count(), 2);
    let swap = [("A", "b"), ("B", "a")];
    assert!(renamed(&[], &["A", "B"], &swap).is_err());
}

#[test]
fn rename_to_the_name_of_a_gone_column_takes_it_over_with_its_type() {
    let mut memory = after(&[&["Skills", "x"], &["x"]]);
    memory[1].column_type = Some(ColumnType::Number);
    let identified = renamed(&memory, &["x", "Abilities"], &[("Abilities", "skills")]).unwrap();
    assert_eq!(names(&identified), ["x", "skills"]);
    assert_eq!(lines(&identified), ["HeaderEdited: Abilities (skills)", "BackAgain: Abilities (skills)"]);
    let memory = next(&identified);
    assert_eq!((memory.len(), memory[1].title.as_str()), (3, "Abilities"));
    let column = identified.remembered(&identified.columns[1]).unwrap();
    assert_eq!((column.column_type, column.emitted), (Some(ColumnType::Number), true));
    assert_eq!(
        names(&renamed(&memory, &["Skills", "abilities"], &[]).unwrap()),
        [hashed("skills", "Skills").as_str(), "skills"]
    );
}

#[test]
fn rename_of_a_remembered_column_to_a_gone_one_leaves_its_own_name_behind() {
    let memory = after(&[&["Skills", "Abilities"], &["Abilities"]]);
    let memory = next(&renamed(&memory, &["Abilities"], &[("Abilities", "skills")]).unwrap());
    assert_eq!((memory.len(), memory[0].name.as_str(), memory[0].title.as_str()), (2, "skills", "Abilities"));
    assert_eq!(former_names(&memory)["skills"], ["abilities"]);
}

#[test]
fn rename_to_the_name_of_a_variant_is_refused() {
    let mut memory = after(&[&["A", "B"]]);
    memory[1].variant = Some("b__text".into());
    let expected = "cannot rename the column `A` to `b__text`: this name has the cells that do not fit the type of the column `B`";
    assert_eq!(message(renamed(&memory, &["A"], &[("A", "b__text")])), expected);
}

#[test]
fn rename_to_the_same_name_changes_nothing() {
    let memory = after(&[&["Skills"]]);
    for target in ["skills", "SKILLS"] {
        let identified = renamed(&memory, &["Skills"], &[("Skills", target)]).unwrap();
        assert_eq!((names(&identified), identified.memory.len()), (vec!["skills"], 1));
    }
}

#[test]
fn rename_key_that_is_a_header_is_not_taken_for_a_name() {
    let memory = after(&[&["A"]]);
    let identified = renamed(&memory, &["A", "a"], &[("a", "x")]).unwrap();
    assert_eq!(names(&identified), ["a", "x"]);
}
