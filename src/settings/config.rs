//! Reads one config file: size limit, encoding, JSON syntax, one object without duplicate names.
//!
//! No error shows a part of the file: a value in the wrong place may be the API key.

use std::io::Read;

use serde_json::{Map, Value, json};

use super::env::from_text;
use super::schema::{has_type, properties};
use crate::error::{Error, Exit, Result};
use crate::files::{read_stream, take};
use crate::safe_name;

/// A setting whose name begins so is a comment, because JSON has none.
pub const COMMENT: &str = "//";
/// Bytes of one config file.
const LIMIT: u64 = 1024 * 1024;

/// Reads one config: a path, `-` for standard input, or `ENV` for the environment alone.
pub fn read(name: &str, stdin: &mut dyn Read) -> Result<Map<String, Value>> {
    let bytes = match name {
        "ENV" => return Ok(Map::new()),
        "-" => take(stdin, LIMIT),
        path => read_stream(path, LIMIT),
    };
    let shown = shown(name);
    let fail = |cause: String| Error::new(Exit::Usage, format!("cannot use the config {shown}: {cause}"));
    let bytes = bytes.map_err(|cause| {
        let hint = if safe_name::is_json(name.as_ref()) {
            "write the JSON to a file, or pipe it into `--config -`"
        } else {
            "check the path given with `--config`, or write a config with `tap-together init`"
        };
        fail(cause.to_string()).hint(hint)
    })?;
    parse(&bytes).map_err(|cause| fail(cause).hint("see `sample_config.json`, or run `tap-together init`"))
}

/// The name of a config as a message may show it.
#[must_use]
pub fn shown(name: &str) -> String {
    if name == "-" { "`-`".to_owned() } else { safe_name::path(name.as_ref()) }
}

/// Drops nulls, which Meltano writes for settings without a value, and comments.
pub fn retain_settings(config: &mut Map<String, Value>) {
    config.retain(|name, value| !value.is_null() && !name.starts_with(COMMENT));
}

/// Reads numbers, and objects in place of which a word is accepted, that are written as text. Meltano passes a number so,
/// because its own conversion of text that is not a number ends in a traceback, and such an object if it is in a variable.
pub fn read_text(config: &mut Map<String, Value>, schema: &Value) {
    for (name, setting) in properties(schema) {
        let is_number = has_type(setting, "number") || has_type(setting, "integer");
        let is_word_or_object = has_type(setting, "string") && has_type(setting, "object");
        if let Some(value @ Value::String(_)) = config.get_mut(name)
            && (is_number || is_word_or_object)
        {
            *value = from_text(value.as_str().unwrap_or_default(), setting);
        }
    }
}

/// Reads booleans in place of `off` and `on`: YAML makes booleans of these words.
pub fn read_switches(config: &mut Map<String, Value>, schema: &Value) {
    for (name, setting) in properties(schema).filter(|(_, setting)| setting["enum"] == json!(["off", "on"])) {
        if let Some(value @ Value::Bool(_)) = config.get_mut(name) {
            *value = setting["enum"][usize::from(*value == true)].clone();
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err("it is in UTF-16; save it as UTF-8".into());
    }
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err("it is empty".into());
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|cause| format!("it is not JSON (line {}, column {})", cause.line(), cause.column()))?;
    if !value.is_object() {
        return Err("it is not a JSON object".into());
    }
    let UniqueKeys(object) = serde_json::from_slice(bytes).map_err(|cause| {
        format!("it names a setting twice (line {}, column {})", cause.line(), cause.column())
    })?;
    Ok(object)
}

/// An object that names no key twice; `serde_json` alone would keep the last value.
struct UniqueKeys(Map<String, Value>);

impl<'de> serde::Deserialize<'de> for UniqueKeys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = UniqueKeys;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<UniqueKeys, A::Error> {
                let mut object = Map::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if object.insert(key, value).is_some() {
                        return Err(serde::de::Error::custom("a name occurs twice"));
                    }
                }
                Ok(UniqueKeys(object))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
