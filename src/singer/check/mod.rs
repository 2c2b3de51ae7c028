//! The checker: whether a tap's output keeps the rules that real targets rely on, line by line.
//!
//! It judges any tap, not only this one. Every rule stands for a target that loses rows, loses the state or stops
//! when it is broken. No verdict shows a value: positions, streams and fields only.

use std::collections::{HashMap, HashSet};
use std::fmt;

use jsonschema::Validator;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// What `PostgreSQL` allows an identifier.
const LONGEST_NAME: usize = 63;
/// Meltano stops at a longer line.
const LONGEST_LINE: usize = 50 * 1024 * 1024;
/// An epoch in seconds stays below this for a thousand years; one in milliseconds does not.
const LATEST_SECOND: i64 = 32_503_680_000;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Counted from 1; 0 for the output as a whole.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "at the end: {}", self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

/// Judges an output line by line.
#[derive(Default)]
pub struct Checker {
    line: u64,
    last: String,
    cut: bool,
    streams: HashMap<String, Stream>,
    found: Vec<Violation>,
}

struct Stream {
    properties: Map<String, Value>,
    validator: Option<Validator>,
    keys: Vec<String>,
    seen: HashSet<[u8; 16]>,
    records: u64,
    version: Option<Value>,
    extracted: Option<Value>,
    activated: bool,
}

impl Checker {
    /// Takes the next line, its line break included; returns what is wrong with it.
    pub fn line(&mut self, line: &[u8]) -> Vec<Violation> {
        self.line += 1;
        self.cut = !line.ends_with(b"\n");
        if line.len() > LONGEST_LINE {
            self.say("it is longer than 50 MiB: Meltano stops there");
        }
        match serde_json::from_slice::<Value>(line) {
            Ok(Value::Object(message)) => self.message(&message),
            Ok(_) => self.say("it is no JSON object"),
            Err(_) => self.say("it is not JSON: nothing but messages may stand on stdout"),
        }
        std::mem::take(&mut self.found)
    }

    /// The output is over; returns what is wrong with it as a whole.
    pub fn finish(&mut self) -> Vec<Violation> {
        self.line = 0;
        if self.last.is_empty() {
            self.say("there is no message");
        } else if self.last != "STATE" {
            self.say("the last line is no STATE: some targets lose the state then");
        }
        if self.cut {
            self.say("the last line is cut");
        }
        std::mem::take(&mut self.found)
    }

    /// Lines so far.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.line
    }

    /// The streams with their numbers of records.
    pub fn records(&self) -> impl Iterator<Item = (&str, u64)> {
        self.streams.iter().map(|(name, stream)| (name.as_str(), stream.records))
    }

    fn message(&mut self, message: &Map<String, Value>) {
        let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let stream = text("stream");
        self.last = text("type");
        match self.last.as_str() {
            "STATE" => match message.get("value") {
                Some(Value::Object(value)) if !value.is_empty() => {}
                Some(Value::Object(_)) => self.say("the state is empty: Meltano drops it"),
                _ => self.say("the STATE has no `value` object"),
            },
            "SCHEMA" => self.schema(stream, message),
            "RECORD" | "ACTIVATE_VERSION" => {
                let mut wrong = Vec::new();
                match self.streams.get_mut(&stream) {
                    None => wrong.push(format!("no SCHEMA for `{stream}` stands before it")),
                    Some(known) if self.last == "RECORD" => known.record(message, &mut wrong),
                    Some(known) => known.activate(message, &mut wrong),
                }
                for what in wrong {
                    self.say(what);
                }
            }
            "BATCH" => self.say("BATCH messages crash or empty most targets"),
            "" => self.say("it has no `type`"),
            _ => self.say("its `type` is none of SCHEMA, RECORD, STATE, ACTIVATE_VERSION"),
        }
    }

    fn schema(&mut self, name: String, message: &Map<String, Value>) {
        let Some(schema) = message.get("schema").filter(|schema| schema.is_object()) else {
            return self.say("the SCHEMA has no `schema` object");
        };
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let keys = message.get("key_properties").and_then(Value::as_array);
        if keys.is_none() {
            self.say("the SCHEMA has no `key_properties`");
        }
        let keys: Vec<String> =
            keys.into_iter().flatten().filter_map(|key| key.as_str().map(str::to_owned)).collect();
        for key in keys.iter().filter(|key| !properties.contains_key(*key)) {
            self.say(format!("the key `{key}` is no property"));
        }
        let mut folded = HashSet::new();
        for (field, property) in &properties {
            self.property(field, property);
            if !folded.insert(field.to_lowercase()) {
                self.say(format!("`{field}` differs from another property in case only"));
            }
        }
        let validator = jsonschema::options().should_validate_formats(true).build(schema);
        if validator.is_err() {
            self.say("the `schema` is no valid JSON Schema");
        }
        let known = Stream {
            properties,
            validator: validator.ok(),
            keys,
            seen: HashSet::new(),
            records: self.streams.get(&name).map_or(0, |earlier| earlier.records),
            version: None,
            extracted: None,
            activated: false,
        };
        self.streams.insert(name, known);
    }

    fn property(&mut self, field: &str, property: &Value) {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !field.bytes().all(legal) || field.starts_with(|first: char| first.is_ascii_digit()) {
            self.say(format!("the name `{field}` is not `[a-z_][a-z0-9_]*`: Meltano cannot select it"));
        }
        if field.len() > LONGEST_NAME {
            self.say(format!("the name `{field}` is longer than 63 bytes"));
        }
        if field.starts_with("_sdc_") {
            self.say(format!("the name `{field}` belongs to the targets"));
        }
        let types = property["type"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "null"));
        if !types {
            self.say(format!("`{field}` has no `type` list with \"null\""));
        }
        for word in ["$ref", "multipleOf"] {
            if property.get(word).is_some() {
                self.say(format!("`{field}` uses `{word}`, which targets do not read"));
            }
        }
    }

    fn say(&mut self, what: impl Into<String>) {
        self.found.push(Violation { line: self.line, what: what.into() });
    }
}

impl Stream {
    fn record(&mut self, message: &Map<String, Value>, wrong: &mut Vec<String>) {
        self.records += 1;
        let Some(record) = message.get("record").filter(|record| record.is_object()) else {
            return wrong.push("the RECORD has no `record` object".into());
        };
        if self.activated {
            wrong.push("a RECORD follows its stream's ACTIVATE_VERSION".into());
        }
        self.constant(message, wrong);
        for (field, value) in record.as_object().into_iter().flatten() {
            let Some(property) = self.properties.get(field) else {
                wrong.push(format!("the field `{field}` is not in the SCHEMA"));
                continue;
            };
            let text = value.as_str().unwrap_or_default();
            if text.contains('\0') {
                wrong.push(format!("`{field}` holds a NUL character: PostgreSQL refuses it"));
            }
            if property["format"] == "date-time" && value.is_string() && !text.ends_with('Z') {
                wrong.push(format!("`{field}` is not in UTC with `Z`: some targets drop offsets"));
            }
        }
        for error in self.validator.iter().flat_map(|validator| validator.iter_errors(record)) {
            let path = error.instance_path().to_string();
            wrong.push(format!("`{}`: {}", path.trim_start_matches('/'), error.masked_with("the value")));
        }
        self.key(record, wrong);
    }

    /// `version` and `time_extracted` are the same in all records of a report.
    fn constant(&mut self, message: &Map<String, Value>, wrong: &mut Vec<String>) {
        let version = message.get("version").cloned().unwrap_or_default();
        if version.as_i64().is_some_and(|version| version > LATEST_SECOND) {
            wrong.push("the version is no epoch in seconds".into());
        }
        if *self.version.get_or_insert_with(|| version.clone()) != version {
            wrong.push("the version differs from that of the record before".into());
        }
        let extracted = message.get("time_extracted").cloned().unwrap_or_default();
        if extracted.as_str().is_some_and(|time| !time.ends_with('Z')) {
            wrong.push("`time_extracted` is not in UTC with `Z`".into());
        }
        if *self.extracted.get_or_insert_with(|| extracted.clone()) != extracted {
            wrong.push("`time_extracted` differs from that of the record before".into());
        }
    }

    fn key(&mut self, record: &Value, wrong: &mut Vec<String>) {
        if self.keys.is_empty() {
            return;
        }
        let mut digest = Sha256::new();
        for key in &self.keys {
            if record[key].is_null() {
                return wrong.push(format!("the key `{key}` is null or missing"));
            }
            digest.update(record[key].to_string());
            digest.update([0]);
        }
        let mut short = [0; 16];
        short.copy_from_slice(&digest.finalize()[..16]);
        if !self.seen.insert(short) {
            wrong.push("the key stands twice: a target keeps one of the two records".into());
        }
    }

    fn activate(&mut self, message: &Map<String, Value>, wrong: &mut Vec<String>) {
        let version = message.get("version").cloned().unwrap_or_default();
        if !version.is_i64() {
            wrong.push("the ACTIVATE_VERSION has no whole `version`".into());
        }
        if self.version.as_ref().is_some_and(|recorded| *recorded != version) {
            wrong.push("another version than that of the records is activated: they would be deleted".into());
        }
        self.activated = true;
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
