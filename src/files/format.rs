//! The format number of a JSON file in the state folder. A file of a newer version can be told by it, whatever else
//! that version changed.

use serde::Deserialize;

/// The member `format`; `None` if the bytes are not an object with one.
#[must_use]
pub fn format_of(bytes: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Format {
        format: u64,
    }
    serde_json::from_slice::<Format>(bytes).ok().map(|object| object.format)
}
