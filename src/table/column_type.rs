//! The types of columns, and the cells that each type represents without loss.
//!
//! Every cell is a valid string. The other types accept only spellings that round-trip: `007`, `1e5`, `NaN`, a number of
//! 30 digits and a date-time without an offset remain strings. No type but string accepts a character that JSON escapes,
//! so the type of a cell can be decided by its stored form.

use serde::Deserialize;
use serde_json::{Value, json};

use super::date_time;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    String,
    /// A whole number of 64 bits.
    Integer,
    /// A decimal that a double holds exactly as written.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// RFC 3339 with an offset, emitted in UTC.
    DateTime,
}

/// Every decimal of at most 15 digits round-trips through a double.
pub const EXACT_DIGITS: usize = 15;

/// In the order in which inference tries them: narrowest first.
const ALL: [ColumnType; 6] = [
    ColumnType::Boolean,
    ColumnType::Integer,
    ColumnType::Number,
    ColumnType::Date,
    ColumnType::DateTime,
    ColumnType::String,
];

impl ColumnType {
    /// The name in settings and bookmarks.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "date-time",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        ALL.into_iter().find(|column_type| column_type.name() == name)
    }

    /// The JSON Schema of a property of this type.
    #[must_use]
    pub fn schema(self) -> Value {
        match self {
            Self::Date | Self::DateTime => json!({"type": ["null", "string"], "format": self.name()}),
            Self::String | Self::Integer | Self::Number | Self::Boolean => {
                json!({"type": ["null", self.name()]})
            }
        }
    }

    /// The type that a property's schema asks for.
    #[must_use]
    pub fn from_schema(schema: &Value) -> Option<Self> {
        let types: Vec<&str> = match schema.get("type")? {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        let name = types.into_iter().find(|name| *name != "null")?;
        match (name, schema.get("format").and_then(Value::as_str)) {
            ("string", Some(format)) => Self::from_name(format).or(Some(Self::String)),
            _ => Self::from_name(name),
        }
    }

    /// The narrowest type that accepts the cell.
    #[must_use]
    pub fn of(cell: &[u8]) -> Self {
        ALL.into_iter().find(|column_type| column_type.accepts(cell)).unwrap_or(Self::String)
    }

    /// Whether this type represents the cell without loss.
    #[must_use]
    pub fn accepts(self, cell: &[u8]) -> bool {
        match self {
            Self::String => true,
            Self::Integer => is_integer(cell),
            Self::Number => is_decimal(cell),
            Self::Boolean => matches!(cell, b"true" | b"false" | b"TRUE" | b"FALSE" | b"True" | b"False"),
            Self::Date => date_time::is_date(cell),
            Self::DateTime => date_time::is_date_time(cell),
        }
    }
}

pub(super) fn is_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

/// Whether the cell is a whole number in canonical form: without a plus sign, a leading zero, or the sign of `-0`.
fn is_whole(cell: &[u8]) -> bool {
    match cell.strip_prefix(b"-").unwrap_or(cell) {
        [b'1'..=b'9', digits @ ..] => is_digits(digits),
        _ => cell == b"0",
    }
}

/// Whether the cell is a whole number of 64 bits. Numbers of up to 18 bytes always fit and need no parsing.
fn is_integer(cell: &[u8]) -> bool {
    const ALWAYS_FITS: usize = 18;
    let fits = |cell| str::from_utf8(cell).is_ok_and(|cell| cell.parse::<i64>().is_ok());
    is_whole(cell) && (cell.len() <= ALWAYS_FITS || fits(cell))
}

/// Whether the cell is a decimal in canonical form, short enough to round-trip through a double in every target.
fn is_decimal(cell: &[u8]) -> bool {
    let digits = cell.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_shortest = match cell.iter().position(|byte| *byte == b'.') {
        None => is_whole(cell),
        Some(point) => {
            let (whole, fraction) = (&cell[..point], &cell[point + 1..]);
            let is_fraction = matches!(fraction, [.., b'1'..=b'9']) && is_digits(fraction);
            is_fraction && (is_whole(whole) || whole == b"-0")
        }
    };
    digits <= EXACT_DIGITS && is_shortest
}

/// The type of the column `name`.
#[must_use]
pub fn named(types: &[(String, ColumnType)], name: &str) -> Option<ColumnType> {
    types.iter().find(|(column, _)| column == name).map(|(_, column_type)| *column_type)
}

/// The text as a JSON string, with its quotes.
#[must_use]
pub fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cell_has_a_narrow_type_only_where_it_round_trips() {
        for (cell, column_type) in [
            ("0", ColumnType::Integer),
            ("-12", ColumnType::Integer),
            ("9223372036854775807", ColumnType::Integer),
            ("9223372036854775808", ColumnType::String),
            ("007", ColumnType::String),
            ("+1", ColumnType::String),
            ("-0", ColumnType::String),
            ("1.5", ColumnType::Number),
            ("1.50", ColumnType::String),
            ("1e5", ColumnType::String),
            ("NaN", ColumnType::String),
            (" 1 ", ColumnType::String),
            ("True", ColumnType::Boolean),
            ("yes", ColumnType::String),
            ("2025-02-28", ColumnType::Date),
            ("2025-02-30", ColumnType::String),
            ("2025-05-06T15:30:00.000Z", ColumnType::DateTime),
            ("2025-06-02T09:00:00.000+10:00", ColumnType::DateTime),
            ("2025-06-02T09:00:00", ColumnType::String),
        ] {
            assert_eq!(ColumnType::of(cell.as_bytes()), column_type, "{cell}");
        }
    }

    #[test]
    fn type_is_found_again_by_its_name_and_by_its_schema() {
        for column_type in ALL {
            assert_eq!(ColumnType::from_name(column_type.name()), Some(column_type));
            assert_eq!(ColumnType::from_schema(&column_type.schema()), Some(column_type));
        }
    }

    proptest! {
        #[test]
        fn number_is_a_cell_that_round_trips_through_a_double(cell in "-?[0-9]{1,4}(\\.[0-9]{0,13})?|[-.0-9]{0,6}") {
            let digits = cell.bytes().filter(u8::is_ascii_digit).count();
            let same = cell.parse::<f64>().is_ok_and(|number| number.to_string() == cell) && cell != "-0";
            prop_assert_eq!(ColumnType::Number.accepts(cell.as_bytes()), same && digits <= 15, "{}", cell);
            let whole = cell.parse::<i64>().is_ok_and(|number| number.to_string() == cell);
            prop_assert_eq!(ColumnType::Integer.accepts(cell.as_bytes()), whole, "{}", cell);
        }
    }
}
