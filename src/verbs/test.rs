//! `--test`: one request says whether the credentials work.

use crate::api::Api;
use crate::error::{Error, Exit, Result};
use crate::job::Job;
use crate::telemetry::Telemetry;

/// Fetches the first report, once, and drops it.
pub async fn test(job: &Job, api: Api, telemetry: &Telemetry) -> Result<()> {
    let stream = job.streams.first().ok_or_else(|| Error::new(Exit::Usage, "no stream is selected"))?;
    api.without_retries().fetch(&stream.report.report, telemetry).await.map_err(|failed| failed.error)?;
    telemetry.info(&format!("the credentials work: `{}` was fetched", stream.report.report));
    Ok(())
}
