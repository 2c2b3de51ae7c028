//! `replication` and the settings that depend on it: which streams send only the rows that changed, and what they need.
//!
//! Reports from files are always loaded in full: they have no journal and no archive.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::{Map, Value};

use super::column_rules::EVERY_STREAM;
use super::problem::Problem;
use super::{Settings, USUAL_LOSS};

/// The share of rows that may be gone without an error in a stream with `changes`, if `fail_on_shrink` is left out.
const CHANGES_SHRINK_LIMIT: f64 = 0.2;

/// Which rows of a report are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replication {
    /// Every row.
    #[default]
    Snapshot,
    /// Those that are new, changed or gone since the report that STATE names.
    Changes,
}

/// The replication by stream, or `*` for the streams that are not named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicationByStream(BTreeMap<String, Replication>);

impl<'de> Deserialize<'de> for ReplicationByStream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = match Value::deserialize(deserializer)? {
            streams @ Value::Object(_) => streams,
            every => Value::Object(Map::from_iter([(EVERY_STREAM.to_owned(), every)])),
        };
        BTreeMap::deserialize(value).map(Self).map_err(D::Error::custom)
    }
}

/// How many rows of a report may be gone since the last run without an error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ShrinkLimit {
    /// `fail_on_shrink` is left out: the replication of the stream decides.
    #[default]
    ByReplication,
    /// The share of the rows, above 0 and below 1; `None`: all.
    Set(Option<f64>),
}

impl<'de> Deserialize<'de> for ShrinkLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(is_on) => Ok(Self::Set(is_on.then_some(USUAL_LOSS))),
            number => f64::deserialize(number).map(|share| Self::Set(Some(share))).map_err(D::Error::custom),
        }
    }
}

impl Settings {
    /// The replication of a stream.
    #[must_use]
    pub fn replication(&self, stream: &str) -> Replication {
        if self.reads_files() {
            return Replication::Snapshot;
        }
        let ReplicationByStream(streams) = &self.replication;
        streams.get(stream).or_else(|| streams.get(EVERY_STREAM)).copied().unwrap_or_default()
    }

    /// Whether runs rely on the journal of the stream, and on a bookmark that is never ahead of the table.
    #[must_use]
    pub fn needs_journal(&self, stream: &str) -> bool {
        self.skip_unchanged || self.replication(stream) == Replication::Changes
    }

    /// The share of the stream's rows that may be gone since the last run without an error; `None`: all.
    #[must_use]
    pub fn fail_on_shrink(&self, stream: &str) -> Option<f64> {
        match self.fail_on_shrink {
            ShrinkLimit::Set(share) => share,
            ShrinkLimit::ByReplication => {
                (self.replication(stream) == Replication::Changes).then_some(CHANGES_SHRINK_LIMIT)
            }
        }
    }
}

/// What a stream with `changes` needs and the config does not give. A value of the wrong type is left to the schema.
#[must_use]
pub fn problems(config: &Map<String, Value>) -> Vec<Problem> {
    let has_changes = match config.get("replication") {
        Some(Value::Object(streams)) => streams.values().any(|value| value == "changes"),
        Some(every) => every == "changes",
        None => false,
    };
    if !has_changes {
        return Vec::new();
    }
    let is_archived = config.get("archive").is_some_and(|archive| archive != "off");
    let has_versions = config.get("activate_version").is_none_or(|switch| *switch != Value::Bool(false));
    let problems = [
        (!is_archived).then(|| {
            Problem::new("`replication: changes` requires `archive: on`").hint(
                "set `archive` to `on`: the rows that changed are found by comparing with archived reports",
            )
        }),
        (!has_versions).then(|| {
            Problem::new("`replication: changes` requires `activate_version`").hint(
                "remove `activate_version: false`: without versions, some targets keep rows that are gone",
            )
        }),
    ];
    problems.into_iter().flatten().collect()
}
