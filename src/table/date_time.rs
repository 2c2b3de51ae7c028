//! Dates and date-times: which spellings are valid, and how a date-time is written in UTC.
//!
//! The commonest spellings are validated without a parser, the others by chrono.

use chrono::{DateTime, SecondsFormat, Utc};
use wide::u8x16;

use super::column_type::is_digits;

/// The longest date-time that [`to_utc`] writes, a year of five digits and its sign included.
pub const LONGEST_UTC: usize = "+10000-01-01T00:00:00.000000000Z".len();

/// Whether the cell is `YYYY-MM-DD`, a day of the calendar.
pub fn is_date(cell: &[u8]) -> bool {
    let mut minute = *b"0000-00-00T00:00";
    let date = &mut minute[..10];
    cell.len() == date.len() && {
        date.copy_from_slice(cell);
        is_minute(&minute)
    }
}

/// Whether the cell is an RFC 3339 date-time with an offset.
pub fn is_date_time(cell: &[u8]) -> bool {
    is_plain_utc(cell) || parse_date_time(cell).is_some()
}

/// A valid date-time in UTC; `None` if the cell can be written unchanged.
pub fn to_utc(cell: &[u8]) -> Option<String> {
    if is_canonical(cell) {
        return None;
    }
    parse_date_time(cell).map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
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

/// Whether the text is `YYYY-MM-DDThh:mm`, a minute of the calendar.
fn is_minute(text: &[u8; 16]) -> bool {
    let bytes = u8x16::from(*text);
    let (least, most) = (u8x16::from(*b"0000-00-00T00:00"), u8x16::from(*b"9999-19-39T29:59"));
    if bytes.max(least).min(most) != bytes {
        return false;
    }
    let number = |tens: usize| 10 * (text[tens] - b'0') + text[tens + 1] - b'0';
    let days = |month| match month {
        // A year that ends a century is a leap year if the century is divisible by four.
        2 => 28 + u8::from(if number(2) == 0 { number(0) } else { number(2) } % 4 == 0),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let (month, day, hour) = (number(5), number(8), number(11));
    // Every month has 28 days, so most cells need no lookup of the month's length.
    (1..=12).contains(&month) && day > 0 && (day <= 28 || day <= days(month)) && hour < 24
}

/// Parses any RFC 3339 spelling with an offset, also one whose minus sign is U+2212.
fn parse_date_time(cell: &[u8]) -> Option<DateTime<Utc>> {
    let has_separator = matches!(cell.get(10), Some(b'T' | b't' | b' '));
    let cell = str::from_utf8(cell).ok().filter(|_| has_separator)?;
    DateTime::parse_from_rfc3339(cell).ok().map(|time| time.to_utc())
}

/// Whether a valid date-time can be written unchanged: it is in UTC, in the commonest spelling.
fn is_canonical(cell: &[u8]) -> bool {
    const LONGEST: usize = "YYYY-MM-DDThh:mm:ss.nnnnnnnnnZ".len();
    let is_leap_second = cell.get(17) == Some(&b'6');
    cell.get(10) == Some(&b'T') && cell.ends_with(b"Z") && !is_leap_second && cell.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_valid_where_chrono_has_the_day() {
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

    #[test]
    fn date_times_are_written_in_utc() {
        for (cell, expected) in [
            ("2025-06-02T09:00:00.000+10:00", Some("2025-06-01T23:00:00Z")),
            ("2025-06-02 09:00:00Z", Some("2025-06-02T09:00:00Z")),
            ("2025-06-02T09:00:00.000Z", None),
            ("2025-06-02t09:00:00z", Some("2025-06-02T09:00:00Z")),
            ("2025-06-02T09:00:00\u{2212}10:00", Some("2025-06-02T19:00:00Z")),
            ("2025-06-02T09:00:00.1234567891Z", Some("2025-06-02T09:00:00.123456789Z")),
            ("2016-12-31T23:59:60.5Z", Some("2016-12-31T23:59:60.500Z")),
            ("9999-12-31T23:59:59.123456789-23:59", Some("+10000-01-01T23:58:59.123456789Z")),
        ] {
            assert!(is_date_time(cell.as_bytes()), "{cell}");
            assert_eq!(to_utc(cell.as_bytes()).as_deref(), expected, "{cell}");
            assert!(expected.is_none_or(|utc| utc.len() <= LONGEST_UTC), "{cell}");
        }
        assert!(!is_date_time(b"2025-06-02T09:00:00"), "a date-time without an offset");
    }

    proptest! {
        #[test]
        fn plain_utc_spelling_is_valid_to_chrono_and_canonical(
            cell in "20[0-9]{2}-[01][0-9]-[0-2][0-9][Tt ][01][0-9]:[0-5][0-9]:[0-6]0(\\.[0-9]{0,12})?([Zz]|[+-]0[0-9]:00)",
        ) {
            let (is_plain, time) = (is_plain_utc(cell.as_bytes()), parse_date_time(cell.as_bytes()));
            prop_assert!(!is_plain || time.is_some(), "{}", cell);
            prop_assert!(time.is_none() || is_canonical(cell.as_bytes()) == is_plain, "{}", cell);
        }
    }
}
