//! The profile of reports: what is in each column, without a cell, and a proposal of masks.
//!
//! [`stats`] collects a column cell by cell ([`distinct`], [`commonest`], [`histogram`], [`shape`], [`cell_type`]);
//! [`look`] and [`proposal`] decide what the [`mod@column`] looks like and what should become of it. [`text`] and [`html`]
//! print a [`Profile`]. It reads no reports and knows no API: see the verb `profile`.

mod cell_type;
pub mod column;
pub mod commonest;
pub mod distinct;
mod figures;
mod header_words;
pub mod histogram;
pub mod html;
pub mod look;
pub mod proposal;
#[cfg(test)]
mod sample;
mod shape;
pub mod stats;
mod svg;
pub mod text;

pub use header_words::HeaderWords;
use serde::Serialize;
use serde_json::{Map, Value, json};

use column::ColumnProfile;

use crate::table::mask::MaskRule;

/// The profiles of all reports of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// The version of the tap.
    pub tap_version: &'static str,
    /// Whether cells are shown.
    pub shows_values: bool,
    pub streams: Vec<StreamProfile>,
    /// The streams whose reports could not be profiled.
    pub failed: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct StreamProfile {
    pub stream: String,
    pub report: String,
    /// When the report arrived, UTC.
    pub completed_at: String,
    pub rows: u64,
    pub columns: Vec<ColumnProfile>,
}

impl StreamProfile {
    /// The columns that look personal.
    #[must_use]
    pub fn personal(&self) -> usize {
        self.columns.iter().filter(|column| column.is_personal()).count()
    }
}

impl Profile {
    /// The proposed `masks`, as they are written into a config. Every column that is not named is held back.
    #[must_use]
    pub fn masks(&self) -> Value {
        let streams = self.streams.iter().map(|stream| {
            let named = stream.columns.iter().map(|column| (column.name.clone(), column.mask.rule));
            let rules = named.chain([("*".to_owned(), MaskRule::Null)]);
            (
                stream.stream.clone(),
                rules.map(|(name, rule)| (name, rule.to_string().into())).collect::<Map<_, _>>().into(),
            )
        });
        json!({"masks": streams.collect::<Map<String, Value>>()})
    }

    /// The profile as one JSON object, described by `schemas/profile.json`.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let mut object = serde_json::to_value(self)?;
        object["masks"] = self.masks()["masks"].take();
        serde_json::to_string_pretty(&object)
    }

    /// Whether the proposal needs a key for hashing.
    #[must_use]
    pub fn needs_mask_key(&self) -> bool {
        self.streams
            .iter()
            .flat_map(|stream| &stream.columns)
            .any(|column| column.mask.rule == MaskRule::Hash)
    }
}
