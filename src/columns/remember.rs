//! The memory after a report.
//!
//! No entry is removed: columns that the report lacks keep their names and types. A column that was emitted once counts
//! as emitted for ever.

use super::identity::{Identified, IdentifiedColumn};
use super::remembered::{RememberedColumn, TypeSource};
use crate::table::column_type::ColumnType;

/// What the run has decided about a column of the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// `None` until the first value decides it.
    pub column_type: Option<ColumnType>,
    pub source: TypeSource,
    /// Whether SCHEMA has the column.
    pub emitted: bool,
    /// The name of the variant, if SCHEMA has one.
    pub variant: Option<String>,
    /// The `maxLength` of the column or of its variant, if it was ever measured.
    pub max_length: Option<u64>,
}

/// The memory for the next run: the report's columns in its order, then the columns that are gone in their old order.
/// `settled` has one item for each column of the report, and `today` is the date of the report as `YYYY-MM-DD`.
#[must_use]
pub fn remember(identified: &Identified, settled: &[Settled], today: &str) -> Vec<RememberedColumn> {
    let present = identified.columns.iter().zip(settled);
    let present = present.map(|(column, settled)| entry(identified, column, settled, today));
    let gone = identified.gone.iter().map(|&index| &identified.memory[index]);
    present.chain(gone.map(|column| RememberedColumn { gone: true, ..column.clone() })).collect()
}

fn entry(
    identified: &Identified,
    column: &IdentifiedColumn,
    settled: &Settled,
    today: &str,
) -> RememberedColumn {
    let before = identified.remembered(column);
    RememberedColumn {
        name: column.name.clone(),
        title: column.title.clone(),
        position: column.position,
        column_type: settled.column_type,
        source: settled.source,
        emitted: settled.emitted || before.is_some_and(|before| before.emitted),
        variant: settled.variant.clone().or_else(|| before?.variant.clone()),
        max_length: settled.max_length,
        last_seen: Some(today.to_owned()),
        gone: false,
        replaced_by: None,
    }
}
