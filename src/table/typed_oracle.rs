//! A plain second implementation of types, for tests only: decides a column's type and reads one cell at a time as text.
//!
//! It parses numbers with `serde_json` and the standard library, and dates field by field. It knows no spelling options.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::Value;

/// The types that are inferred.
const INFERRED: [&str; 4] = ["number", "boolean", "date", "date-time"];

/// The options of all columns.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub null_values: Vec<String>,
    pub trim: bool,
    pub timezone: Option<Tz>,
}

impl Options {
    /// The text of a cell that is not null.
    pub fn text<'c>(&self, cell: &'c str) -> Option<&'c str> {
        let spaces: &[char] =
            if self.trim { &[' ', '\t', '\n', '\r', '\u{B}', '\u{C}', '\u{A0}'] } else { &[] };
        let cell = cell.trim_matches(spaces);
        (!cell.is_empty() && !self.null_values.iter().any(|null| null == cell)).then_some(cell)
    }

    /// The type of a column with these cells; `None` if all of them are null.
    pub fn decide<'c>(&self, cells: impl Iterator<Item = &'c str>) -> Option<&'static str> {
        let texts: Vec<&str> = cells.filter_map(|cell| self.text(cell)).collect();
        let fits = |name: &&str| texts.iter().all(|text| self.value(text, name).is_some());
        (!texts.is_empty()).then(|| INFERRED.into_iter().find(fits).unwrap_or("string"))
    }

    /// The JSON of a text in a column of the type `name`; `None` if it does not fit.
    pub fn value(&self, text: &str, name: &str) -> Option<String> {
        let quoted = |text: &str| Value::from(text).to_string();
        match name {
            "string" => Some(quoted(text)),
            "integer" => Some(text.parse::<i64>().ok()?.to_string()).filter(|number| number == text),
            "number" => is_number(text).then(|| with_zero(text)),
            "decimal" => is_decimal(text).then(|| quoted(&with_zero(text))),
            "boolean" => match text {
                "true" | "True" | "TRUE" => Some("true".into()),
                "false" | "False" | "FALSE" => Some("false".into()),
                _ => None,
            },
            "date" => date(text).filter(|date| date.year() > 0).map(|_| quoted(text)),
            "date-time" => {
                let time = self.moment(text)?;
                let is_utc = text.as_bytes()[10] == b'T' && text.ends_with('Z');
                let utc = || time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                Some(quoted(&if is_utc { text.to_owned() } else { utc() }))
            }
            _ => unreachable!("{name}"),
        }
    }

    fn moment(&self, text: &str) -> Option<DateTime<Utc>> {
        let local = date(text.get(..10)?)?;
        let (separator, rest) = (text.get(10..11)?, text.get(11..)?);
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(rest.len());
        let time = time(local, &rest[..end]).filter(|_| matches!(separator, "T" | "t" | " "))?;
        let utc = match &rest[end..] {
            "" => self.timezone?.from_local_datetime(&time).single()?.naive_utc(),
            "Z" | "z" => time,
            offset => time.checked_sub_signed(minutes(offset)?)?,
        };
        Some(utc.and_utc()).filter(|time| (1..=9999).contains(&time.year()))
    }
}

fn digits(text: &str, length: usize) -> Option<u32> {
    let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

fn date(text: &str) -> Option<NaiveDate> {
    let [year, month, day] = text.split('-').collect::<Vec<_>>().try_into().ok()?;
    NaiveDate::from_ymd_opt(digits(year, 4)?.cast_signed(), digits(month, 2)?, digits(day, 2)?)
}

fn time(date: NaiveDate, text: &str) -> Option<NaiveDateTime> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let [hour, minute, second] = clock.split(':').collect::<Vec<_>>().try_into().ok()?;
    let micro = digits(fraction, fraction.len()).filter(|_| (1..=6).contains(&fraction.len()))?;
    let micro = micro * 10_u32.pow(6 - u32::try_from(fraction.len()).ok()?);
    date.and_hms_micro_opt(digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?, micro)
}

fn minutes(offset: &str) -> Option<Duration> {
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    let all = Duration::minutes(i64::from(60 * hours + minutes));
    match offset.chars().next()? {
        _ if hours > 23 || minutes > 59 => None,
        '+' => Some(all),
        '-' => Some(-all),
        _ => None,
    }
}

/// The text with a zero before a leading point, as JSON requires.
fn with_zero(text: &str) -> String {
    let starts_with_point = text.strip_prefix('-').unwrap_or(text).starts_with('.');
    if starts_with_point { text.replacen('.', "0.", 1) } else { text.to_owned() }
}

fn is_json_number(text: &str) -> bool {
    text != "-0" && serde_json::from_str::<serde_json::Number>(&with_zero(text)).is_ok()
}

/// Whether the text is a JSON number of at most 15 significant digits in the range of a double.
pub fn is_number(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or("");
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let is_zero = mantissa == text && digits.bytes().all(|digit| digit == b'0');
    let is_in_range = text.parse::<f64>().is_ok_and(|double| double.is_normal() || is_zero);
    is_json_number(text) && digits.trim_matches('0').len() <= 15 && is_in_range
}

fn is_decimal(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    is_json_number(text) && is_plain && text.bytes().filter(u8::is_ascii_digit).count() <= 40
}
