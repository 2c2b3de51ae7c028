//! `archive`: lists, verifies or deletes the archived reports of one organisation, without a request.
//!
//! The output has names, times, sizes and digests, never anything of a report. `verify` fails if a report cannot be
//! read; `list` only says so.

use std::fmt::Write as _;
use std::io::Write;

use serde_json::{Value, json};

use super::print;
use crate::archive::{Archive, Depth, EntryName, Inspected};
use crate::cli::{ArchiveAction, ListFormat};
use crate::clock::{self, format_utc};
use crate::count::Count;
use crate::error::{Error, Exit, Result};
use crate::settings::Settings;
use crate::terminal::units::bytes;

pub fn archive(
    settings: &Settings,
    action: ArchiveAction,
    format: ListFormat,
    out: &mut dyn Write,
) -> Result<()> {
    let archive = Archive::new(settings);
    let depth = match action {
        ArchiveAction::List => Depth::Metadata,
        ArchiveAction::Verify => Depth::Whole,
        ArchiveAction::Forget { older_than } => {
            let names = archive.forget(older_than, clock::wall())?;
            let text = match format {
                ListFormat::Text => forgotten(&names),
                ListFormat::Json => to_json(names.iter().map(name_json))?,
            };
            return print(&text, out);
        }
    };
    let entries = archive.inspect(depth)?;
    let text = match format {
        ListFormat::Text => list(&entries, depth),
        ListFormat::Json => to_json(entries.iter().map(entry_json))?,
    };
    print(&text, out)?;
    let unreadable = entries.iter().filter(|entry| entry.content.is_err()).count();
    if depth == Depth::Whole && unreadable > 0 {
        let of = Count(entries.len(), "archived report");
        return Err(Error::new(Exit::Report, format!("cannot read {unreadable} of {of}"))
            .hint("give the key that they were encrypted with as `archive_key`, or delete their files"));
    }
    Ok(())
}

fn list(entries: &[Inspected], depth: Depth) -> String {
    if entries.is_empty() {
        return "the archive holds no report of this organisation".to_owned();
    }
    let readable = if depth == Depth::Whole { "intact" } else { "readable" };
    let mut text = String::new();
    for Inspected { name, bytes: size, content } in entries {
        let status = content.as_ref().map_or_else(ToString::to_string, |_| readable.to_owned());
        let _ = writeln!(text, "{}  {:>10}  {status}", name_text(name), bytes(*size));
    }
    text
}

fn forgotten(names: &[EntryName]) -> String {
    let lines = names.iter().map(|name| format!("{}\n", name_text(name)));
    format!("{}deleted {}", lines.collect::<String>(), Count(names.len(), "archived report"))
}

fn name_text(name: &EntryName) -> String {
    format!("{:20}  {}  {}", name.stream, format_utc(name.completed_at), name.digest)
}

fn name_json(name: &EntryName) -> Value {
    json!({"stream": name.stream, "completed_at": format_utc(name.completed_at), "digest": name.digest})
}

fn entry_json(entry: &Inspected) -> Value {
    let mut value = name_json(&entry.name);
    value["file_bytes"] = entry.bytes.into();
    match &entry.content {
        Ok(metadata) => value["report_bytes"] = metadata.bytes.into(),
        Err(error) => value["error"] = error.to_string().into(),
    }
    value
}

fn to_json(entries: impl Iterator<Item = Value>) -> Result<String> {
    serde_json::to_string_pretty(&entries.collect::<Value>())
        .map_err(|cause| Error::new(Exit::Bug, format!("cannot serialise the archive's list: {cause}")))
}
