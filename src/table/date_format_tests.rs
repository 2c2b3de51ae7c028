//! Formats of dates and date-times: those that are refused, the cells that they read, and chrono's own writer as the oracle.

use proptest::prelude::*;

use super::*;

fn date(format: &str, text: &str) -> Option<String> {
    DateFormat::date(format).unwrap().read_date(text).map(|date| date.to_string())
}

fn date_time(format: &str, text: &str) -> Option<String> {
    let time = DateFormat::date_time(format, true).unwrap().read_date_time(text, Some(Tz::America__New_York));
    time.map(crate::table::date_time::format_utc)
}

#[test]
fn format_that_loses_information_is_refused() {
    for (format, error) in [
        ("", FormatError::NoYear),
        ("%d/%m", FormatError::NoYear),
        ("%d/%m/%y", FormatError::NoYear),
        ("%Y-%m", FormatError::NoDay),
        ("%Y-%d", FormatError::NoDay),
        ("%G-W%V-%u", FormatError::NoYear),
        ("%Y-%m-%d %q", FormatError::Unsupported),
        ("%Y-%m-%d %H:%M", FormatError::TimeInDate),
        ("%s", FormatError::TimeInDate),
        ("%Y-%m-%d %!", FormatError::Invalid),
        ("%", FormatError::Invalid),
    ] {
        assert_eq!(DateFormat::date(format), Err(error), "{format}");
    }
    for (format, error) in [
        ("%Y-%m-%d", FormatError::NoMinute),
        ("%Y-%m-%d %H", FormatError::NoMinute),
        ("%Y-%m-%d %I:%M", FormatError::NoMinute),
        ("%Y-%m-%d %H:%M %p", FormatError::NoMinute),
        ("%Y-%m-%d %H:%M%.f", FormatError::NoSecond),
        ("%Y-%m-%d %H:%M:%S.%f", FormatError::Nanoseconds),
        ("%Y-%m-%d %H:%M:%S %Z", FormatError::Unsupported),
        ("%Y-%m-%d %H:%M:%S", FormatError::NoOffset),
    ] {
        assert_eq!(DateFormat::date_time(format, false), Err(error), "{format}");
    }
    for format in ["%d/%m/%Y", "%Y%m%d", "%F", "%Y-%j", "%d %B %Y", "%A, %e. %b %Y"] {
        assert!(DateFormat::date(format).is_ok(), "{format}");
    }
    for format in ["%s", "%Y-%m-%dT%H:%M:%S%z", "%F %T%.f%:z", "%d/%m/%Y %I:%M %p %z"] {
        assert!(DateFormat::date_time(format, false).is_ok(), "{format}");
    }
}

#[test]
fn date_has_one_reading_in_its_format() {
    for (format, text, expected) in [
        ("%d/%m/%Y", "02/01/2025", Some("2025-01-02")),
        ("%d/%m/%Y", "2/1/2025", Some("2025-01-02")),
        ("%d/%m/%Y", "02/01/25", None),
        ("%d/%m/%Y", "31/02/2025", None),
        ("%d/%m/%Y", " 02/01/2025", None),
        ("%d/%m/%Y", "02/ 1/2025", None),
        ("%d/%m/%Y", "02/01/2025x", None),
        ("%d/%m/%Y", "02/01/+2025", None),
        ("%d/%m/%Y", "02/01/0000", None),
        ("%Y%m%d", "20250102", Some("2025-01-02")),
        ("%Y%m%d", "2025112", None),
        ("%d %b %Y", "2 jan 2025", Some("2025-01-02")),
        ("%A, %d %B %Y", "Thursday, 02 January 2025", Some("2025-01-02")),
        ("%A, %d %B %Y", "Friday, 02 January 2025", None),
        ("%Y-%j", "2025-002", Some("2025-01-02")),
    ] {
        assert_eq!(date(format, text).as_deref(), expected, "{format} {text}");
    }
}

#[test]
fn date_time_in_a_format_is_written_in_utc() {
    for (format, text, expected) in [
        ("%d/%m/%Y %H:%M", "02/01/2025 09:30", Some("2025-01-02T14:30:00Z")),
        ("%d/%m/%Y %I:%M %p", "2/1/2025 9:30 pm", Some("2025-01-03T02:30:00Z")),
        ("%Y-%m-%d %H:%M:%S%.f %z", "2025-01-02 09:30:00.25 +0200", Some("2025-01-02T07:30:00.250Z")),
        ("%Y-%m-%d %H:%M:%S%.f", "2025-01-02 09:30:00.1234567", None),
        ("%Y-%m-%d %H:%M:%S", "2016-12-31 18:59:60", None),
        ("%Y-%m-%d %H:%M", "2025-03-09 02:30", None),
        ("%Y-%m-%d %H:%M", "2025-11-02 01:30", None),
        ("%Y-%m-%d %H:%M %z", "9999-12-31 23:59 -0001", None),
        ("%s", "1735810200", Some("2025-01-02T09:30:00Z")),
        ("%s", "99999999999999", None),
    ] {
        assert_eq!(date_time(format, text).as_deref(), expected, "{format} {text}");
    }
}

proptest! {
    #[test]
    fn date_that_chrono_writes_is_read_back(
        days in 0i32..3_652_058, format in prop::sample::select(vec!["%d/%m/%Y", "%Y%m%d", "%-d.%-m.%Y", "%B %d, %Y", "%Y %j"]),
    ) {
        let written = NaiveDate::from_num_days_from_ce_opt(1 + days).unwrap();
        let text = written.format(format).to_string();
        prop_assert_eq!(DateFormat::date(format).unwrap().read_date(&text), Some(written), "{}", text);
    }
}
