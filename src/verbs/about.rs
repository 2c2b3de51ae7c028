//! `--about`: the tap and its settings, derived from `schemas/config.json`.
//!
//! It reads no config and needs no network. Meltano reads the JSON form, `packaging/renew` the other two.

use std::fmt::Write as _;
use std::io::Write;

use serde_json::{Value, json};

use super::print;
use crate::cli::AboutFormat;
use crate::error::{Error, Exit, Result};
use crate::settings::schema::{properties, schema};

const DESCRIPTION: &str = env!("CARGO_PKG_DESCRIPTION");
/// Capabilities in Meltano's terms.
pub(super) const CAPABILITIES: [&str; 7] =
    ["catalog", "properties", "discover", "state", "about", "activate-version", "structured-logging"];

pub fn about(format: AboutFormat, out: &mut dyn Write) -> Result<()> {
    let schema = schema();
    let text = match format {
        AboutFormat::Json => serde_json::to_string_pretty(&json!({
            "name": "tap-together",
            "description": DESCRIPTION,
            "version": env!("CARGO_PKG_VERSION"),
            "sdk_version": "",
            "supported_python_versions": [],
            "capabilities": CAPABILITIES,
            "settings": schema,
        }))
        .map_err(|cause| Error::new(Exit::Bug, format!("cannot serialise the description: {cause}")))?,
        AboutFormat::Text => listing(&schema, "", |text, name, setting, choice| {
            let _ = writeln!(
                text,
                "  {name}{choice}\n      {}",
                setting["description"].as_str().unwrap_or_default()
            );
        }),
        AboutFormat::Markdown => {
            listing(&schema, "| setting | meaning |\n|---|---|\n", |text, name, setting, choice| {
                let words = setting["description"].as_str().unwrap_or_default();
                let meaning = format!("{words}{choice}").replace('|', r"\|");
                let _ = writeln!(text, "| `{name}` | {meaning} |");
            })
        }
    };
    print(&text, out)
}

fn listing(schema: &Value, head: &str, line: impl Fn(&mut String, &str, &Value, &str)) -> String {
    let mut text = format!("tap-together {}\n\n{DESCRIPTION}\n\n{head}", env!("CARGO_PKG_VERSION"));
    for (name, setting) in properties(schema) {
        line(&mut text, name, setting, &choice(setting));
    }
    text
}

/// A word as it is, and any other value as JSON.
fn option(value: &Value) -> String {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    value.as_str().filter(|text| text.chars().all(is_letter)).map_or(value.to_string(), str::to_owned)
}

/// The allowed values and the default of a setting, in parentheses.
pub(super) fn choice(setting: &Value) -> String {
    let options = setting["enum"].as_array().map(|options| {
        let options: Vec<String> = options.iter().map(option).collect();
        format!("one of {}", options.join(", "))
    });
    let default = setting.get("default").map(|default| format!("default {default}"));
    let choice: Vec<String> = options.into_iter().chain(default).collect();
    if choice.is_empty() { String::new() } else { format!(" ({})", choice.join("; ")) }
}
