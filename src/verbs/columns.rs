//! `columns`: what is remembered of each column, and what leaves of it, without a request.
//!
//! The Markdown form is a record of processing: each column that leaves, in which form, and each that is held back.

use std::fmt::Write as _;
use std::io::Write;

use serde_json::{Map, Value, json};

use super::print;
use crate::cli::AboutFormat;
use crate::error::{Error, Exit, Result};
use crate::job::{ColumnStatus, Job, Leaves, Stream};
use crate::telemetry::Telemetry;
use crate::terminal::escape_controls;

pub fn columns(job: &Job, format: AboutFormat, telemetry: &Telemetry, out: &mut dyn Write) -> Result<()> {
    let shown = |column: ColumnStatus| ColumnStatus { header: telemetry.foreign(&column.header), ..column };
    let columns = |stream: &Stream| stream.columns().into_iter().map(shown).collect::<Vec<_>>();
    let streams = || job.streams.iter().map(|stream| (stream.name(), columns(stream)));
    let text = match format {
        AboutFormat::Json => {
            let streams: Map<String, Value> =
                streams().map(|(name, columns)| (name.to_owned(), json!(columns))).collect();
            serde_json::to_string_pretty(&streams)
                .map_err(|cause| Error::new(Exit::Bug, format!("cannot serialise the columns: {cause}")))?
        }
        AboutFormat::Text => streams().map(|(name, columns)| text(name, &columns)).collect(),
        AboutFormat::Markdown => streams().map(|(name, columns)| markdown(name, &columns)).collect(),
    };
    print(&text, out)
}

fn text(stream: &str, columns: &[ColumnStatus]) -> String {
    if columns.is_empty() {
        return format!("{stream}: no column is known yet; run a sync, `--discover` or `profile`\n");
    }
    let mut text = format!("{stream}\n");
    let width = columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
    for column in columns {
        let _ = writeln!(
            text,
            "  {:width$}  {:9}  {:8}  {:20}  {:10}  {}",
            column.name,
            type_name(column),
            column.source.name(),
            leaves(column),
            last_seen(column),
            escape_controls(&column.header),
        );
    }
    text
}

fn markdown(stream: &str, columns: &[ColumnStatus]) -> String {
    let mut text = format!(
        "## {stream}\n\n| header | column | type | source of the type | what leaves | last seen |\n|---|---|---|---|---|---|\n"
    );
    for column in columns {
        let header = column.header.replace('|', r"\|").replace(['\r', '\n'], " ");
        let _ = writeln!(
            text,
            "| {header} | `{}` | {} | {} | {} | {} |",
            column.name,
            type_name(column),
            column.source.name(),
            leaves(column),
            last_seen(column),
        );
    }
    text.push('\n');
    text
}

fn type_name(column: &ColumnStatus) -> &'static str {
    column.column_type.map_or("undecided", |column_type| column_type.name())
}

fn leaves(column: &ColumnStatus) -> String {
    match (column.leaves, &column.mask) {
        (Leaves::Clear, _) => "clear".to_owned(),
        (Leaves::Masked, Some(rule)) => format!("masked: {rule}"),
        (Leaves::Masked, None) => "masked".to_owned(),
        (Leaves::Null, _) if column.gone => "null: gone".to_owned(),
        (Leaves::Null, Some(rule)) => format!("null: {rule}"),
        (Leaves::Null, None) => "null: not selected".to_owned(),
        (Leaves::Nothing, _) if column.gone => "nothing: gone".to_owned(),
        (Leaves::Nothing, Some(rule)) => format!("nothing: {rule}"),
        (Leaves::Nothing, None) => "nothing: held back".to_owned(),
    }
}

/// The day, which is enough for a reader.
fn last_seen(column: &ColumnStatus) -> &str {
    column.last_seen.as_deref().and_then(|time| time.get(..10)).unwrap_or("never")
}
