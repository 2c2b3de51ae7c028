//! What is wrong with the merged config, before defaults are filled in: the schema's rules and the rules on ids and
//! stream names. No problem shows a value.

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use super::problem::Problem;
use super::schema::properties;
use crate::report::ReportType;

/// Every violation of the schema.
#[must_use]
pub fn schema_problems(config: &Map<String, Value>, schema: &Value) -> Vec<Problem> {
    let mut problems: Vec<Problem> = config
        .keys()
        .filter(|key| !properties(schema).any(|(name, _)| name == *key))
        .map(|key| unknown_setting(key, schema))
        .collect();
    for key in ["organization_id", "client_id"].into_iter().filter(|key| !config.contains_key(*key)) {
        problems.push(Problem::new(format!("`{key}` is missing")).hint_ids());
    }
    let validator = jsonschema::validator_for(schema).expect("a test compiles the schema");
    for error in validator.iter_errors(&Value::Object(config.clone())) {
        let path = error.instance_path().to_string();
        if !path.is_empty() {
            let reason = match error.kind() {
                ValidationErrorKind::Enum { options } => format!("the value is not one of {options}"),
                _ => error.masked_with("the value").to_string(),
            };
            problems.push(Problem::new(format!("`{}`: {reason}", path.trim_start_matches('/'))));
        }
    }
    problems
}

fn unknown_setting(key: &str, schema: &Value) -> Problem {
    let similar = properties(schema)
        .map(|(name, _)| (strsim::jaro_winkler(key, name), name))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let suggestion = similar.map_or(String::new(), |(_, name)| format!(", did you mean `{name}`?"));
    Problem::new(format!("`{key}` is no setting{suggestion}"))
}

/// Settings that name a stream which does not exist would have no effect.
#[must_use]
pub fn stream_problems(config: &Map<String, Value>) -> Vec<Problem> {
    let extra = config.get("extra_reports").cloned().unwrap_or_default();
    let reports = ReportType::all(&serde_json::from_value::<Vec<String>>(extra).unwrap_or_default());
    let streams: Vec<String> = reports.into_iter().map(|report| report.stream).collect();
    let mut problems = Vec::new();
    for setting in ["key_properties", "schema_overrides"] {
        let named = config.get(setting).and_then(Value::as_object).into_iter().flat_map(Map::keys);
        for name in named.filter(|name| !streams.contains(name)) {
            let streams = streams.join("`, `");
            problems
                .push(Problem::new(format!("`{setting}` names `{name}`, but the streams are `{streams}`")));
        }
    }
    problems
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
        problems.push(Problem::new("`organization_id` is a step in a path (`.` or `..`) and no id"));
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
