//! The only reader of the environment. Taken once; everything else sees a plain value.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};

/// Every setting has a variable of this prefix and its name in capitals.
pub const PREFIX: &str = "TAP_TOGETHER_";

/// The environment as it was at the start.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Takes it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn capture() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { variables: std::env::vars_os().filter_map(text).collect() }
    }

    /// An environment made of these.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Self { variables: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect() }
    }

    /// A variable; an empty one is absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The setting's variable, converted as the schema's type asks; text that does not convert is left for the schema to refuse.
    #[must_use]
    pub fn setting(&self, name: &str, schema: &Value) -> Option<Value> {
        let text = self.get(&format!("{PREFIX}{}", name.to_uppercase()))?;
        Some(match schema["type"].as_str() {
            Some("boolean") => match text.to_lowercase().as_str() {
                "true" | "1" => true.into(),
                "false" | "0" => false.into(),
                _ => text.into(),
            },
            Some("string") | None => text.into(),
            Some(_) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        })
    }

    /// Adds the settings that the configs leave out.
    pub fn fill<'a>(
        &self,
        config: &mut Map<String, Value>,
        properties: impl Iterator<Item = (&'a String, &'a Value)>,
    ) {
        for (name, schema) in properties {
            if let (false, Some(value)) = (config.contains_key(name), self.setting(name, schema)) {
                config.insert(name.clone(), value);
            }
        }
    }

    /// Where state lives by the rules of the system.
    #[must_use]
    pub fn state_home(&self) -> Option<PathBuf> {
        let folder = match self.get("XDG_STATE_HOME") {
            Some(folder) => PathBuf::from(folder),
            None => PathBuf::from(self.get("HOME")?).join(".local/state"),
        };
        folder.is_absolute().then(|| folder.join("tap-together"))
    }
}
