//! How the figures of a profile are written, in text and in HTML.
//!
//! A rounded figure never claims more than the exact one: 99.9 % is written as 99 %.

use super::StreamProfile;
use super::column::{ColumnProfile, CouldBeKey, LengthRange, ValueRange};
use super::distinct::DistinctCount;
use crate::count::Count;

/// With a comma after each three digits.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap_or("")).collect();
    groups.join(",")
}

pub fn rows(number: u64) -> String {
    format!("{} {}", thousands(number), if number == 1 { "row" } else { "rows" })
}

/// Rows, columns, and the columns that look personal.
pub fn size(stream: &StreamProfile) -> String {
    format!(
        "{}, {}, of which {} personal",
        rows(stream.rows),
        Count(stream.columns.len(), "column"),
        Count(stream.personal(), ("looks", "look"))
    )
}

/// A share in whole percent; 0 % and 100 % are exact.
pub fn percent(part: u64, whole: u64) -> String {
    let share = u128::from(part) * 100 / u128::from(whole.max(1));
    match share {
        0 if part > 0 => "<1 %".to_owned(),
        99 if part < whole => "99 %".to_owned(),
        share => format!("{share} %"),
    }
}

/// An estimated number begins with `~`.
pub fn distinct(count: DistinctCount) -> String {
    format!("{}{}", if count.estimated { "~" } else { "" }, thousands(count.count))
}

pub fn length(range: Option<LengthRange>) -> String {
    match range {
        None => String::new(),
        Some(LengthRange { shortest, longest }) if shortest == longest => thousands(longest),
        Some(LengthRange { shortest, longest }) => format!("{}-{}", thousands(shortest), thousands(longest)),
    }
}

pub fn range(range: Option<&ValueRange>) -> String {
    match range {
        None => String::new(),
        Some(ValueRange::Numbers { least, greatest }) => from_to(least, greatest),
        Some(ValueRange::Years { least, greatest }) => from_to(&least.to_string(), &greatest.to_string()),
    }
}

fn from_to(least: &str, greatest: &str) -> String {
    if least == greatest { least.to_owned() } else { format!("{least} to {greatest}") }
}

pub fn key(key: CouldBeKey) -> &'static str {
    match key {
        CouldBeKey::Yes => "yes",
        CouldBeKey::Likely => "likely",
        CouldBeKey::No => "",
    }
}

pub fn column_type(column: &ColumnProfile) -> &'static str {
    column.column_type.unwrap_or("undecided")
}

/// The share of the commonest type of the cells, if the column has another type.
pub fn commonest_type(column: &ColumnProfile) -> Option<String> {
    let (commonest, count) = column.types.found().max_by_key(|(_, count)| *count)?;
    let is_other = column.column_type != Some(commonest.name());
    is_other.then(|| format!("{} {}", percent(count, column.filled), commonest.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_separators_and_exact_ends() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 1, 500, 999, 1000].map(|part| percent(part, 1000)),
            ["0 %", "<1 %", "50 %", "99 %", "100 %"]
        );
        assert_eq!(percent(0, 0), "0 %");
        assert_eq!(distinct(DistinctCount { count: 100_001, estimated: true }), "~100,001");
        assert_eq!(length(Some(LengthRange { shortest: 3, longest: 1200 })), "3-1,200");
    }
}
