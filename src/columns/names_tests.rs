//! Tests of the names of new columns and of variants.

use proptest::prelude::*;

use super::fixtures::{ORIGINAL, SNAKE_CASE, after, first, hashed, header, names, read};
use super::{NameSet, identify, unite, variant_name};
use crate::table::header::is_valid_name;

const LONG: &str = "Which skills would you like to develop in the next six months, and why these?";

#[test]
fn natural_name_is_the_snake_case_form() {
    for (title, name) in [
        ("User ID", "user_id"),
        ("employeeStatusCode", "employee_status_code"),
        ("What’s next?", "whats_next"),
        ("Prénom", "prenom"),
        ("名前", "ming_qian"),
        ("30-day goal", "_30_day_goal"),
        ("_sdc_deleted_at", "sdc_deleted_at"),
        ("_row_number", "row_number"),
        ("nul\0", "nul"),
    ] {
        assert_eq!(first(&[title], &SNAKE_CASE), [name], "{title}");
    }
}

#[test]
fn long_name_ends_in_a_hash_of_the_snake_case_form() {
    let name = &first(&[LONG], &SNAKE_CASE)[0];
    let form = "which_skills_would_you_like_to_develop_in_the_next_six_months_and_why_these";
    assert_eq!(name, &hashed(&form[..53], form));
    assert_eq!(name.len(), 62);
    let edited = format!(" {}", LONG.to_uppercase().replace('?', ""));
    assert_eq!(&first(&[&edited], &SNAKE_CASE)[0], name);
    let other = LONG.replace("these", "those");
    assert_ne!(&first(&[&other], &SNAKE_CASE)[0], name);
}

#[test]
fn taken_name_is_followed_by_a_hash_of_the_header() {
    let names = first(&["Notes", "notes", "NOTES"], &SNAKE_CASE);
    assert_eq!(names, [hashed("notes", "Notes"), "notes".into(), hashed("notes", "NOTES")]);
    let long = first(&[LONG, &LONG.to_uppercase()], &SNAKE_CASE);
    let stem = "which_skills_would_you_like_to_develop_in_the_next_si";
    assert_eq!(long[0], hashed(stem, LONG));
    assert_eq!(long[1].len(), 62);
}

#[test]
fn name_of_a_gone_column_is_not_given_to_a_new_one() {
    let memory = after(&[&["Notes", "notes"], &["x"]]);
    let identified = read(&memory, &["NOTES"]);
    assert_eq!(names(&identified), [hashed("notes", "NOTES")]);
}

#[test]
fn equal_headers_have_the_hash_of_header_and_position() {
    let names = first(&["a", "b", "a", "a"], &SNAKE_CASE);
    assert_eq!(names, ["a".into(), "b".into(), hashed("a", "a"), hashed("a", "a\u{0}2")]);
}

#[test]
fn names_of_a_first_report_do_not_depend_on_its_order() {
    for titles in [
        ["User ID", "user_id", "x"],
        ["a", "A", "a_2"],
        ["Column 1", "", "column_1"],
        ["a", "A", &hashed("a", "A")],
        ["A", "Á", "À"],
        ["_SDC_x", "column_sdc_x", "column_SDC_x"],
    ] {
        let expected = first(&titles, &SNAKE_CASE);
        for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            for rules in [SNAKE_CASE, ORIGINAL] {
                let expected = first(&titles, &rules);
                let names = first(&order.map(|index| titles[index]), &rules);
                assert_eq!(names, order.map(|index| expected[index].clone()));
            }
        }
        assert_eq!(expected.len(), 3);
    }
}

#[test]
fn hashed_name_leaves_a_natural_name_to_its_header() {
    let natural = hashed("a", "A");
    let names = first(&["A", "a", &natural], &SNAKE_CASE);
    assert_eq!(names, [hashed("a", "A\u{0}0"), "a".into(), natural]);
}

#[test]
fn blank_headers_are_numbered_among_the_blank_ones() {
    assert_eq!(first(&["x", "", "y", " \t"], &SNAKE_CASE), ["x", "column_1", "y", "column_2"]);
    let memory = after(&[&["x", "", "y", " "]]);
    assert_eq!(names(&read(&memory, &["  ", "y", "z", "", "x"])), ["column_1", "y", "z", "column_2", "x"]);
    assert_eq!(names(&read(&memory, &["", "", ""])), ["column_1", "column_2", "column_3"]);
}

#[test]
fn header_of_symbols_has_the_hash_of_its_text() {
    assert_eq!(first(&["???", "!"], &SNAKE_CASE), [hashed("column", "???"), hashed("column", "!")]);
    let memory = after(&[&["???"]]);
    assert_eq!(read(&memory, &["??"]).columns[0].memory, None);
}

#[test]
fn hash_or_variant_of_a_name_never_begins_like_the_columns_of_targets() {
    for name in first(&["_sdc", "_SDC"], &ORIGINAL) {
        assert!(is_valid_name(&name, ORIGINAL.style), "{name}");
        let variant = variant_name(&name, &mut NameSet::default());
        assert!(is_valid_name(&variant, ORIGINAL.style), "{variant}");
    }
}

#[test]
fn style_original_keeps_headers_and_compares_names_ignoring_case() {
    let names = first(&["A b", "a B", "_sdc_x", "", "???", "_ROW_NUMBER"], &ORIGINAL);
    let expected =
        ["A b".into(), hashed("a B", "a B"), "column_sdc_x".into(), "column_1".into(), "???".into()];
    assert_eq!(names[..5], expected);
    assert_eq!(names[5], "column_ROW_NUMBER");
}

#[test]
fn name_of_a_variant_is_not_given_to_a_new_column() {
    let mut memory = after(&[&["a"]]);
    memory[0].variant = Some("b".into());
    assert_eq!(names(&read(&memory, &["a", "B"])), ["a".to_owned(), hashed("b", "B")]);
}

#[test]
fn variant_name_is_not_that_of_a_new_column() {
    let identified = identify(&[], &header(&["a", "a__text"]), &ORIGINAL).unwrap();
    assert_eq!(names(&identified)[1], "a__text");
    assert_eq!(variant_name("a", &mut identified.names()), hashed("a__text", "a__text"));
}

#[test]
fn variant_name_is_cut_and_hashed_like_a_long_name() {
    let mut taken = NameSet::default();
    assert_eq!(variant_name("notes", &mut taken), "notes__text");
    assert_eq!(variant_name("notes", &mut taken), hashed("notes__text", "notes__text"));
    assert_eq!(variant_name("Notes", &mut taken), hashed("Notes__text", "Notes__text"));
    assert_eq!(variant_name("notes", &mut taken), hashed("notes__text", "notes__text\u{0}1"));
    let (longest, long) = ("a".repeat(56), "a".repeat(57));
    assert_eq!(variant_name(&longest, &mut taken), format!("{longest}__text"));
    assert_eq!(variant_name(&long, &mut taken), hashed(&"a".repeat(53), &format!("{long}__text")));
    let accents = "é".repeat(40);
    assert_eq!(variant_name(&accents, &mut taken), hashed(&"é".repeat(26), &format!("{accents}__text")));
}

#[test]
fn ten_thousand_equal_headers_have_stable_names() {
    let titles = vec!["a"; 10_000];
    let expected = first(&titles, &SNAKE_CASE);
    let memory = after(&[&titles, &["x"], &titles]);
    assert_eq!(memory.len(), 10_001);
    let catalog = memory.iter().map(|column| (column.name.as_str(), column.title.as_str()));
    let united = unite(&memory, &memory, catalog, SNAKE_CASE.style);
    assert_eq!(united.columns, memory);
    assert_eq!(names(&read(&memory, &titles)), expected);
}

proptest! {
    #[test]
    fn any_header_gets_names_that_every_target_accepts(header in prop::collection::vec(any::<String>(), 1..8)) {
        for rules in [SNAKE_CASE, ORIGINAL] {
            let identified = identify(&[], &header, &rules).unwrap();
            let mut taken = NameSet::default();
            for name in names(&identified) {
                prop_assert!(is_valid_name(name, rules.style) && taken.insert(name), "{name}");
            }
        }
    }
}
