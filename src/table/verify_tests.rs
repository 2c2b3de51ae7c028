//! Complete reports, valid and invalid: their columns, types and counts, and the text of each error.

use std::io::Cursor;

use super::*;
use crate::table::csv::CsvReader;

fn requirements() -> Requirements {
    Requirements {
        style: ColumnNames::SnakeCase,
        on_ragged: OnRagged::Fail,
        key: Vec::new(),
        infer: None,
        fixed_types: Vec::new(),
        max_message_bytes: 50_000_000,
    }
}

fn verify_csv(csv: &str, requirements: &Requirements) -> Result<VerifiedTable, TableError> {
    let mut reader = CsvReader::default();
    reader.feed(csv.as_bytes());
    let stats = reader.finish()?;
    verify(&stats, Cursor::new(reader.stored()), requirements, |column| column != "hidden")
}

fn refused(csv: &str, requirements: &Requirements) -> String {
    verify_csv(csv, requirements).unwrap_err().to_string()
}

#[test]
fn valid_report_has_its_rows_and_columns_counted() {
    let table = verify_csv("A,B\n1,2\n3,4\n", &requirements()).unwrap();
    assert_eq!((table.rows, table.columns.len(), table.types), (2, 2, vec![ColumnType::String; 2]));
    assert_eq!(verify_csv("A,B\n", &requirements()).unwrap().rows, 0);
}

#[test]
fn ragged_row_fails_with_its_line_or_is_padded() {
    assert_eq!(refused("a,b\n1,2\n3\n", &requirements()), "line 3 has 1 cell, the header has 2 cells");
    let pad = Requirements { on_ragged: OnRagged::Pad, ..requirements() };
    assert_eq!(verify_csv("a,b\n1\n1,2,3\n", &pad).unwrap().ragged, 2);
}

#[test]
fn empty_report_is_refused() {
    for csv in ["", "\u{feff}", "\n", " \n"] {
        assert_eq!(refused(csv, &requirements()), "it is empty, without even a header", "{csv:?}");
    }
}

#[test]
fn key_that_is_empty_repeated_or_missing_is_refused() {
    let key = Requirements { key: vec!["a".into()], ..requirements() };
    assert!(verify_csv("a,b\n1,x\n2,x\n", &key).is_ok());
    assert_eq!(
        refused("a,b\n1,x\n1,y\n,z\n", &key),
        "key columns are not unique: 1 row has an empty key, 1 row repeats an earlier key (rows 2, 3)"
    );
    assert_eq!(refused("b,c\n", &key), "the key column `a` is not in the report; its columns are `b`, `c`");
}

#[test]
fn types_are_inferred_from_or_checked_against_the_whole_report() {
    let infer = Requirements { infer: Some(Vec::new()), ..requirements() };
    let table = verify_csv("a,b,c,d\n1,1,,x\n2.5,007,,\n", &infer).unwrap();
    assert_eq!(table.types, [ColumnType::Number, ColumnType::String, ColumnType::String, ColumnType::String]);
    // A number has at most 15 digits, so a longer integer and a decimal in one column make it a string.
    let long = "1234567890123456,1.5,-123456789012345\n0.5,1234567890123456,0.5\n";
    let table = verify_csv(&format!("a,b,c\n{long}"), &infer).unwrap();
    assert_eq!(table.types, [ColumnType::String, ColumnType::String, ColumnType::Number]);
    let fixed = Requirements { fixed_types: vec![("a".into(), ColumnType::Integer)], ..requirements() };
    assert_eq!(refused("a\n1\nx\n", &fixed), "line 3, column `a` is not a lossless integer");
}

#[test]
fn inferred_types_only_widen_from_run_to_run() {
    let earlier = [
        ("a", ColumnType::Number),
        ("b", ColumnType::Integer),
        ("c", ColumnType::Date),
        ("d", ColumnType::String),
    ];
    let earlier = earlier.map(|(name, column_type)| (name.to_owned(), column_type)).to_vec();
    let again = Requirements { infer: Some(earlier), ..requirements() };
    let types = |row: &str| verify_csv(&format!("a,b,c,d,e\n{row}\n"), &again).unwrap().types;
    assert_eq!(
        types("1,,2025-01-01,1,1"),
        [ColumnType::Number, ColumnType::Integer, ColumnType::Date, ColumnType::String, ColumnType::Integer]
    );
    assert_eq!(
        types("1234567890123456,1.5,2025-01-01T00:00:00Z,,"),
        [ColumnType::String, ColumnType::Number, ColumnType::String, ColumnType::String, ColumnType::String]
    );
}

#[test]
fn row_longer_than_max_message_bytes_fails_with_its_line() {
    let short = Requirements { max_message_bytes: 2_000, ..requirements() };
    let long = format!("a,b\n1,2\n3,{}\n", "x".repeat(3_000));
    assert!(
        refused(&long, &short).starts_with("line 3 makes a message longer than `max_message_bytes` (2000)")
    );
    assert!(verify_csv(&long.replace('b', "hidden"), &short).is_ok());
    assert!(verify_csv(&format!("a\n{}\n", "x".repeat(1_000)), &short).is_ok());
}
