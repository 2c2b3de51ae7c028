//! The shape of every Singer message, as types that borrow their data and can only be serialised.
//!
//! RECORD lines are not serialised one by one: [`RecordFrame`] has the bytes before and after the members of a record,
//! and the plan of the table writes the members. Messages of other taps are not parsed here: see `check`.

use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Message<'a> {
    /// The columns of a stream's records.
    Schema {
        stream: &'a str,
        /// JSON Schema.
        schema: &'a Value,
        key_properties: &'a [String],
    },
    Record {
        stream: &'a str,
        record: &'a Map<String, Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<i64>,
        time_extracted: &'a str,
    },
    /// The snapshot is complete: the target may delete rows of older versions.
    ActivateVersion {
        stream: &'a str,
        /// Epoch seconds.
        version: i64,
    },
    /// The state from which the next run continues.
    State {
        /// Never empty.
        value: &'a Map<String, Value>,
    },
}

/// The bytes of a RECORD line around the members of its record: up to `{`, and from `}` to the line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFrame {
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

impl RecordFrame {
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a RECORD without values can always be serialised")]
    pub fn new(stream: &str, version: Option<i64>, time_extracted: &str) -> Self {
        const OPEN: &str = r#""record":{"#;
        let message = Message::Record { stream, record: &Map::new(), version, time_extracted };
        let line = serde_json::to_string(&message).expect("text and numbers are JSON") + "\n";
        // No string holds these bytes: JSON escapes the quotes inside strings.
        let at = line.find(OPEN).expect("a RECORD has a record") + OPEN.len();
        Self { before: line[..at].into(), after: line[at..].into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_frame_is_the_line_without_the_members_of_its_record() {
        let frame = |version| {
            let frame = RecordFrame::new("a\"record\":{", version, "2025-01-01T00:00:00.000Z");
            (String::from_utf8(frame.before).unwrap(), String::from_utf8(frame.after).unwrap())
        };
        let before = r#"{"type":"RECORD","stream":"a\"record\":{","record":{"#;
        let after = "},\"version\":7,\"time_extracted\":\"2025-01-01T00:00:00.000Z\"}\n";
        assert_eq!(frame(Some(7)), (before.to_owned(), after.to_owned()));
        assert_eq!(frame(None), (before.to_owned(), after.replace("\"version\":7,", "")));
    }
}
