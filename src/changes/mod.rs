//! `replication: changes`: which rows of a report are new, changed or gone, compared with the reports that may be in the
//! table.
//!
//! The [`journal`](crate::journal) says which reports those are, and the [`archive`](crate::archive) has their rows.
//! [`search`] finds a [`ChangeSet`]; [`comparison`] compares rows and is pure; [`earlier`] reads earlier rows as records
//! of today's SCHEMA; [`deleted`] collects those that are gone. Nothing here writes a message.

mod change_set;
pub mod comparison;
mod deleted;
mod earlier;
mod limits;
mod search;

pub use change_set::{ChangeSet, Load};
pub use deleted::Deleted;
pub use earlier::Today;
pub use search::Search;
