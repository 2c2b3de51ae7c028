//! Why the table of a report cannot be used.
//!
//! A message has the physical line on which the row starts, from 1, and the column, never the value of a cell.

use crate::count::Count;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("cannot read the spooled report: {0}")]
    Read(String),
    #[error("it is empty, without even a header")]
    Empty,
    /// The CSV ended inside a quoted cell, so it may be truncated.
    #[error("it ends inside a quoted cell that opened on line {line}: it was cut, or a quote is missing")]
    OpenQuote { line: u64 },
    /// A ragged row is wider or narrower than the header.
    #[error("line {line} has {}, the header has {}", Count(*found, "cell"), Count(*expected, "cell"))]
    Ragged { line: u64, expected: usize, found: usize },
    #[error("its header takes more than 16 MiB")]
    LongHeader,
    #[error("line {line}, column {column} has a cell of more than 64 MiB")]
    LongCell {
        line: u64,
        /// From 1.
        column: usize,
    },
    #[error("line {line} has more than 10,000 cells")]
    Wide { line: u64 },
    /// A row makes a message that is too long.
    #[error(
        "line {line} makes a message longer than `max_message_bytes` ({limit}); its largest cell is in column `{column}`"
    )]
    LongMessage { line: u64, limit: u64, column: String },
    /// A cell of a key column, or with `on_type_mismatch: fail` of any column, does not fit the type.
    #[error("line {line}, column `{column}` is not a lossless {column_type}")]
    ColumnType { line: u64, column: String, column_type: &'static str },
    /// `key_properties` names a column that the report does not have.
    #[error("the key column `{column}` is not in the report; its columns are {columns}")]
    NoKeyColumn { column: String, columns: String },
    /// The key does not identify rows.
    #[error(
        "key columns are not unique: {}, {} ({rows})",
        Count(*empty, ("row has an empty key", "rows have an empty key")),
        Count(*repeated, ("row repeats an earlier key", "rows repeat an earlier key"))
    )]
    Key {
        empty: u64,
        repeated: u64,
        /// The first rows with an empty or repeated key, as in `rows 2, 3, …`, counted from 1.
        rows: String,
    },
}

impl From<std::io::Error> for TableError {
    fn from(cause: std::io::Error) -> Self {
        Self::Read(cause.to_string())
    }
}

impl TableError {
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read(_) => "check the disk that holds `TMPDIR`",
            Self::OpenQuote { .. } => "run again later; if it stays, ask Together's support",
            Self::Ragged { .. } => "ask Together's support, or load such rows with `on_ragged: pad`",
            Self::LongMessage { .. } => {
                "deselect that column, or raise `max_message_bytes` if the target can take it"
            }
            Self::ColumnType { .. } => {
                "make the column a string in `schema_overrides`, or set `on_type_mismatch` to `variant` if it is not a key"
            }
            Self::NoKeyColumn { .. } | Self::Key { .. } => {
                "name other columns in `key_properties`, or leave it out: `_row_number` is then the key (not with `replication: changes`)"
            }
            Self::Empty | Self::LongHeader | Self::LongCell { .. } | Self::Wide { .. } => {
                "the report itself is not as documented; ask Together's support"
            }
        }
    }
}
