//! `--about`: the tap and its settings, derived from `schemas/config.json`.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::cli::AboutFormat;
use crate::settings::config::schema;

const DESCRIPTION: &str = env!("CARGO_PKG_DESCRIPTION");
const CAPABILITIES: [&str; 7] =
    ["catalog", "properties", "discover", "state", "about", "activate-version", "structured-logging"];

/// Writes the description.
pub fn about(format: AboutFormat, out: &mut dyn Write) -> io::Result<()> {
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
        }))?,
        AboutFormat::Text => listing(&schema, "", |text, name, setting, default| {
            let _ = writeln!(
                text,
                "  {name}{default}\n      {}",
                setting["description"].as_str().unwrap_or_default()
            );
        }),
        AboutFormat::Markdown => {
            listing(&schema, "| setting | meaning |\n|---|---|\n", |text, name, setting, default| {
                let words = setting["description"].as_str().unwrap_or_default();
                let _ = writeln!(text, "| `{name}` | {words}{default} |");
            })
        }
    };
    writeln!(out, "{}", text.trim_end())?;
    out.flush()
}

fn listing(schema: &Value, head: &str, line: impl Fn(&mut String, &str, &Value, &str)) -> String {
    let mut text = format!("tap-together {}\n{DESCRIPTION}\n\n{head}", env!("CARGO_PKG_VERSION"));
    for (name, setting) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        let default = setting.get("default").map_or(String::new(), |default| format!(" (default {default})"));
        line(&mut text, name, setting, &default);
    }
    text
}
