//! The rows of earlier reports that a new report lacks, in their stored form, spooled until they are archived and sent.
//!
//! Rows of one header form a small stored report of their own, so that a later run can read them like any other. Cells that
//! are not emitted are left empty in it.

use std::io::{BufWriter, Read, Result, Write};

use chrono::{DateTime, Utc};
use tempfile::SpooledTempFile;

use crate::digest::{Sha256, hex};
use crate::job::{ExtraCells, RecordLayout};
use crate::journal::DeletedRows;
use crate::report::body::Repairs;
use crate::report::spool::{MEMORY_CAP, Report};
use crate::table::csv::{CELL, ROW, TableStats};
use crate::table::plan::Field;
use crate::table::row::Row;
use crate::table::rows::Rows;

/// Bytes of one write to the spool.
const CHUNK: usize = 64 * 1024;

/// Rows of one header that are sent as deleted.
pub struct Deleted {
    /// The rows below their header.
    pub report: Report,
    /// How they become records of today's SCHEMA.
    pub layout: RecordLayout,
}

impl Deleted {
    /// What the journal keeps of them.
    #[must_use]
    pub fn for_journal(&self) -> DeletedRows {
        DeletedRows { sha256: self.report.sha256.clone(), rows: self.count() }
    }

    /// The number of rows.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.report.stats.as_ref().map_or(0, |stats| stats.rows)
    }

    /// A reader of the rows.
    pub fn rows(&mut self) -> Result<Rows<impl Read>> {
        let mut rows = Rows::new(self.report.stored()?);
        // The first row is the header.
        rows.read()?;
        Ok(rows)
    }
}

/// Deleted rows as they are found.
#[derive(Default)]
pub(super) struct DeletedSpool(Vec<Group>);

/// The rows of one header.
struct Group {
    header: Vec<u8>,
    layout: RecordLayout,
    is_key_only: bool,
    /// Whether the cell of each column is emitted.
    is_emitted: Vec<bool>,
    has_surplus: bool,
    file: BufWriter<SpooledTempFile>,
    digest: Sha256,
    bytes: u64,
    stats: TableStats,
}

/// A report with rows that are gone.
pub(super) struct Source<'a> {
    /// In its stored form.
    pub header: &'a [u8],
    pub stats: &'a TableStats,
    pub layout: &'a RecordLayout,
}

impl DeletedSpool {
    /// Adds a row. With `key_only` nothing but these columns is sent of it.
    pub fn add(&mut self, source: &Source, row: &Row, key_only: Option<&[String]>) -> Result<()> {
        let is_in =
            |group: &&mut Group| group.header == source.header && group.is_key_only == key_only.is_some();
        if let Some(group) = self.0.iter_mut().find(is_in) {
            return group.add(row);
        }
        let mut group = Group::new(source, key_only);
        group.write(source.header)?;
        group.add(row)?;
        self.0.push(group);
        Ok(())
    }

    /// Ends all rows. They are deleted since `at`.
    pub fn finish(self, at: DateTime<Utc>) -> Result<Vec<Deleted>> {
        self.0.into_iter().map(|group| group.finish(at)).collect()
    }
}

impl Group {
    fn new(source: &Source, key_only: Option<&[String]>) -> Self {
        let layout = key_only.map_or_else(|| source.layout.clone(), |key| source.layout.key_only(key));
        let mut is_emitted = vec![false; source.stats.width];
        for cell in source.layout.fields.iter().filter_map(Field::cell) {
            is_emitted[cell] = true;
        }
        Self {
            header: source.header.to_owned(),
            layout,
            is_key_only: key_only.is_some(),
            is_emitted,
            has_surplus: matches!(source.layout.automatic.extra, ExtraCells::From(_)),
            file: BufWriter::with_capacity(CHUNK, tempfile::spooled_tempfile(MEMORY_CAP)),
            digest: Sha256::default(),
            bytes: 0,
            stats: TableStats {
                width: source.stats.width,
                header_bytes: source.stats.header_bytes,
                ..TableStats::default()
            },
        }
    }

    fn add(&mut self, row: &Row) -> Result<()> {
        let mut stored = Vec::new();
        for cell in 0..row.len() {
            if cell > 0 {
                stored.push(CELL);
            }
            if self.is_emitted.get(cell).copied().unwrap_or(self.has_surplus) {
                stored.extend_from_slice(row.escaped(cell));
            }
        }
        stored.push(ROW);
        self.stats.rows += 1;
        self.stats.longest_row = self.stats.longest_row.max(stored.len() as u64);
        self.write(&stored)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn finish(self, at: DateTime<Utc>) -> Result<Deleted> {
        let report = Report {
            file: self.file.into_inner().map_err(std::io::IntoInnerError::into_error)?,
            stats: Ok(self.stats),
            sha256: hex(&self.digest.finish::<32>()),
            bytes: self.bytes,
            completed_at: at,
            repairs: Repairs::default(),
            requests: 0,
        };
        Ok(Deleted { report, layout: self.layout })
    }
}
