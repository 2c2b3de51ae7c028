//! What the log says of a verified report, and the check that it did not lose too many rows.
//!
//! Both come before the first message of the stream.

use std::io::Write;

use super::Delivery;
use crate::error::Result;
use crate::job::{RowLoss, check_shrink};
use crate::report::spool::Report;
use crate::table::verify::VerifiedTable;
use crate::telemetry::{Notice, Warning};

impl<W: Write> Delivery<W> {
    pub(super) fn warn_of_repairs(&self, stream: &str, report: &Report, table: &VerifiedTable) {
        let stream = || stream.to_owned();
        let (nuls, surrogates) = (report.repairs.nuls, report.repairs.surrogates);
        let warnings = [
            (nuls, Warning::NulsRemoved { stream: stream(), count: nuls }),
            (surrogates, Warning::SurrogatesReplaced { stream: stream(), count: surrogates }),
            (table.ragged, Warning::RaggedRows { stream: stream(), count: table.ragged }),
            (table.lenient_quotes, Warning::LenientQuotes { stream: stream(), count: table.lenient_quotes }),
        ];
        for (_, warning) in warnings.into_iter().filter(|(count, _)| *count > 0) {
            self.telemetry.warn(&warning);
        }
    }

    /// Fails or warns if the report lost many rows, and says how many rows changed otherwise. Without `loss` the numbers
    /// of rows are compared.
    pub(super) fn check_rows(&self, stream: &str, rows: u64, loss: Option<RowLoss>) -> Result<()> {
        let before = self.state.row_count(stream).unwrap_or(0);
        let loss = loss.unwrap_or(RowLoss { before, lost: before.saturating_sub(rows) });
        if let Some(warning) = check_shrink(stream, rows, loss, self.settings.fail_on_shrink(stream))? {
            self.telemetry.warn(&warning);
        } else if before > 0 && rows != before {
            self.telemetry.notice(&Notice::Rows { stream: stream.to_owned(), rows, before });
        }
        Ok(())
    }
}
