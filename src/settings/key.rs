//! Finds the API key: in exactly one place, or in several that agree. No message contains it.
//!
//! The sources are the config, the environment, `api_key_file` and `api_key_command`; two different keys are an error.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::env::Environment;
use super::key_command::{self, COMMAND_TIMEOUT, CommandGroup};
use super::problem::Problem;
use super::validate::invalid_reason;
use crate::files::read_stream;

/// Bytes of the file that `api_key_file` names.
const LIMIT: u64 = 64 * 1024;

pub struct Key {
    pub secret: SecretString,
    /// Each place that it was found in, in words.
    pub places: String,
}

/// Looks in every place. `from_files` is the config without what the environment adds.
pub fn find(
    config: &Map<String, Value>,
    from_files: &Map<String, Value>,
    environment: &Environment,
    group: &CommandGroup,
) -> Result<Key, Problem> {
    let mut found: Vec<(&str, String)> = Vec::new();
    if let Some(key) = from_files.get("api_key").and_then(Value::as_str) {
        found.push(("`api_key` in the config", key.to_owned()));
    }
    if let Some(key) = environment.get("TAP_TOGETHER_API_KEY") {
        found.push(("`TAP_TOGETHER_API_KEY`", key.to_owned()));
    }
    if let Some(path) = config.get("api_key_file").and_then(Value::as_str) {
        found.push(("`api_key_file`", from_file(path)?));
    }
    if let Some(Value::Array(words)) = config.get("api_key_command") {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        found.push(("`api_key_command`", key_command::run(&words, COMMAND_TIMEOUT, group)?));
    }
    for (place, key) in &mut found {
        // HTTP drops white space around a header value: with and without it, it is one key to the API.
        *key = key.trim_matches([' ', '\t', '\r', '\n']).to_owned();
        if let Some(invalid_reason) = invalid_reason(key) {
            return Err(Problem::new(format!("{place} {invalid_reason}"))
                .hint("copy the key from Together's Integrations page"));
        }
    }
    let Some((place, key)) = found.first() else {
        return Err(Problem::new("`api_key` is missing").hint(
            "copy it from Together's Integrations page and give it as `api_key`, `TAP_TOGETHER_API_KEY`, `api_key_file` or `api_key_command`",
        ));
    };
    if let Some((other, _)) = found.iter().find(|(_, other)| other != key) {
        return Err(
            Problem::new(format!("{place} and {other} hold different API keys")).hint("keep one of them")
        );
    }
    let places: Vec<&str> = found.iter().map(|(place, _)| *place).collect();
    Ok(Key { secret: SecretString::from(key.as_str()), places: places.join(" and ") })
}

/// The path is not shown: it may be the key itself.
fn from_file(path: &str) -> Result<String, Problem> {
    let fail = |cause: &str| {
        Problem::new(format!("cannot read the file that `api_key_file` names: {cause}"))
            .hint("name a file that holds the key and nothing else")
    };
    let bytes = read_stream(path, LIMIT).map_err(|cause| fail(&cause.to_string()))?;
    String::from_utf8(bytes).map_err(|_| fail("it is not UTF-8"))
}
