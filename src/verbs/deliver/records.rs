//! Writes the RECORD lines of a stream: rows of the report, then rows that are gone.
//!
//! A signal ends it between two lines.

use std::io::{Read, Write};

use super::Delivery;
use super::verify::table_error;
use crate::changes::ChangeSet;
use crate::clock;
use crate::error::{Error, Exit, Result};
use crate::job::{RecordLayout, Stream};
use crate::report::spool::Report;
use crate::singer::message::RecordFrame;
use crate::table::plan::Plan;
use crate::table::rows::Rows;
use crate::table::verify::VerifiedTable;
use crate::telemetry::Progress;

/// Rows between two updates of the progress.
const PROGRESS_ROWS: u64 = 1024;

impl<W: Write> Delivery<W> {
    /// Writes the rows that are sent, and returns the number of RECORDs. Rows that are gone have the version before.
    pub(super) fn write_records(
        &mut self,
        stream: &Stream,
        report: &mut Report,
        table: &VerifiedTable,
        layout: &RecordLayout,
        changes: &mut ChangeSet,
        version: Option<i64>,
    ) -> Result<u64> {
        let extracted = clock::format_utc(report.completed_at);
        let read_error = |cause: std::io::Error| table_error(stream.name(), &cause.into());
        let frame = RecordFrame::new(stream.name(), version, &extracted);
        let plan = layout.plan(&frame.before, &frame.after);
        let mut rows = table.read_rows(report.stored().map_err(read_error)?);
        rows.read().map_err(read_error)?;
        let mut count = if changes.sends_all() {
            self.write_rows(stream, &mut rows, &plan, table.rows)?
        } else {
            self.write_changed(stream, &mut rows, &plan, changes)?
        };
        let frame = RecordFrame::new(stream.name(), version.map(|version| version - 1), &extracted);
        for deleted in &mut changes.deleted {
            let plan = deleted.layout.plan_deleted(&frame.before, &frame.after, &extracted);
            let of = deleted.count();
            let mut rows = deleted.rows().map_err(read_error)?;
            count += self.write_rows(stream, &mut rows, &plan, of)?;
        }
        Ok(count)
    }

    /// Writes all `of` rows, without a look at their cells.
    fn write_rows<R: Read>(
        &mut self,
        stream: &Stream,
        rows: &mut Rows<R>,
        plan: &Plan,
        of: u64,
    ) -> Result<u64> {
        let mut number = 0;
        self.show_progress(stream, number, of);
        while self
            .writer
            .lines(|lines| rows.lend(|text, start| plan.write(text, start, number + 1, lines)))?
            .map_err(|cause| table_error(stream.name(), &cause.into()))?
        {
            number += 1;
            if number % PROGRESS_ROWS == 0 {
                self.show_progress(stream, number, of);
            }
            self.check_stop()?;
        }
        self.show_progress(stream, of, of);
        Ok(number)
    }

    /// Writes the rows that changed, which are few, so no progress is shown.
    fn write_changed<R: Read>(
        &mut self,
        stream: &Stream,
        rows: &mut Rows<R>,
        plan: &Plan,
        changes: &ChangeSet,
    ) -> Result<u64> {
        let mut count = 0;
        for number in 0.. {
            let row = rows.read().map_err(|cause| table_error(stream.name(), &cause.into()))?;
            let Some(row) = row else { break };
            if changes.is_sent(number) {
                // No record has a position: changes need a natural key.
                self.writer.lines(|lines| row.write(plan, 0, lines))?;
                count += 1;
                self.check_stop()?;
            }
        }
        Ok(count)
    }

    fn show_progress(&self, stream: &Stream, rows: u64, of: u64) {
        self.telemetry.progress(Progress::Writing { stream: stream.name(), rows, of });
    }

    fn check_stop(&mut self) -> Result<()> {
        if !self.is_stopped() {
            return Ok(());
        }
        self.writer.flush()?;
        Err(Error::new(Exit::Busy, "stopped by a signal"))
    }
}
