//! What a report changes, compared with the memory: one list of columns for each kind of change.
//!
//! A first report, before which the memory has former names at most, changes nothing. A column can be in more than one list.

use std::collections::HashSet;
use std::fmt::{Display, Formatter, Result};

use super::identity::{Identified, IdentifiedColumn};
use super::remember::Settled;
use super::remembered::RememberedColumn;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    New,
    /// The last report had the column.
    Gone,
    /// The same column has another header.
    HeaderEdited,
    /// The last report lacked the column, and an earlier one had it.
    BackAgain,
    /// The setting `rename` gives the column another name.
    Renamed,
    /// The first value has decided the type of a column that was emitted without one.
    Decided,
    /// The columns can no longer be told apart.
    Ambiguous,
}

impl ChangeKind {
    /// The name in metrics and in the run report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::HeaderEdited => "header_edited",
            Self::BackAgain => "back_again",
            Self::Renamed => "renamed",
            Self::Decided => "decided",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// A column in a message: `header (name)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    pub title: String,
    pub name: String,
}

impl Display for Label {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} ({})", self.title, self.name)
    }
}

impl From<&RememberedColumn> for Label {
    fn from(column: &RememberedColumn) -> Self {
        Self { title: column.title.clone(), name: column.name.clone() }
    }
}

impl From<&IdentifiedColumn> for Label {
    fn from(column: &IdentifiedColumn) -> Self {
        Self { title: column.title.clone(), name: column.name.clone() }
    }
}

/// The columns of one kind of change, in the order of the report, then of the memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: ChangeKind,
    pub columns: Vec<Label>,
}

/// The kinds of change that the report has. `settled` has one item for each column of the report.
#[must_use]
pub fn changes(identified: &Identified, settled: &[Settled]) -> Vec<Change> {
    if identified.memory.iter().all(|column| column.replaced_by.is_some()) {
        return Vec::new();
    }
    let columns = |is_changed: &dyn Fn(&IdentifiedColumn, Option<&RememberedColumn>, &Settled) -> bool| {
        let columns = identified.columns.iter().zip(settled);
        let changed =
            columns.filter(|(column, settled)| is_changed(column, identified.remembered(column), settled));
        changed.map(|(column, _)| column.into()).collect::<Vec<Label>>()
    };
    let gone = identified.gone.iter().map(|&index| &identified.memory[index]);
    let gone = gone.filter(|column| !column.gone && column.replaced_by.is_none());
    let renamed = identified.renamed.iter().map(|&index| &identified.columns[index]);
    let lists = [
        (ChangeKind::New, columns(&|_, before, _| before.is_none())),
        (ChangeKind::Gone, gone.map(Label::from).collect()),
        (
            ChangeKind::HeaderEdited,
            columns(&|column, before, _| before.is_some_and(|before| before.title != column.title)),
        ),
        (ChangeKind::BackAgain, columns(&|_, before, _| before.is_some_and(|before| before.gone))),
        (ChangeKind::Renamed, renamed.map(Label::from).collect()),
        (
            ChangeKind::Decided,
            columns(&|_, before, settled| {
                let was_undecided =
                    before.is_some_and(|before| before.emitted && before.column_type.is_none());
                was_undecided && settled.column_type.is_some()
            }),
        ),
        (ChangeKind::Ambiguous, ambiguous(identified)),
    ];
    let lists = lists.into_iter().filter(|(_, columns)| !columns.is_empty());
    lists.map(|(kind, columns)| Change { kind, columns }).collect()
}

/// The columns that cannot be told apart, and the remembered ones that they may be, each once.
fn ambiguous(identified: &Identified) -> Vec<Label> {
    let labels = identified.ambiguous.iter().flat_map(|ambiguity| {
        let columns = ambiguity.columns.iter().map(|&index| Label::from(&identified.columns[index]));
        columns.chain(ambiguity.remembered.iter().map(|&index| Label::from(&identified.memory[index])))
    });
    let mut seen = HashSet::new();
    labels.filter(|label| seen.insert(label.clone())).collect()
}
