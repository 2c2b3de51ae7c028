//! The schema of the settings, `schemas/config.json`: the single source of names, types, bounds and defaults.
//!
//! `--about`, `docs/settings.md` and `packaging/meltano/plugin.yml` are generated from it.

use serde_json::{Map, Value};

const SCHEMA: &str = include_str!("../../schemas/config.json");

#[must_use]
pub fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap_or_default()
}

/// Each setting with its own schema, in the order of the file.
pub fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// Whether a value of this setting can have this type.
#[must_use]
pub fn has_type(setting: &Value, name: &str) -> bool {
    match &setting["type"] {
        Value::Array(types) => types.contains(&name.into()),
        only => only == name,
    }
}

/// Adds the schema's default of each setting that is left out.
pub fn fill_defaults(config: &mut Map<String, Value>, schema: &Value) {
    for (name, property) in properties(schema) {
        if let (false, Some(default)) = (config.contains_key(name), property.get("default")) {
            config.insert(name.clone(), default.clone());
        }
    }
}

/// Rewrites a float that is a whole number, such as `1e10`, as an integer: JSON Schema accepts it as one, serde does not.
pub fn rewrite_whole_floats(config: &mut Map<String, Value>) {
    for value in config.values_mut().filter(|value| value.is_f64()) {
        let whole = value.as_f64().filter(|number| number.fract() == 0.0);
        if let Some(Ok(whole)) = whole.map(|number| number.to_string().parse::<u64>()) {
            *value = whole.into();
        }
    }
}
