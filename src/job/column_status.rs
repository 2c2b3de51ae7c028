//! What is remembered of a column, and what leaves of it today: for the verb `columns`.
//!
//! It reads rules and memory, no report, and decides as a sync does.

use serde::Serialize;

use super::Stream;
use super::column_rules::Choice;
use crate::columns::{RememberedColumn, TypeSource};
use crate::table::column_type::ColumnType;
use crate::table::mask::MaskRule;

/// What leaves the tap of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaves {
    /// Each cell as it is.
    Clear,
    /// The result of the mask.
    Masked,
    /// Null in every record, because an earlier run emitted the column.
    Null,
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnStatus {
    pub header: String,
    pub name: String,
    /// `None` until the first value decides it.
    #[serde(rename = "type")]
    pub column_type: Option<ColumnType>,
    pub source: TypeSource,
    pub selected: bool,
    /// The rule of `masks`, as it is written there.
    pub mask: Option<String>,
    pub leaves: Leaves,
    /// When the last report with the column was complete.
    pub last_seen: Option<String>,
    /// Whether the last report lacks it.
    pub gone: bool,
}

impl Stream {
    /// The remembered columns, those of the last report first.
    #[must_use]
    pub fn columns(&self) -> Vec<ColumnStatus> {
        let present = self.rules.memory.iter().filter(|column| column.replaced_by.is_none());
        present.map(|column| self.column_status(column)).collect()
    }

    fn column_status(&self, column: &RememberedColumn) -> ColumnStatus {
        let rule = self.rules.mask_rule(&column.name, &column.title);
        let selected = self.rules.choose(&column.name, &column.title, Some(column)) == Choice::Emit;
        let leaves = match rule {
            _ if column.gone || !selected => {
                if column.emitted {
                    Leaves::Null
                } else {
                    Leaves::Nothing
                }
            }
            None | Some(MaskRule::Keep) => Leaves::Clear,
            Some(MaskRule::Null) => Leaves::Null,
            Some(_) => Leaves::Masked,
        };
        let property = self.rules.discovered(column);
        ColumnStatus {
            header: column.title.clone(),
            name: column.name.clone(),
            column_type: property.column_type,
            source: self.rules.typing(&column.name, &column.title, Some(column)).1,
            selected,
            mask: rule.map(|rule| rule.to_string()),
            leaves,
            last_seen: column.last_seen.clone(),
            gone: column.gone,
        }
    }
}
