//! The kinds of a column and what may be one without loss.
//!
//! A string is always right. Every other kind accepts only spellings that come back the same: `007`, `1e5`,
//! `NaN`, thirty digits or a date-time without an offset stay strings. No spelling but a string's holds a character
//! that JSON escapes, so a cell is judged as it stands at rest.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use wide::u8x16;

/// What a column's cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
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

/// Every decimal of so many digits comes back from a double.
pub const EXACT_DIGITS: usize = 15;

/// From the narrowest to the widest that inference tries.
const ALL: [ColumnType; 6] = [
    ColumnType::Boolean,
    ColumnType::Integer,
    ColumnType::Number,
    ColumnType::Date,
    ColumnType::DateTime,
    ColumnType::String,
];

impl ColumnType {
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

    /// The narrowest kind of one cell.
    #[must_use]
    pub fn of(cell: &[u8]) -> Self {
        ALL.into_iter().find(|kind| kind.accepts(cell)).unwrap_or(Self::String)
    }

    /// Whether the cell is of this kind without loss.
    #[must_use]
    pub fn accepts(self, cell: &[u8]) -> bool {
        match self {
            Self::String => true,
            Self::Integer => is_integer(cell),
            Self::Number => is_decimal(cell),
            Self::Boolean => matches!(cell, b"true" | b"false" | b"TRUE" | b"FALSE" | b"True" | b"False"),
            Self::Date => is_date(cell),
            Self::DateTime => is_plain_utc(cell) || parse_date_time(cell).is_some(),
        }
    }

    /// Whether its values have quotes in JSON.
    #[must_use]
    pub fn is_quoted(self) -> bool {
        !matches!(self, Self::Integer | Self::Number | Self::Boolean)
    }

    /// Whether some of its spellings are written in another.
    #[must_use]
    pub fn needs_conversion(self) -> bool {
        matches!(self, Self::Boolean | Self::DateTime)
    }

    /// A cell that this kind accepts, as it stands in JSON between quotes or without.
    #[must_use]
    pub fn to_json(self, cell: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Boolean if cell.starts_with(b"t") || cell.starts_with(b"T") => b"true".into(),
            Self::Boolean => b"false".into(),
            Self::DateTime if !is_canonical(cell) => parse_date_time(cell).map_or(cell.into(), |moment| {
                moment.to_rfc3339_opts(SecondsFormat::AutoSi, true).into_bytes().into()
            }),
            _ => cell.into(),
        }
    }
}

fn is_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

/// A whole number as a program writes it: no plus, no leading zero, no `-0`.
fn is_whole(cell: &[u8]) -> bool {
    match cell.strip_prefix(b"-").unwrap_or(cell) {
        [b'1'..=b'9', digits @ ..] => is_digits(digits),
        _ => cell == b"0",
    }
}

/// A whole number of 64 bits; of so few digits that it need not be read, more often than not.
fn is_integer(cell: &[u8]) -> bool {
    const SURE: usize = 18;
    let fits = |cell| str::from_utf8(cell).is_ok_and(|cell| cell.parse::<i64>().is_ok());
    is_whole(cell) && (cell.len() <= SURE || fits(cell))
}

/// A decimal as a program writes it, of so few digits that every double, in every target, gives it back.
fn is_decimal(cell: &[u8]) -> bool {
    let digits = cell.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_shortest = match cell.iter().position(|byte| *byte == b'.') {
        None => is_whole(cell),
        Some(point) => {
            let (whole, fraction) = (&cell[..point], &cell[point + 1..]);
            let ends = matches!(fraction, [.., b'1'..=b'9']) && is_digits(fraction);
            ends && (is_whole(whole) || whole == b"-0")
        }
    };
    digits <= EXACT_DIGITS && is_shortest
}

fn is_date(cell: &[u8]) -> bool {
    let mut minute = *b"0000-00-00T00:00";
    let date = &mut minute[..10];
    cell.len() == date.len() && {
        date.copy_from_slice(cell);
        is_minute(&minute)
    }
}

/// The commonest spelling: `YYYY-MM-DDThh:mm:ssZ`, with or without a fraction.
fn is_plain_utc(cell: &[u8]) -> bool {
    match cell.split_first_chunk() {
        Some((minute, [b':', b'0'..=b'5', b'0'..=b'9', rest @ ..])) => {
            let is_end = match rest {
                [b'Z'] => true,
                [b'.', digits @ .., b'Z'] => (1..=9).contains(&digits.len()) && is_digits(digits),
                _ => false,
            };
            is_end && is_minute(minute)
        }
        _ => false,
    }
}

/// A minute that calendar and clock have, as `YYYY-MM-DDThh:mm`.
fn is_minute(text: &[u8; 16]) -> bool {
    let bytes = u8x16::from(*text);
    let (least, most) = (u8x16::from(*b"0000-00-00T00:00"), u8x16::from(*b"9999-19-39T29:59"));
    if bytes.max(least).min(most) != bytes {
        return false;
    }
    let number = |tens: usize| 10 * (text[tens] - b'0') + text[tens + 1] - b'0';
    let days = |month| match month {
        // The years that end a century are counted by centuries.
        2 => 28 + u8::from(if number(2) == 0 { number(0) } else { number(2) } % 4 == 0),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let (month, day, hour) = (number(5), number(8), number(11));
    // Every month has 28 days, and few cells need more.
    (1..=12).contains(&month) && day > 0 && (day <= 28 || day <= days(month)) && hour < 24
}

/// Any spelling with an offset, whose minus may be a character beyond ASCII.
fn parse_date_time(cell: &[u8]) -> Option<DateTime<Utc>> {
    let separated = matches!(cell.get(10), Some(b'T' | b't' | b' '));
    let cell = str::from_utf8(cell).ok().filter(|_| separated)?;
    DateTime::parse_from_rfc3339(cell).ok().map(|moment| moment.to_utc())
}

/// Whether a moment is written as it stands: in UTC, as the commonest spelling. It need not be proven once more.
fn is_canonical(moment: &[u8]) -> bool {
    const LONGEST: usize = "YYYY-MM-DDThh:mm:ss.nnnnnnnnnZ".len();
    let is_leap = moment.get(17) == Some(&b'6');
    moment.get(10) == Some(&b'T') && moment.ends_with(b"Z") && !is_leap && moment.len() <= LONGEST
}

/// The kind of the column of that name.
#[must_use]
pub fn named(kinds: &[(String, ColumnType)], name: &str) -> Option<ColumnType> {
    kinds.iter().find(|(column, _)| column == name).map(|(_, kind)| *kind)
}

/// A JSON string.
#[must_use]
pub fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_comes_back_the_same_is_narrow() {
        for (cell, kind) in [
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
            assert_eq!(ColumnType::of(cell.as_bytes()), kind, "{cell}");
        }
    }

    #[test]
    fn the_calendar_is_chronos() {
        let leap_days = (0..10_000).map(|year| (year, 2, 29));
        let days = (0..20).flat_map(|month| (0..40).map(move |day| (2025, month, day)));
        for (year, month, day) in leap_days.chain(days) {
            let cell = format!("{year:04}-{month:02}-{day:02}");
            let theirs = NaiveDate::from_ymd_opt(year, month, day).is_some();
            assert_eq!(is_date(cell.as_bytes()), theirs, "{cell}");
        }
        for cell in ["2025-1-01", "2025-01-011", "2025/01/01", "2o25-01-01", "+025-01-01"] {
            assert!(!is_date(cell.as_bytes()), "{cell}");
        }
    }

    fn written(kind: ColumnType, cell: &str) -> String {
        let quote = if kind.is_quoted() { "\"" } else { "" };
        format!("{quote}{}{quote}", String::from_utf8_lossy(&kind.to_json(cell.as_bytes())))
    }

    #[test]
    fn date_times_are_written_in_utc() {
        for (cell, expected) in [
            ("2025-06-02T09:00:00.000+10:00", "\"2025-06-01T23:00:00Z\""),
            ("2025-06-02 09:00:00Z", "\"2025-06-02T09:00:00Z\""),
            ("2025-06-02T09:00:00.000Z", "\"2025-06-02T09:00:00.000Z\""),
            ("2025-06-02t09:00:00z", "\"2025-06-02T09:00:00Z\""),
            ("2025-06-02T09:00:00\u{2212}10:00", "\"2025-06-02T19:00:00Z\""),
            ("2025-06-02T09:00:00.1234567891Z", "\"2025-06-02T09:00:00.123456789Z\""),
            ("2016-12-31T23:59:60.5Z", "\"2016-12-31T23:59:60.500Z\""),
        ] {
            assert_eq!(ColumnType::of(cell.as_bytes()), ColumnType::DateTime, "{cell}");
            assert_eq!(written(ColumnType::DateTime, cell), expected);
        }
    }

    #[test]
    fn schemas_and_names_lead_back() {
        for kind in ALL {
            assert_eq!(ColumnType::from_name(kind.name()), Some(kind));
            assert_eq!(ColumnType::from_schema(&kind.schema()), Some(kind));
        }
    }

    proptest! {
        #[test]
        fn any_narrow_cell_is_a_json_value(cell in "[-+0-9.eTZ: ]{1,25}") {
            prop_assert!(serde_json::from_str::<Value>(&written(ColumnType::of(cell.as_bytes()), &cell)).is_ok());
        }

        #[test]
        fn a_number_is_what_a_double_gives_back(cell in "-?[0-9]{1,4}(\\.[0-9]{0,13})?|[-.0-9]{0,6}") {
            let digits = cell.bytes().filter(u8::is_ascii_digit).count();
            let same = cell.parse::<f64>().is_ok_and(|number| number.to_string() == cell) && cell != "-0";
            prop_assert_eq!(ColumnType::Number.accepts(cell.as_bytes()), same && digits <= 15, "{}", cell);
            let whole = cell.parse::<i64>().is_ok_and(|number| number.to_string() == cell);
            prop_assert_eq!(ColumnType::Integer.accepts(cell.as_bytes()), whole, "{}", cell);
        }

        #[test]
        fn a_plain_moment_is_one_to_chrono_and_stands(
            cell in "20[0-9]{2}-[01][0-9]-[0-2][0-9][Tt ][01][0-9]:[0-5][0-9]:[0-6]0(\\.[0-9]{0,12})?([Zz]|[+-]0[0-9]:00)",
        ) {
            let (is_plain, moment) = (is_plain_utc(cell.as_bytes()), parse_date_time(cell.as_bytes()));
            prop_assert!(!is_plain || moment.is_some(), "{}", cell);
            prop_assert!(moment.is_none() || is_canonical(cell.as_bytes()) == is_plain, "{}", cell);
        }
    }
}
