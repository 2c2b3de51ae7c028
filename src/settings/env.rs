//! The only reader of the environment: it is read once, and everything else gets a plain value.
//!
//! An empty variable counts as absent, except where a proxy library reads it differently.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::schema::has_type;
use crate::platform;

/// Every setting has a variable: this prefix and the name in capitals.
pub const PREFIX: &str = "TAP_TOGETHER_";

/// The variable of a setting.
#[must_use]
pub fn variable(setting: &str) -> String {
    format!("{PREFIX}{}", setting.to_uppercase())
}

/// Converts text to the type of a setting. Text that cannot be converted is kept, and the schema refuses it.
pub(super) fn from_text(text: &str, schema: &Value) -> Value {
    let is_json = has_type(schema, "array") && text.starts_with('[')
        || has_type(schema, "object") && text.starts_with('{');
    let is_text = has_type(schema, "string") && !is_json;
    match text.to_lowercase().as_str() {
        "true" | "1" if has_type(schema, "boolean") => true.into(),
        "false" | "0" if has_type(schema, "boolean") => false.into(),
        _ if is_text => text.into(),
        _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

/// The environment as it was when the process started.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Names of variables whose value is not UTF-8.
    invalid: BTreeSet<String>,
}

impl Environment {
    /// Reads the environment of the process.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
    pub fn capture() -> Self {
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            match value.into_string() {
                Ok(value) => drop(environment.variables.insert(name, value)),
                Err(_) => drop(environment.invalid.insert(name)),
            }
        }
        environment
    }

    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self { variables, invalid: BTreeSet::new() }
    }

    /// The value of a variable; an empty one counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether the variable is set, even to an empty value.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.variables.contains_key(name) || self.is_invalid(name)
    }

    /// Whether any variable of a setting is set.
    #[must_use]
    pub fn has_settings(&self) -> bool {
        self.variables.keys().chain(&self.invalid).any(|name| name.starts_with(PREFIX))
    }

    /// Whether the value of the variable is not UTF-8.
    #[must_use]
    pub fn is_invalid(&self, name: &str) -> bool {
        self.invalid.contains(name)
    }

    /// The variables of this program, known settings or not.
    pub fn own_variables(&self) -> impl Iterator<Item = &str> {
        let names = self.variables.keys().chain(&self.invalid);
        names.map(String::as_str).filter(|name| name.starts_with(PREFIX))
    }

    /// The variable of a setting, converted to the type in the schema.
    #[must_use]
    pub fn setting(&self, name: &str, schema: &Value) -> Option<Value> {
        self.get(&variable(name)).map(|text| from_text(text, schema))
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

    /// The default state folder by the XDG rules.
    #[must_use]
    pub fn state_home(&self) -> Option<PathBuf> {
        let folder = match self.get("XDG_STATE_HOME") {
            Some(folder) => PathBuf::from(folder),
            None => PathBuf::from(self.get("HOME")?).join(platform::STATE_HOME),
        };
        folder.is_absolute().then(|| folder.join("tap-together"))
    }
}
