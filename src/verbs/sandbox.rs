//! `sandbox`: serves a stand-in of the API on loopback, and logs the config that a tap needs for it.
//!
//! The server runs until the process is interrupted.

use std::time::Duration;

use crate::error::{Error, Exit, Result};
use crate::sandbox::data::Dataset;
use crate::sandbox::script::Script;
use crate::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID, Options, Sandbox};
use crate::telemetry::Telemetry;

/// Ends only with an error: an invalid option, or a port that is in use.
pub async fn serve(
    port: u16,
    dataset: Dataset,
    interval: f64,
    faults: &[String],
    telemetry: &Telemetry,
) -> Result<()> {
    let interval = Duration::try_from_secs_f64(interval)
        .map_err(|_| Error::new(Exit::Usage, "`--interval` is not a number of seconds"))?;
    let script = Script::parse(faults).map_err(|problem| {
        Error::new(Exit::Usage, problem).hint("run `tap-together sandbox --help` for the list of faults")
    })?;
    dataset.validate()?;
    let sandbox = Sandbox::start(port, Options { dataset, interval, script })
        .await
        .map_err(|cause| Error::new(Exit::Io, format!("cannot listen on port {port}: {cause}")))?;
    telemetry.info(&format!(
        r#"the sandbox listens; its config is {{"organization_id":"{ORGANIZATION_ID}","client_id":"{CLIENT_ID}","api_key":"{API_KEY}","base_url":"{}","request_interval_seconds":{}}}"#,
        sandbox.url(),
        interval.as_secs_f64()
    ));
    std::future::pending().await
}
