//! `--discover`: writes one catalog to stdout.
//!
//! The columns of a stream come from STATE and the state folder; a request is sent only if neither knows the stream.
//! It lists every stream, whatever a catalog selects.

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
use crate::source::Source;
use crate::telemetry::Telemetry;

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
        entries.push(describe(
            stream.name(),
            &stream.remembered_schema(&columns),
            &stream.key_names(&columns),
        ));
    }
    let catalog = serde_json::to_string_pretty(&json!({"streams": entries}))
        .map_err(|cause| Error::new(Exit::Bug, format!("cannot serialise the catalog: {cause}")))?;
    print(&catalog, out)
}

async fn fetch_columns(
    stream: &Stream,
    source: &Source,
    telemetry: &Telemetry,
) -> Result<Vec<RememberedColumn>> {
    let mut report = source.fetch(&stream.report, telemetry).await.map_err(|failed| failed.error)?;
    let (plan, table) = verify_report(stream, &mut report)?;
    let seen = clock::format_utc(report.completed_at);
    Ok(plan.settle(&table, stream.on_type_mismatch, &seen, Purpose::Discovery).memory)
}
