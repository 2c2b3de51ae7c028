//! The profile of one column: what is printed of it.
//!
//! No field holds a cell or a part of one longer than a year, except [`ColumnProfile::values`]. It is derived from
//! [`ColumnStats`] at once, so that the statistics can be dropped.

use serde::Serialize;

use super::cell_type::TypeCounts;
use super::distinct::DistinctCount;
use super::header_words::HeaderWords;
use super::histogram::Bar;
use super::look::Look;
use super::proposal::{Proposal, propose};
use super::stats::ColumnStats;
use crate::table::column_type::ColumnType;
use crate::table::mask::MaskRule;

/// The commonest values that are shown with `--values`.
const SHOWN_VALUES: usize = 10;
/// The sizes of a category that are listed.
const SHOWN_SIZES: usize = 12;

#[derive(Clone, Debug, Serialize)]
pub struct ColumnProfile {
    pub header: String,
    pub name: String,
    /// The type that would be inferred; `None` for a column without a value.
    #[serde(rename = "type")]
    pub column_type: Option<&'static str>,
    /// The filled cells by the type of each.
    pub types: TypeCounts,
    pub filled: u64,
    pub filled_percent: f64,
    pub distinct: DistinctCount,
    /// Characters of filled cells.
    pub length: Option<LengthRange>,
    /// The range of numbers or dates, if at least half of the filled cells are such.
    pub range: Option<ValueRange>,
    pub key: CouldBeKey,
    pub looks_like: Look,
    pub distribution: Distribution,
    /// The numbers of cells with each of the twelve commonest values, highest first; empty for other columns than
    /// categories.
    pub category_sizes: Vec<u64>,
    pub mask: Proposal,
    /// Cells, with `--values` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LengthRange {
    pub shortest: u64,
    pub longest: u64,
}

/// A range so coarse that it shows no cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum ValueRange {
    /// Powers of ten, as in `10^2`.
    Numbers {
        least: String,
        greatest: String,
    },
    Years {
        least: i32,
        greatest: i32,
    },
}

/// Whether the column could be the key of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CouldBeKey {
    /// Every cell is filled and different from all others.
    Yes,
    /// As far as an estimate can tell.
    Likely,
    No,
}

/// How the filled cells are distributed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Distribution {
    pub of: Measure,
    pub bars: Vec<Bar>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    PowersOfTen,
    Years,
    Characters,
}

/// Cells: the exact range and the commonest values.
#[derive(Clone, Debug, Serialize)]
pub struct Values {
    pub range: Option<(String, String)>,
    pub commonest: Vec<CommonValue>,
    /// Whether the counts are lower bounds.
    pub estimated: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct CommonValue {
    pub value: String,
    pub count: u64,
}

/// What is known of a column beside its cells.
#[derive(Clone, Copy, Debug)]
pub struct ColumnFacts<'a> {
    pub header: &'a str,
    pub name: &'a str,
    /// Rows of the report.
    pub rows: u64,
    /// Whether `key_properties` names the column.
    pub is_key: bool,
    /// The year of the profile.
    pub this_year: i32,
}

impl ColumnProfile {
    /// Ends the statistics of a column.
    #[must_use]
    pub fn new(stats: ColumnStats, facts: &ColumnFacts) -> Self {
        let header = HeaderWords::of(facts.header);
        let looks_like = Look::of(&stats, &header, facts.this_year);
        let distinct = stats.distinct.count();
        Self {
            header: facts.header.to_owned(),
            name: facts.name.to_owned(),
            column_type: stats.types.inferred().map(ColumnType::name),
            types: stats.types.clone(),
            filled: stats.filled,
            filled_percent: percent(stats.filled, facts.rows),
            distinct,
            length: stats.lengths.map(|(shortest, longest)| LengthRange { shortest, longest }),
            range: range(&stats),
            key: could_be_key(&stats, distinct, facts.rows),
            looks_like,
            distribution: distribution(&stats),
            category_sizes: if looks_like == Look::Category { sizes(&stats) } else { Vec::new() },
            mask: propose(looks_like, &header, stats.shapes.with_email + stats.shapes.links, facts.is_key),
            values: values(stats),
        }
    }

    /// Whether the column looks like one that needs a mask.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.mask.rule != MaskRule::Keep && self.looks_like != Look::Empty
    }
}

/// With one decimal, rounded down: 100 only if no cell is empty.
fn percent(part: u64, whole: u64) -> f64 {
    let tenths = u128::from(part) * 1000 / u128::from(whole.max(1));
    f64::from(u16::try_from(tenths).unwrap_or(1000)) / 10.0
}

/// The filled cells that are numbers, and those that are dates or date-times.
fn counts(stats: &ColumnStats) -> (u64, u64) {
    let types = &stats.types;
    (types.count(ColumnType::Number), types.count(ColumnType::Date) + types.count(ColumnType::DateTime))
}

fn range(stats: &ColumnStats) -> Option<ValueRange> {
    let (numbers, dates) = counts(stats);
    if numbers * 2 >= stats.filled && numbers > 0 {
        let (least, greatest) = stats.magnitudes.range()?;
        Some(ValueRange::Numbers { least: least.to_string(), greatest: greatest.to_string() })
    } else if dates * 2 >= stats.filled {
        let (least, greatest) = stats.years.range()?;
        Some(ValueRange::Years { least: least.0, greatest: greatest.0 })
    } else {
        None
    }
}

fn distribution(stats: &ColumnStats) -> Distribution {
    let (of, bars) = match range(stats) {
        Some(ValueRange::Numbers { .. }) => (Measure::PowersOfTen, stats.magnitudes.bars()),
        Some(ValueRange::Years { .. }) => (Measure::Years, stats.years.bars()),
        None => (Measure::Characters, stats.length_histogram.bars()),
    };
    Distribution { of, bars }
}

fn could_be_key(stats: &ColumnStats, distinct: DistinctCount, rows: u64) -> CouldBeKey {
    if rows == 0 || stats.filled < rows || stats.distinct.has_repeated() {
        CouldBeKey::No
    } else if !distinct.estimated {
        CouldBeKey::Yes
    } else if distinct.count.saturating_mul(100) >= rows.saturating_mul(97) {
        CouldBeKey::Likely
    } else {
        CouldBeKey::No
    }
}

fn sizes(stats: &ColumnStats) -> Vec<u64> {
    let mut sizes = stats.commonest.sizes();
    sizes.truncate(SHOWN_SIZES);
    sizes
}

fn values(stats: ColumnStats) -> Option<Values> {
    let range = range(&stats);
    let estimated = !stats.commonest.is_exact();
    let (numbers, moments) = stats.extremes?;
    let range = match range {
        Some(ValueRange::Numbers { .. }) => numbers.texts(),
        Some(ValueRange::Years { .. }) => moments.texts(),
        None => None,
    };
    let commonest = stats.commonest.texts(SHOWN_VALUES).into_iter();
    let commonest = commonest.map(|(value, count)| CommonValue { value, count }).collect();
    Some(Values { range, commonest, estimated })
}

#[cfg(test)]
#[path = "column_tests.rs"]
mod tests;
