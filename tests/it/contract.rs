//! The rules of Singer that every successful output keeps, each shown to be able to fail.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// What breaks them, in words.
pub fn violations(output: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut streams: HashMap<String, Stream> = HashMap::new();
    let mut last = String::new();
    for (index, line) in output.lines().enumerate() {
        let mut say = |what: &str| found.push(format!("line {}: {what}", index + 1));
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            say("no JSON");
            continue;
        };
        message["type"].as_str().unwrap_or_default().clone_into(&mut last);
        let name = message["stream"].as_str().unwrap_or_default().to_owned();
        match last.as_str() {
            "SCHEMA" => {
                streams.insert(name, Stream::new(&message));
            }
            "STATE" if message["value"].as_object().is_none_or(serde_json::Map::is_empty) => {
                say("empty state");
            }
            "STATE" => {}
            _ => match streams.get_mut(&name) {
                None => say("no SCHEMA before it"),
                Some(stream) => stream.see(&message, &mut say),
            },
        }
    }
    if last != "STATE" {
        found.push("the last line is no STATE".into());
    }
    if !output.is_empty() && !output.ends_with('\n') {
        found.push("the last line is cut".into());
    }
    found
}

struct Stream {
    schema: Value,
    keys: Vec<String>,
    seen: HashSet<String>,
    version: Option<Value>,
    extracted: Option<Value>,
    activated: bool,
}

impl Stream {
    fn new(message: &Value) -> Self {
        let keys = message["key_properties"].as_array().into_iter().flatten();
        Self {
            schema: message["schema"]["properties"].clone(),
            keys: keys.map(|key| key.as_str().unwrap().to_owned()).collect(),
            seen: HashSet::new(),
            version: None,
            extracted: None,
            activated: false,
        }
    }

    fn see(&mut self, message: &Value, say: &mut impl FnMut(&str)) {
        if message["type"] == "ACTIVATE_VERSION" {
            if self.version.as_ref().is_some_and(|version| *version != message["version"]) {
                say("another version is activated");
            }
            self.activated = true;
            return;
        }
        if message["type"] != "RECORD" {
            return say("unknown type");
        }
        if self.activated {
            say("a RECORD after ACTIVATE_VERSION");
        }
        if *self.version.get_or_insert_with(|| message["version"].clone()) != message["version"] {
            say("the version changes");
        }
        if *self.extracted.get_or_insert_with(|| message["time_extracted"].clone())
            != message["time_extracted"]
        {
            say("time_extracted changes");
        }
        for (field, value) in message["record"].as_object().unwrap() {
            let types = self.schema[field]["type"].as_array().cloned().unwrap_or_default();
            let own = match value {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(number) if number.is_i64() => "integer",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            };
            if !types.iter().any(|name| name == own || (own == "integer" && name == "number")) {
                say("a field does not fit the SCHEMA");
            }
        }
        let key: Vec<&Value> = self.keys.iter().map(|key| &message["record"][key]).collect();
        if key.iter().any(|cell| cell.is_null()) {
            say("a key is null");
        }
        if !key.is_empty() && !self.seen.insert(format!("{key:?}")) {
            say("a key stands twice");
        }
    }
}

const GOOD: &str = r#"{"type":"SCHEMA","stream":"s","schema":{"properties":{"a":{"type":["null","integer"]}}},"key_properties":["a"]}
{"type":"RECORD","stream":"s","record":{"a":1},"version":1,"time_extracted":"T"}
{"type":"RECORD","stream":"s","record":{"a":2},"version":1,"time_extracted":"T"}
{"type":"ACTIVATE_VERSION","stream":"s","version":1}
{"type":"STATE","value":{"bookmarks":{}}}
"#;

#[test]
fn each_rule_can_fail() {
    assert_eq!(violations(GOOD), Vec::<String>::new());
    for (from, to, rule) in [
        (r#"{"type":"STATE","value":{"bookmarks":{}}}"#, r#"{"type":"STATE","value":{}}"#, "empty state"),
        ("{\"type\":\"STATE\",\"value\":{\"bookmarks\":{}}}\n", "", "the last line is no STATE"),
        ("}}\n", "}}", "the last line is cut"),
        (r#"{"a":2}"#, r#"{"a":1}"#, "a key stands twice"),
        (r#"{"a":2}"#, r#"{"a":null}"#, "a key is null"),
        (r#"{"a":2}"#, r#"{"a":"x"}"#, "does not fit"),
        (r#"{"a":2}"#, r#"{"a":2,"b":1}"#, "does not fit"),
        (r#"{"a":2},"version":1"#, r#"{"a":2},"version":2"#, "the version changes"),
        (r#""stream":"s","version":1"#, r#""stream":"s","version":2"#, "another version"),
        (r#""stream":"s","record":{"a":2}"#, r#""stream":"t","record":{"a":2}"#, "no SCHEMA"),
        ("{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{\"a\":1}", "x", "no JSON"),
    ] {
        let broken = GOOD.replace(from, to);
        assert!(
            violations(&broken).iter().any(|violation| violation.contains(rule)),
            "{rule}: {:?}",
            violations(&broken)
        );
    }
}
