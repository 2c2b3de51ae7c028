//! `sandbox`: serves the stand-in of the API and says how to use it.

use std::time::Duration;

use crate::error::{Error, Exit, Result};
use crate::sandbox::script::Script;
use crate::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID, Options, Sandbox};
use crate::telemetry::Telemetry;

/// Serves until the process is interrupted.
pub async fn serve(
    port: u16,
    rows: u64,
    seed: u64,
    interval: f64,
    faults: &[String],
    telemetry: &Telemetry,
) -> Result<()> {
    let interval = Duration::try_from_secs_f64(interval)
        .map_err(|_| Error::new(Exit::Usage, "`--interval` is no number of seconds"))?;
    let script = Script::parse(faults).map_err(|problem| Error::new(Exit::Usage, problem))?;
    let sandbox = Sandbox::start(port, Options { rows, seed, interval, script })
        .await
        .map_err(|cause| Error::new(Exit::Io, format!("cannot listen on port {port}: {cause}")))?;
    telemetry.info(&format!(
        r#"the sandbox listens; its config is {{"organization_id":"{ORGANIZATION_ID}","client_id":"{CLIENT_ID}","api_key":"{API_KEY}","base_url":"{}","request_interval_seconds":{}}}"#,
        sandbox.url(),
        interval.as_secs_f64()
    ));
    std::future::pending().await
}
