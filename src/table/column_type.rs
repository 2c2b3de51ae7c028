//! The types of columns, their JSON Schema, and the cells that each type represents without loss.
//!
//! Every cell is a valid string. The other types accept only spellings that round-trip: `007`, `NaN`, a number of 30
//! digits and a date-time without an offset remain strings. No type but string accepts a character that JSON escapes, so
//! the type of a cell is decided by its stored form.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{date_time, numeral};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    String,
    /// A whole number of 64 bits; never inferred.
    Integer,
    /// A number that a double holds to its last digit.
    Number,
    /// A number of any precision, emitted as a string; never inferred.
    Decimal,
    /// `true` or `false`.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// RFC 3339 with an offset, emitted in UTC; without an offset if the setting `timezone` is set.
    DateTime,
}

const ALL: [ColumnType; 7] = [
    ColumnType::String,
    ColumnType::Integer,
    ColumnType::Number,
    ColumnType::Decimal,
    ColumnType::Boolean,
    ColumnType::Date,
    ColumnType::DateTime,
];

/// The types that are inferred. No cell fits two of them.
const INFERRED: [ColumnType; 4] =
    [ColumnType::Number, ColumnType::Boolean, ColumnType::Date, ColumnType::DateTime];

/// The format of a decimal in JSON Schema, by which targets make it an exact numeric column.
const DECIMAL_FORMAT: &str = "x-singer.decimal";

impl ColumnType {
    /// The name in settings and bookmarks.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Decimal => "decimal",
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
            Self::Decimal => json!({"type": ["null", "string"], "format": DECIMAL_FORMAT}),
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
            ("string", Some(DECIMAL_FORMAT)) => Some(Self::Decimal),
            ("string", Some("date")) => Some(Self::Date),
            ("string", Some("date-time")) => Some(Self::DateTime),
            ("string" | "integer" | "number" | "boolean", _) => Self::from_name(name),
            _ => None,
        }
    }

    /// The inferred type that accepts the cell, else string.
    #[must_use]
    pub fn infer(cell: &[u8], timezone: Option<Tz>) -> Self {
        INFERRED.into_iter().find(|column_type| column_type.accepts(cell, timezone)).unwrap_or(Self::String)
    }

    /// Whether this type represents the cell without loss. `timezone` is that of date-times without an offset.
    #[inline]
    #[must_use]
    pub fn accepts(self, cell: &[u8], timezone: Option<Tz>) -> bool {
        match self {
            Self::String => true,
            Self::Integer => numeral::is_integer(cell),
            Self::Number => numeral::is_number(cell),
            Self::Decimal => numeral::is_decimal(cell),
            Self::Boolean => is_boolean(cell),
            Self::Date => date_time::is_date(cell),
            Self::DateTime => date_time::is_date_time(cell, timezone),
        }
    }
}

fn is_boolean(cell: &[u8]) -> bool {
    matches!(cell, b"true" | b"false" | b"TRUE" | b"FALSE" | b"True" | b"False")
}

/// The text as a JSON string, with its quotes.
#[must_use]
pub fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_has_a_narrow_type_only_where_it_round_trips() {
        for (cell, column_type) in [
            ("0", ColumnType::Number),
            ("-12", ColumnType::Number),
            ("1.50", ColumnType::Number),
            ("1e5", ColumnType::Number),
            ("9223372036854775807", ColumnType::String),
            ("007", ColumnType::String),
            ("+1", ColumnType::String),
            ("-0", ColumnType::String),
            ("NaN", ColumnType::String),
            (" 1 ", ColumnType::String),
            ("True", ColumnType::Boolean),
            ("yes", ColumnType::String),
            ("2025-02-28", ColumnType::Date),
            ("2025-02-30", ColumnType::String),
            ("0000-02-28", ColumnType::String),
            ("2025-05-06T15:30:00.000Z", ColumnType::DateTime),
            ("2025-06-02T09:00:00.000+10:00", ColumnType::DateTime),
            ("2025-06-02T09:00:00", ColumnType::String),
        ] {
            assert_eq!(ColumnType::infer(cell.as_bytes(), None), column_type, "{cell}");
            let accepting = INFERRED.iter().filter(|narrow| narrow.accepts(cell.as_bytes(), None));
            assert_eq!(accepting.count(), usize::from(column_type != ColumnType::String), "{cell}");
        }
        assert!(ColumnType::Integer.accepts(b"9223372036854775807", None));
        assert!(!ColumnType::Integer.accepts(b"9223372036854775808", None));
    }

    #[test]
    fn type_is_found_again_by_its_name_and_by_its_schema() {
        for column_type in ALL {
            assert_eq!(ColumnType::from_name(column_type.name()), Some(column_type));
            assert_eq!(ColumnType::from_schema(&column_type.schema()), Some(column_type));
        }
        assert_eq!(
            ColumnType::from_schema(&json!({"type": "string", "format": "number"})),
            Some(ColumnType::String)
        );
        assert_eq!(ColumnType::from_schema(&json!({"type": "object"})), None);
    }
}
