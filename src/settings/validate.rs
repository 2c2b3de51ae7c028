//! What is wrong with configs and environment before defaults are filled in: unknown names, the schema's rules, and the
//! rules on ids and stream names. No problem shows a value, or a name that is not a known one with a typing error.

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use super::column_rules::EVERY_STREAM;
use super::config::{COMMENT, shown};
use super::env::{Environment, variable};
use super::problem::Problem;
use super::schema::properties;
use super::url_rules::PROXY_VARIABLES;
use super::warning::SDK_SETTINGS;
use crate::report::ReportType;
use crate::safe_name::{closest, is_misspelling};
use crate::table::type_override::MEMBERS;

/// Settings of the Meltano SDK that change records: to ignore one would let data leave that was to be changed.
const SDK_TRANSFORMS: [&str; 4] = ["stream_maps", "stream_map_config", "faker_config", "batch_config"];

/// The names in one config that are not settings. A name is shown if it is a misspelled setting.
#[must_use]
pub fn unknown_names(config: &Map<String, Value>, config_name: &str, schema: &Value) -> Vec<Problem> {
    let known: Vec<&str> = properties(schema).map(|(name, _)| name.as_str()).collect();
    let is_ignored = |name: &str, value: &Value| value.is_null() || name.starts_with(COMMENT);
    let mut problems = Vec::new();
    for (position, (name, value)) in config.iter().enumerate() {
        if known.contains(&name.as_str()) || is_ignored(name, value) || SDK_SETTINGS.contains(&name.as_str())
        {
            continue;
        }
        if SDK_TRANSFORMS.contains(&name.as_str()) {
            let is_empty = value.as_object().is_some_and(Map::is_empty);
            problems.extend((!is_empty).then(|| {
                Problem::new(format!("`{name}` is a setting of the Meltano SDK that this tap does not have"))
                    .hint("use `masks` and `rename`, or a mapper of Meltano")
            }));
            continue;
        }
        let setting = closest(name, known.iter().copied());
        let suggestion = setting.map_or(String::new(), |setting| format!(", did you mean `{setting}`?"));
        problems.push(if setting.is_some_and(|setting| is_misspelling(name, setting)) {
            Problem::new(format!("`{name}` is not a setting{suggestion}"))
        } else {
            Problem::new(format!(
                "name {} in the config {} is not a setting (it is not shown, because it may be a secret){suggestion}",
                position + 1,
                shown(config_name)
            ))
        });
    }
    problems
}

/// The ids that a request needs and the config lacks.
pub fn missing_ids(config: &Map<String, Value>) -> impl Iterator<Item = Problem> {
    let missing = ["organization_id", "client_id"].into_iter().filter(|key| !config.contains_key(*key));
    missing.map(|key| Problem::new(format!("`{key}` is missing")).hint_ids())
}

/// Every violation of the schema by a known setting.
#[must_use]
pub fn schema_problems(config: &Map<String, Value>, schema: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let validator = jsonschema::validator_for(schema).expect("a test compiles the schema");
    let config = Value::Object(config.clone());
    for error in validator.iter_errors(&config) {
        let path = error.instance_path().to_string();
        if !path.is_empty() {
            let reason = match error.kind() {
                ValidationErrorKind::Enum { options } => format!("the value is not one of {options}"),
                _ => error.masked_with("the value").to_string(),
            };
            problems.push(Problem::new(format!("`{}`: {reason}", shown_location(&path, &config))));
        }
    }
    problems
}

/// A JSON pointer in which names that are neither settings, documented streams nor members of an override are replaced by
/// their position.
pub(super) fn shown_location(pointer: &str, config: &Value) -> String {
    let mut known = documented_streams();
    known.extend(MEMBERS.map(str::to_owned));
    let mut value = config;
    let mut shown = Vec::new();
    for (depth, segment) in pointer.trim_start_matches('/').split('/').enumerate() {
        let name = segment.replace("~1", "/").replace("~0", "~");
        let is_known = depth == 0 || value.is_array() || known.contains(&name);
        let position = value.as_object().and_then(|object| object.keys().position(|key| *key == name));
        shown.push(match position {
            Some(position) if !is_known => format!("entry {}", position + 1),
            _ => name.clone(),
        });
        value = match value {
            Value::Array(items) => name.parse().ok().and_then(|index: usize| items.get(index)),
            _ => value.get(&name),
        }
        .unwrap_or(&Value::Null);
    }
    shown.join("/")
}

fn streams(extra_reports: &[String]) -> Vec<String> {
    ReportType::all(extra_reports).into_iter().map(|report| report.stream).collect()
}

fn documented_streams() -> Vec<String> {
    streams(&[])
}

/// Settings that name a stream which does not exist would have no effect.
#[must_use]
pub fn stream_problems(config: &Map<String, Value>) -> Vec<Problem> {
    let extra = config.get("extra_reports").cloned().unwrap_or_default();
    let streams = streams(&serde_json::from_value::<Vec<String>>(extra).unwrap_or_default());
    let documented = documented_streams();
    let mut problems = Vec::new();
    for (setting, has_every) in [
        ("key_properties", false),
        ("schema_overrides", false),
        ("rename", false),
        ("forget_columns", false),
        ("masks", true),
        ("from_file", false),
        ("replication", true),
    ] {
        let names = config.get(setting).and_then(Value::as_object).into_iter().flat_map(Map::keys);
        let is_known = |name: &&String| streams.contains(name) || has_every && *name == EVERY_STREAM;
        for name in names.filter(|name| !is_known(name)) {
            let shown = if documented.iter().any(|stream| is_misspelling(name, stream)) {
                format!("`{name}`, which is not a stream")
            } else {
                "an unknown stream".to_owned()
            };
            let known = documented.join("`, `");
            problems.push(Problem::new(format!(
                "`{setting}` names {shown}; the streams are `{known}` and those of `extra_reports`"
            )));
        }
    }
    problems
}

/// Variables whose value is not UTF-8: they would be ignored without a word.
#[must_use]
pub fn environment_problems(environment: &Environment, schema: &Value) -> Vec<Problem> {
    let settings = properties(schema).map(|(name, _)| variable(name));
    let proxies = PROXY_VARIABLES.into_iter().map(str::to_owned);
    let invalid = settings.chain(proxies).filter(|name| environment.is_invalid(name));
    invalid.map(|name| Problem::new(format!("the value of `{name}` is not UTF-8"))).collect()
}

/// Rules on the ids that a schema cannot express.
#[must_use]
pub fn id_problems(config: &Map<String, Value>) -> Vec<Problem> {
    let text = |name| config.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut problems = Vec::new();
    for name in ["organization_id", "client_id"] {
        if let Some(reason) = text(name).and_then(invalid_reason) {
            problems.push(Problem::new(format!("`{name}` {reason}")).hint_ids());
        }
    }
    if matches!(text("organization_id"), Some("." | "..")) {
        problems.push(Problem::new("`organization_id` is `.` or `..`, which a URL path cannot contain"));
    }
    problems
}

/// Why a text cannot be an id or a key, without the text.
pub fn invalid_reason(text: &str) -> Option<String> {
    if text.starts_with("your-") {
        return Some("still holds the sample's placeholder".into());
    }
    if let Some(position) = text.chars().position(|c| c.is_control() || !c.is_ascii()) {
        return Some(format!("has a control or non-ASCII character at position {}", position + 1));
    }
    text.trim().is_empty().then(|| "is blank".into())
}
