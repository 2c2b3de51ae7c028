//! `--test`: one request says whether the credentials work.

use crate::api::Api;
use crate::api::ledger::whole_seconds;
use crate::error::{Error, Exit, Result};
use crate::job::Job;
use crate::telemetry::Telemetry;

/// Fetches the first report, once, and drops it.
pub async fn test(job: &Job, api: Api, telemetry: &Telemetry) -> Result<()> {
    let stream = job.streams.first().ok_or_else(|| Error::new(Exit::Usage, "no stream is selected"))?;
    let report = &stream.report.report;
    let api = api.without_retries();
    api.fetch(report, telemetry).await.map_err(|failed| verdict(failed.error))?;
    telemetry.info(&format!(
        "the credentials work: `{report}` was fetched; the next request is allowed in {} s",
        whole_seconds(api.interval())
    ));
    Ok(())
}

/// What a failure says of the credentials, before the failure itself.
fn verdict(error: Error) -> Error {
    let words = match error.exit {
        Exit::Refused => "the credentials do not work",
        Exit::Report => {
            "the credentials were not refused, but what was answered is no report that can be used"
        }
        _ => "the credentials could not be tested",
    };
    Error { message: format!("{words}: {}", error.message), ..error }
}
