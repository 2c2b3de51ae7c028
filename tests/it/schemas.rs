//! What the tap prints fits the schemas that are shipped with it, and each schema can refuse.

use serde_json::{Value, json};

use super::compatibility::changes;
use super::tap::Tap;

const MESSAGE: &str = include_str!("../../schemas/message.json");
const STATE: &str = include_str!("../../schemas/state.json");
const CATALOG: &str = include_str!("../../schemas/catalog.json");

pub fn problems(schema: &str, value: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn messages_and_state_validate_against_the_schemas() {
    let changes = changes().as_object().unwrap().clone();
    let changes = changes.into_iter().fold(Tap::new(), |tap, (name, value)| tap.set(&name, value));
    for message in [Tap::new(), changes].iter().flat_map(|tap| tap.run().messages()) {
        assert_eq!(problems(MESSAGE, &message), Vec::<String>::new());
        if message["type"] == "STATE" {
            assert_eq!(problems(STATE, &message["value"]), Vec::<String>::new());
        }
    }
    for bad in [json!({"type": "STATE", "value": {}}), json!({"type": "RECORD", "stream": "s", "record": {}})]
    {
        assert!(!problems(MESSAGE, &bad).is_empty(), "{bad}");
    }
    assert!(
        !problems(STATE, &json!({"bookmarks": {"s": {"row_count": -1}}, "currently_syncing": null}))
            .is_empty()
    );
}

#[test]
fn catalog_validates_against_its_schema() {
    let run = Tap::new().args(&["--discover"]).run();
    let mut catalog: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(problems(CATALOG, &catalog), Vec::<String>::new());
    // Meltano makes a property without metadata automatic.
    for stream in catalog["streams"].as_array().unwrap() {
        for name in stream["schema"]["properties"].as_object().unwrap().keys() {
            let own = stream["metadata"].as_array().unwrap().iter();
            assert_eq!(
                own.filter(|entry| entry["breadcrumb"] == json!(["properties", name])).count(),
                1,
                "{name}"
            );
        }
    }
    catalog["streams"][0]["replication_method"] = "INCREMENTAL".into();
    assert!(!problems(CATALOG, &catalog).is_empty());
}
