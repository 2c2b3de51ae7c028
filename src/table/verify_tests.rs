//! Whole reports, valid and not: what is found, and how each error is worded.

use std::io::Cursor;

use super::*;
use crate::table::csv::CsvReader;

fn requirements() -> Requirements {
    Requirements {
        style: ColumnNames::SnakeCase,
        on_ragged: OnRagged::Fail,
        key: Vec::new(),
        infer: None,
        strict_kinds: Vec::new(),
        max_message_bytes: 50_000_000,
    }
}

fn check(csv: &str, requirements: &Requirements) -> Result<VerifiedTable, TableError> {
    let mut reader = CsvReader::default();
    reader.feed(csv.as_bytes());
    let stats = reader.finish()?;
    verify(&stats, Cursor::new(reader.stored()), requirements, |column| column != "hidden")
}

fn refused(csv: &str, requirements: &Requirements) -> String {
    check(csv, requirements).unwrap_err().to_string()
}

#[test]
fn valid_report_is_counted() {
    let facts = check("A,B\n1,2\n3,4\n", &requirements()).unwrap();
    assert_eq!((facts.rows, facts.columns.len(), facts.kinds), (2, 2, vec![ColumnType::String; 2]));
    assert_eq!(check("A,B\n", &requirements()).unwrap().rows, 0);
}

#[test]
fn ragged_row_fails_with_its_line_or_is_padded() {
    assert_eq!(refused("a,b\n1,2\n3\n", &requirements()), "line 3 has 1 cell, the header has 2 cells");
    let pad = Requirements { on_ragged: OnRagged::Pad, ..requirements() };
    assert_eq!(check("a,b\n1\n1,2,3\n", &pad).unwrap().ragged, 2);
}

#[test]
fn empty_report_is_refused() {
    for csv in ["", "\u{feff}", "\n", " \n"] {
        assert_eq!(refused(csv, &requirements()), "it is empty, without even a header", "{csv:?}");
    }
}

#[test]
fn key_with_empty_or_repeated_cells_is_refused_with_its_rows() {
    let key = Requirements { key: vec!["a".into()], ..requirements() };
    assert!(check("a,b\n1,x\n2,x\n", &key).is_ok());
    assert_eq!(
        refused("a,b\n1,x\n1,y\n,z\n", &key),
        "key columns are not unique: 1 row has an empty key, 1 row repeats an earlier key (rows 2, 3)"
    );
    assert_eq!(refused("b,c\n", &key), "the key column `a` is not in the report; its columns are `b`, `c`");
}

#[test]
fn types_are_inferred_over_the_whole_report() {
    let infer = Requirements { infer: Some(Vec::new()), ..requirements() };
    let facts = check("a,b,c,d\n1,1,,x\n2.5,007,,\n", &infer).unwrap();
    assert_eq!(facts.kinds, [ColumnType::Number, ColumnType::String, ColumnType::String, ColumnType::String]);
    // No double holds the long one.
    let long = "1234567890123456,1.5,-123456789012345\n0.5,1234567890123456,0.5\n";
    let facts = check(&format!("a,b,c\n{long}"), &infer).unwrap();
    assert_eq!(facts.kinds, [ColumnType::String, ColumnType::String, ColumnType::Number]);
    let strict = Requirements { strict_kinds: vec![("a".into(), ColumnType::Integer)], ..requirements() };
    assert_eq!(refused("a\n1\nx\n", &strict), "line 3, column `a` is not a lossless integer");
}

#[test]
fn types_only_widen_from_run_to_run() {
    let earlier = [
        ("a", ColumnType::Number),
        ("b", ColumnType::Integer),
        ("c", ColumnType::Date),
        ("d", ColumnType::String),
    ];
    let earlier = earlier.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
    let again = Requirements { infer: Some(earlier), ..requirements() };
    let kinds = |row: &str| check(&format!("a,b,c,d,e\n{row}\n"), &again).unwrap().kinds;
    assert_eq!(
        kinds("1,,2025-01-01,1,1"),
        [ColumnType::Number, ColumnType::Integer, ColumnType::Date, ColumnType::String, ColumnType::Integer]
    );
    assert_eq!(
        kinds("1234567890123456,1.5,2025-01-01T00:00:00Z,,"),
        [ColumnType::String, ColumnType::Number, ColumnType::String, ColumnType::String, ColumnType::String]
    );
}

#[test]
fn message_longer_than_max_message_bytes_is_refused_with_its_line() {
    let short = Requirements { max_message_bytes: 2_000, ..requirements() };
    let long = format!("a,b\n1,2\n3,{}\n", "x".repeat(3_000));
    assert!(
        refused(&long, &short).starts_with("line 3 makes a message longer than `max_message_bytes` (2000)")
    );
    assert!(check(&long.replace('b', "hidden"), &short).is_ok());
    assert!(check(&format!("a\n{}\n", "x".repeat(1_000)), &short).is_ok());
}
