//! Reads the rows of a stored report as records of today's SCHEMA, whatever its header was.
//!
//! Its columns are identified like those of a new report; a column that it lacks is null. Today's masks hold for its
//! cells too.

use std::borrow::Cow;
use std::io::{BufRead, Read, Result};

use crate::job::{ExtraCells, RecordLayout, Stream};
use crate::table::csv::{ROW, TableStats};
use crate::table::plan::Field;
use crate::table::row_digests::{DigestedRows, RowDigester};
use crate::table::rows::Rows;
use crate::table::verify::HEADER_LIMIT;

/// How today's records are made.
pub struct Today<'a> {
    pub stream: &'a Stream,
    pub key: &'a [String],
    pub layout: &'a RecordLayout,
}

/// What is known of a report's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// The emitted columns are where today's are.
    Same,
    Any,
}

/// The rows of a stored report.
pub struct StoredRows<R> {
    /// In its stored form.
    pub header: Vec<u8>,
    pub stats: TableStats,
    pub layout: RecordLayout,
    /// Those below the header.
    pub rows: DigestedRows<R>,
}

impl Today<'_> {
    /// The rows of a report; `None` if today's settings cannot use its header, or if it lacks a key column.
    pub fn read<R: BufRead>(
        &self,
        mut stored: R,
        stats: TableStats,
        kind: Header,
    ) -> Result<Option<StoredRows<R>>> {
        let mut header = Vec::new();
        stored.by_ref().take(HEADER_LIMIT + 1).read_until(ROW, &mut header)?;
        let layout = match kind {
            Header::Same => Some(self.layout.for_report(Field::cell, stats.width)),
            Header::Any => self.stream.earlier_layout(&texts(&header)?, self.layout),
        };
        let digester = |layout: RecordLayout| {
            let digester = RowDigester::new(layout.plan(b"", b""), &layout.fields, self.key)?;
            Some((layout, digester))
        };
        Ok(layout.and_then(digester).map(|(layout, digester)| {
            let has_surplus = matches!(layout.automatic.extra, ExtraCells::From(_));
            let rows = DigestedRows::new(stored, digester, &layout.fields, has_surplus, stats.longest_row);
            StoredRows { header, stats, layout, rows }
        }))
    }
}

/// The texts of a stored header.
fn texts(header: &[u8]) -> Result<Vec<String>> {
    let mut rows = Rows::new(header);
    let row = rows.read()?;
    Ok(row.map(|row| row.texts().map(Cow::into_owned).collect()).unwrap_or_default())
}
