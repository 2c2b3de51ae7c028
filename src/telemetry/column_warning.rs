//! Warnings about the columns of a stream, each one variant with one literal.
//!
//! Names and headers come from reports, catalogs and settings; they pass the redactor before they are put in. No warning
//! has a cell.

use std::fmt::{self, Display, Formatter};

use super::names::Names;
use super::warning::Warning;
use crate::count::Count;

/// A column of which more than one cell in this many does not fit should be a string.
const MANY_MISMATCHES: u64 = 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnWarning {
    /// The report has columns that nobody knows, and they are left out.
    Ignored { stream: String, columns: Vec<String> },
    /// Columns that nobody knows are held back, because the stream has masks.
    Held { stream: String, columns: Vec<String> },
    /// `masks` names columns that the report does not have any more.
    MissingMasks { stream: String, columns: Vec<String> },
    /// Globs in `masks` match no column.
    UnmatchedGlobs { stream: String, globs: Vec<String> },
    /// The report lacks columns that the last one had.
    Gone { stream: String, columns: Vec<String> },
    /// Columns that have the same header, or nearly, and cannot be told apart any more.
    Ambiguous { stream: String, columns: Vec<String> },
    /// Cells do not fit the type of their column.
    TypeMismatch { stream: String, column: String, count: u64, values: u64, rows: Vec<u64> },
    /// Values are longer than the `maxLength` of the last SCHEMA.
    Longer { stream: String, columns: Vec<String> },
    /// SCHEMA has many columns that no report has any more.
    ManyGone { stream: String, count: usize },
    /// `key_properties` names columns that no report had so far.
    UnknownKey { stream: String, columns: Vec<String> },
    /// The catalog lists columns that no report had so far.
    Missing { stream: String, columns: Vec<String> },
    /// `schema_overrides` or the catalog types columns that the report does not have.
    MissingOverrides { stream: String, columns: Vec<String> },
}

impl ColumnWarning {
    /// The stream for which the warning is counted.
    pub(super) fn stream(&self) -> &str {
        match self {
            Self::Ignored { stream, .. }
            | Self::Held { stream, .. }
            | Self::MissingMasks { stream, .. }
            | Self::UnmatchedGlobs { stream, .. }
            | Self::Gone { stream, .. }
            | Self::Ambiguous { stream, .. }
            | Self::TypeMismatch { stream, .. }
            | Self::Longer { stream, .. }
            | Self::ManyGone { stream, .. }
            | Self::UnknownKey { stream, .. }
            | Self::Missing { stream, .. }
            | Self::MissingOverrides { stream, .. } => stream,
        }
    }

    /// The texts that come from others.
    pub(super) fn foreign_texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::TypeMismatch { column, .. } => vec![column],
            Self::UnmatchedGlobs { globs: names, .. }
            | Self::Ignored { columns: names, .. }
            | Self::Held { columns: names, .. }
            | Self::MissingMasks { columns: names, .. }
            | Self::Gone { columns: names, .. }
            | Self::Ambiguous { columns: names, .. }
            | Self::Longer { columns: names, .. }
            | Self::UnknownKey { columns: names, .. }
            | Self::Missing { columns: names, .. }
            | Self::MissingOverrides { columns: names, .. } => names.iter_mut().collect(),
            Self::ManyGone { .. } => Vec::new(),
        }
    }
}

impl From<ColumnWarning> for Warning {
    fn from(warning: ColumnWarning) -> Self {
        Self::Column(warning)
    }
}

impl Display for ColumnWarning {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignored { stream, columns } => write!(
                f,
                "`{stream}` has {} that the catalog does not list: {}; left out until discovery runs again",
                Count(columns.len(), "new column"),
                Names(columns)
            ),
            Self::Held { stream, columns } => write!(
                f,
                "`{stream}` has {} that no mask matches: {}; held back until `masks` or `new_columns` says otherwise",
                Count(columns.len(), "new column"),
                Names(columns)
            ),
            Self::MissingMasks { stream, columns } => write!(
                f,
                "`{stream}` lacks {} that `masks` names: {}; a column that replaced one is held back",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::UnmatchedGlobs { stream, globs } => write!(
                f,
                "`masks` has {} that match no column of `{stream}`: {}",
                Count(globs.len(), "glob"),
                Names(globs)
            ),
            Self::Gone { stream, columns } => write!(
                f,
                "`{stream}` lacks {} that the last report had: {}; null in all rows from now on",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::Ambiguous { stream, columns } => write!(
                f,
                "`{stream}` has {} that can no longer be told apart: {}",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::TypeMismatch { stream, column, count, values, rows } => {
                write!(
                    f,
                    "`{stream}`: {} of {values} in {column} {} not fit the type (row {}{})",
                    Count(*count, "cell"),
                    if *count == 1 { "does" } else { "do" },
                    rows.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
                    if *count > rows.len() as u64 { ", …" } else { "" }
                )?;
                if *count * MANY_MISMATCHES > *values {
                    f.write_str("; hint: make it a string in `schema_overrides`")?;
                }
                Ok(())
            }
            Self::Longer { stream, columns } => write!(
                f,
                "`{stream}` needs a larger `maxLength` in {}: {}; hint: widen it in the table, unless the target does",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::ManyGone { stream, count } => write!(
                f,
                "`{stream}` has {count} columns in SCHEMA that no report has any more; `forget_columns` drops them"
            ),
            Self::UnknownKey { stream, columns } => write!(
                f,
                "the key of `{stream}` has {} that no report had so far: {}; the next report decides",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::Missing { stream, columns } => write!(
                f,
                "`{stream}` lacks {} that the catalog lists: {}",
                Count(columns.len(), "column"),
                Names(columns)
            ),
            Self::MissingOverrides { stream, columns } => write!(
                f,
                "`{stream}` lacks {} whose type is overridden: {}",
                Count(columns.len(), "column"),
                Names(columns)
            ),
        }
    }
}
