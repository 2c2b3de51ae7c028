//! Reports that are kept in the state folder, compressed and encrypted: the [`Archive`], and [`Reuse`] by the next run.
//!
//! An entry holds a report as the API sent it, before masks. [`cipher`] encrypts, [`chunks`] and [`entry`] stream,
//! [`store`] names the files. Nothing here sends a request or takes a lock.

mod chunks;
mod cipher;
mod entry;
mod entry_name;
mod error;
mod kept;
mod reuse;
mod store;

pub use entry::EntryReader;
pub use entry_name::{Ending, EntryName};
pub use error::EntryError;
pub use kept::{Archive, Depth, Inspected};
pub use reuse::Reuse;
