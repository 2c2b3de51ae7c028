//! Why the columns of a report cannot be used: it is refused before anything of it is emitted.
//!
//! A message has headers and names, never a cell.

use std::fmt::{self, Display, Formatter};

use crate::columns::{IdentifiedColumn, Label, RenameError};
use crate::count::Count;
use crate::table::column_type::ColumnType;
use crate::table::mask::MaskRule;

/// As many columns are listed; the rest are counted.
const LISTED: usize = 20;

#[derive(Clone, Debug, thiserror::Error)]
pub enum PlanError {
    #[error(transparent)]
    Rename(#[from] RenameError),
    #[error("the key column `{column}` is not in the report; its columns are {columns}")]
    NoKeyColumn { column: String, columns: String },
    #[error("{} can no longer be told apart, and one of them is deselected, masked or a key", Labels(.columns))]
    Ambiguous { columns: Vec<Label> },
    #[error("it has {}: {}", Count(.columns.len(), "new column"), Labels(.columns))]
    NewColumns { columns: Vec<Label> },
    #[error("`masks` names {} that no report had so far: {}", Count(.columns.len(), "column"), Names(.columns))]
    UnknownMasks { columns: Vec<String> },
    #[error("it lacks {} that `masks` names: {}", Count(.columns.len(), "column"), Names(.columns))]
    MaskedColumnsGone { columns: Vec<String> },
    #[error("the key column {column} has the mask `{rule}`, with which two keys could become one")]
    MaskedKey { column: Label, rule: MaskRule },
    #[error("the column {column} was emitted as {}, and is now to be {}", .emitted.name(), .asked.name())]
    Type { column: Label, emitted: ColumnType, asked: ColumnType },
}

impl PlanError {
    pub(super) fn no_key_column(column: &str, columns: &[IdentifiedColumn]) -> Self {
        let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
        Self::NoKeyColumn { column: column.to_owned(), columns: names.join(", ") }
    }

    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Rename(_) => "give the column another name in `rename`",
            Self::NoKeyColumn { .. } => {
                "name other columns in `key_properties`, or leave it out: `_row_number` is then the key"
            }
            Self::Ambiguous { .. } => {
                "select all of them or none, or let Together give them different headers; see docs/columns.md"
            }
            Self::NewColumns { .. } => "run discovery again to select them, or set `new_columns` to `ignore`",
            Self::UnknownMasks { .. } => {
                "correct the names in `masks`; the header is shown by `tap-together profile`"
            }
            Self::MaskedColumnsGone { .. } => {
                "find out which column replaced them, then correct `masks`; `masks_missing` and `new_columns` make this an error"
            }
            Self::MaskedKey { .. } => "use `hash` or `keep` for key columns",
            Self::Type { .. } => {
                "remove the type from `schema_overrides` or the catalog, or name the column in `forget_columns`"
            }
        }
    }
}

/// The first names, and the number of the others.
struct Names<'a>(&'a [String]);

impl Display for Names<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        list(self.0, f)
    }
}

/// The first columns as `header (name)`, and the number of the others.
struct Labels<'a>(&'a [Label]);

impl Display for Labels<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        list(self.0, f)
    }
}

fn list(items: &[impl Display], f: &mut Formatter<'_>) -> fmt::Result {
    for (position, item) in items.iter().take(LISTED).enumerate() {
        let comma = if position > 0 { ", " } else { "" };
        write!(f, "{comma}`{item}`")?;
    }
    match items.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}
