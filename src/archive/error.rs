//! Why an entry cannot be read.
//!
//! A message has no path and no byte of the entry: the caller says which entry it is.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    #[error("it does not begin as an entry of the archive")]
    NotAnEntry,
    #[error("its format {0} is not known to this version of tap-together")]
    UnknownFormat(u8),
    /// The key check value in the header is that of another key.
    #[error(
        "it was encrypted with another key; with `archive_key`, entries stay readable when the API key changes"
    )]
    OtherKey,
    /// Cut, changed, reordered or extended.
    #[error("it is damaged")]
    Damaged,
    /// The file was renamed, or copied from another organisation.
    #[error("it holds the report of another name")]
    Misnamed,
    /// The same CSV would be stored in another form today.
    #[error("it was stored with another `on_nul` or `delimiter`")]
    OtherForm,
    #[error("it lacks a key column")]
    NoKeyColumn,
    #[error("it cannot be read or spooled: {0}")]
    Read(io::Error),
}

impl From<io::Error> for EntryError {
    /// Only the system's own errors have a code; the others come from the decryption and decompression of bad data.
    fn from(cause: io::Error) -> Self {
        if cause.raw_os_error().is_some() { Self::Read(cause) } else { Self::Damaged }
    }
}
