//! `--discover`: one catalog on stdout. What STATE or the state folder remembers costs no request.

use std::io::Write;

use serde_json::{Value, json};

use super::deliver::verify_report;
use super::print;
use crate::api::Api;
use crate::column_cache::ColumnCache;
use crate::error::{Error, Exit, Result};
use crate::job::{Job, Stream};
use crate::settings::Settings;
use crate::singer::catalog::describe;
use crate::singer::state::RememberedColumn;
use crate::telemetry::Telemetry;

/// Writes the catalog. `connect` is called only if some stream's columns are unknown.
pub async fn discover(
    job: &Job,
    connect: impl FnOnce() -> Result<Api>,
    settings: &Settings,
    out: &mut dyn Write,
    telemetry: &Telemetry,
) -> Result<()> {
    let cache = ColumnCache::new(settings);
    let mut connect = Some(connect);
    let mut api = None;
    let mut entries: Vec<Value> = Vec::new();
    for stream in &job.streams {
        let known = job.state.columns(stream.name()).or_else(|| cache.columns(stream.name()));
        let columns = if let Some(columns) = known {
            columns
        } else {
            if let Some(connect) = connect.take() {
                api = Some(connect()?);
            }
            let api = api.as_ref().ok_or_else(|| Error::new(Exit::Bug, "the API was not connected"))?;
            let columns = fetch(stream, api, telemetry).await?;
            cache.keep(stream.name(), columns.clone());
            columns
        };
        entries.push(describe(stream.name(), &stream.remembered_schema(&columns), &stream.key));
    }
    let catalog = serde_json::to_string_pretty(&json!({"streams": entries}))
        .map_err(|cause| Error::new(Exit::Bug, format!("cannot serialise the catalog: {cause}")))?;
    print(&catalog, out)
}

async fn fetch(stream: &Stream, api: &Api, telemetry: &Telemetry) -> Result<Vec<RememberedColumn>> {
    let mut report = api.fetch(&stream.report.report, telemetry).await.map_err(|failed| failed.error)?;
    Ok(stream.remember(&verify_report(stream, &mut report)?))
}
