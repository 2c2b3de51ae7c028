//! Checks that the key columns identify every row: none of their cells is null, and no key repeats.
//!
//! The values that are emitted are compared, so two spellings of one moment are one key. A key is stored as 16 bytes of
//! its SHA-256, which takes about 24 bytes of memory for each row.

use std::collections::HashSet;

use super::cell_format::CellFormat;
use super::error::TableError;
use super::row::Row;
use super::row_digests::Digest;
use super::verify::{ColumnSpec, Typing};
use crate::digest::Sha256;

/// The most rows that an error names.
const NAMED_ROWS: usize = 5;

/// The position and the format of each key column.
#[derive(Debug)]
pub struct KeyCells(pub Vec<(usize, CellFormat)>);

impl KeyCells {
    /// The digest of a row's key; `None` if a cell is null or does not fit its type.
    pub fn digest(&self, row: &Row) -> Option<Digest> {
        let mut digest = Sha256::default();
        for (index, format) in &self.0 {
            let key = format.key(row.escaped(*index))?;
            digest.update(&(key.len() as u64).to_le_bytes());
            digest.update(&key);
        }
        Some(digest.finish())
    }
}

pub struct KeyCheck {
    cells: KeyCells,
    seen: HashSet<Digest>,
    empty: u64,
    repeated: u64,
    /// The first rows with an empty or repeated key.
    rows: Vec<String>,
}

impl KeyCheck {
    pub fn new(columns: &[ColumnSpec]) -> Self {
        let keys = columns.iter().enumerate().filter(|(_, column)| column.is_key);
        let format = |(index, column): (usize, &ColumnSpec)| match &column.typing {
            Typing::Fixed(format) | Typing::Infer(format) => (index, format.clone()),
        };
        Self {
            cells: KeyCells(keys.map(format).collect()),
            seen: HashSet::new(),
            empty: 0,
            repeated: 0,
            rows: Vec::new(),
        }
    }

    /// Whether there is a key to check.
    pub fn is_needed(&self) -> bool {
        !self.cells.0.is_empty()
    }

    /// The positions of the key columns.
    pub fn columns(&self) -> impl Iterator<Item = usize> {
        self.cells.0.iter().map(|(index, _)| *index)
    }

    /// Adds the key of row `number`, counted from 1.
    pub fn observe(&mut self, row: &Row, number: u64) {
        if !self.is_needed() {
            return;
        }
        let key = self.cells.digest(row);
        let is_empty = key.is_none();
        let is_repeated = key.is_some_and(|key| !self.seen.insert(key));
        self.empty += u64::from(is_empty);
        self.repeated += u64::from(is_repeated);
        if (is_empty || is_repeated) && self.rows.len() < NAMED_ROWS {
            self.rows.push(number.to_string());
        }
    }

    pub fn check(self) -> Result<(), TableError> {
        if self.empty + self.repeated == 0 {
            return Ok(());
        }
        let all = self.empty + self.repeated;
        let noun = if all == 1 { "row" } else { "rows" };
        let more = if all > self.rows.len() as u64 { ", …" } else { "" };
        let rows = format!("{noun} {}{more}", self.rows.join(", "));
        Err(TableError::Key { empty: self.empty, repeated: self.repeated, rows })
    }
}
