//! The form of the messages of a stream, decided before the first of them.
//!
//! It is the layout of the records, the key, the columns to remember, and the snapshot by which later runs know it.

use std::io::Write;

use super::Delivery;
use super::verify::table_error;
use crate::clock;
use crate::columns::RememberedColumn;
use crate::error::Result;
use crate::job::{ColumnPlan, Purpose, RecordLayout, RowNumber, Shape, Stream};
use crate::journal::Snapshot;
use crate::report::spool::Report;
use crate::settings::Replication;
use crate::table::verify::VerifiedTable;
use crate::telemetry::StreamReport;
use crate::verbs::column_changes::{column_changes, mismatches, report_changes, report_plan};
use crate::verbs::records_digest::records_digest;

/// The form of the messages of a stream.
pub(super) struct Emission {
    /// The header of the report.
    pub header: Vec<String>,
    pub key: Vec<String>,
    pub layout: RecordLayout,
    /// The columns to remember.
    pub columns: Vec<RememberedColumn>,
    pub snapshot: Snapshot,
    /// When the report was complete.
    pub seen: String,
}

impl<W: Write> Delivery<W> {
    /// Decides the form of the messages, and logs what it changes.
    pub(super) fn plan_emission(
        &self,
        stream: &Stream,
        plan: ColumnPlan,
        report: &mut Report,
        table: &VerifiedTable,
    ) -> Result<(Emission, StreamReport)> {
        let key = plan.key.clone();
        report_plan(stream.name(), &plan, &self.telemetry);
        let left_out = [plan.ignored.as_slice(), &plan.held].concat();
        let seen = clock::format_utc(report.completed_at);
        let columns = plan.settle(table, stream.on_type_mismatch, &seen, Purpose::Sync);
        report_changes(stream, &columns, table, &left_out, &self.telemetry);
        let done = StreamReport {
            stream: stream.name().to_owned(),
            source: Some(self.source().name()),
            rows: Some(table.rows),
            bytes: Some(report.bytes),
            requests: report.requests,
            completed_at: Some(seen.clone()),
            sha256: Some(report.sha256.clone()),
            column_changes: column_changes(&columns, &left_out),
            mismatches: mismatches(&columns, table),
            ..StreamReport::default()
        };
        let layout = stream.layout(&columns.properties, table.formats.len());
        let snapshot = self.snapshot(stream, &key, &layout, report, table)?;
        let header = columns.labels.into_iter().map(|label| label.title).collect();
        Ok((Emission { header, key, layout, columns: columns.memory, snapshot, seen }, done))
    }

    fn snapshot(
        &self,
        stream: &Stream,
        key: &[String],
        layout: &RecordLayout,
        report: &mut Report,
        table: &VerifiedTable,
    ) -> Result<Snapshot> {
        let mask_key = stream.rules.masks.key_fingerprint();
        let shape = Shape {
            version: env!("CARGO_PKG_VERSION"),
            key,
            layout,
            mask_key: mask_key.as_deref(),
            replication: stream.replication,
            settings: &self.settings,
        };
        let has_position = matches!(layout.automatic.row_number, RowNumber::Position(_));
        let has_natural_key = !has_position && !key.is_empty();
        let fingerprint = shape.fingerprint();
        // With `changes` the rows are compared.
        let is_snapshot = stream.replication == Replication::Snapshot;
        let needs_digest = self.settings.skip_unchanged && is_snapshot && has_natural_key;
        let digest = needs_digest.then(|| records_digest(report, table, layout)).transpose();
        let records_sha256 = digest.map_err(|cause| table_error(stream.name(), &cause.into()))?;
        Ok(Snapshot { sha256: report.sha256.clone(), fingerprint, records_sha256 })
    }
}
