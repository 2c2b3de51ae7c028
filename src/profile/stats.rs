//! The statistics of one column, collected cell by cell in constant memory.
//!
//! Hashes, lengths and counts only; the texts of values are kept if the caller asks for them. An empty cell counts as null.

use std::hash::{DefaultHasher, Hasher};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::cell_type::TypeCounts;
use super::commonest::Commonest;
use super::distinct::Distinct;
use super::histogram::{Histogram, Length, Magnitude, Year};
use super::shape::ShapeCounts;
use crate::table::column_type::ColumnType;

#[derive(Debug)]
pub struct ColumnStats {
    /// The zone of date-times without an offset.
    timezone: Option<Tz>,
    pub filled: u64,
    pub distinct: Distinct,
    pub commonest: Commonest,
    pub types: TypeCounts,
    pub shapes: ShapeCounts,
    /// Characters of the shortest and the longest filled cell.
    pub lengths: Option<(u64, u64)>,
    /// Characters of all cells.
    pub characters: u64,
    pub length_histogram: Histogram<Length>,
    pub magnitudes: Histogram<Magnitude>,
    pub years: Histogram<Year>,
    /// The least and the greatest number and moment as written, if values are asked for.
    pub extremes: Option<(Extremes<f64>, Extremes<DateTime<Utc>>)>,
}

/// The least and the greatest value, with their texts.
#[derive(Clone, Debug)]
pub struct Extremes<T>(Option<[(T, String); 2]>);

impl<T: PartialOrd + Copy> Extremes<T> {
    fn observe(&mut self, value: T, text: &str) {
        let new = || (value, text.to_owned());
        match &mut self.0 {
            None => self.0 = Some([new(), new()]),
            Some([least, _]) if value < least.0 => *least = new(),
            Some([_, greatest]) if value > greatest.0 => *greatest = new(),
            Some(_) => {}
        }
    }

    #[must_use]
    pub fn texts(self) -> Option<(String, String)> {
        self.0.map(|[least, greatest]| (least.1, greatest.1))
    }
}

impl ColumnStats {
    /// Statistics without a cell; `keeps_values` keeps the texts of the commonest values and of the range.
    #[must_use]
    pub fn new(keeps_values: bool, timezone: Option<Tz>) -> Self {
        Self {
            timezone,
            filled: 0,
            distinct: Distinct::default(),
            commonest: Commonest::new(keeps_values),
            types: TypeCounts::default(),
            shapes: ShapeCounts::default(),
            lengths: None,
            characters: 0,
            length_histogram: Histogram::default(),
            magnitudes: Histogram::default(),
            years: Histogram::default(),
            extremes: keeps_values.then_some((Extremes(None), Extremes(None))),
        }
    }

    /// Adds the next cell of the column.
    pub fn observe(&mut self, cell: &str) {
        if cell.is_empty() {
            return;
        }
        self.filled += 1;
        let hash = hash(cell);
        self.distinct.observe(hash);
        self.commonest.observe(hash, cell);
        self.shapes.observe(cell);
        let length = bytecount::num_chars(cell.as_bytes()) as u64;
        let (shortest, longest) = self.lengths.unwrap_or((length, length));
        self.lengths = Some((shortest.min(length), longest.max(length)));
        self.characters += length;
        self.length_histogram.observe(Length::of(length));
        match self.types.observe(cell, self.timezone) {
            ColumnType::Number | ColumnType::Integer | ColumnType::Decimal => self.observe_number(cell),
            ColumnType::Date | ColumnType::DateTime => self.observe_date(cell),
            ColumnType::Boolean | ColumnType::String => {}
        }
    }

    fn observe_number(&mut self, cell: &str) {
        let Ok(number) = cell.parse() else { return };
        self.magnitudes.observe(Magnitude::of(number));
        if let Some((numbers, _)) = &mut self.extremes {
            numbers.observe(number, cell);
        }
    }

    fn observe_date(&mut self, cell: &str) {
        if let Some(year) = cell.get(..4).and_then(|year| year.parse().ok()) {
            self.years.observe(Year(year));
        }
        if let Some((_, moments)) = &mut self.extremes
            && let Some(moment) = moment(cell, self.timezone)
        {
            moments.observe(moment, cell);
        }
    }
}

/// A date-time, or the midnight of a date, in UTC.
fn moment(cell: &str, timezone: Option<Tz>) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(cell) {
        return Some(time.to_utc());
    }
    let local = match cell.parse::<NaiveDate>() {
        Ok(date) => date.and_time(NaiveTime::MIN),
        Err(_) => cell.replacen(' ', "T", 1).parse::<NaiveDateTime>().ok()?,
    };
    Some(timezone.unwrap_or(Tz::UTC).from_local_datetime(&local).earliest()?.to_utc())
}

/// A `SipHash` of 64 bits, the same in every run. Among 100,000 values two collide once in four billion columns.
#[must_use]
pub fn hash(cell: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(cell.as_bytes());
    hasher.finish()
}
