//! Rules on the settings of cells that a schema cannot express: `schema_overrides`, `null_values` and `timezone`.
//!
//! A contradiction is refused with its reason. No problem shows a value: a column is named by its position, as are streams
//! that are not documented.

use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::problem::Problem;
use super::validate::shown_location;
use crate::safe_name::closest;
use crate::table::column_type::ColumnType;
use crate::table::type_override::{MEMBERS, TypeOverride};
use crate::table::white_space::is_trimmed;

/// Every problem of settings whose types the schema accepts; others are skipped.
#[must_use]
pub fn problems(config: &Map<String, Value>) -> Vec<Problem> {
    let config = Value::Object(config.clone());
    let mut problems: Vec<Problem> = timezone_problem(&config).into_iter().collect();
    problems.extend(null_value_problem(&config));
    for (stream, columns) in members(&config["schema_overrides"]) {
        for (column, spelled) in members(columns) {
            let path = format!("/schema_overrides/{}/{}", escape(stream), escape(column));
            let shown = shown_location(&path, &config);
            let reasons = override_problems(&config, stream, column, spelled);
            problems.extend(reasons.into_iter().map(|reason| Problem::new(format!("`{shown}`: {reason}"))));
        }
    }
    problems
}

fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

/// A segment of a JSON pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn timezone_problem(config: &Value) -> Option<Problem> {
    let is_unknown = config["timezone"].as_str()?.parse::<Tz>().is_err();
    is_unknown.then(|| {
        Problem::new("`timezone` is not an IANA time zone")
            .hint("give a name such as `Europe/Berlin` or `UTC`")
    })
}

fn null_value_problem(config: &Value) -> Option<Problem> {
    let is_lost = texts(&config["null_values"]).any(|value| !is_trimmed(value));
    (is_lost && config["trim"] == true).then(|| {
        Problem::new(
            "`null_values` has a value with white space at an end, which `trim` removes from every cell",
        )
        .hint("leave out the white space in `null_values`")
    })
}

fn texts(array: &Value) -> impl Iterator<Item = &str> {
    array.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn override_problems(config: &Value, stream: &str, column: &str, spelled: &Value) -> Vec<String> {
    let mut problems: Vec<String> = members(spelled)
        .filter(|(name, _)| !MEMBERS.contains(&name.as_str()))
        .map(|(name, _)| unknown(name))
        .collect();
    // The schema reports an override that cannot be read.
    let Ok(spelled) = TypeOverride::deserialize(spelled) else { return problems };
    let has_timezone = config["timezone"].is_string();
    problems.extend(spelled.errors(has_timezone).iter().map(ToString::to_string));
    if spelled.column_type != ColumnType::String
        && texts(&config["key_properties"][stream]).any(|key| key == column)
    {
        problems.push("the column is in `key_properties`, and a key column is a string".to_owned());
    }
    let is_null = |value: &str| texts(&config["null_values"]).any(|null| null == value);
    if spelled.boolean_values().any(is_null) {
        problems.push("a value is also in `null_values`".to_owned());
    }
    if config["trim"] == true && !spelled.boolean_values().all(is_trimmed) {
        problems.push("a value has white space at an end, which `trim` removes from every cell".to_owned());
    }
    problems
}

/// A member that no override has; it is shown only if it is a misspelled one.
fn unknown(name: &str) -> String {
    match closest(name, MEMBERS) {
        Some(member) => format!("it has an unknown member, did you mean `{member}`?"),
        None => format!("it has an unknown member; the members are `{}`", MEMBERS.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(config: &Value) -> Vec<String> {
        problems(config.as_object().unwrap()).into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn override_that_contradicts_other_settings_is_refused_with_its_position() {
        let user = |column: Value| json!({"user_report": {"a": "string", "b/~": column}});
        for (config, expected) in [
            (json!({"schema_overrides": user(json!("number"))}), &[][..]),
            (
                json!({"schema_overrides": user(json!({"type": "date", "format": "%m/%Y"}))}),
                &[
                    "`schema_overrides/user_report/entry 2`: `format` has no month and day (`%m` and `%d`, or `%j`)",
                ],
            ),
            (
                json!({"schema_overrides": user(json!({"type": "date", "strip": ["1"], "thousands": ","}))}),
                &[
                    "`schema_overrides/user_report/entry 2`: `thousands` is an option of another type than date",
                    "`schema_overrides/user_report/entry 2`: `strip` is an option of another type than date",
                ],
            ),
            (
                json!({"schema_overrides": {"mine": {"id": "number"}}, "key_properties": {"mine": ["id"]}}),
                &[
                    "`schema_overrides/entry 1/entry 1`: the column is in `key_properties`, and a key column is a string",
                ],
            ),
            (
                json!({"schema_overrides": user(json!("string")), "key_properties": {"user_report": ["b/~"]}}),
                &[],
            ),
            (
                json!({
                    "schema_overrides": user(json!({"type": "boolean", "true_values": ["y"], "false_values": ["- "]})),
                    "null_values": ["y"], "trim": true,
                }),
                &[
                    "`schema_overrides/user_report/entry 2`: a value is also in `null_values`",
                    "`schema_overrides/user_report/entry 2`: a value has white space at an end, which `trim` removes from every cell",
                ],
            ),
            (
                json!({"schema_overrides": user(json!({"type": "date-time", "format": "%F %R"}))}),
                &[
                    "`schema_overrides/user_report/entry 2`: `format` has no offset (`%z`), and `timezone` is not set",
                ],
            ),
            (
                json!({"schema_overrides": user(json!({"type": "date-time", "format": "%F %R"})), "timezone": "UTC"}),
                &[],
            ),
            (
                json!({"schema_overrides": user(json!({"type": "number", "thousand": ",", "x": 1}))}),
                &[
                    "`schema_overrides/user_report/entry 2`: it has an unknown member, did you mean `thousands`?",
                    "`schema_overrides/user_report/entry 2`: it has an unknown member; the members are `type`, `thousands`, `decimal`, `strip`, `format`, `true_values`, `false_values`",
                ],
            ),
        ] {
            assert_eq!(messages(&config), expected, "{config}");
        }
    }

    #[test]
    fn null_values_and_timezone_are_checked() {
        for (config, expected) in [
            (json!({"null_values": ["NA", " "]}), &[][..]),
            (
                json!({"null_values": ["NA", "- "], "trim": true}),
                &[
                    "`null_values` has a value with white space at an end, which `trim` removes from every cell",
                ],
            ),
            (json!({"timezone": "Europe/Berlin"}), &[]),
            (json!({"timezone": "Berlin"}), &["`timezone` is not an IANA time zone"]),
            (json!({"timezone": 7, "null_values": "x", "schema_overrides": [1]}), &[]),
        ] {
            assert_eq!(messages(&config), expected, "{config}");
        }
    }
}
