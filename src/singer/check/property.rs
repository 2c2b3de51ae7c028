//! Rules for the properties of a SCHEMA: names that every target can store, types that every target can read.
//!
//! It validates one SCHEMA at a time and does not look at records.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// Bytes of a `PostgreSQL` identifier.
const MAX_NAME: usize = 63;
/// When a row was deleted. The one name of the targets that a tap may use: some targets delete or flag by it.
pub(super) const DELETED_AT: &str = "_sdc_deleted_at";

/// Validates the properties of a stream whose key is `keys`.
pub(super) fn validate(properties: &Map<String, Value>, keys: &[String], wrong: &mut Vec<String>) {
    let mut folded = HashSet::new();
    for (field, property) in properties {
        validate_name(field, wrong);
        if !folded.insert(field.to_lowercase()) {
            wrong.push(format!("`{field}` differs from another property in case only"));
        }
        validate_type(field, property, keys.contains(field), wrong);
    }
    for key in keys.iter().filter(|key| !properties.contains_key(*key)) {
        wrong.push(format!("the key `{key}` is not a property"));
    }
}

fn validate_name(field: &str, wrong: &mut Vec<String>) {
    if field.is_empty() {
        wrong.push("a property has no name".into());
    }
    if field.contains(|c: char| c == '.' || c.is_whitespace()) {
        wrong.push(format!("the name `{field}` has a dot or white space: Meltano cannot select it"));
    }
    if field.len() > MAX_NAME {
        wrong.push(format!("the name `{field}` is longer than 63 bytes: PostgreSQL cuts it"));
    }
    if field.starts_with("_sdc_") && field != DELETED_AT {
        wrong.push(format!("the name `{field}` belongs to the targets"));
    }
}

/// A property must allow null; a key need not, because it is never null.
fn validate_type(field: &str, property: &Value, is_key: bool, wrong: &mut Vec<String>) {
    let types = &property["type"];
    let nullable = types.as_array().is_some_and(|types| types.iter().any(|name| name == "null"));
    if is_key && types.is_null() {
        wrong.push(format!("the key `{field}` has no `type`"));
    } else if !is_key && !nullable {
        wrong.push(format!("`{field}` has no `type` list with \"null\""));
    }
    for word in ["$ref", "multipleOf"] {
        if has_key(property, word) {
            wrong.push(format!("`{field}` uses `{word}`, which targets do not read"));
        }
    }
}

/// Whether an object anywhere in the value has the key.
pub(super) fn has_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(object) => object.iter().any(|(name, inner)| name == key || has_key(inner, key)),
        Value::Array(list) => list.iter().any(|inner| has_key(inner, key)),
        _ => false,
    }
}

/// Whether a string anywhere in the value has a NUL character.
pub(super) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Object(object) => object.values().any(has_nul),
        Value::Array(list) => list.iter().any(has_nul),
        _ => false,
    }
}
