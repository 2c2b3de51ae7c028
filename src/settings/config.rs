//! Singer's config: files read once, merged, and judged against `schemas/config.json`, all problems at once.
//!
//! No problem shows a value: a value in the wrong place may be the key.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use crate::error::{Error, Exit, Result};
use crate::report::ReportType;

/// A name that begins so is a comment, because JSON has none.
pub const COMMENT: &str = "//";
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
    let bytes = bytes.map_err(|cause| {
        problem(cause.to_string())
            .hint("check the path given with `--config`, or write a config with `tap-together init`")
    })?;
    let parsed = parse(&bytes)
        .map_err(|what| problem(what).hint("it is a JSON object of settings, as in `sample_config.json`"))?;
    let says = |(name, value): &(String, Value)| !value.is_null() && !name.starts_with(COMMENT);
    Ok(parsed.into_iter().filter(says).collect())
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

/// Settings about a stream that there is not would be without effect.
#[must_use]
pub fn stream_problems(config: &Map<String, Value>) -> Vec<String> {
    let extra = config.get("extra_reports").cloned().unwrap_or_default();
    let kinds = ReportType::all(&serde_json::from_value::<Vec<String>>(extra).unwrap_or_default());
    let streams: Vec<String> = kinds.into_iter().map(|kind| kind.stream).collect();
    let mut problems = Vec::new();
    for setting in ["key_properties", "schema_overrides"] {
        let named = config.get(setting).and_then(Value::as_object).into_iter().flat_map(Map::keys);
        for name in named.filter(|name| !streams.contains(name)) {
            let streams = streams.join("`, `");
            problems.push(format!("`{setting}` names `{name}`, but the streams are `{streams}`"));
        }
    }
    problems
}

/// Writes `1e10` as an integer: JSON Schema calls it one, serde does not.
pub fn integers(config: &mut Map<String, Value>) {
    for value in config.values_mut().filter(|value| value.is_f64()) {
        let whole = value.as_f64().filter(|number| number.fract() == 0.0);
        if let Some(Ok(whole)) = whole.map(|number| number.to_string().parse::<u64>()) {
            *value = whole.into();
        }
    }
}

/// Whether others on this machine can read the file.
#[must_use]
pub fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let meta = std::fs::metadata(path);
    meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o044 != 0)
}
