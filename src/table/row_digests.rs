//! Digests of the rows of a stored report: of the key, and of the record that the row becomes.
//!
//! Rows of two reports are equal if their records are. The record's JSON is digested, in which lengths are known and null
//! is not an empty text. Two spellings of one key value have one digest, as in [`key_check`](super::key_check).

use std::io::{self, Read};

use super::cell_format::CellFormat;
use super::emitted_cells::EmittedCells;
use super::plan::{Field, FieldSource, Plan};
use super::row::Row;
use super::rows::Rows;
use crate::bytes::buffer::OutBuffer;
use crate::digest::{Sha256, sha256};

/// The start of a SHA-256.
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
    /// The position and the format of each key column.
    key: Vec<(usize, CellFormat)>,
    record: OutBuffer,
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
        let key = key.iter().map(cell).collect::<Option<_>>()?;
        Some(Self { plan, key, record: OutBuffer::default() })
    }

    pub fn digest(&mut self, row: &Row) -> RowDigests {
        self.record.clear();
        row.write(&self.plan, 0, &mut self.record);
        RowDigests { key: self.key(row), record: sha256(self.record.bytes()) }
    }

    fn key(&self, row: &Row) -> Digest {
        let mut digest = Sha256::default();
        for (index, format) in &self.key {
            let key = format.key(row.escaped(*index)).unwrap_or_default();
            digest.update(&(key.len() as u64).to_le_bytes());
            digest.update(&key);
        }
        digest.finish()
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
        Self { rows: Rows::new(EmittedCells::new(stored, &is_emitted, has_surplus, longest_row)), digester }
    }

    /// The next row; `None` at the end.
    pub fn read(&mut self) -> io::Result<Option<(RowDigests, Row<'_>)>> {
        let row = self.rows.read()?;
        Ok(row.map(|row| (self.digester.digest(&row), row)))
    }
}
