//! The rows of earlier reports that a new report lacks, in their stored form, spooled until they are archived and sent.
//!
//! Rows of one header form a small stored report of their own, so that a later run can read them like any other.

use std::io::{BufWriter, Read, Result, Write};

use chrono::{DateTime, Utc};
use tempfile::SpooledTempFile;

use crate::digest::{Sha256, hex};
use crate::job::RecordLayout;
use crate::journal::DeletedRows;
use crate::report::body::Repairs;
use crate::report::spool::{MEMORY_CAP, Report};
use crate::table::csv::TableStats;
use crate::table::rows::Rows;

/// Bytes of one write to the spool.
const WRITE: usize = 64 * 1024;

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
    pub fn entry(&self) -> DeletedRows {
        let rows = self.report.stats.as_ref().map_or(0, |stats| stats.rows);
        DeletedRows { sha256: self.report.sha256.clone(), rows }
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
    file: BufWriter<SpooledTempFile>,
    digest: Sha256,
    bytes: u64,
    stats: TableStats,
}

impl DeletedSpool {
    /// Adds a row in its stored form. `header`, `stats` and `layout` are those of its report.
    pub fn add(
        &mut self,
        header: &[u8],
        stats: &TableStats,
        layout: &RecordLayout,
        row: &[u8],
    ) -> Result<()> {
        let position = self.0.iter().position(|group| group.header == header);
        let group = if let Some(position) = position {
            &mut self.0[position]
        } else {
            let mut group = Group::new(header, layout, stats);
            group.write(header)?;
            self.0.push(group);
            self.0.last_mut().expect("it was pushed")
        };
        group.write(row)?;
        group.stats.rows += 1;
        group.stats.longest_row = group.stats.longest_row.max(stats.longest_row);
        Ok(())
    }

    /// Ends all rows. They are deleted since `at`.
    pub fn finish(self, at: DateTime<Utc>) -> Result<Vec<Deleted>> {
        self.0.into_iter().map(|group| group.finish(at)).collect()
    }
}

impl Group {
    fn new(header: &[u8], layout: &RecordLayout, stats: &TableStats) -> Self {
        Self {
            header: header.to_owned(),
            layout: layout.clone(),
            file: BufWriter::with_capacity(WRITE, tempfile::spooled_tempfile(MEMORY_CAP)),
            digest: Sha256::default(),
            bytes: 0,
            stats: TableStats {
                width: stats.width,
                header_bytes: stats.header_bytes,
                ..TableStats::default()
            },
        }
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
