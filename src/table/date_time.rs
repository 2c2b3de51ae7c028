//! Dates and date-times: which spellings are valid, and how a date-time is written in UTC.
//!
//! Valid are the years 1 to 9999, also after the conversion to UTC, seconds up to 59 and at most six digits of a fraction:
//! targets hold no others. A date-time without an offset is valid in a time zone, unless the zone skips or repeats its
//! hour. The commonest spellings are validated without a parser, the others by chrono.

use chrono::{DateTime, Datelike, NaiveDateTime, SecondsFormat, Timelike, Utc};
use chrono_tz::Tz;
use wide::u8x16;

/// The longest date-time that [`format_utc`] writes.
pub const LONGEST_UTC: usize = "YYYY-MM-DDThh:mm:ss.nnnnnnZ".len();
/// The most digits of a fraction of a second.
const FRACTION_DIGITS: usize = 6;

/// Whether the cell is `YYYY-MM-DD`, a day of the calendar.
pub fn is_date(cell: &[u8]) -> bool {
    let mut minute = *b"0000-00-00T00:00";
    let date = &mut minute[..10];
    cell.len() == date.len() && {
        date.copy_from_slice(cell);
        is_minute(&minute)
    }
}

/// Whether the cell is an RFC 3339 date-time, with an offset or in `timezone`.
#[inline]
pub fn is_date_time(cell: &[u8], timezone: Option<Tz>) -> bool {
    is_plain_utc(cell) || parse_date_time(cell, timezone).is_some()
}

/// A valid date-time in UTC; `None` if the cell can be written unchanged.
pub fn to_utc(cell: &[u8], timezone: Option<Tz>) -> Option<String> {
    let is_canonical = cell.get(10) == Some(&b'T') && cell.ends_with(b"Z");
    if is_canonical { None } else { parse_date_time(cell, timezone).map(format_utc) }
}

/// One spelling for all spellings of one moment in UTC.
pub fn normalize(utc: &[u8]) -> Option<Vec<u8>> {
    parse_date_time(utc, None).map(|time| format_utc(time).into_bytes())
}

pub fn format_utc(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The moment of a local date-time; `None` if the time zone skips or repeats its hour.
pub fn in_timezone(local: NaiveDateTime, timezone: Tz) -> Option<DateTime<Utc>> {
    local.and_local_timezone(timezone).single().map(|time| time.to_utc())
}

/// The moment, if targets can hold it.
pub fn check_range(time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    const SECOND: u32 = 1_000_000_000;
    // chrono gives a leap second more than 10⁹ nanoseconds.
    ((1..=9999).contains(&time.year()) && time.nanosecond() < SECOND).then_some(time)
}

/// The commonest spellings: `YYYY-MM-DDThh:mm:ssZ`, also with milliseconds or another fraction.
#[inline]
fn is_plain_utc(cell: &[u8]) -> bool {
    match cell.split_first_chunk() {
        Some((minute, rest)) => is_plain_end(rest) && is_minute(minute),
        None => false,
    }
}

/// Whether the text is `:ssZ`, also with a fraction.
#[inline]
fn is_plain_end(text: &[u8]) -> bool {
    /// For each byte of `:ss.nnnZ`: the bits that must be the template's, and what carries a larger digit into them.
    const TEMPLATE: u64 = u64::from_le_bytes(*b":00.000Z");
    const FIXED: u64 = u64::from_le_bytes([0xFF, 0xF0, 0xF0, 0xFF, 0xF0, 0xF0, 0xF0, 0xFF]);
    const CARRY: u64 = u64::from_le_bytes([0, 10, 6, 0, 6, 6, 6, 0]);
    if let Ok(text) = text.try_into() {
        let digits = u64::from_le_bytes(text) ^ TEMPLATE;
        return digits & FIXED == 0 && (digits + CARRY) & FIXED == 0;
    }
    match text {
        [b':', b'0'..=b'5', b'0'..=b'9', b'Z'] => true,
        [b':', b'0'..=b'5', b'0'..=b'9', b'.', digits @ .., b'Z'] => {
            (1..=FRACTION_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// Whether a valid date-time and a separator begin the text, and the date-time is plain UTC with milliseconds or none.
#[inline]
pub fn starts_canonical(text: &[u8]) -> bool {
    let is_end = |at: usize| matches!(text.get(at..at + 2), Some([b'Z', ..b' ']));
    let is_milliseconds = || matches!(text.get(19..23), Some([b'.', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9']));
    text.get(10) == Some(&b'T') && (is_end(19) || is_end(23) && is_milliseconds())
}

/// Whether the text is `YYYY-MM-DDThh:mm`, a minute of the years 1 to 9999.
fn is_minute(text: &[u8; 16]) -> bool {
    let bytes = u8x16::from(*text);
    let (least, most) = (u8x16::from(*b"0000-00-00T00:00"), u8x16::from(*b"9999-19-39T29:59"));
    let is_year_0 = text.starts_with(b"0000");
    if bytes.max(least).min(most) != bytes || is_year_0 {
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

/// Parses any RFC 3339 spelling, also one whose minus sign is U+2212. Not inlined, so that the checks before it stay short.
#[inline(never)]
fn parse_date_time(cell: &[u8], timezone: Option<Tz>) -> Option<DateTime<Utc>> {
    let has_separator = matches!(cell.get(10), Some(b'T' | b't' | b' '));
    let fraction = cell.get(20..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
    let cell = str::from_utf8(cell).ok().filter(|_| has_separator && fraction <= FRACTION_DIGITS)?;
    let time = match DateTime::parse_from_rfc3339(cell) {
        Ok(time) => time.to_utc(),
        Err(_) => in_timezone(parse_local(cell)?, timezone?)?,
    };
    check_range(time)
}

/// Parses an RFC 3339 spelling without its offset.
fn parse_local(cell: &str) -> Option<NaiveDateTime> {
    Some(DateTime::parse_from_rfc3339(&format!("{cell}Z")).ok()?.naive_utc())
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
            let theirs = year > 0 && NaiveDate::from_ymd_opt(year, month, day).is_some();
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
            ("2025-06-02T09:00:00.123456+01:00", Some("2025-06-02T08:00:00.123456Z")),
            ("9999-12-31T23:59:59-00:00", Some("9999-12-31T23:59:59Z")),
        ] {
            assert!(is_date_time(cell.as_bytes(), None), "{cell}");
            assert_eq!(to_utc(cell.as_bytes(), None).as_deref(), expected, "{cell}");
            assert!(expected.is_none_or(|utc| utc.len() <= LONGEST_UTC), "{cell}");
        }
    }

    #[test]
    fn date_time_that_targets_cannot_hold_is_invalid() {
        for cell in [
            "2025-06-02T09:00:00",
            "2025-06-02T09:00:00.1234567Z",
            "2025-06-02T09:00:00.1234567+01:00",
            "2016-12-31T23:59:60Z",
            "2016-12-31T23:59:60+00:00",
            "0000-06-02T09:00:00Z",
            "0000-06-02T09:00:00+01:00",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert!(!is_date_time(cell.as_bytes(), None), "{cell}");
        }
    }

    #[test]
    fn date_time_without_an_offset_is_valid_in_a_timezone_that_has_its_hour_once() {
        let berlin = Some(Tz::Europe__Berlin);
        for (cell, expected) in [
            ("2025-06-02T09:00:00", Some("2025-06-02T07:00:00Z")),
            ("2025-01-02 09:00:00.5", Some("2025-01-02T08:00:00.500Z")),
            ("2025-06-02T09:00:00+01:00", Some("2025-06-02T08:00:00Z")),
            ("2025-03-30T02:30:00", None),
            ("2025-10-26T02:30:00", None),
            ("2025-06-02T09:00", None),
            ("2025-06-02", None),
        ] {
            assert_eq!(to_utc(cell.as_bytes(), berlin).as_deref(), expected, "{cell}");
            assert_eq!(is_date_time(cell.as_bytes(), berlin), expected.is_some(), "{cell}");
        }
    }

    proptest! {
        #[test]
        fn plain_utc_spelling_is_valid_to_chrono_and_written_unchanged(
            cell in "[02]0[0-9]{2}-[01][0-9]-[0-2][0-9][Tt ][01][0-9]:[0-5][0-9]:[0-6]0(\\.[0-9]{0,9})?([Zz]|[+-]0[0-9]:00)",
        ) {
            let is_plain = is_plain_utc(cell.as_bytes());
            let time = parse_date_time(cell.as_bytes(), None);
            prop_assert!(!is_plain || time.is_some(), "{}", cell);
            prop_assert!(time.is_none() || to_utc(cell.as_bytes(), None).is_none() == is_plain, "{}", cell);
        }
    }
}
