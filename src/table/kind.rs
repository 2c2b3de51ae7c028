//! The kinds of a column and what may be one without loss.
//!
//! A string is always right. Every other kind accepts only spellings that come back the same: `007`, `1e5`,
//! `NaN`, thirty digits or a date-time without an offset stay strings.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Value, json};

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
            Self::Integer => is_whole(cell) && cell.parse::<i64>().is_ok(),
            Self::Number => is_decimal(cell),
            Self::Boolean => matches!(cell, "true" | "false" | "TRUE" | "FALSE" | "True" | "False"),
            Self::Date => is_date(cell.as_bytes()),
            Self::DateTime => is_plain_utc(cell) || moment(cell).is_some(),
        }
    }

    /// Whether its values have quotes in JSON.
    #[must_use]
    pub fn is_quoted(self) -> bool {
        !matches!(self, Self::Integer | Self::Number | Self::Boolean)
    }

    /// A non-empty cell that this kind, which is no string, accepts, as it stands in JSON between quotes or without.
    #[must_use]
    pub fn spell(self, cell: &str) -> Cow<'_, str> {
        match self {
            Self::Boolean if cell.starts_with(['t', 'T']) => "true".into(),
            Self::Boolean => "false".into(),
            Self::DateTime if !is_plain_utc(cell) => moment(cell)
                .map_or(cell.into(), |moment| moment.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()),
            _ => cell.into(),
        }
    }
}

fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// A whole number as a program writes it: no plus, no leading zero, no `-0`.
fn is_whole(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell).as_bytes();
    is_digits(digits) && (digits[0] != b'0' || cell == "0")
}

/// A decimal as a program writes it, of so few digits that every double, in every target, gives it back.
fn is_decimal(cell: &str) -> bool {
    const DIGITS: usize = 15;
    let Some((whole, fraction)) = cell.split_once('.') else {
        return is_whole(cell) && cell.trim_start_matches('-').len() <= DIGITS;
    };
    let digits = whole.trim_start_matches('-').len() + fraction.len();
    let is_shortest = !fraction.ends_with('0') && is_digits(fraction.as_bytes());
    digits <= DIGITS && is_shortest && (is_whole(whole) || whole == "-0")
}

fn is_date(text: &[u8]) -> bool {
    let number = |digits: &[u8]| {
        is_digits(digits).then(|| digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
    };
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return false };
    let (year, month, day) = (number(&[y1, y2, y3, y4]), number(&[m1, m2]), number(&[d1, d2]));
    year.zip(month)
        .zip(day)
        .is_some_and(|((year, month), day)| NaiveDate::from_ymd_opt(year.cast_signed(), month, day).is_some())
}

/// The commonest spelling, which is written as it stands: `YYYY-MM-DDThh:mm:ssZ`, with or without a fraction.
fn is_plain_utc(cell: &str) -> bool {
    let Some((date, time)) = cell.as_bytes().split_at_checked(10) else { return false };
    let [b'T', h1, h2, b':', m1, m2, b':', s1, s2, rest @ .., b'Z'] = time else { return false };
    let below = |tens: &u8, ones: &u8, limit: u8| {
        tens.is_ascii_digit() && ones.is_ascii_digit() && (tens - b'0') * 10 + ones - b'0' < limit
    };
    let fraction = match rest {
        [] => true,
        [b'.', digits @ ..] => is_digits(digits) && digits.len() <= 9,
        _ => false,
    };
    is_date(date) && below(h1, h2, 24) && below(m1, m2, 60) && below(s1, s2, 60) && fraction
}

/// Any spelling with an offset.
fn moment(cell: &str) -> Option<DateTime<Utc>> {
    let separated = matches!(cell.as_bytes().get(10), Some(b'T' | b't' | b' '));
    DateTime::parse_from_rfc3339(cell).ok().filter(|_| separated).map(|moment| moment.to_utc())
}

/// A JSON string.
#[must_use]
pub fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
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

    fn written(kind: Kind, cell: &str) -> String {
        let quote = if kind.is_quoted() { "\"" } else { "" };
        format!("{quote}{}{quote}", kind.spell(cell))
    }

    #[test]
    fn date_times_are_written_in_utc() {
        for (cell, expected) in [
            ("2025-06-02T09:00:00.000+10:00", "\"2025-06-01T23:00:00Z\""),
            ("2025-06-02 09:00:00Z", "\"2025-06-02T09:00:00Z\""),
            ("2025-06-02T09:00:00.000Z", "\"2025-06-02T09:00:00.000Z\""),
        ] {
            assert_eq!(written(Kind::DateTime, cell), expected);
        }
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
        fn any_narrow_cell_is_a_json_value(cell in "[-+0-9.eTZ: ]{1,25}") {
            prop_assert!(serde_json::from_str::<Value>(&written(Kind::of(&cell), &cell)).is_ok());
        }

        #[test]
        fn a_number_is_what_a_double_gives_back(cell in "-?[0-9]{1,4}(\\.[0-9]{0,13})?|[-.0-9]{0,6}") {
            let digits = cell.bytes().filter(u8::is_ascii_digit).count();
            let same = cell.parse::<f64>().is_ok_and(|number| number.to_string() == cell) && cell != "-0";
            prop_assert_eq!(Kind::Number.accepts(&cell), same && digits <= 15, "{}", cell);
            let whole = cell.parse::<i64>().is_ok_and(|number| number.to_string() == cell);
            prop_assert_eq!(Kind::Integer.accepts(&cell), whole, "{}", cell);
        }

        #[test]
        fn a_plain_moment_is_one_to_chrono_too(
            cell in "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?Z",
        ) {
            prop_assert_eq!(is_date(&cell.as_bytes()[..10]), cell[..10].parse::<NaiveDate>().is_ok());
            prop_assert!(!is_plain_utc(&cell) || moment(&cell).is_some(), "{}", cell);
        }
    }
}
