//! Parses `Retry-After`: seconds, or an HTTP date in any of its three forms.
//!
//! A date is read relative to the response's own `Date`, or to the wall clock where that is missing. An unreadable
//! value is not ignored: the API asked for patience, so it counts as the longest backoff of our own.

use std::time::{Duration, SystemTime};

/// Characters of a value that are shown; an HTTP date has fewer.
const SHOWN_CHARACTERS: usize = 40;

/// What the `Retry-After` headers of one response ask for; the default asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryAfter {
    /// The longest readable wait.
    pub wait: Duration,
    /// Its text, truncated: digits, or an HTTP date.
    pub raw: Option<String>,
    /// One of the headers is unreadable.
    pub is_unreadable: bool,
}

impl RetryAfter {
    /// Combines all values of the header; `None` is a value that is not text. The longest wait counts.
    #[must_use]
    pub fn parse<'a>(
        values: impl IntoIterator<Item = Option<&'a str>>,
        date: Option<&str>,
        wall: SystemTime,
    ) -> Self {
        let mut asked = Self::default();
        for value in values {
            match value.and_then(|value| Some((value.trim(), parse_value(value, date, wall)?))) {
                Some((raw, wait)) if asked.raw.is_none() || wait > asked.wait => {
                    (asked.wait, asked.raw) = (wait, Some(raw.chars().take(SHOWN_CHARACTERS).collect()));
                }
                Some(_) => {}
                None => asked.is_unreadable = true,
            }
        }
        asked
    }

    /// The wait that is asked for, given the longest backoff of our own; `None` if no wait is asked for.
    #[must_use]
    pub fn asked(&self, longest_backoff: Duration) -> Option<Duration> {
        let wait = if self.is_unreadable { self.wait.max(longest_backoff) } else { self.wait };
        (!wait.is_zero()).then_some(wait)
    }
}

/// One value. A date in the past asks for no wait.
#[must_use]
pub fn parse_value(value: &str, date: Option<&str>, wall: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let then = httpdate::parse_http_date(value).ok()?;
    let base = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(wall);
    Some(then.duration_since(base).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn wall() -> SystemTime {
        httpdate::parse_http_date("Sun, 06 Nov 1994 08:50:37 GMT").unwrap()
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let seconds = |value| parse_value(value, Some(DATE), wall()).map(|wait| wait.as_secs());
        for (value, expected) in [
            ("120", 120),
            (" 7 ", 7),
            ("99999999999999999999999", u64::MAX),
            ("Sun, 06 Nov 1994 08:51:37 GMT", 120),
            ("Sunday, 06-Nov-94 08:51:37 GMT", 120),
            ("Sun Nov  6 08:51:37 1994", 120),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
        ] {
            assert_eq!(seconds(value), Some(expected), "{value:?}");
        }
        for garbage in ["-5", "soon", "1.5", "1e12", ""] {
            assert_eq!(seconds(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn retry_after_date_without_a_readable_date_header_uses_the_wall_clock() {
        for date in [None, Some("yesterday")] {
            let wait = parse_value("Sun, 06 Nov 1994 08:51:37 GMT", date, wall());
            assert_eq!(wait, Some(Duration::from_secs(60)), "{date:?}");
        }
    }

    #[test]
    fn retry_after_given_more_than_once_asks_for_the_longest_wait() {
        let asked = |values: &[Option<&str>]| {
            let asked = RetryAfter::parse(values.iter().copied(), Some(DATE), wall());
            (asked.asked(Duration::from_secs(900)).map(|wait| wait.as_secs()), asked.raw)
        };
        assert_eq!(asked(&[]), (None, None));
        assert_eq!(asked(&[Some("0")]), (None, Some("0".into())));
        assert_eq!(asked(&[Some("5"), Some(" 900 "), Some("7")]), (Some(900), Some("900".into())));
        assert_eq!(asked(&[Some("60"), Some("soon")]), (Some(900), Some("60".into())));
        assert_eq!(asked(&[Some("soon"), Some("1000")]), (Some(1000), Some("1000".into())));
        assert_eq!(asked(&[None]), (Some(900), None));
    }

    #[test]
    fn retry_after_of_60_000_digits_is_truncated_to_40_characters() {
        let digits = "9".repeat(60_000);
        let asked = RetryAfter::parse([Some(digits.as_str())], None, wall());
        assert_eq!((asked.wait.as_secs(), asked.raw), (u64::MAX, Some("9".repeat(40))));
    }
}
