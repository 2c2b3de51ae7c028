//! The messages, borrowed and serialize-only; RECORD lines are made by the table's plan.

use serde::Serialize;
use serde_json::{Map, Value};

/// Everything but RECORD.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Message<'a> {
    /// What a stream's records look like.
    Schema {
        /// Its name.
        stream: &'a str,
        /// JSON Schema.
        schema: &'a Value,
        /// The columns that identify a record.
        key_properties: &'a [String],
    },
    /// The snapshot is whole: rows of older versions may go.
    ActivateVersion {
        /// The stream.
        stream: &'a str,
        /// Epoch seconds.
        version: i64,
    },
    /// Where the next run goes on.
    State {
        /// Never empty.
        value: &'a Map<String, Value>,
    },
}
