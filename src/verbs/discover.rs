//! `--discover`: writes one catalog to stdout.
//!
//! The columns of a stream come from STATE, else from the column cache, and only else from a request.
//! It lists every stream, whatever a catalog selects.

use std::io::Write;

use serde_json::{Value, json};

use super::deliver::verify_report;
use super::print;
use crate::column_cache::ColumnCache;
use crate::error::{Error, Exit, Result};
use crate::job::{Job, Stream};
use crate::settings::Settings;
use crate::singer::catalog::describe;
use crate::singer::state::RememberedColumn;
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
    let cache = ColumnCache::new(settings);
    let mut source = None;
    let mut entries: Vec<Value> = Vec::new();
    for stream in &job.streams {
        let known = job.state.columns(stream.name()).or_else(|| cache.columns(stream.name()));
        let columns = if let Some(columns) = known {
            columns
        } else {
            let source = match &mut source {
                Some(source) => source,
                None => source.insert(open()?),
            };
            let columns = fetch_columns(stream, source, telemetry).await?;
            cache.keep(stream.name(), columns.clone());
            columns
        };
        entries.push(describe(stream.name(), &stream.remembered_schema(&columns), &stream.key));
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
    let (columns, table) = verify_report(stream, &mut report)?;
    Ok(stream.remember(&columns, &table))
}
