//! Where the API key comes from: exactly one place, or several that agree. No message ever holds it.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::park_timeout;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::env::Environment;
use super::validate::invalid_reason;
use crate::clock;
use crate::error::{Error, Exit, Result};
use crate::files::read_stream;

/// How long the operator's command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is looked after.
const POLL: Duration = Duration::from_millis(10);
/// No key is longer.
const LIMIT: u64 = 64 * 1024;

/// The key, and where it stands.
pub struct Key {
    /// Never shown.
    pub secret: SecretString,
    /// All its places, in words.
    pub places: String,
}

/// Finds the key.
pub fn find(config: &Map<String, Value>, own: &Map<String, Value>, environment: &Environment) -> Result<Key> {
    let mut found: Vec<(&str, String)> = Vec::new();
    if let Some(key) = own.get("api_key").and_then(Value::as_str) {
        found.push(("`api_key` in the config", key.to_owned()));
    }
    if let Some(key) = environment.get("TAP_TOGETHER_API_KEY") {
        found.push(("`TAP_TOGETHER_API_KEY`", key.to_owned()));
    }
    if let Some(path) = config.get("api_key_file").and_then(Value::as_str) {
        found.push(("`api_key_file`", from_file(path)?));
    }
    if let Some(Value::Array(words)) = config.get("api_key_command") {
        found.push(("`api_key_command`", from_command(words, COMMAND_TIMEOUT)?));
    }
    for (place, key) in &mut found {
        key.truncate(key.trim_end_matches(['\r', '\n']).len());
        if let Some(invalid_reason) = invalid_reason(key) {
            return Err(usage(format!("{place} {invalid_reason}"))
                .hint("copy the key from Together's Integrations page"));
        }
    }
    let Some((place, key)) = found.first() else {
        return Err(usage("`api_key` is missing").hint(
            "copy it from Together's Integrations page and give it as `api_key`, `TAP_TOGETHER_API_KEY`, `api_key_file` or `api_key_command`",
        ));
    };
    if let Some((other, _)) = found.iter().find(|(_, other)| other != key) {
        return Err(usage(format!("{place} and {other} hold different API keys")).hint("keep one of them"));
    }
    let places: Vec<&str> = found.iter().map(|(place, _)| *place).collect();
    Ok(Key { secret: SecretString::from(key.as_str()), places: places.join(" and ") })
}

fn from_file(path: &str) -> Result<String> {
    // Not by its name: that may be the key itself, put in the wrong place.
    let fail = |what: &str| {
        usage(format!("cannot read the file that `api_key_file` names: {what}"))
            .hint("name a file that holds the key and nothing else")
    };
    let bytes = read_stream(path, LIMIT).map_err(|cause| fail(&cause.to_string()))?;
    String::from_utf8(bytes).map_err(|_| fail("stream did not contain valid UTF-8"))
}

/// What the command prints; its own log stays out of ours, because it may name the key.
fn from_command(words: &[Value], patience: Duration) -> Result<String> {
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    let (program, arguments) = words.split_first().ok_or_else(|| usage("`api_key_command` is empty"))?;
    let fail =
        |what: &str| usage(format!("`api_key_command` ({program}) {what}")).hint("run it by hand to see why");
    let deadline = clock::now() + patience;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|cause| fail(&format!("cannot be started: {cause}")))?;
    let stdout = child.stdout.take();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let outcome = stdout.map(|stdout| stdout.take(LIMIT + 1).read_to_string(&mut text));
        let _ = send.send((outcome, text));
    });
    let late = || fail(&format!("did not end within {} s", patience.as_secs_f64()));
    let status = ended(&mut child, deadline).map_err(|cause| fail(&cause.to_string()))?.ok_or_else(late)?;
    // A child of its own may still hold its output.
    match receive.recv_timeout(deadline.saturating_sub(clock::now())) {
        Err(_) => Err(late()),
        Ok((_, text)) if text.len() as u64 > LIMIT => Err(fail("printed more than 64 KiB")),
        Ok(_) if !status.success() => Err(fail(&format!("failed ({status})"))),
        Ok((Some(Ok(_)), text)) if !text.trim().is_empty() => Ok(text),
        Ok(_) => Err(fail("printed no key")),
    }
}

/// Waits for the end; nothing, and the child is killed, if it does not come in time.
fn ended(child: &mut Child, deadline: Duration) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if clock::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        park_timeout(POLL);
    }
}

fn usage(message: impl Into<String>) -> Error {
    Error::new(Exit::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        for script in ["sleep 9", "echo k; exec >&-; sleep 9", "sleep 9 & echo k"] {
            let words = ["sh", "-c", script].map(Value::from);
            let error = from_command(&words, Duration::from_millis(200)).unwrap_err();
            assert_eq!(error.message, "`api_key_command` (sh) did not end within 0.2 s", "{script}");
        }
    }
}
