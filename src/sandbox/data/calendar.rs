//! Days and times of the sandbox's organisation, and their spelling in a report.
//!
//! Days are counted from day 0, which the reports show without `--evolve`. No clock is read.

use chrono::{Datelike, NaiveDate, TimeDelta};

/// The date of day 0.
const DAY_0: NaiveDate = NaiveDate::from_ymd_opt(2025, 7, 1).expect("the date exists");
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A point in time, in seconds since the start of day 0, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(i64);

impl Instant {
    /// The start of a day; days before day 0 are negative.
    #[must_use]
    pub fn day(day: i64) -> Self {
        Self(day * DAY_SECONDS)
    }

    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + seconds)
    }

    #[must_use]
    pub fn plus_minutes(self, minutes: i64) -> Self {
        self.plus_seconds(minutes * 60)
    }

    /// Appends `2025-07-01`.
    pub fn write_date(self, out: &mut Vec<u8>) {
        let date = DAY_0 + TimeDelta::days(self.0.div_euclid(DAY_SECONDS));
        let year = date.year_ce().1;
        two_digits(out, year / 100);
        two_digits(out, year % 100);
        out.push(b'-');
        two_digits(out, date.month());
        out.push(b'-');
        two_digits(out, date.day());
    }

    /// Appends `2025-07-01T09:30:00.000Z`.
    pub fn write_utc(self, out: &mut Vec<u8>) {
        self.write_date_time(out);
        out.push(b'Z');
    }

    /// Appends the same instant as a local time with its offset: `2025-07-01T19:30:00.000+10:00`.
    pub fn write_with_offset(self, hours: u8, out: &mut Vec<u8>) {
        self.plus_minutes(i64::from(hours) * 60).write_date_time(out);
        out.push(b'+');
        two_digits(out, hours.into());
        out.extend_from_slice(b":00");
    }

    fn write_date_time(self, out: &mut Vec<u8>) {
        self.write_date(out);
        out.push(b'T');
        let second = u32::try_from(self.0.rem_euclid(DAY_SECONDS)).unwrap_or_default();
        two_digits(out, second / 3600);
        out.push(b':');
        two_digits(out, second / 60 % 60);
        out.push(b':');
        two_digits(out, second % 60);
        out.extend_from_slice(b".000");
    }
}

/// Appends a number below 100.
fn two_digits(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_time_spelling_carries_the_offset_into_the_next_day() {
        let at = Instant::day(-1).plus_minutes(23 * 60 + 5).plus_seconds(9);
        let spell = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(spell(&|out| at.write_date(out)), "2025-06-30");
        assert_eq!(spell(&|out| at.write_utc(out)), "2025-06-30T23:05:09.000Z");
        assert_eq!(spell(&|out| at.write_with_offset(10, out)), "2025-07-01T09:05:09.000+10:00");
    }
}
