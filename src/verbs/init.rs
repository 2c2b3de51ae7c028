//! `init`: writes a config to fill in, adds it to `.gitignore`, and prints the next steps. Beside a `meltano.yml` it also
//! prints a block for it.
//!
//! No file is replaced, and no link or FIFO is followed or opened. JSON has no comments, so the config contains names
//! that begin with `//`, which the settings skip. `meltano.yml` is not changed: its order and comments are the operator's.

use std::fs::{OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use serde_json::{Map, Value};

use super::about::{CAPABILITIES, choice};
use super::print;
use crate::error::{Error, Exit, Result};
use crate::files::Folder;
use crate::safe_name;
use crate::settings::config::COMMENT;
use crate::settings::schema::{properties, schema};

const CONFIG: &str = "config.json";
const GITIGNORE: &str = ".gitignore";
const MELTANO: &str = "meltano.yml";
/// Bytes of `.gitignore`.
const LIMIT: u64 = 1024 * 1024;
/// Files that contain a key or a state, and do not belong into a repository.
const PRIVATE: [&str; 2] = [CONFIG, "state.json"];
/// Placeholders for the values on Together's Integrations page.
const SAMPLE: &str = include_str!("../../sample_config.json");

/// Writes the files into the folder. An existing config is never touched.
pub fn init(path: &Path, out: &mut dyn Write) -> Result<()> {
    let folder = path.canonicalize().and_then(|path| Folder::open(&path)).map_err(|cause| {
        Error::new(Exit::Usage, format!("cannot open the folder {}: {cause}", safe_name::path(path)))
            .hint("make it, or name another folder with `--directory`")
    })?;
    let config = path.join(CONFIG);
    let found = folder.stat_of(CONFIG).map_err(|cause| failed(&config, &cause))?;
    if found.is_some() {
        return Err(exists(&config));
    }
    let gitignore = path.join(GITIGNORE);
    let ignored = match ignore(&folder, &gitignore)?.join("` and `") {
        none if none.is_empty() => format!("`{}` keeps it out of git already", shown(&gitignore)),
        names => format!("added `{names}` to `{}`", shown(&gitignore)),
    };
    match folder.create_new(CONFIG, (config_text(&schema()) + "\n").as_bytes()) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => return Err(exists(&config)),
        outcome => outcome.map_err(|cause| failed(&config, &cause))?,
    }
    let has_meltano = folder.stat_of(MELTANO).is_ok_and(|found| found.is_some());
    let meltano = if has_meltano { meltano(&schema()) } else { String::new() };
    let text = format!(
        "wrote `{}`, which only you can read\n{ignored}\n\n{meltano}{}",
        shown(&config),
        next(&config)
    );
    print(&text, out)
}

/// The next steps, as the operator would type them.
fn next(config: &Path) -> String {
    let config = shown(config);
    format!(
        "next: copy the values from Together's Integrations page (API Keys) into `{config}`, then

check the setup without a request:
  tap-together doctor --config {config}
check the credentials with one request:
  tap-together --test --config {config}
see what a sync fetches and when, without a request:
  tap-together --dry-run --config {config}
sync into a target:
  tap-together run --config {config} --state state.json -- target-jsonl"
    )
}

/// A path as the operator would type it.
fn shown(path: &Path) -> impl std::fmt::Display {
    path.strip_prefix(".").unwrap_or(path).display()
}

fn exists(config: &Path) -> Error {
    Error::new(Exit::Usage, format!("`{}` exists and is not overwritten", shown(config)))
        .hint("edit it, or name another folder with `--directory`")
}

fn failed(path: &Path, cause: &std::io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot write `{}`: {cause}", shown(path)))
        .hint("check the folder and its disk")
}

/// The sample, with the description of every setting as a comment. An example is a comment too: without its `//` it is the
/// setting.
fn config_text(schema: &Value) -> String {
    let sample: Map<String, Value> = serde_json::from_str(SAMPLE).unwrap_or_default();
    let mut config = Map::new();
    let head = format!("settings of tap-together; a name that begins with {COMMENT} is a comment");
    config.insert(COMMENT.into(), head.into());
    for (name, setting) in properties(schema) {
        let meaning = setting["description"].as_str().unwrap_or_default();
        config.insert(format!("{COMMENT} {name}"), format!("{meaning}{}", choice(setting)).into());
        if let Some(placeholder) = sample.get(name) {
            config.insert(name.clone(), placeholder.clone());
        } else if let Some(example) = setting["examples"].get(0) {
            config.insert(format!("{COMMENT}{name}"), example.clone());
        }
    }
    format!("{:#}", Value::Object(config))
}

/// Appends the names that git would not ignore yet, and returns them.
fn ignore(folder: &Folder, path: &Path) -> Result<Vec<&'static str>> {
    let fail = |cause: std::io::Error| failed(path, &cause);
    let before = folder.read_small(GITIGNORE, LIMIT).map_err(|cause| {
        Error::new(Exit::Usage, format!("cannot use `{}`: {cause}", shown(path)))
            .hint("make it a regular file, or name another folder with `--directory`")
    })?;
    let is_new = before.is_none();
    let before = String::from_utf8_lossy(&before.unwrap_or_default()).into_owned();
    let missing: Vec<&str> = PRIVATE.into_iter().filter(|name| !is_ignored(name, &before)).collect();
    if missing.is_empty() {
        return Ok(missing);
    }
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let lines = format!("{gap}{}\n", missing.join("\n"));
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create_new(is_new).custom_flags(flags).open(path).map_err(fail)?;
    file.write_all(lines.as_bytes()).map_err(fail)?;
    if is_new {
        // It contains no secret, and git may run as another user.
        file.set_permissions(Permissions::from_mode(0o644)).map_err(fail)?;
    }
    Ok(missing)
}

/// Whether the last line about the file ignores it.
fn is_ignored(name: &str, gitignore: &str) -> bool {
    let names = |line: &&str| line.trim_start_matches('!').trim_start_matches('/') == name;
    gitignore.lines().map(str::trim_end).rev().find(names).is_some_and(|line| !line.starts_with('!'))
}

/// The block for `meltano.yml`, and how to use it.
fn meltano(schema: &Value) -> String {
    let settings = properties(schema).map(|(name, setting)| {
        // Meltano knows one kind for each setting, and its kinds of numbers fail with a traceback for other text. The tap
        // reads numbers and booleans from text.
        let kind =
            setting["type"].as_str().filter(|kind| !["number", "integer"].contains(kind)).unwrap_or("string");
        let sensitive = if setting["secret"] == true { ", sensitive: true" } else { "" };
        format!("    - {{name: {name}, kind: {kind}{sensitive}}}\n")
    });
    format!(
        "for Meltano, in place of `{CONFIG}`: add this to `{MELTANO}`, below its `plugins` and `extractors`

plugins:
  extractors:
  - name: tap-together
    namespace: tap_together
    executable: tap-together
    capabilities: [{}]
    settings:
{}
its values: meltano config set tap-together NAME VALUE; its doctor: meltano invoke tap-together doctor

",
        CAPABILITIES.join(", "),
        settings.collect::<String>()
    )
}
