//! Cells in each format: their values, nulls, mismatches and keys.

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::table::mask::MaskRule;

fn options(null_values: &[&str], trim: bool, timezone: Option<Tz>) -> Arc<CellOptions> {
    let null_values: Vec<String> = null_values.iter().map(|value| (*value).to_owned()).collect();
    Arc::new(CellOptions::new(&null_values, trim, timezone))
}

fn format(spelled: &Value, options: &Arc<CellOptions>) -> CellFormat {
    CellFormat::new(&TypeOverride::deserialize(spelled).unwrap(), options).unwrap()
}

/// The JSON of the value; `-` and the text of a mismatch.
fn read(format: &CellFormat, cell: &str) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let cell = escape(cell);
    match format.read(&cell) {
        CellValue::Null => "null".to_owned(),
        CellValue::Value(value) if format.is_quoted() => format!("\"{}\"", text(&value)),
        CellValue::Value(value) => text(&value),
        CellValue::Mismatch(cell) => format!("-{}", text(&cell)),
    }
}

#[test]
fn cell_of_each_type_is_its_value_or_a_mismatch() {
    let number = json!({"type": "number", "thousands": ",", "strip": ["%", "$"]});
    let date = json!({"type": "date", "format": "%d/%m/%Y"});
    let boolean = json!({"type": "boolean", "true_values": ["Yes", "\"y\""], "false_values": ["No"]});
    let berlin = options(&[], false, Some(Tz::Europe__Berlin));
    for (spelled, cell, expected) in [
        (json!("string"), "x", "\"x\""),
        (json!("integer"), "12", "12"),
        (json!("integer"), "1.0", "-1.0"),
        (json!("number"), "1.50", "1.50"),
        (json!("number"), "-.5", "-0.5"),
        (json!("number"), "n/a", "-n/a"),
        (json!("decimal"), "1234567890.12345678901", "\"1234567890.12345678901\""),
        (json!("decimal"), ".5", "\"0.5\""),
        (json!("boolean"), "TRUE", "true"),
        (json!("boolean"), "Yes", "-Yes"),
        (json!("date"), "2025-01-02", "\"2025-01-02\""),
        (json!("date"), "2025-01-02T00:00:00Z", "-2025-01-02T00:00:00Z"),
        (json!("date-time"), "2025-06-02T09:00:00", "\"2025-06-02T07:00:00Z\""),
        (json!("date-time"), "2025-03-30T02:30:00", "-2025-03-30T02:30:00"),
        (number.clone(), "$1,234.50", "1234.50"),
        (number.clone(), "5%", "5"),
        (number.clone(), "1,23", "-1,23"),
        (json!({"type": "integer", "thousands": "."  , "decimal": ","}), "1.234", "1234"),
        (json!({"type": "integer", "thousands": ","}), "1,234.5", "-1,234.5"),
        (date.clone(), "2/1/2025", "\"2025-01-02\""),
        (date, "2025-01-02", "-2025-01-02"),
        (boolean.clone(), "Yes", "true"),
        (boolean.clone(), "\"y\"", "true"),
        (boolean.clone(), "No", "false"),
        (boolean, "true", "-true"),
        (
            json!({"type": "date-time", "format": "%d.%m.%Y %H:%M"}),
            "2.6.2025 9:00",
            "\"2025-06-02T07:00:00Z\"",
        ),
        (number, "", "null"),
    ] {
        assert_eq!(read(&format(&spelled, &berlin), cell), expected, "{spelled} {cell}");
    }
}

#[test]
fn null_values_are_whole_cells_after_trim_and_not_in_keys() {
    let common = options(&["N/A", "-", "\"\n"], true, None);
    let text = format(&json!("string"), &common);
    for (cell, expected) in [
        ("N/A", "null"),
        (" N/A\t", "null"),
        ("\"\n", "-"),
        ("n/a", "\"n/a\""),
        ("N/A.", "\"N/A.\""),
        (" \u{a0}\r\n\u{b}", "null"),
        (" a b\\", "\"a b\\\\\""),
    ] {
        // Trimming takes the line feed from the last null value, so it never matches; see the settings.
        let expected = if expected == "-" { "\"\\\"\"" } else { expected };
        assert_eq!(read(&text, cell), expected, "{cell:?}");
    }
    assert_eq!(read(&format(&json!("number"), &common), " -"), "null");
    assert_eq!(read(&format(&json!("number"), &common), " 7 "), "7");
    assert_eq!(read(&format(&json!("string"), &options(&["\"\n"], false, None)), "\"\n"), "null");
    let key = format(&json!("string"), &Arc::new(common.for_keys()));
    assert_eq!([read(&key, " N/A "), read(&key, " ")], ["\"N/A\"", "null"]);
}

#[test]
fn spellings_of_one_value_have_one_key() {
    for (name, same, other) in [
        ("number", &["1.5", "1.50", "15e-1"][..], "15"),
        ("decimal", &["0.10", ".1"], "0.01"),
        ("date-time", &["2025-06-02T09:00:00.000Z", "2025-06-02T11:00:00+02:00"], "2025-06-02T09:00:01Z"),
        ("boolean", &["true", "TRUE"], "false"),
        ("string", &["1.5"], "1.50"),
        ("date", &["2025-06-02"], "2025-06-03"),
    ] {
        let format = format(&json!(name), &options(&[], false, None));
        let keys: Vec<_> = same.iter().map(|cell| format.key(cell.as_bytes())).collect();
        assert!(keys.iter().all(|key| key.is_some() && *key == keys[0]), "{name}: {keys:?}");
        assert_ne!(format.key(other.as_bytes()), keys[0], "{name}");
        assert_eq!(format.key(b""), None);
    }
}

#[test]
fn format_without_options_is_plain() {
    assert!(format(&json!("number"), &options(&[], false, None)).is_plain());
    assert!(format(&json!({"type": "number"}), &options(&[], false, Some(Tz::UTC))).is_plain());
    assert!(!format(&json!("number"), &options(&["-"], false, None)).is_plain());
    assert!(!format(&json!("number"), &options(&[], true, None)).is_plain());
    assert!(!format(&json!({"type": "number", "thousands": ","}), &options(&[], false, None)).is_plain());
}

#[test]
fn mask_is_kept_when_another_type_is_decided() {
    let masked = format(&json!("string"), &options(&[], false, None))
        .with_mask(Arc::new(Mask::new(MaskRule::Redact, None)));
    let number = masked.with_type(ColumnType::Number);
    assert_eq!((masked.is_plain(), number.is_plain()), (false, false));
    assert_eq!([read(&masked, "7"), read(&number, "7")], ["\"redacted\"", "-redacted"]);
}
