//! Complete reports, valid and invalid: their types, mismatches and counts, and the text of each error.

use std::io::Cursor;
use std::sync::Arc;

use super::*;
use crate::table::cell_format::CellOptions;
use crate::table::column_type::ColumnType;
use crate::table::csv::CsvReader;

fn format(column_type: ColumnType) -> CellFormat {
    CellFormat::plain(column_type, &Arc::default())
}

fn fixed(column_type: ColumnType) -> Typing {
    Typing::Fixed(format(column_type))
}

fn infer() -> Typing {
    Typing::Infer(format(ColumnType::String))
}

/// Requirements on a report whose columns are named `a`, `b` and so on; `hidden` is not emitted.
fn requirements(typing: impl IntoIterator<Item = Typing>) -> Requirements {
    let column = |(index, typing)| ColumnSpec {
        name: char::from(b'a' + index).to_string(),
        is_emitted: true,
        is_key: false,
        typing,
    };
    Requirements {
        columns: (0..).zip(typing).map(column).collect(),
        null_properties: Vec::new(),
        on_ragged: OnRagged::Fail,
        on_type_mismatch: OnTypeMismatch::Variant,
        max_message_bytes: 50_000_000,
    }
}

/// Requirements on `width` columns of text.
fn texts(width: usize) -> Requirements {
    requirements(vec![fixed(ColumnType::String); width])
}

fn keyed(width: usize, keys: &[usize]) -> Requirements {
    let mut requirements = texts(width);
    for key in keys {
        requirements.columns[*key].is_key = true;
    }
    requirements
}

fn verify_csv(csv: &str, requirements: &Requirements) -> Result<VerifiedTable, TableError> {
    let mut reader = CsvReader::default();
    reader.feed(csv.as_bytes());
    let stats = reader.finish()?;
    read_header(&stats, Cursor::new(reader.stored()))?;
    verify(&stats, Cursor::new(reader.stored()), requirements)
}

fn refused(csv: &str, requirements: &Requirements) -> String {
    verify_csv(csv, requirements).unwrap_err().to_string()
}

/// The types of the rows' columns; `None` for an undecided one.
fn types(rows: &str, requirements: &Requirements) -> Vec<Option<ColumnType>> {
    let header = requirements.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(",");
    let table = verify_csv(&format!("{header}\n{rows}"), requirements).unwrap();
    table.formats.iter().map(|format| format.as_ref().map(CellFormat::column_type)).collect()
}

#[test]
fn valid_report_has_its_rows_and_header_read() {
    let table = verify_csv("A,B\n1,2\n3,4\n", &texts(2)).unwrap();
    assert_eq!((table.rows, table.formats), (2, vec![Some(format(ColumnType::String)); 2]));
    assert_eq!(verify_csv("A,B\n", &texts(2)).unwrap().rows, 0);
    let mut reader = CsvReader::default();
    reader.feed(b"A,\"B\"\"\n\"\n1,2\n");
    let stats = reader.finish().unwrap();
    assert_eq!(read_header(&stats, Cursor::new(reader.stored())).unwrap(), ["A", "B\"\n"]);
}

#[test]
fn ragged_row_fails_with_its_line_or_is_padded() {
    assert_eq!(refused("a,b\n1,2\n3\n", &texts(2)), "line 3 has 1 cell, the header has 2 cells");
    let pad = Requirements { on_ragged: OnRagged::Pad, ..texts(2) };
    assert_eq!(verify_csv("a,b\n1\n1,2,3\n", &pad).unwrap().ragged, 2);
}

#[test]
fn empty_report_is_refused() {
    for csv in ["", "\u{feff}", "\n", " \n"] {
        assert_eq!(refused(csv, &texts(1)), "it is empty, without even a header", "{csv:?}");
    }
}

#[test]
fn key_that_is_empty_or_repeated_is_refused() {
    assert!(verify_csv("a,b\n1,x\n2,x\n", &keyed(2, &[0])).is_ok());
    assert!(verify_csv("a,b\n1,x\n1,y\n", &keyed(2, &[0, 1])).is_ok());
    assert_eq!(
        refused("a,b\n1,x\n1,y\n,z\n", &keyed(2, &[0])),
        "key columns are not unique: 1 row has an empty key, 1 row repeats an earlier key (rows 2, 3)"
    );
}

#[test]
fn key_is_compared_as_it_is_emitted() {
    let mut key = keyed(1, &[0]);
    key.columns[0].typing = fixed(ColumnType::DateTime);
    assert_eq!(
        refused("a\n2025-01-02T09:00:00Z\n2025-01-02T10:00:00+01:00\n", &key),
        "key columns are not unique: 0 rows have an empty key, 1 row repeats an earlier key (row 2)"
    );
    let options = Arc::new(CellOptions::new(&["-".into()], true, None));
    key.columns[0].typing =
        Typing::Fixed(CellFormat::plain(ColumnType::String, &Arc::new(options.for_keys())));
    assert!(verify_csv("a\n-\nb\n", &key).is_ok());
    assert_eq!(
        refused("a\nb\n b\n\" \"\n", &key),
        "key columns are not unique: 1 row has an empty key, 1 row repeats an earlier key (rows 2, 3)"
    );
}

#[test]
fn mismatch_in_a_key_fails_whatever_the_setting() {
    let mut key = keyed(1, &[0]);
    key.columns[0].typing = fixed(ColumnType::Number);
    assert_eq!(refused("a\n1\nx\n", &key), "line 3, column `a` is not a lossless number");
}

#[test]
fn type_is_decided_over_all_cells_of_the_report() {
    use ColumnType::{Boolean, Date, DateTime, Number, String};
    let infer = |width| requirements(vec![infer(); width]);
    assert_eq!(
        types("1,1,,x,true,2025-01-01\n2.50,007,,,FALSE,\n", &infer(6)),
        [Some(Number), Some(String), None, Some(String), Some(Boolean), Some(Date)]
    );
    // No type widens into another one: a mixed column is a string.
    assert_eq!(
        types(
            "2025-01-01,2025-01-01T00:00:00Z,1\n2025-01-01T00:00:00Z,2025-01-01T01:00:00+01:00,true\n",
            &infer(3)
        ),
        [Some(String), Some(DateTime), Some(String)]
    );
    assert_eq!(types("", &infer(2)), [None, None]);
    let options = Arc::new(CellOptions::new(&["n/a".into()], true, None));
    let common = requirements(vec![Typing::Infer(CellFormat::plain(String, &options)); 3]);
    assert_eq!(types(" n/a,n/a, \n n/a,\" 1\n\",\n", &common), [None, Some(Number), None]);
}

#[test]
fn cells_that_do_not_fit_are_counted_and_the_first_five_rows_named() {
    let number = requirements([fixed(ColumnType::Number), fixed(ColumnType::String)]);
    let csv = format!("a,b\n1,1\n,x\n{}2,\n", "x,y\n".repeat(7));
    let table = verify_csv(&csv, &number).unwrap();
    let expected = Mismatches { count: 7, values: 9, rows: vec![3, 4, 5, 6, 7] };
    assert_eq!(table.mismatches, [expected, Mismatches::default()]);
    assert_eq!(table.formats[0], Some(format(ColumnType::Number)));
    let fail = Requirements { on_type_mismatch: OnTypeMismatch::Fail, ..number };
    assert_eq!(refused(&csv, &fail), "line 4, column `a` is not a lossless number");
}

#[test]
fn cells_of_a_deselected_column_are_not_checked() {
    let mut hidden = requirements([fixed(ColumnType::Number)]);
    hidden.columns[0].is_emitted = false;
    assert_eq!(verify_csv("a\nx\n", &hidden).unwrap().mismatches, [Mismatches::default()]);
}

#[test]
fn row_longer_than_max_message_bytes_fails_with_its_line() {
    let mut short = Requirements { max_message_bytes: 2_000, ..texts(2) };
    let long = format!("a,b\n1,2\n3,{}\n", "x".repeat(3_000));
    assert!(refused(&long, &short).starts_with(
        "line 3 makes a message longer than `max_message_bytes` (2000); its largest cell is in column `b`"
    ));
    short.columns[1].is_emitted = false;
    assert!(verify_csv(&long, &short).is_ok());
    let one = Requirements { max_message_bytes: 2_000, ..texts(1) };
    let csv = format!("a\n{}\n", "x".repeat(1_000));
    assert!(verify_csv(&csv, &one).is_ok());
    let gone = Requirements { null_properties: vec!["y".repeat(1_000)], ..one };
    assert!(refused(&csv, &gone).starts_with("line 2 makes a message longer"));
}
