//! Notices: what an operator may want to know of a run that is right.
//!
//! Each is one variant with one literal, so that a message in a log leads to its line here. Names that come from a report
//! are [foreign](super::Telemetry::foreign) and pass the redactor before they are put in.

use std::fmt::{self, Display, Formatter};

use super::names::Names;
use crate::count::Count;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The state folder knows columns that STATE does not.
    FromFolder { stream: String, columns: Vec<String> },
    /// The report has columns that no earlier one had.
    NewColumns { stream: String, columns: Vec<String> },
    /// The headers of known columns have another spelling.
    EditedHeaders { stream: String, columns: Vec<String> },
    /// Columns that the last report lacked.
    ColumnsBack { stream: String, columns: Vec<String> },
    /// `rename` gives known columns another name.
    RenamedColumns { stream: String, columns: Vec<String> },
    /// The first values of columns decided their types.
    DecidedTypes { stream: String, columns: Vec<String> },
    /// The first run with masks emits columns that no rule matches.
    UnmaskedColumns { stream: String, columns: Vec<String> },
    /// Reports come from files. An entry of `files` names a stream and its file.
    FromFiles { files: Vec<String>, left_out: Vec<String> },
    /// A report that an earlier run fetched is used, and no request is sent.
    Reused { stream: String, seconds: u64 },
    /// The number of rows differs from that of the last snapshot.
    Rows { stream: String, rows: u64, before: u64 },
    /// `skip_unchanged` sends no records.
    Unchanged { stream: String },
    /// All records are sent for this reason, although they need not be by the settings.
    FullLoad { stream: String, reason: String },
    /// Only rows that differ from what may be in the table are sent.
    Changes { stream: String, inserted: u64, updated: u64, deleted: u64 },
    /// What the target of streams with `replication: changes` must do.
    ChangesTarget { streams: Vec<String> },
}

impl Notice {
    /// The texts that come from others.
    pub(super) fn foreign_texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::FromFolder { columns, .. }
            | Self::NewColumns { columns, .. }
            | Self::EditedHeaders { columns, .. }
            | Self::ColumnsBack { columns, .. }
            | Self::RenamedColumns { columns, .. }
            | Self::UnmaskedColumns { columns, .. }
            | Self::DecidedTypes { columns, .. } => columns.iter_mut().collect(),
            Self::FromFiles { files, .. } => files.iter_mut().collect(),
            Self::Reused { .. }
            | Self::Rows { .. }
            | Self::Unchanged { .. }
            | Self::FullLoad { .. }
            | Self::Changes { .. }
            | Self::ChangesTarget { .. } => Vec::new(),
        }
    }
}

impl Display for Notice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::FromFolder { stream, columns } => write!(
                f,
                "`{stream}`: the state folder knows {} that STATE does not: {}",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::NewColumns { stream, columns } => {
                write!(f, "`{stream}` has {}: {}", Count(columns.len(), "new column"), Names(columns))
            }
            Self::EditedHeaders { stream, columns } => write!(
                f,
                "`{stream}` has {}; the names stay: {}",
                Count(columns.len(), "edited header"),
                Names(columns)
            ),
            Self::ColumnsBack { stream, columns } => write!(
                f,
                "`{stream}` has {} again: {}",
                Count(columns.len(), ("column that was gone", "columns that were gone")),
                Names(columns)
            ),
            Self::RenamedColumns { stream, columns } => {
                write!(f, "`{stream}` has {}: {}", Count(columns.len(), "renamed column"), Names(columns))
            }
            Self::DecidedTypes { stream, columns } => write!(
                f,
                "`{stream}` has the first values of {}, whose types are decided now: {}",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::UnmaskedColumns { stream, columns } => write!(
                f,
                "`{stream}` has {} that no mask matches and that leave as they are: {}",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::FromFiles { files, left_out } if left_out.is_empty() => {
                write!(f, "reports come from files, without a request: {}", files.join(", "))
            }
            Self::FromFiles { files, left_out } => write!(
                f,
                "reports come from files, without a request: {}; left out, because they have no file: {}",
                files.join(", "),
                Names(left_out)
            ),
            Self::Reused { stream, seconds } => write!(
                f,
                "`{stream}` is synced from the report that was fetched {seconds} s ago; no request is sent (`reuse_seconds`)"
            ),
            Self::Rows { stream, rows, before } if rows > before => {
                write!(f, "`{stream}` has {} more than the last snapshot", Count(rows - before, "row"))
            }
            Self::Rows { stream, rows, before } => {
                write!(f, "`{stream}` has {} fewer than the last snapshot", Count(before - rows, "row"))
            }
            Self::Unchanged { stream } => {
                write!(f, "`{stream}` is unchanged since the last run, so no records are sent")
            }
            Self::FullLoad { stream, reason } => {
                write!(f, "all records of `{stream}` are sent: {reason}")
            }
            Self::Changes { stream, inserted, updated, deleted } => write!(
                f,
                "`{stream}`: {} sent: {inserted} inserted, {updated} updated, {deleted} deleted",
                Count(inserted + updated + deleted, ("row is", "rows are")),
            ),
            Self::ChangesTarget { streams } => write!(
                f,
                "`replication` is `changes` for {}: the target must add metadata columns (`add_record_metadata` or `add_metadata_columns`) and delete rows with `_sdc_deleted_at` (`hard_delete`), or readers must leave them out",
                Names(streams)
            ),
        }
    }
}
