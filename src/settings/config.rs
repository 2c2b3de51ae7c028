//! Singer's config: files read once, merged, and judged against `schemas/config.json`, all problems at once.
//!
//! No problem shows a value: a value in the wrong place may be the key.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use crate::error::{Error, Exit, Result};

/// A config is a page of text.
const LIMIT: u64 = 1024 * 1024;
const SCHEMA: &str = include_str!("../../schemas/config.json");

/// The schema of the config.
#[must_use]
pub fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap_or_default()
}

/// Reads one config: a path, `-` for standard input, or `ENV` for nothing but the environment.
pub fn read(name: &str, stdin: &mut dyn Read) -> Result<Map<String, Value>> {
    let bytes = match name {
        "ENV" => return Ok(Map::new()),
        "-" => limited(stdin),
        path => File::open(path).and_then(|mut file| limited(&mut file)),
    };
    let problem = |what: String| Error::new(Exit::Usage, format!("cannot use the config `{name}`: {what}"));
    let bytes =
        bytes.map_err(|cause| problem(cause.to_string()).hint("check the path given with `--config`"))?;
    let parsed = parse(&bytes)
        .map_err(|what| problem(what).hint("it is a JSON object of settings, as in `sample_config.json`"))?;
    Ok(parsed.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

fn limited(input: &mut dyn Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(LIMIT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    if bytes.len() as u64 > LIMIT {
        return Err("it is larger than 1 MiB".into());
    }
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
    let Unique(object) = serde_json::from_slice(bytes).map_err(|cause| {
        let words = cause.to_string();
        words.split(" at line").next().unwrap_or("a setting stands twice").to_owned()
    })?;
    Ok(object)
}

/// An object whose keys stand once each.
struct Unique(Map<String, Value>);

impl<'de> serde::Deserialize<'de> for Unique {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Unique;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                let mut object = Map::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if object.contains_key(&key) {
                        return Err(serde::de::Error::custom(format!("it names `{key}` twice")));
                    }
                    object.insert(key, value);
                }
                Ok(Unique(object))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Everything that is wrong with the merged config, in words without values.
#[must_use]
pub fn problems(config: &Map<String, Value>, schema: &Value) -> Vec<String> {
    let known = schema["properties"].as_object();
    let mut problems = Vec::new();
    for key in config.keys().filter(|key| !known.is_some_and(|known| known.contains_key(*key))) {
        let near = known
            .into_iter()
            .flat_map(Map::keys)
            .map(|name| (strsim::jaro_winkler(key, name), name))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = near.map_or(String::new(), |(_, name)| format!(", did you mean `{name}`?"));
        problems.push(format!("`{key}` is no setting{hint}"));
    }
    for key in ["organization_id", "client_id"].into_iter().filter(|key| !config.contains_key(*key)) {
        problems.push(format!("`{key}` is missing"));
    }
    let Ok(validator) = jsonschema::validator_for(schema) else {
        problems.push("the settings' own schema is broken".into());
        return problems;
    };
    for error in validator.iter_errors(&Value::Object(config.clone())) {
        let path = error.instance_path().to_string();
        if !path.is_empty() {
            let words = match error.kind() {
                ValidationErrorKind::Enum { options } => format!("the value is not one of {options}"),
                _ => error.masked_with("the value").to_string(),
            };
            problems.push(format!("`{}`: {words}", path.trim_start_matches('/')));
        }
    }
    problems
}

/// `5.0` counts as an integer in JSON Schema, and some tools write it for 5.
pub fn whole_numbers(config: &mut Map<String, Value>, schema: &Value) {
    for (name, value) in config {
        let written =
            value.as_f64().filter(|_| value.is_f64() && schema["properties"][name]["type"] == "integer");
        if let Some(whole) = written.and_then(|number| format!("{number:.0}").parse::<u64>().ok()) {
            *value = whole.into();
        }
    }
}

/// Whether others on this machine can read the file.
#[must_use]
pub fn is_open_to_others(name: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let meta = std::fs::metadata(Path::new(name));
    meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o044 != 0)
}
