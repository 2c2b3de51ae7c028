//! The rows of a stream that a run sends.
//!
//! It says which rows of the new report are sent, has the rows that are gone, and describes both for the run report.

use super::comparison::{Comparison, RowCounts};
use super::deleted::Deleted;
use crate::job::RowLoss;
use crate::journal::FullLoadReason;
use crate::settings::Replication;
use crate::telemetry::StreamReport;

/// Which rows of the new report are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// None: the table has them. The version is activated again, in case the last run was killed before its end.
    Nothing { activate: Option<i64> },
    /// Those that changed, with the version of the rows in the table.
    Changes { version: i64 },
    /// All, with a new version; without a reason if the settings ask for it.
    Full { version: i64, reason: Option<FullLoadReason> },
}

pub struct ChangeSet {
    pub load: Load,
    /// Rows of earlier reports that the new one lacks.
    pub deleted: Vec<Deleted>,
    /// Compared with the report that STATE names; `None` if that is not known.
    pub loss: Option<RowLoss>,
    pub(super) comparison: Comparison,
}

impl ChangeSet {
    /// No rows were compared.
    #[must_use]
    pub fn without_comparison(load: Load) -> Self {
        Self { load, deleted: Vec::new(), loss: None, comparison: Comparison::default() }
    }

    /// Whether all rows of the new report are sent.
    #[must_use]
    pub fn sends_all(&self) -> bool {
        matches!(self.load, Load::Full { .. })
    }

    /// Whether a row of the new report, counted from 0, is sent.
    #[must_use]
    pub fn is_sent(&self, row: usize) -> bool {
        match self.load {
            Load::Nothing { .. } => false,
            Load::Changes { .. } => self.comparison.is_changed(row),
            Load::Full { .. } => true,
        }
    }

    /// What was found, if the rows were compared.
    #[must_use]
    pub fn counts(&self) -> Option<RowCounts> {
        matches!(self.load, Load::Changes { .. }).then(|| self.comparison.counts())
    }

    /// Writes counts and reason into the run report.
    pub fn fill_in(&self, replication: Replication, report: &mut StreamReport) {
        report.unchanged = matches!(self.load, Load::Nothing { .. });
        if let Load::Full { reason: Some(reason), .. } = self.load {
            report.full_load_reason = Some(reason.to_string());
        }
        if replication == Replication::Changes {
            report.deleted = Some(self.deleted.iter().map(Deleted::count).sum());
        }
        if let Some(rows) = self.counts() {
            report.inserted = Some(rows.inserted);
            report.updated = Some(rows.updated);
        }
    }
}
