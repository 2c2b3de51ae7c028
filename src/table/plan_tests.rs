//! Rows as RECORD lines: with every source of a property, cut at every byte, and never longer than announced.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::table::cell_format::CellOptions;
use crate::table::column_type::ColumnType;
use crate::table::header::ROW_NUMBER;

const ROWS: &[u8] = b"7\x1f\x1fx\\n\x1fover\x1fmore\x1e\x1d8\x1e";

/// A plan for lines of `<`, the members of the record, and `>`.
fn compile(fields: &[Field], row_number: bool, extra: Option<usize>) -> Plan {
    Plan::compile(b"<", b">\n", fields, row_number.then_some(ROW_NUMBER), extra)
}

fn format(column_type: ColumnType) -> CellFormat {
    CellFormat::plain(column_type, &Arc::default())
}

fn field(index: usize, name: &str, column_type: ColumnType) -> Field {
    let source =
        FieldSource::Cell { index, format: format(column_type), variant: None, has_mismatches: false };
    Field { name: name.into(), source }
}

fn checked(index: usize, name: &str, column_type: ColumnType, variant: Option<&str>) -> Field {
    let variant = variant.map(str::to_owned);
    let source = FieldSource::Cell { index, format: format(column_type), variant, has_mismatches: true };
    Field { name: name.into(), source }
}

fn null(name: &str) -> Field {
    Field { name: name.into(), source: FieldSource::Null }
}

/// All lines of the rows.
fn lines(plan: &Plan, rows: &[u8]) -> String {
    let (mut out, mut start, mut number) = (OutBuffer::default(), 0, 1);
    while let Some(next) = plan.write(rows, start, number, &mut out) {
        (start, number) = (next, number + 1);
    }
    assert_eq!(start, rows.len());
    String::from_utf8(out.bytes().to_vec()).unwrap()
}

#[test]
fn row_is_written_as_one_record_line() {
    let fields = [
        field(0, "a", ColumnType::Number),
        field(1, "b", ColumnType::String),
        field(2, "c", ColumnType::String),
    ];
    assert_eq!(
        lines(&compile(&fields, true, Some(3)), ROWS),
        concat!(
            r#"<"a":7,"b":null,"c":"x\n","_extra":["over","more"],"_row_number":1>"#,
            "\n",
            r#"<"a":8,"b":null,"c":null,"_extra":null,"_row_number":2>"#,
            "\n",
        )
    );
    assert_eq!(lines(&compile(&fields[1..2], false, None), ROWS), "<\"b\":null>\n".repeat(2));
    assert_eq!(lines(&compile(&[], false, None), ROWS), "<>\n".repeat(2));
}

#[test]
fn typed_cell_is_written_in_the_spelling_of_its_type() {
    let fields = [
        field(0, "a", ColumnType::Number),
        field(1, "b", ColumnType::Boolean),
        field(2, "c", ColumnType::Date),
        field(3, "d", ColumnType::DateTime),
        field(4, "e", ColumnType::DateTime),
        field(5, "f", ColumnType::Number),
        field(6, "g", ColumnType::Decimal),
    ];
    let row =
        b"-.5\x1fTRUE\x1f2025-05-06\x1f2025-05-06T07:00:00.0Z\x1f2025-05-06T07:00:00+01:00\x1f.50\x1f.1\x1e";
    assert_eq!(
        lines(&compile(&fields, false, None), row),
        concat!(
            r#"<"a":-0.5,"b":true,"c":"2025-05-06","#,
            r#""d":"2025-05-06T07:00:00.0Z","e":"2025-05-06T06:00:00Z","f":0.50,"g":"0.1">"#,
            "\n"
        )
    );
}

#[test]
fn cell_that_does_not_fit_is_null_and_its_text_is_in_the_variant() {
    let fields = [
        checked(0, "a", ColumnType::Number, Some("a__text")),
        checked(1, "b", ColumnType::Date, None),
        field(2, "c", ColumnType::String),
    ];
    let rows = b"7\x1f2025-01-02\x1fx\x1e7\\t\x1f2.1.2025\x1fy\x1e\x1f\x1f\x1e";
    assert_eq!(
        lines(&compile(&fields, false, None), rows),
        concat!(
            r#"<"a":7,"a__text":null,"b":"2025-01-02","c":"x">"#,
            "\n",
            r#"<"a":null,"a__text":"7\t","b":null,"c":"y">"#,
            "\n",
            r#"<"a":null,"a__text":null,"b":null,"c":null>"#,
            "\n",
        )
    );
}

#[test]
fn property_without_a_cell_is_null_in_its_place() {
    let mut kept = field(2, "c", ColumnType::Number);
    if let FieldSource::Cell { variant, .. } = &mut kept.source {
        *variant = Some("c__text".into());
    }
    let fields = [null("b"), kept, null("gone"), null("more")];
    assert_eq!(
        lines(&compile(&fields, true, Some(3)), b"1\x1f2\x1f3\x1e1\x1e"),
        concat!(
            r#"<"b":null,"c":3,"c__text":null,"gone":null,"more":null,"_extra":null,"_row_number":1>"#,
            "\n",
            r#"<"b":null,"c":null,"c__text":null,"gone":null,"more":null,"_extra":null,"_row_number":2>"#,
            "\n",
        )
    );
    assert_eq!(lines(&compile(&[null("a"), null("b")], false, None), b"1\x1e"), "<\"a\":null,\"b\":null>\n");
    assert_eq!(
        lines(&compile(&[field(0, "a", ColumnType::String), null("b")], false, None), b"1\x1e"),
        "<\"a\":\"1\",\"b\":null>\n"
    );
}

#[test]
fn truncated_row_appends_nothing() {
    let fields = [checked(0, "a", ColumnType::Date, Some("t")), field(2, "c", ColumnType::String)];
    for extra in [None, Some(3)] {
        let plan = compile(&fields, true, extra);
        let mut out = OutBuffer::default();
        for end in 0..17 {
            assert_eq!((plan.write(&ROWS[..end], 0, 1, &mut out), out.len()), (None, 0), "{end}");
        }
    }
}

proptest! {
    /// The buffer panics if a line is longer than the plan announced.
    #[test]
    fn no_property_is_longer_than_its_bound(
        cell in prop_oneof!["[a-z0-9.+-]{0,90}", "[09][09][09]9-12-31[Tt ]23:59:[56]9(\\.[0-9]{0,7})?([Zz]|[+-]23:59)?", "-?\\.5"],
        trim: bool, has_variant: bool, has_mismatches: bool,
    ) {
        for column_type in ["string", "integer", "number", "decimal", "boolean", "date", "date-time"] {
            let column_type = ColumnType::from_name(column_type).unwrap();
            let options = Arc::new(CellOptions::new(&[], trim, Some(chrono_tz::Tz::UTC)));
            let format = CellFormat::plain(column_type, &options);
            if !(has_mismatches || format.accepts(cell.as_bytes())) {
                continue;
            }
            let most = property_bound("column", &format);
            let variant = has_variant.then(|| "column__text".to_owned());
            let source = FieldSource::Cell { index: 0, format, variant, has_mismatches };
            let line = lines(&compile(&[Field { name: "column".into(), source }], false, None), &[cell.as_bytes(), b"\x1e"].concat());
            prop_assert!(serde_json::from_str::<serde_json::Value>(&line.replace('<', "{").replace('>', "}")).is_ok(), "{line}");
            let has_bound = column_type != ColumnType::String || !has_mismatches && (trim || !has_variant);
            prop_assert!(!has_bound || line.len() - 3 <= most.fixed + most.per_byte * cell.len(), "{line}");
        }
    }
}
