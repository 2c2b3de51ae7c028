//! The kinds of a column and what may be one without loss.
//!
//! A string is always right. Every other kind accepts only spellings that come back the same: `007`, `1e5`,
//! `NaN`, thirty digits or a date-time without an offset stay strings.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::marks::Marks;

/// What a column's cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
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

/// From the narrowest to the widest that inference tries.
const ALL: [Kind; 6] = [Kind::Boolean, Kind::Integer, Kind::Number, Kind::Date, Kind::DateTime, Kind::String];

impl Kind {
    /// Its name in settings and bookmarks.
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

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The JSON Schema of a property of this kind.
    #[must_use]
    pub fn schema(self) -> Value {
        match self {
            Self::Date | Self::DateTime => json!({"type": ["null", "string"], "format": self.name()}),
            _ => json!({"type": ["null", self.name()]}),
        }
    }

    /// The kind that a property's schema asks for.
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

    /// The narrowest kind that holds both.
    #[must_use]
    pub fn widen(self, other: Self) -> Self {
        match (self, other) {
            (one, same) if one == same => one,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            _ => Self::String,
        }
    }

    /// The narrowest kind of one cell.
    #[must_use]
    pub fn of(cell: &str) -> Self {
        ALL.into_iter().find(|kind| kind.accepts(cell)).unwrap_or(Self::String)
    }

    /// Whether the cell is of this kind without loss.
    #[must_use]
    pub fn accepts(self, cell: &str) -> bool {
        match self {
            Self::String => true,
            Self::Integer => cell.parse::<i64>().is_ok_and(|number| number.to_string() == cell),
            // fifteen digits are what every double, in every target, gives back
            Self::Number => {
                cell.bytes().filter(u8::is_ascii_digit).count() <= 15
                    && cell
                        .parse::<f64>()
                        .is_ok_and(|number| number.is_finite() && number.to_string() == cell)
                    && cell != "-0"
            }
            Self::Boolean => matches!(cell, "true" | "false" | "TRUE" | "FALSE" | "True" | "False"),
            Self::Date => cell.len() == 10 && NaiveDate::parse_from_str(cell, "%Y-%m-%d").is_ok(),
            Self::DateTime => moment(cell).is_some(),
        }
    }

    /// Appends a non-empty cell as a JSON value.
    pub fn write(self, cell: &str, out: &mut Vec<u8>) {
        match self {
            Self::Integer | Self::Number => out.extend_from_slice(cell.as_bytes()),
            Self::Boolean => out.extend_from_slice(cell.to_ascii_lowercase().as_bytes()),
            Self::DateTime => match moment(cell) {
                Some(moment) => text(&moment.to_rfc3339_opts(SecondsFormat::AutoSi, true), out),
                None => text(cell, out),
            },
            Self::String | Self::Date => text(cell, out),
        }
    }
}

fn moment(cell: &str) -> Option<DateTime<Utc>> {
    let separated = matches!(cell.as_bytes().get(10), Some(b'T' | b't' | b' '));
    DateTime::parse_from_rfc3339(cell).ok().filter(|_| separated).map(|moment| moment.to_utc())
}

/// Appends a JSON string.
pub fn text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text.as_bytes(), out);
    out.push(b'"');
}

/// Appends UTF-8 as it stands inside a JSON string.
pub fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut start = 0;
    for position in Marks::new(text, 0) {
        let byte = text[position];
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0C => b"\\f",
            0x00..0x20 => b"\\u00",
            _ => continue,
        };
        out.extend_from_slice(&text[start..position]);
        out.extend_from_slice(escape);
        if escape == b"\\u00" {
            let hex = b"0123456789abcdef";
            out.extend_from_slice(&[hex[usize::from(byte >> 4)], hex[usize::from(byte & 15)]]);
        }
        start = position + 1;
    }
    out.extend_from_slice(&text[start..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_comes_back_the_same_is_narrow() {
        for (cell, kind) in [
            ("0", Kind::Integer),
            ("-12", Kind::Integer),
            ("9223372036854775807", Kind::Integer),
            ("9223372036854775808", Kind::String),
            ("007", Kind::String),
            ("+1", Kind::String),
            ("-0", Kind::String),
            ("1.5", Kind::Number),
            ("1.50", Kind::String),
            ("1e5", Kind::String),
            ("NaN", Kind::String),
            (" 1 ", Kind::String),
            ("True", Kind::Boolean),
            ("yes", Kind::String),
            ("2025-02-28", Kind::Date),
            ("2025-02-30", Kind::String),
            ("2025-05-06T15:30:00.000Z", Kind::DateTime),
            ("2025-06-02T09:00:00.000+10:00", Kind::DateTime),
            ("2025-06-02T09:00:00", Kind::String),
        ] {
            assert_eq!(Kind::of(cell), kind, "{cell}");
        }
    }

    #[test]
    fn date_times_are_written_in_utc() {
        let mut out = Vec::new();
        Kind::DateTime.write("2025-06-02T09:00:00.000+10:00", &mut out);
        assert_eq!(out, b"\"2025-06-01T23:00:00Z\"");
    }

    #[test]
    fn schemas_and_names_lead_back() {
        for kind in ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(Kind::from_schema(&kind.schema()), Some(kind));
        }
        assert_eq!(Kind::Integer.widen(Kind::Number), Kind::Number);
        assert_eq!(Kind::Date.widen(Kind::DateTime), Kind::String);
    }

    proptest! {
        #[test]
        fn any_text_is_escaped_as_serde_json_escapes_it(cell: String) {
            let mut out = Vec::new();
            text(&cell, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&cell).unwrap());
        }

        #[test]
        fn any_narrow_cell_is_a_json_value(cell in "[-+0-9.eTZ: ]{1,25}") {
            let mut out = Vec::new();
            Kind::of(&cell).write(&cell, &mut out);
            prop_assert!(serde_json::from_slice::<Value>(&out).is_ok());
        }
    }
}
