//! Verifies that a whole report can be used, before any of its rows is emitted.
//!
//! Open quotes and ragged rows are known from parsing the CSV. Lengths, types and keys are checked in further passes over
//! the stored report, if the requirements ask for them. Memory is constant, except for natural keys, which take 24 bytes
//! for each row.

use std::io::{Read, Seek};

use serde::Deserialize;

use super::cell_action::Bound;
use super::cell_format::CellFormat;
use super::column_type::ColumnType;
use super::csv::TableStats;
use super::emitted_cells::EmittedCells;
use super::error::TableError;
use super::key_check::KeyCheck;
use super::length_check::{LengthCheck, TooLong};
use super::line_number::line_of_row;
use super::plan;
use super::rows::Rows;
pub use super::type_check::Mismatches;
use super::type_check::{Observed, TypeCheck};
use super::wanted_cells::WantedCells;

/// Bytes of the longest header, which is read into memory at once.
pub const HEADER_LIMIT: u64 = 16 * 1024 * 1024;

/// What to do with a ragged row, which is wider or narrower than the header: the setting `on_ragged`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRagged {
    /// The report is refused.
    Fail,
    /// Missing cells are null, and surplus cells are collected in `_extra`.
    Pad,
}

/// What to do with a cell that does not fit its column's type: the setting `on_type_mismatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTypeMismatch {
    /// The column is null, and a string column beside it has the text.
    Variant,
    /// The column is null.
    Null,
    /// The report is refused.
    Fail,
}

/// A column of the header.
#[derive(Clone, Debug)]
pub struct ColumnSpec {
    /// The name of the property.
    pub name: String,
    pub is_emitted: bool,
    /// The key columns must identify every row.
    pub is_key: bool,
    pub typing: Typing,
}

/// How a column gets its type.
#[derive(Clone, Debug)]
pub enum Typing {
    Fixed(CellFormat),
    /// The type is decided over all cells; the format has the common options.
    Infer(CellFormat),
}

/// The conditions that a report must satisfy.
#[derive(Clone, Debug)]
pub struct Requirements {
    /// One for each cell of the header.
    pub columns: Vec<ColumnSpec>,
    /// The properties that are null in every record.
    pub null_properties: Vec<String>,
    pub on_ragged: OnRagged,
    pub on_type_mismatch: OnTypeMismatch,
    pub max_message_bytes: u64,
}

#[derive(Clone, Debug)]
pub struct VerifiedTable {
    /// The format of each column; `None` while a column without a value is undecided.
    pub formats: Vec<Option<CellFormat>>,
    /// The cells of each column that do not fit its type.
    pub mismatches: Vec<Mismatches>,
    pub rows: u64,
    pub ragged: u64,
    /// Cells with text after their closing quote.
    pub lenient_quotes: u64,
    /// Whether surplus cells are emitted as `_extra`.
    pub extra: bool,
    /// Bytes of the longest string that each column or its variant emits; empty unless [`VerifiedTable::measure`] was called.
    pub longest_strings: Vec<u64>,
    /// Whether each column is emitted.
    pub(super) is_emitted: Vec<bool>,
    /// Bytes of the longest stored row.
    longest_row: u64,
}

impl ColumnSpec {
    /// The most bytes that the column adds to a message, whatever its type and its cells are.
    pub(super) fn bound(&self) -> Bound {
        match &self.typing {
            _ if !self.is_emitted => Bound { fixed: 0, per_byte: 0 },
            Typing::Fixed(format) => plan::property_bound(&self.name, format),
            // The longest values of the types that are inferred.
            Typing::Infer(format) => {
                plan::property_bound(&self.name, &format.with_type(ColumnType::DateTime))
            }
        }
    }
}

/// The texts of a stored report's header.
pub fn read_header(stats: &TableStats, mut stored: impl Read + Seek) -> Result<Vec<String>, TableError> {
    if stats.header_bytes > HEADER_LIMIT {
        return Err(TableError::LongHeader);
    }
    match Rows::new(rewind(&mut stored)?).read()? {
        Some(row) if row.len() > 1 || !row.text(0).trim().is_empty() => {
            Ok(row.texts().map(std::borrow::Cow::into_owned).collect())
        }
        _ => Err(TableError::Empty),
    }
}

/// Verifies a stored report with the statistics `stats`. Cells that are not emitted do not add to the length of a message.
pub fn verify(
    stats: &TableStats,
    mut stored: impl Read + Seek,
    requirements: &Requirements,
) -> Result<VerifiedTable, TableError> {
    if let (Some((line, found)), OnRagged::Fail) = (stats.first_ragged, requirements.on_ragged) {
        return Err(TableError::Ragged { line, expected: stats.width, found });
    }
    check_lengths(stats, &mut stored, requirements)?;
    let mut table = VerifiedTable {
        formats: Vec::new(),
        mismatches: Vec::new(),
        longest_strings: Vec::new(),
        is_emitted: requirements.columns.iter().map(|column| column.is_emitted).collect(),
        rows: stats.rows,
        ragged: stats.ragged,
        lenient_quotes: stats.lenient_quotes,
        extra: requirements.on_ragged == OnRagged::Pad,
        longest_row: stats.longest_row,
    };
    (table.formats, table.mismatches) = check_cells(&table, &mut stored, requirements)?;
    Ok(table)
}

impl VerifiedTable {
    /// The rows of the stored report, the header first. Long cells of columns that are not emitted are shortened.
    pub fn read_rows<R: Read>(&self, stored: R) -> Rows<EmittedCells<R>> {
        Rows::new(EmittedCells::new(stored, &self.is_emitted, self.extra, self.longest_row))
    }
}

fn check_lengths(
    stats: &TableStats,
    stored: &mut (impl Read + Seek),
    requirements: &Requirements,
) -> Result<(), TableError> {
    let check = LengthCheck::new(requirements);
    if !check.is_needed(stats.longest_row) {
        return Ok(());
    }
    match check.find_too_long(rewind(stored)?)? {
        None => Ok(()),
        Some(found @ (TooLong::Cell(row, _) | TooLong::Message(row, _))) => {
            Err(check.error(found, line_of_row(rewind(stored)?, row)?))
        }
    }
}

/// Decides or checks the types of the columns, and checks the key.
fn check_cells(
    table: &VerifiedTable,
    stored: &mut (impl Read + Seek),
    requirements: &Requirements,
) -> Result<(Vec<Option<CellFormat>>, Vec<Mismatches>), TableError> {
    let mut types = TypeCheck::new(&requirements.columns, requirements.on_type_mismatch);
    let mut key = KeyCheck::new(&requirements.columns);
    let mut rows = table.read_rows(rewind(stored)?);
    let wanted = |types: &TypeCheck, key: &KeyCheck| {
        let columns = types.open_columns().chain(key.columns());
        WantedCells::new(columns, requirements.columns.len())
    };
    let mut cells = wanted(&types, &key);
    for number in 0.. {
        if types.is_settled() && !key.is_needed() {
            break;
        }
        let row = if table.ragged == 0 { rows.read_wanted(&cells)? } else { rows.read()? };
        let Some(row) = row else { break };
        if number == 0 {
            // The header.
            continue;
        }
        key.observe(&row, number);
        match types.observe(&row, number) {
            Observed::AllFit => {}
            Observed::Closed => cells = wanted(&types, &key),
            Observed::Refused(index, column_type) => {
                return Err(TableError::ColumnType {
                    line: line_of_row(rewind(stored)?, number)?,
                    column: requirements.columns[index].name.clone(),
                    column_type: column_type.name(),
                });
            }
        }
    }
    key.check()?;
    Ok(types.finish())
}

fn rewind<R: Read + Seek>(stored: &mut R) -> std::io::Result<&mut R> {
    stored.rewind()?;
    Ok(stored)
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
