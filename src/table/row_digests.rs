//! Digests of the rows of a stored report: of the key, and of the record that the row becomes.
//!
//! Rows of two reports are equal if their records are. The record's JSON is digested: in it, neighbouring cells cannot run
//! together, and null differs from an empty string. Two spellings of one key value have one digest, as in [`key_check`](super::key_check).

use std::io::{self, Read};

use super::emitted_cells::EmittedCells;
use super::key_check::KeyCells;
use super::plan::{Field, FieldSource, Plan};
use super::row::Row;
use super::rows::Rows;
use crate::bytes::buffer::OutBuffer;
use crate::digest::sha256;

/// The first 16 bytes of a SHA-256.
pub type Digest = [u8; 16];

/// The digests of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowDigests {
    pub key: Digest,
    /// Of all emitted cells.
    pub record: Digest,
}

/// Digests rows one by one.
#[derive(Debug)]
pub struct RowDigester {
    plan: Plan,
    key: KeyCells,
    record: OutBuffer,
}

/// A row and what was digested of it.
pub struct DigestedRow<'a> {
    /// `None` if a key cell is null or does not fit its type.
    pub digests: Option<RowDigests>,
    /// The members of the record in JSON.
    pub record: &'a [u8],
    pub row: Row<'a>,
}

impl RowDigester {
    /// A digester of the records of `plan`, which has `fields`; `None` if a key column has no cell.
    #[must_use]
    pub fn new(plan: Plan, fields: &[Field], key: &[String]) -> Option<Self> {
        let cell = |name: &String| {
            let field = fields.iter().find(|field| field.name == *name)?;
            match &field.source {
                FieldSource::Cell { index, format, .. } => Some((*index, format.clone())),
                FieldSource::Null => None,
            }
        };
        let key = KeyCells(key.iter().map(cell).collect::<Option<_>>()?);
        Some(Self { plan, key, record: OutBuffer::default() })
    }

    fn digest(&mut self, row: &Row) -> Option<RowDigests> {
        self.record.clear();
        row.write(&self.plan, 0, &mut self.record);
        let key = self.key.digest(row)?;
        Some(RowDigests { key, record: sha256(self.record.bytes()) })
    }
}

/// The rows of a stored report below its header, each with its digests.
pub struct DigestedRows<R> {
    rows: Rows<EmittedCells<R>>,
    digester: RowDigester,
}

impl<R: Read> DigestedRows<R> {
    /// `stored` begins after the header. Long cells that are not in `fields` are shortened, unless `has_surplus` asks for all.
    pub fn new(
        stored: R,
        digester: RowDigester,
        fields: &[Field],
        has_surplus: bool,
        longest_row: u64,
    ) -> Self {
        let cells: Vec<usize> = fields.iter().filter_map(Field::cell).collect();
        let width = cells.iter().max().map_or(0, |last| last + 1);
        let is_emitted: Vec<bool> = (0..width).map(|index| cells.contains(&index)).collect();
        let cells = EmittedCells::below_header(stored, &is_emitted, has_surplus, longest_row);
        Self { rows: Rows::new(cells), digester }
    }

    /// The next row; `None` at the end.
    pub fn read(&mut self) -> io::Result<Option<DigestedRow<'_>>> {
        let Some(row) = self.rows.read()? else { return Ok(None) };
        let digests = self.digester.digest(&row);
        Ok(Some(DigestedRow { digests, record: self.digester.record.bytes(), row }))
    }
}
