//! The schema and `Settings` agree: names, defaults and the values of enums.

use std::collections::BTreeSet;

use serde::de::value::Error as FieldError;
use serde::forward_to_deserialize_any;
use serde_json::json;

use super::*;

/// Settings that are read while the settings are loaded and have no field.
const INPUTS: [&str; 7] = [
    "api_key",
    "api_key_command",
    "archive_key",
    "archive_key_command",
    "mask_key",
    "mask_key_command",
    "region",
];

/// A deserializer that notes the names of a struct's fields and reads nothing.
struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = FieldError;

    fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, FieldError> {
        Err(FieldError::custom("not a struct"))
    }

    fn deserialize_struct<V: serde::de::Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, FieldError> {
        *self.0 = fields;
        Err(FieldError::custom("only the names were asked for"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn config(name: &str, value: &Value) -> Map<String, Value> {
    let mut config = json!({"organization_id": "o", "client_id": "c", "state_dir": "/state"});
    config[name] = value.clone();
    config.as_object().unwrap().clone()
}

/// The enum of a setting, also where it is the type of a map's values.
fn options(property: &Value) -> Option<Vec<&str>> {
    let Value::Array(options) = &property["enum"] else {
        let inner = property.get("additionalProperties").or(property.get("then"));
        return inner.and_then(options);
    };
    Some(options.iter().map(|option| option.as_str().unwrap()).collect())
}

/// A config value with `option` at the depth at which the schema has the enum.
fn nested(property: &Value, option: &str) -> Value {
    match property.get("additionalProperties") {
        Some(inner) => json!({"user_report": nested(inner, option)}),
        None => option.into(),
    }
}

#[test]
fn schema_and_settings_have_the_same_names() {
    let mut fields: &[&str] = &[];
    Settings::deserialize(FieldNames(&mut fields)).unwrap_err();
    let program: BTreeSet<&str> = fields.iter().copied().chain(INPUTS).collect();
    let schema = schema::schema();
    let documented: BTreeSet<&str> = schema::properties(&schema).map(|(name, _)| name.as_str()).collect();
    assert_eq!(program, documented);
    assert_eq!(program.len(), fields.len() + INPUTS.len(), "an input is also a field");
}

#[test]
fn schema_defaults_deserialise_into_settings() {
    let schema = schema::schema();
    let mut defaults = Map::new();
    schema::fill_defaults(&mut defaults, &schema);
    assert!(defaults.len() > 5, "{defaults:?}");
    let bare = config("types", &"string".into());
    let settings = resolve(bare, &schema, &Environment::default()).unwrap();
    assert_eq!(Value::from(settings.max_report_bytes), schema["properties"]["max_report_bytes"]["default"]);
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, value) in &defaults {
        assert!(validator.is_valid(&Value::Object(config(name, value))), "{name}: {value}");
    }
}

#[test]
fn schema_enums_have_the_values_of_the_program() {
    let schema = schema::schema();
    let mut checked = Vec::new();
    for (name, property) in schema::properties(&schema).filter(|(name, _)| !INPUTS.contains(&name.as_str())) {
        let Some(options) = options(property) else { continue };
        let read = |option: &str| {
            let mut config = config(name, &nested(property, option));
            schema::fill_defaults(&mut config, &schema);
            resolve::fill_computed(&mut config, &Environment::default()).unwrap();
            Settings::deserialize(Value::Object(config)).map(|_| ())
        };
        for option in &options {
            assert!(read(option).is_ok(), "`{name}`: the program does not know `{option}`");
        }
        // Serde lists the variants of the enum.
        let message = read("no such value").unwrap_err().to_string();
        let known: BTreeSet<&str> = message.split('`').skip(3).step_by(2).collect();
        assert_eq!(known, options.into_iter().collect(), "`{name}`: {message}");
        checked.push(name.clone());
    }
    assert_eq!(
        checked,
        [
            "column_names",
            "new_columns",
            "archive",
            "masks_missing",
            "types",
            "schema_overrides",
            "on_type_mismatch",
            "max_length",
            "replication",
            "on_nul",
            "delimiter",
            "on_ragged"
        ]
    );
}

#[test]
fn schema_of_an_override_has_the_types_and_members_of_the_program() {
    let schema = schema::schema();
    let column = &schema["properties"]["schema_overrides"]["additionalProperties"]["additionalProperties"];
    assert_eq!(column["else"]["properties"]["type"]["enum"], column["then"]["enum"]);
    let members = column["else"]["properties"].as_object().unwrap().keys();
    assert_eq!(members.collect::<Vec<_>>(), crate::table::type_override::MEMBERS);
}

#[test]
fn schema_regions_have_a_host_each() {
    let schema = schema::schema();
    for region in options(&schema["properties"]["region"]).unwrap() {
        let settings = resolve(config("region", &region.into()), &schema, &Environment::default()).unwrap();
        assert_eq!(settings.base_url.host_str(), Some(format!("api.{region}.togetherplatform.com").as_str()));
    }
}
