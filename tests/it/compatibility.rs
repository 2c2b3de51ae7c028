//! The interface that `docs/versions.md` covers: settings, STATE and emitted schemas, as one snapshot.
//!
//! A change of the interface also needs an entry in `CHANGELOG.md`, which names the hash of the new snapshot.

use serde_json::{Value, json};
use tap_together::digest::{hex, sha256};

use super::snapshot;
use super::tap::Tap;

const CONFIG: &str = include_str!("../../schemas/config.json");
const STATE: &str = include_str!("../../schemas/state.json");
const CHANGELOG: &str = include_str!("../../CHANGELOG.md");

/// A schema without the texts for people.
fn without_texts(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, value)| {
                !(value.is_string() && ["title", "description", "$comment"].contains(&name.as_str()))
            })
            .map(|(name, value)| (name.clone(), without_texts(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_texts).collect(),
        other => other.clone(),
    }
}

/// The SCHEMA messages of the sample reports, and the STATE after them with its values replaced by their types.
fn emit(settings: &Value) -> Value {
    let set = settings.as_object().unwrap().iter();
    let tap = set.fold(Tap::new(), |tap, (name, value)| tap.set(name, value.clone()));
    let run = tap.args(&["--assume-idle"]).run();
    let schemas = run.messages().into_iter().filter(|message| message["type"] == "SCHEMA");
    json!({"settings": settings, "schemas": schemas.collect::<Vec<_>>(), "state": shape(&run.state())})
}

/// The settings of a change feed.
pub fn changes() -> Value {
    let key = json!({"user_report": ["user_id"], "pairing_report": ["pairing_id"], "session_report": ["session_id"]});
    json!({"replication": "changes", "archive": "on", "key_properties": key})
}

fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Null => "null".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
    }
}

fn interface() -> String {
    let parse = |text: &str| without_texts(&serde_json::from_str(text).unwrap());
    let emitted = [json!({"types": "string"}), json!({"types": "infer"}), changes()];
    let parts = json!({
        "settings": parse(CONFIG),
        "state": parse(STATE),
        "emitted": emitted.each_ref().map(emit),
    });
    serde_json::to_string_pretty(&parts).unwrap()
}

#[test]
fn interface_change_needs_a_new_snapshot_and_a_changelog_entry() {
    let interface = interface();
    snapshot::assert("interface", &interface);
    let hash = hex(&sha256::<4>(interface.as_bytes()));
    let latest = CHANGELOG.split("\n## ").nth(1).unwrap();
    assert!(
        latest.contains(&format!("interface `{hash}`")),
        "the interface changed: say in the latest section of CHANGELOG.md what changed, and name interface `{hash}`"
    );
}
