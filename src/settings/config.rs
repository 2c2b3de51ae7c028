//! Reads one config file: size limit, encoding, JSON syntax, one object without duplicate names.
//!
//! No error shows a part of the file: a value in the wrong place may be the API key.

use std::io::Read;

use serde_json::{Map, Value};

use crate::error::{Error, Exit, Result};
use crate::files::{read_stream, take};

/// A setting whose name begins so is a comment, because JSON has none.
pub const COMMENT: &str = "//";
/// Bytes of one config file.
const LIMIT: u64 = 1024 * 1024;

/// Reads one config: a path, `-` for standard input, or `ENV` for the environment alone. Nulls and comments are dropped.
pub fn read(name: &str, stdin: &mut dyn Read) -> Result<Map<String, Value>> {
    let bytes = match name {
        "ENV" => return Ok(Map::new()),
        "-" => take(stdin, LIMIT),
        path => read_stream(path, LIMIT),
    };
    let fail = |cause: String| Error::new(Exit::Usage, format!("cannot use the config `{name}`: {cause}"));
    let bytes = bytes.map_err(|cause| {
        fail(cause.to_string())
            .hint("check the path given with `--config`, or write a config with `tap-together init`")
    })?;
    let parsed = parse(&bytes)
        .map_err(|cause| fail(cause).hint("it is a JSON object of settings, as in `sample_config.json`"))?;
    let is_setting = |(name, value): &(String, Value)| !value.is_null() && !name.starts_with(COMMENT);
    Ok(parsed.into_iter().filter(is_setting).collect())
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
        let words = cause.to_string();
        words.split(" at line").next().unwrap_or("a setting stands twice").to_owned()
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
                    if object.contains_key(&key) {
                        return Err(serde::de::Error::custom(format!("it names `{key}` twice")));
                    }
                    object.insert(key, value);
                }
                Ok(UniqueKeys(object))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
