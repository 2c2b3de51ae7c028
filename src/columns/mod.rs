//! The lasting identity of columns: which column of a report is which remembered column, and its name.
//!
//! [`unite`] builds the memory of a stream from STATE, the state folder and the catalog. [`identify`] finds each header
//! of a report in that memory, and names the columns that the memory does not know. [`changes()`] lists what is different,
//! and [`remember()`] makes the memory for the next run. All functions are pure. They read no file and no cell, and they do
//! not know which columns are selected.

mod changes;
mod header_key;
mod identity;
mod matching;
mod max_length;
mod names;
mod remember;
mod remembered;
mod rename;
mod union;

pub use changes::{Change, ChangeKind, Label, changes};
pub use identity::{Identified, IdentifiedColumn, Rules, identify};
pub use matching::Ambiguity;
pub use max_length::{LongerColumn, longer_columns, max_length};
pub use names::{NameSet, variant_name};
pub use remember::{Settled, remember};
pub use remembered::{RememberedColumn, TypeSource, former_names};
pub use rename::RenameError;
pub use union::{United, unite};

#[cfg(test)]
mod changes_tests;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod identity_tests;
#[cfg(test)]
mod model;
#[cfg(test)]
mod names_tests;
#[cfg(test)]
mod rename_tests;
#[cfg(test)]
mod union_tests;
#[cfg(test)]
mod world;
