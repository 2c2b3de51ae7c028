//! Dates and date-times in a format that the operator names: the option `format` of `schema_overrides`, as in `strftime`.
//!
//! chrono parses each part. A part is stricter here than in chrono: a year has four digits, white space is not skipped,
//! and a number beside another one has all its digits, so a cell has one reading only. A format that would lose information
//! is refused.

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems, parse_and_remainder};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::date_time::{check_range, in_timezone};

/// A `strftime` format without loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateFormat {
    items: Vec<Item<'static>>,
    has_offset: bool,
}

/// Why a format cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error("`format` is not a strftime format")]
    Invalid,
    #[error("`format` uses `%f`, which counts nanoseconds; `%.f` is a fraction of a second")]
    Nanoseconds,
    #[error(
        "`format` has a part that is not supported: `%Z`, a week, a quarter or a fraction without a point"
    )]
    Unsupported,
    #[error("`format` has no year of four digits (`%Y`)")]
    NoYear,
    #[error("`format` has no month and day (`%m` and `%d`, or `%j`)")]
    NoDay,
    #[error("`format` has a time of day, which a date loses")]
    TimeInDate,
    #[error("`format` has no hour and minute (`%H` and `%M`, or `%I`, `%M` and `%p`)")]
    NoMinute,
    #[error("`format` has a fraction without seconds")]
    NoSecond,
    #[error("`format` has no offset (`%z`), and `timezone` is not set")]
    NoOffset,
}

impl DateFormat {
    /// A format for dates.
    pub fn date(format: &str) -> Result<Self, FormatError> {
        let format = Self::parse(format)?;
        if format.has_any(is_time) { Err(FormatError::TimeInDate) } else { Ok(format) }
    }

    /// A format for date-times; `has_timezone` if date-times without an offset are in a time zone.
    pub fn date_time(format: &str, has_timezone: bool) -> Result<Self, FormatError> {
        let format = Self::parse(format)?;
        if format.has(Numeric::Timestamp) {
            return Ok(format);
        }
        let hour = if format.has_any(is_half_of_day) { Numeric::Hour12 } else { Numeric::Hour };
        if !format.has(hour) || !format.has(Numeric::Minute) {
            return Err(FormatError::NoMinute);
        }
        if format.has_any(is_fraction) && !format.has(Numeric::Second) {
            return Err(FormatError::NoSecond);
        }
        if format.has_offset || has_timezone { Ok(format) } else { Err(FormatError::NoOffset) }
    }

    /// A format with a whole date or with a timestamp.
    fn parse(format: &str) -> Result<Self, FormatError> {
        let items = StrftimeItems::new(format).parse_to_owned().map_err(|_| FormatError::Invalid)?;
        let items: Vec<Item> = items.into_iter().map(without_padding).collect();
        let has_offset = items.iter().any(is_offset);
        let format = Self { items, has_offset };
        if format.has(Numeric::Nanosecond) {
            return Err(FormatError::Nanoseconds);
        }
        let is_moment = format.has(Numeric::Timestamp);
        let has_month = format.has(Numeric::Month) || format.has_any(is_month_name);
        let has_day = format.has(Numeric::Ordinal) || has_month && format.has(Numeric::Day);
        if !is_moment && !format.has(Numeric::Year) {
            Err(FormatError::NoYear)
        } else if !is_moment && !has_day {
            Err(FormatError::NoDay)
        } else if !format.items.iter().all(is_supported) {
            Err(FormatError::Unsupported)
        } else {
            Ok(format)
        }
    }

    fn has(&self, numeric: Numeric) -> bool {
        self.items.contains(&number(numeric))
    }

    fn has_any(&self, is: fn(&Item) -> bool) -> bool {
        self.items.iter().any(is)
    }

    /// The day that the text names; of a timestamp, its day in UTC.
    #[must_use]
    pub fn read_date(&self, text: &str) -> Option<NaiveDate> {
        let parsed = self.read(text)?;
        if parsed.timestamp().is_some() {
            return Some(check_range(parsed.to_datetime().ok()?.to_utc())?.date_naive());
        }
        parsed.to_naive_date().ok()
    }

    /// The moment that the text names, in `timezone` if the format has no offset.
    #[must_use]
    pub fn read_date_time(&self, text: &str, timezone: Option<Tz>) -> Option<DateTime<Utc>> {
        let parsed = self.read(text)?;
        let time = if self.has_offset || parsed.timestamp().is_some() {
            parsed.to_datetime().ok()?.to_utc()
        } else {
            in_timezone(parsed.to_naive_datetime_with_offset(0).ok()?, timezone?)?
        };
        check_range(time)
    }

    fn read(&self, mut text: &str) -> Option<Parsed> {
        let mut parsed = Parsed::new();
        for (position, item) in self.items.iter().enumerate() {
            let neighbours = [position.checked_sub(1), Some(position + 1)].into_iter().flatten();
            let is_beside_digit = neighbours.filter_map(|at| self.items.get(at)).any(is_digit);
            if !is_strict(item, text, is_beside_digit) {
                return None;
            }
            text = parse_and_remainder(&mut parsed, text, std::iter::once(item)).ok()?;
        }
        let is_year_valid = parsed.year().is_none_or(|year| year > 0);
        (text.is_empty() && is_year_valid).then_some(parsed)
    }
}

/// An item that numbers of any padding equal.
fn number(numeric: Numeric) -> Item<'static> {
    Item::Numeric(numeric, chrono::format::Pad::None)
}

fn without_padding(item: Item<'static>) -> Item<'static> {
    match item {
        Item::Numeric(numeric, _) => number(numeric),
        item => item,
    }
}

fn is_supported(item: &Item) -> bool {
    match item {
        Item::Literal(_) | Item::OwnedLiteral(_) | Item::Space(_) | Item::OwnedSpace(_) => true,
        Item::Numeric(numeric, _) => matches!(
            numeric,
            Numeric::Year
                | Numeric::Month
                | Numeric::Day
                | Numeric::Ordinal
                | Numeric::Hour
                | Numeric::Hour12
                | Numeric::Minute
                | Numeric::Second
                | Numeric::Timestamp
        ),
        Item::Fixed(_) => {
            is_month_name(item)
                || is_weekday(item)
                || is_half_of_day(item)
                || is_fraction(item)
                || is_offset(item)
        }
        Item::Error => false,
    }
}

fn is_time(item: &Item) -> bool {
    let is_number_of_time = matches!(
        item,
        Item::Numeric(
            Numeric::Hour | Numeric::Hour12 | Numeric::Minute | Numeric::Second | Numeric::Timestamp,
            _
        )
    );
    is_number_of_time || is_half_of_day(item) || is_fraction(item) || is_offset(item)
}

fn is_month_name(item: &Item) -> bool {
    matches!(item, Item::Fixed(Fixed::ShortMonthName | Fixed::LongMonthName))
}

fn is_weekday(item: &Item) -> bool {
    matches!(item, Item::Fixed(Fixed::ShortWeekdayName | Fixed::LongWeekdayName))
}

fn is_half_of_day(item: &Item) -> bool {
    matches!(item, Item::Fixed(Fixed::LowerAmPm | Fixed::UpperAmPm))
}

fn is_fraction(item: &Item) -> bool {
    matches!(item, Item::Fixed(Fixed::Nanosecond | Fixed::Nanosecond3 | Fixed::Nanosecond6))
}

fn is_offset(item: &Item) -> bool {
    matches!(item, Item::Fixed(Fixed::TimezoneOffset | Fixed::TimezoneOffsetColon))
}

/// Whether a number beside the item can be read as a part of it.
fn is_digit(item: &Item) -> bool {
    let has_digit = |text: &str| text.contains(|character: char| character.is_ascii_digit());
    match item {
        Item::Literal(text) => has_digit(text),
        Item::OwnedLiteral(text) => has_digit(text),
        Item::Numeric(..) => true,
        Item::Space(_) | Item::OwnedSpace(_) | Item::Fixed(_) | Item::Error => false,
    }
}

/// Whether the text starts with the item in a spelling that has one reading: see the top of this file.
fn is_strict(item: &Item, text: &str, is_beside_digit: bool) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    match item {
        Item::Numeric(Numeric::Year, _) => digits(text) >= 4,
        Item::Numeric(Numeric::Timestamp, _) => digits(text) >= 1,
        Item::Numeric(Numeric::Ordinal, _) => digits(text) >= if is_beside_digit { 3 } else { 1 },
        Item::Numeric(..) => digits(text) >= if is_beside_digit { 2 } else { 1 },
        Item::Space(space) => text.starts_with(space),
        Item::OwnedSpace(space) => text.starts_with(&**space),
        Item::Fixed(Fixed::TimezoneOffset | Fixed::TimezoneOffsetColon) => text.starts_with(['+', '-']),
        Item::Fixed(Fixed::Nanosecond) => text.strip_prefix('.').is_none_or(|text| digits(text) <= 6),
        Item::Literal(_) | Item::OwnedLiteral(_) | Item::Fixed(_) | Item::Error => true,
    }
}

#[cfg(test)]
#[path = "date_format_tests.rs"]
mod tests;
