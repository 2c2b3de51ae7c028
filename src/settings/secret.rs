//! Finds a secret, such as the API key: in exactly one place, or in several that agree. No message contains it.
//!
//! The sources are the config, the environment, a file and a command; two different secrets are an error.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::env::{Environment, variable};
use super::problem::Problem;
use super::secret_command::{self, COMMAND_TIMEOUT, CommandGroup};
use super::validate::invalid_reason;
use crate::files::read_stream;

/// Bytes of the file that holds a secret.
const LIMIT: u64 = 64 * 1024;

/// The settings that can hold one secret.
pub struct SecretSetting {
    name: &'static str,
    file: &'static str,
    command: &'static str,
    /// Several of them, in words.
    plural: &'static str,
    /// Where the operator gets it.
    origin_hint: &'static str,
}

pub const API_KEY: SecretSetting = SecretSetting {
    name: "api_key",
    file: "api_key_file",
    command: "api_key_command",
    plural: "API keys",
    origin_hint: "copy the key from Together's Integrations page",
};

pub const MASK_KEY: SecretSetting = SecretSetting {
    name: "mask_key",
    file: "mask_key_file",
    command: "mask_key_command",
    plural: "mask keys",
    origin_hint: "make one, for example with `openssl rand -hex 32`, and keep it: hashes change with it",
};

pub const ARCHIVE_KEY: SecretSetting = SecretSetting {
    name: "archive_key",
    file: "archive_key_file",
    command: "archive_key_command",
    plural: "archive keys",
    origin_hint: "make one, for example with `openssl rand -hex 32`, and keep it: without it the archive cannot be read",
};

#[derive(Debug, Default)]
pub struct Secret {
    pub text: SecretString,
    /// Each place that it was found in, in words.
    pub places: String,
}

/// Looks in every place; `None` if no place has the secret. `config_files` is the config without what the environment
/// adds.
pub fn find(
    setting: &SecretSetting,
    config: &Map<String, Value>,
    config_files: &Map<String, Value>,
    environment: &Environment,
    group: &CommandGroup,
) -> Result<Option<Secret>, Problem> {
    let mut found: Vec<(String, String)> = Vec::new();
    if let Some(secret) = config_files.get(setting.name).and_then(Value::as_str) {
        found.push((format!("`{}` in the config", setting.name), secret.to_owned()));
    }
    let variable = variable(setting.name);
    if let Some(secret) = environment.get(&variable) {
        found.push((format!("`{variable}`"), secret.to_owned()));
    }
    if let Some(path) = config.get(setting.file).and_then(Value::as_str) {
        found.push((format!("`{}`", setting.file), from_file(setting.file, path)?));
    }
    if let Some(Value::Array(words)) = config.get(setting.command) {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        let printed = secret_command::run(setting.command, &words, COMMAND_TIMEOUT, group)?;
        found.push((format!("`{}`", setting.command), printed));
    }
    for (place, secret) in &mut found {
        // HTTP drops white space around a header value: with and without it, it is one key to the API.
        *secret = secret.trim_matches([' ', '\t', '\r', '\n']).to_owned();
        if let Some(invalid_reason) = invalid_reason(secret) {
            return Err(Problem::new(format!("{place} {invalid_reason}")).hint(setting.origin_hint));
        }
    }
    let Some((place, secret)) = found.first() else { return Ok(None) };
    if let Some((other, _)) = found.iter().find(|(_, other)| other != secret) {
        return Err(Problem::new(format!("{place} and {other} hold different {}", setting.plural))
            .hint("keep one of them"));
    }
    let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
    Ok(Some(Secret { text: SecretString::from(secret.as_str()), places: places.join(" and ") }))
}

/// No place has an API key.
pub fn missing_api_key() -> Problem {
    Problem::new("`api_key` is missing").hint(
        "copy it from Together's Integrations page and give it as `api_key`, `TAP_TOGETHER_API_KEY`, `api_key_file` or `api_key_command`",
    )
}

/// The path is not shown: it may be the secret itself.
fn from_file(setting: &str, path: &str) -> Result<String, Problem> {
    let fail = |cause: &str| {
        Problem::new(format!("cannot read the file that `{setting}` names: {cause}"))
            .hint("name a file that holds the key and nothing else")
    };
    let bytes = read_stream(path, LIMIT).map_err(|cause| fail(&cause.to_string()))?;
    String::from_utf8(bytes).map_err(|_| fail("it is not UTF-8"))
}
