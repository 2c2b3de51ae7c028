//! `--test`: one request that says whether the credentials work.
//!
//! It fetches the first selected report without retries and drops it. It emits no message.

use crate::api::Api;
use crate::error::{Error, Exit, Result};
use crate::job::Job;
use crate::source;
use crate::telemetry::Telemetry;

/// Tests the API with the job's first report.
pub async fn test(job: &Job, api: Api, telemetry: &Telemetry) -> Result<()> {
    let stream = job.streams.first().ok_or_else(|| Error::new(Exit::Usage, "no stream is selected"))?;
    telemetry.info(&source::test(api, &stream.report, telemetry).await?);
    Ok(())
}
