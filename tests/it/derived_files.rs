//! Files in the repository that are derived from the schema of the settings and from `--about`.
//!
//! `packaging/renew` runs these tests with `RENEW=1`, which writes the files in place of comparing them.

use std::fs::read_to_string;
use std::path::Path;

use serde_json::{Value, json};
use tap_together::files::replace;

use super::tap::Tap;

const PLUGIN_HEAD: &str = "\
# The Meltano plugin definition of tap-together, in the Hub's form; renewed by `packaging/renew`.
name: tap-together
namespace: tap_together
variant: tap-together
label: Together (mentoring)
description: The user, pairing and session reports of the mentoring platform Together
domain_url: https://togetherplatform.com
keywords: [api, mentoring]
maintenance_status: active
quality: unknown
executable: tap-together
settings_group_validation:
- [organization_id, client_id, api_key]
- [organization_id, client_id, api_key_file]
- [organization_id, client_id, api_key_command]
- [from_file]
";

fn about(format: &str) -> String {
    let run = Tap::new().args(&["--about", "--format", format]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

#[expect(clippy::disallowed_methods, reason = "a person asks for renewal by a variable")]
fn compare_or_renew(file: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("RENEW").is_some() {
        replace(&path, expected.as_bytes()).unwrap();
    } else {
        assert!(read_to_string(path).unwrap() == expected, "{file} is stale; run `packaging/renew`");
    }
}

/// One setting in the order of the Hub's fields; JSON is YAML.
fn plugin_setting(name: &str, schema: &Value) -> String {
    let mut fields = vec![
        ("name", json!(name)),
        ("label", schema["title"].clone()),
        ("description", schema["description"].clone()),
    ];
    if let Value::Array(options) = &schema["enum"] {
        let options = options.iter().map(|option| json!({"label": option, "value": option}));
        fields.extend([("kind", json!("options")), ("options", options.collect())]);
    } else {
        // Meltano cannot write its own `decimal` into a config, and its `integer` fails with a traceback for other text.
        // It knows one kind for each setting. The tap reads numbers and booleans from text.
        let kind = schema["type"].as_str().filter(|kind| !["number", "integer"].contains(kind));
        fields.push(("kind", kind.unwrap_or("string").into()));
    }
    if schema["secret"] == true {
        fields.push(("sensitive", true.into()));
    }
    fields.extend(schema.get("default").map(|default| ("value", default.clone())));
    let lines: Vec<String> = fields.iter().map(|(field, value)| format!("{field}: {value}\n")).collect();
    format!("- {}", lines.join("  "))
}

#[test]
fn docs_settings_md_is_what_about_prints() {
    compare_or_renew("docs/settings.md", &about("markdown"));
}

#[test]
fn plugin_yml_has_the_settings_and_capabilities_of_about() {
    let about: Value = serde_json::from_str(&about("json")).unwrap();
    let capabilities = about["capabilities"].as_array().unwrap();
    let capabilities: Vec<String> =
        capabilities.iter().map(|name| format!("- {}", name.as_str().unwrap())).collect();
    let settings = about["settings"]["properties"].as_object().unwrap();
    let settings: String = settings.iter().map(|(name, schema)| plugin_setting(name, schema)).collect();
    let expected = format!("{PLUGIN_HEAD}capabilities:\n{}\nsettings:\n{settings}", capabilities.join("\n"));
    compare_or_renew("packaging/meltano/plugin.yml", &expected);
}
