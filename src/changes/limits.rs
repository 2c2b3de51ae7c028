//! Checks that a record of an earlier row respects today's limits. The verification checked the new report only.
//!
//! A row that does not is sent with its key alone, which is enough to delete it.

use serde_json::{Map, Value};

use super::earlier::Today;
use crate::table::length_check::LINE_OVERHEAD;

/// The limits of today's records.
pub(super) struct RecordLimits<'a> {
    pub key: &'a [String],
    /// Bytes of the members of a record.
    max_bytes: u64,
    /// The properties with a `maxLength`, in UTF-8 bytes.
    max_lengths: Vec<(&'a str, u64)>,
}

impl<'a> RecordLimits<'a> {
    pub fn of(today: &Today<'a>, max_message_bytes: u64) -> Self {
        let properties = today.layout.schema["properties"].as_object();
        let max_lengths = properties.into_iter().flatten();
        Self {
            key: today.key,
            max_bytes: max_message_bytes.saturating_sub(LINE_OVERHEAD),
            max_lengths: max_lengths
                .filter_map(|(name, property)| Some((name.as_str(), property["maxLength"].as_u64()?)))
                .collect(),
        }
    }

    /// Whether a record with these members, in JSON, may be sent.
    pub fn allow(&self, members: &[u8]) -> bool {
        members.len() as u64 <= self.max_bytes && (self.max_lengths.is_empty() || self.allow_lengths(members))
    }

    fn allow_lengths(&self, members: &[u8]) -> bool {
        let record = [b"{", members, b"}"].concat();
        let Ok(record) = serde_json::from_slice::<Map<String, Value>>(&record) else { return false };
        self.max_lengths.iter().all(|(name, most)| {
            let text = record.get(*name).and_then(Value::as_str);
            text.is_none_or(|text| text.len() as u64 <= *most)
        })
    }
}
