//! `init`: a config to be filled in, what git must not see, and a block for Meltano.
//!
//! JSON has no comments, so the config holds names that begin with `//`, which the settings pass over and every
//! JSON tool keeps. A `meltano.yml` is the operator's own, order and comments included, and is not touched: the
//! block is printed to be pasted.

use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Map, Value};

use super::about::{CAPABILITIES, choice};
use super::print;
use crate::error::{Error, Exit, Result};
use crate::settings::config::COMMENT;
use crate::settings::schema::schema;

const CONFIG: &str = "config.json";
/// A key and a state: neither belongs into a repository.
const PRIVATE: [&str; 2] = [CONFIG, "state.json"];
/// What Together's Integrations page shows, as placeholders.
const SAMPLE: &str = include_str!("../../sample_config.json");

/// Writes the files into `folder`; a config that is there already is never touched.
pub fn init(folder: &Path, out: &mut dyn Write) -> Result<()> {
    if !folder.is_dir() {
        return Err(Error::new(Exit::Usage, format!("there is no folder `{}`", folder.display()))
            .hint("make it, or name another with `--directory`"));
    }
    let config = folder.join(CONFIG);
    if config.symlink_metadata().is_ok() {
        return Err(taken(&config));
    }
    let gitignore = folder.join(".gitignore");
    let ignored = match ignore(&gitignore)?.join("` and `") {
        none if none.is_empty() => format!("`{}` keeps it out of git already", shown(&gitignore)),
        names => format!("added `{names}` to `{}`", shown(&gitignore)),
    };
    place(&config)?;
    let config = shown(&config);
    let text = format!(
        "wrote `{config}`, which only you can read
{ignored}

for Meltano, in place of `{CONFIG}`: this belongs into `meltano.yml`, below the `plugins` and `extractors` that it has

{}
its values: meltano config set tap-together NAME VALUE; its doctor: meltano invoke tap-together doctor

next: put what Together's Integrations page shows under API Keys into `{config}`, then
  tap-together doctor --config {config}    looks at everything but the credentials, without a request
  tap-together --test --config {config}    says with one request whether the credentials work",
        meltano(&schema())
    );
    print(&text, out)
}

/// A path as the operator would type it.
fn shown(path: &Path) -> impl std::fmt::Display {
    path.strip_prefix(".").unwrap_or(path).display()
}

fn taken(config: &Path) -> Error {
    Error::new(Exit::Usage, format!("`{}` is there already, and nothing is overwritten", shown(config)))
        .hint("edit it, or name another folder with `--directory`")
}

fn failed(path: &Path, cause: &std::io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot write `{}`: {cause}", shown(path)))
        .hint("check the folder and its disk")
}

/// Writes the config whole or not at all, readable by its owner only.
fn place(path: &Path) -> Result<()> {
    let text = config(&schema()) + "\n";
    let folder = path.parent().unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        Ok(file)
    });
    match file.map_err(|cause| failed(path, &cause))?.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(lost) if lost.error.kind() == std::io::ErrorKind::AlreadyExists => Err(taken(path)),
        Err(lost) => Err(failed(path, &lost.error)),
    }
}

/// The sample, and every setting's meaning.
fn config(schema: &Value) -> String {
    let sample: Map<String, Value> = serde_json::from_str(SAMPLE).unwrap_or_default();
    let mut config = Map::new();
    let head = format!("settings of tap-together; a name that begins with {COMMENT} is a comment");
    config.insert(COMMENT.into(), head.into());
    for (name, setting) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        let meaning = setting["description"].as_str().unwrap_or_default();
        config.insert(format!("{COMMENT} {name}"), format!("{meaning}{}", choice(setting)).into());
        if let Some(placeholder) = sample.get(name) {
            config.insert(name.clone(), placeholder.clone());
        }
    }
    format!("{:#}", Value::Object(config))
}

/// Appends the names that git would not ignore yet, and returns them.
fn ignore(path: &Path) -> Result<Vec<&'static str>> {
    let fail = |cause: std::io::Error| failed(path, &cause);
    let is_new = !path.exists();
    let before = if is_new { Vec::new() } else { std::fs::read(path).map_err(fail)? };
    let before = String::from_utf8_lossy(&before);
    let missing: Vec<&str> = PRIVATE.into_iter().filter(|name| !is_ignored(name, &before)).collect();
    if missing.is_empty() {
        return Ok(missing);
    }
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let lines = format!("{gap}{}\n", missing.join("\n"));
    let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(fail)?;
    file.write_all(lines.as_bytes()).map_err(fail)?;
    if is_new {
        // There is nothing to hide in it, and git may run as somebody else.
        file.set_permissions(Permissions::from_mode(0o644)).map_err(fail)?;
    }
    Ok(missing)
}

/// Whether the last line that names the file takes it out of git.
fn is_ignored(name: &str, gitignore: &str) -> bool {
    let names = |line: &&str| line.trim_start_matches('!').trim_start_matches('/') == name;
    gitignore.lines().map(str::trim_end).rev().find(names).is_some_and(|line| !line.starts_with('!'))
}

/// The tap as a plugin.
fn meltano(schema: &Value) -> String {
    let settings = schema["properties"].as_object().into_iter().flatten().map(|(name, setting)| {
        // Meltano cannot write its own `decimal` into a config; whole seconds will do.
        let kind =
            setting["type"].as_str().map_or("string", |kind| if kind == "number" { "integer" } else { kind });
        let sensitive = if setting["secret"] == true { ", sensitive: true" } else { "" };
        format!("    - {{name: {name}, kind: {kind}{sensitive}}}\n")
    });
    format!(
        "plugins:
  extractors:
  - name: tap-together
    namespace: tap_together
    executable: tap-together
    capabilities: [{}]
    settings:
{}",
        CAPABILITIES.join(", "),
        settings.collect::<String>()
    )
}
