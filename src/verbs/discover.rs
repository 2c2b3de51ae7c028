//! `--discover`: writes one catalog to stdout.
//!
//! The columns of a stream come from STATE and the state folder; a request is sent only if neither knows the stream.
//! It lists every stream, whatever a catalog selects. A person at a terminal also gets a table on stderr.

use std::io::Write;

use serde_json::{Value, json};

use super::deliver::verify_report;
use super::print;
use crate::clock;
use crate::column_store::ColumnStore;
use crate::columns::RememberedColumn;
use crate::error::{Error, Exit, Result};
use crate::job::{Job, Purpose, Stream};
use crate::settings::Settings;
use crate::singer::catalog::describe;
use crate::source::{Source, interval};
use crate::telemetry::{Progress, Telemetry};
use crate::terminal::{Cell, Column, Table};

/// Writes the catalog. Calls `open` only if the columns of a stream are unknown.
pub async fn discover(
    job: &Job,
    open: impl Fn() -> Result<Source>,
    settings: &Settings,
    out: &mut dyn Write,
    telemetry: &Telemetry,
) -> Result<()> {
    let store = ColumnStore::new(settings);
    let mut source = None;
    let mut entries: Vec<Value> = Vec::new();
    let mut rows = Vec::new();
    let reports = job.streams.iter().filter(|stream| !stream.rules.knows_a_report()).count();
    telemetry.progress(Progress::Begin { reports, interval: interval(settings) });
    for stream in &job.streams {
        let columns = if stream.rules.knows_a_report() {
            stream.rules.memory.clone()
        } else {
            let source = match &mut source {
                Some(source) => source,
                None => source.insert(open()?),
            };
            let columns = fetch_columns(stream, source, telemetry).await?;
            store.keep(stream.name(), stream.remember_discovered(columns.clone()));
            columns
        };
        let (schema, key) = (stream.remembered_schema(&columns), stream.key_names(&columns));
        rows.extend(table_rows(stream.name(), &schema, &key, telemetry));
        entries.push(describe(stream.name(), &schema, &key));
    }
    let catalog = serde_json::to_string_pretty(&json!({"streams": entries}))
        .map_err(|cause| Error::new(Exit::Bug, format!("cannot serialise the catalog: {cause}")))?;
    let pause = telemetry.pause();
    print(&catalog, out)?;
    drop(pause);
    let columns = vec![
        Column::text("stream"),
        Column::text("column"),
        Column::text("type"),
        Column::text("header").rank(1),
        Column::text("key").rank(1),
    ];
    telemetry.table(Table { columns, rows });
    Ok(())
}

/// A row of the table for each column of a stream.
fn table_rows(stream: &str, schema: &Value, key: &[String], telemetry: &Telemetry) -> Vec<Vec<Cell>> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let row = |(name, property): (&String, &Value)| {
        let title = property["title"].as_str().unwrap_or_default();
        let key = if key.contains(name) { "key" } else { "" };
        let kind = column_type(property);
        [stream, &telemetry.foreign(name), &kind, &telemetry.foreign(title), key].map(Cell::from).into()
    };
    properties.map(row).collect()
}

/// The JSON type of a property without null, or its format.
fn column_type(property: &Value) -> String {
    let types = property["type"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let types: Vec<&str> = types.filter(|name| *name != "null").collect();
    property["format"].as_str().map_or_else(|| types.join(" or "), str::to_owned)
}

async fn fetch_columns(
    stream: &Stream,
    source: &Source,
    telemetry: &Telemetry,
) -> Result<Vec<RememberedColumn>> {
    let mut report = source.fetch(&stream.report, telemetry).await.map_err(|failed| failed.error)?;
    let (plan, table) = verify_report(stream, &mut report)?;
    source.keep(&stream.report, &mut report);
    let seen = clock::format_utc(report.completed_at);
    Ok(plan.settle(&table, stream.on_type_mismatch, &seen, Purpose::Discovery).memory)
}
