//! Verifies that a whole report can be used, before any of its rows is emitted.
//!
//! Open quotes and ragged rows are known from parsing the CSV. Lengths, types and keys are checked in further passes over
//! the stored report, if the requirements ask for them. Memory is constant, except for natural keys, which take 24 bytes
//! for each row.

use std::io::{Read, Seek};

use serde::Deserialize;

use super::column_type::ColumnType;
use super::csv::TableStats;
use super::emitted_cells::EmittedCells;
use super::error::TableError;
use super::header::{self, Column, ColumnNames};
use super::key_check::KeyCheck;
use super::length_check::{LengthCheck, TooLong};
use super::line_number::line_of_row;
use super::rows::Rows;
use super::type_inference::TypeInference;

/// Bytes of the longest header, which is read into memory at once.
const HEADER_LIMIT: u64 = 16 * 1024 * 1024;

/// What to do with a ragged row, which is wider or narrower than the header: the setting `on_ragged`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRagged {
    /// The report is refused.
    Fail,
    /// Missing cells are null, and surplus cells are collected in `_extra`.
    Pad,
}

/// The conditions that a report must satisfy.
#[derive(Clone, Debug)]
pub struct Requirements {
    pub style: ColumnNames,
    pub on_ragged: OnRagged,
    /// Columns that must identify a row; empty if no key is checked.
    pub key: Vec<String>,
    /// The types of an earlier run, from which inference continues. `None` makes every column a string.
    pub infer: Option<Vec<(String, ColumnType)>>,
    /// Types that the operator fixed.
    pub fixed_types: Vec<(String, ColumnType)>,
    pub max_message_bytes: u64,
}

#[derive(Clone, Debug)]
pub struct VerifiedTable {
    /// In the report's order.
    pub columns: Vec<Column>,
    /// The type of each column.
    pub types: Vec<ColumnType>,
    pub rows: u64,
    pub ragged: u64,
    /// Cells with text after their closing quote.
    pub lenient_quotes: u64,
    /// Whether surplus cells are emitted as `_extra`.
    pub extra: bool,
    /// Whether each column is emitted.
    is_emitted: Vec<bool>,
    /// Bytes of the longest stored row.
    longest_row: u64,
}

/// Verifies a stored report with the statistics `stats`. Cells that are not emitted do not add to the length of a message.
pub fn verify(
    stats: &TableStats,
    mut stored: impl Read + Seek,
    requirements: &Requirements,
    is_emitted: impl Fn(&str) -> bool,
) -> Result<VerifiedTable, TableError> {
    if stats.header_bytes > HEADER_LIMIT {
        return Err(TableError::LongHeader);
    }
    let columns = columns(&mut Rows::new(rewind(&mut stored)?), requirements.style)?;
    if let (Some((line, found)), OnRagged::Fail) = (stats.first_ragged, requirements.on_ragged) {
        return Err(TableError::Ragged { line, expected: stats.width, found });
    }
    let mut table = VerifiedTable {
        types: Vec::new(),
        is_emitted: columns.iter().map(|column| is_emitted(&column.name)).collect(),
        columns,
        rows: stats.rows,
        ragged: stats.ragged,
        lenient_quotes: stats.lenient_quotes,
        extra: requirements.on_ragged == OnRagged::Pad,
        longest_row: stats.longest_row,
    };
    check_lengths(&table, &mut stored, requirements.max_message_bytes)?;
    table.types = check_cells(&table, &mut stored, requirements)?;
    Ok(table)
}

impl VerifiedTable {
    /// The rows of the stored report, the header first. Long cells of columns that are not emitted are shortened.
    pub fn read_rows<R: Read>(&self, stored: R) -> Rows<EmittedCells<R>> {
        Rows::new(EmittedCells::new(stored, &self.is_emitted, self.extra, self.longest_row))
    }
}

fn check_lengths(
    table: &VerifiedTable,
    stored: &mut (impl Read + Seek),
    limit: u64,
) -> Result<(), TableError> {
    let check = LengthCheck { limit, columns: &table.columns, is_emitted: &table.is_emitted };
    if !check.is_needed(table.longest_row) {
        return Ok(());
    }
    match check.find_too_long(rewind(stored)?)? {
        None => Ok(()),
        Some(found @ (TooLong::Cell(row, _) | TooLong::Message(row, _))) => {
            Err(check.error(found, line_of_row(rewind(stored)?, row)?))
        }
    }
}

/// Infers or checks the types of the columns, and checks the key.
fn check_cells(
    table: &VerifiedTable,
    stored: &mut (impl Read + Seek),
    requirements: &Requirements,
) -> Result<Vec<ColumnType>, TableError> {
    let mut inference = TypeInference::new(&table.columns, requirements);
    let mut key = KeyCheck::new(&table.columns, &requirements.key)?;
    let mut rows = table.read_rows(rewind(stored)?);
    for number in 0.. {
        if inference.is_settled() && !key.is_needed() {
            break;
        }
        let Some(row) = rows.read()? else { break };
        if number == 0 {
            // The header.
            continue;
        }
        key.observe(&row, number);
        if let Some((index, column_type)) = inference.observe(&row) {
            return Err(TableError::ColumnType {
                line: line_of_row(rewind(stored)?, number)?,
                column: table.columns[index].name.clone(),
                column_type: column_type.name(),
            });
        }
    }
    key.check()?;
    Ok(inference.types())
}

fn rewind<R: Read + Seek>(stored: &mut R) -> std::io::Result<&mut R> {
    stored.rewind()?;
    Ok(stored)
}

fn columns(rows: &mut Rows<impl Read>, style: ColumnNames) -> Result<Vec<Column>, TableError> {
    match rows.read()? {
        Some(row) if row.len() > 1 || !row.text(0).trim().is_empty() => {
            let header: Vec<_> = row.texts().collect();
            Ok(header::columns(header.iter().map(AsRef::as_ref), style))
        }
        _ => Err(TableError::Empty),
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
