//! Rules for the messages after a SCHEMA: records, their keys and versions, and the end of the snapshot.
//!
//! A stream whose SCHEMA has `_sdc_deleted_at` may be a change feed: its version stays the same, and a tombstone, which is
//! a record with a date in that field, may have the version before it, so that targets delete its row. A key is stored as
//! a hash of 16 bytes, so that the keys of a large stream fit in memory. No record is stored.

use std::collections::{BTreeSet, HashSet};

use chrono::DateTime;
use jsonschema::Validator;
use serde_json::{Map, Value};

use super::property::{self, DELETED_AT};
use crate::digest::Sha256;

/// The year 3000 in epoch seconds; epoch milliseconds are larger.
const MAX_VERSION: i64 = 32_503_680_000;

/// A stream as its last SCHEMA declared it, and its messages since then.
pub(super) struct Stream {
    pub(super) records: u64,
    properties: Map<String, Value>,
    validator: Option<Validator>,
    keys: Vec<String>,
    seen: HashSet<[u8; 16]>,
    /// The version of the live records of this snapshot.
    version: Option<Value>,
    /// The other versions of the tombstones of this snapshot.
    tombstones: BTreeSet<i64>,
    /// The version of the last snapshot that ended.
    activated: Option<i64>,
    has_ended: bool,
}

impl Stream {
    /// Validates a SCHEMA and returns its stream. A SCHEMA that is repeated within a snapshot continues that snapshot.
    pub(super) fn declare(
        message: &Map<String, Value>,
        earlier: Option<Self>,
        wrong: &mut Vec<String>,
    ) -> Option<Self> {
        let Some(schema) = message.get("schema").filter(|schema| schema.is_object()) else {
            wrong.push("the SCHEMA has no `schema` object".into());
            return earlier;
        };
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let keys = message.get("key_properties").and_then(Value::as_array);
        if keys.is_none() {
            wrong.push("the SCHEMA has no `key_properties`".into());
        }
        let keys: Vec<String> =
            keys.into_iter().flatten().filter_map(|key| key.as_str().map(str::to_owned)).collect();
        property::validate(&properties, &keys, wrong);
        let validator = jsonschema::options().should_validate_formats(true).build(schema);
        if validator.is_err() {
            wrong.push("the `schema` is not a valid JSON Schema".into());
        }
        let mut new = Self {
            records: 0,
            properties,
            validator: validator.ok(),
            keys,
            seen: HashSet::new(),
            version: None,
            tombstones: BTreeSet::new(),
            activated: None,
            has_ended: false,
        };
        if let Some(earlier) = earlier {
            new.records = earlier.records;
            new.activated = earlier.activated;
            if !earlier.has_ended && earlier.keys == new.keys {
                (new.seen, new.version) = (earlier.seen, earlier.version);
                new.tombstones = earlier.tombstones;
            }
        }
        Some(new)
    }

    pub(super) fn record(&mut self, message: &Map<String, Value>, wrong: &mut Vec<String>) {
        self.records += 1;
        let Some(record) = message.get("record").filter(|record| record.is_object()) else {
            return wrong.push("the RECORD has no `record` object".into());
        };
        // Report it once: further records belong to the snapshot that ended too early.
        if std::mem::take(&mut self.has_ended) {
            self.activated = None;
            wrong.push(
                "a RECORD follows its stream's ACTIVATE_VERSION, which deleted the rows before it".into(),
            );
        }
        self.version(message, !record[DELETED_AT].is_null(), wrong);
        if message.get("time_extracted").is_some_and(|time| offset(time) != Some(0)) {
            wrong.push("`time_extracted` is not a date-time in UTC".into());
        }
        for (field, value) in record.as_object().into_iter().flatten() {
            let Some(property) = self.properties.get(field) else {
                wrong.push(format!("the field `{field}` is not in the SCHEMA"));
                continue;
            };
            if property::has_nul(value) {
                wrong.push(format!("`{field}` holds a NUL character: PostgreSQL refuses it"));
            }
            // The schema rejects a text that is not a date-time.
            if property["format"] == "date-time" && offset(value).is_some_and(|seconds| seconds != 0) {
                wrong.push(format!("`{field}` is not in UTC: some targets drop offsets"));
            }
        }
        for error in self.validator.iter().flat_map(|validator| validator.iter_errors(record)) {
            let path = error.instance_path().to_string();
            wrong.push(format!("`{}`: {}", path.trim_start_matches('/'), error.masked_with("the value")));
        }
        self.key(record, wrong);
    }

    /// Checks that all records of a snapshot have one version, and each tombstone that version or the one before it.
    fn version(&mut self, message: &Map<String, Value>, is_tombstone: bool, wrong: &mut Vec<String>) {
        let version = message.get("version").cloned().unwrap_or_default();
        let tombstone = version.as_i64().filter(|_| is_tombstone);
        if self.version.as_ref() == Some(&version)
            || tombstone.is_some_and(|version| self.tombstones.contains(&version))
        {
            return;
        }
        if !version.is_null() && version.as_i64().is_none_or(|version| version > MAX_VERSION) {
            wrong.push("the version is not an epoch in seconds".into());
        }
        let differs = match (tombstone, &self.version) {
            (Some(tombstone), Some(version)) => !is_just_before(tombstone, version),
            // The first live record, or ACTIVATE_VERSION, decides.
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (None, None) => {
                self.validate_age(&version, wrong);
                !self.fits_tombstones(&version)
            }
        };
        if differs {
            wrong.push("the version differs from that of the previous record".into());
        }
        match tombstone {
            Some(tombstone) => drop(self.tombstones.insert(tombstone)),
            None => self.version = Some(version),
        }
    }

    /// Checks that the version is greater than the one that was activated last; in a change feed, not less.
    fn validate_age(&self, version: &Value, wrong: &mut Vec<String>) {
        let Some((activated, version)) = self.activated.zip(version.as_i64()) else { return };
        if version < activated || version == activated && !self.properties.contains_key(DELETED_AT) {
            wrong.push("the version is not greater than the one that was activated".into());
        }
    }

    fn fits_tombstones(&self, version: &Value) -> bool {
        let mut tombstones = self.tombstones.iter();
        tombstones.all(|tombstone| *version == *tombstone || is_just_before(*tombstone, version))
    }

    fn key(&mut self, record: &Value, wrong: &mut Vec<String>) {
        if self.keys.is_empty() {
            return;
        }
        let mut digest = Sha256::default();
        for key in &self.keys {
            if record[key].is_null() {
                return wrong.push(format!("the key `{key}` is null or missing"));
            }
            digest.update(record[key].to_string().as_bytes());
            digest.update(&[0]);
        }
        if !self.seen.insert(digest.finish()) {
            wrong.push("two records have the same key: a target keeps one of them".into());
        }
    }

    pub(super) fn activate(&mut self, message: &Map<String, Value>, wrong: &mut Vec<String>) {
        let version = message.get("version").cloned().unwrap_or_default();
        if !version.is_i64() {
            wrong.push("the ACTIVATE_VERSION has no integer `version`".into());
        }
        let is_recorded = match &self.version {
            Some(recorded) => *recorded == version,
            None if self.tombstones.is_empty() => true,
            None => {
                self.validate_age(&version, wrong);
                self.fits_tombstones(&version)
            }
        };
        if !is_recorded {
            wrong.push("the activated version is not that of the records: a target would delete them".into());
        }
        self.activated = version.as_i64();
        self.has_ended = true;
    }
}

fn is_just_before(tombstone: i64, version: &Value) -> bool {
    version.as_i64().is_some_and(|version| tombstone.checked_add(1) == Some(version))
}

/// The offset of a date-time from UTC, in seconds.
fn offset(time: &Value) -> Option<i32> {
    let time = DateTime::parse_from_rfc3339(time.as_str()?).ok()?;
    Some(time.offset().local_minus_utc())
}
