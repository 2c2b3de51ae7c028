//! What can be wrong with a report's CSV, each with its position. No message holds a cell's value.

/// Why a table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The spool could not be read.
    #[error("cannot read the spooled report: {0}")]
    Read(String),
    /// There is no header.
    #[error("it is empty, without even a header")]
    Empty,
    /// The end came inside a quoted cell.
    #[error("it ends inside a quoted cell that opened on line {line}: it was cut, or a quote is missing")]
    OpenQuote {
        /// Where the quote opened.
        line: u64,
    },
    /// A row is wider or narrower than the header.
    #[error("line {line} has {found} cells, the header has {expected}")]
    Ragged {
        /// Where the row starts.
        line: u64,
        /// Cells of the header.
        expected: usize,
        /// Cells of the row.
        found: usize,
    },
    /// The header is too long.
    #[error("its header takes more than 16 MiB")]
    LongHeader,
    /// A cell is too long.
    #[error("line {line}, column {column} has a cell of more than 64 MiB")]
    LongCell {
        /// Where the row starts.
        line: u64,
        /// Counted from 1.
        column: usize,
    },
    /// There are too many columns.
    #[error("line {line} has more than 10,000 cells")]
    Wide {
        /// Where the row starts.
        line: u64,
    },
    /// A row would make too long a message.
    #[error(
        "line {line} makes a message longer than `max_message_bytes` ({limit}); its largest cell is in column `{column}`"
    )]
    LongMessage {
        /// Where the row starts.
        line: u64,
        /// The setting.
        limit: u64,
        /// The largest cell's column.
        column: String,
    },
    /// A cell is not of the kind that the operator asked for.
    #[error("line {line}, column `{column}` is not a lossless {kind}")]
    ColumnType {
        /// Where the row starts.
        line: u64,
        /// Its name.
        column: String,
        /// The kind's name.
        kind: &'static str,
    },
    /// A key or override names a column that is not there.
    #[error("the key column `{column}` is not in the report; its columns are {columns}")]
    NoKeyColumn {
        /// Its name.
        column: String,
        /// The columns that there are.
        columns: String,
    },
    /// The key does not identify rows.
    #[error(
        "the key is no key: {empty} rows have an empty key column, {repeated} repeat an earlier key (rows {rows})"
    )]
    Key {
        /// Rows with an empty key cell.
        empty: u64,
        /// Rows whose key came before.
        repeated: u64,
        /// The first of them, counted from 1.
        rows: String,
    },
}

impl From<std::io::Error> for TableError {
    fn from(cause: std::io::Error) -> Self {
        Self::Read(cause.to_string())
    }
}

impl TableError {
    /// What the operator can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read(_) => "check the disk that holds `TMPDIR`",
            Self::OpenQuote { .. } => "run again later; if it stays, ask Together's support",
            Self::Ragged { .. } => "ask Together's support, or load such rows with `on_ragged: pad`",
            Self::LongMessage { .. } => {
                "deselect that column, or raise `max_message_bytes` if the target can take it"
            }
            Self::ColumnType { .. } => "remove the column from `schema_overrides`, or choose a wider type",
            Self::NoKeyColumn { .. } | Self::Key { .. } => {
                "name other columns in `key_properties`, or leave it out: `_row_number` is then the key"
            }
            Self::Empty | Self::LongHeader | Self::LongCell { .. } | Self::Wide { .. } => {
                "the report itself is not as documented; ask Together's support"
            }
        }
    }
}
