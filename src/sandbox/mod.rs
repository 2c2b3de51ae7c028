//! The sandbox: an HTTP server on loopback that behaves like the vendor's API and serves generated people.
//!
//! It enforces the API's rules (four headers, the rate limit, one request at a time, a key that is revoked after
//! repeated violations) and applies the faults of its [`script`]. It writes to sockets directly, because an HTTP library
//! would not send a wrong length or a truncated body. [`data`] describes the contents of the reports. It has no TLS.

mod body;
pub mod data;
mod response;
pub mod script;
mod server;

use std::time::Duration;

use data::Dataset;
use script::Script;
pub use server::{ReceivedRequest, Sandbox};
use url::Url;

use crate::error::{Error, Exit, Result};
use crate::settings::env::Environment;

/// The credentials that the sandbox accepts.
pub const ORGANIZATION_ID: &str = "sandbox-organization";
pub const CLIENT_ID: &str = "sandbox-client";
pub const API_KEY: &str = "sandbox-key";
/// Short enough for a demonstration, long enough to show that the tap waits.
const EMBEDDED_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub struct Options {
    pub dataset: Dataset,
    /// The rate limit: the minimum time from the end of a response to the next request.
    pub interval: Duration,
    pub script: Script,
}

/// A sandbox inside the tap's process, with a temporary state folder that is removed with it.
pub struct Embedded {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Embedded {
    /// Starts the sandbox on any free port.
    pub async fn start(dataset: Dataset) -> Result<Self> {
        dataset.validate()?;
        let fail = |cause: std::io::Error| {
            Error::new(Exit::Io, format!("cannot start the sandbox: {cause}")).hint(
                "make sure that a port on loopback is free and that the folder that `TMPDIR` names is writable",
            )
        };
        let options = Options { dataset, interval: EMBEDDED_INTERVAL, script: Script::default() };
        Ok(Self {
            sandbox: Sandbox::start(0, options).await.map_err(fail)?,
            folder: tempfile::tempdir().map_err(fail)?,
        })
    }

    /// The environment variables with the settings for this sandbox. They replace the environment of the process.
    #[must_use]
    pub fn environment(&self) -> Environment {
        Environment::of(&[
            ("TAP_TOGETHER_ORGANIZATION_ID", ORGANIZATION_ID),
            ("TAP_TOGETHER_CLIENT_ID", CLIENT_ID),
            ("TAP_TOGETHER_API_KEY", API_KEY),
            ("TAP_TOGETHER_BASE_URL", &self.sandbox.url()),
            ("TAP_TOGETHER_REQUEST_INTERVAL_SECONDS", &EMBEDDED_INTERVAL.as_secs().to_string()),
            ("TAP_TOGETHER_STATE_DIR", &self.folder.path().to_string_lossy()),
        ])
    }

    /// Refuses a config whose `base_url` replaces that of the environment: the first request to that API would not wait.
    pub fn check(&self, base_url: &Url) -> Result<()> {
        if base_url.as_str().trim_end_matches('/') == self.sandbox.url() {
            return Ok(());
        }
        let message = "cannot use `--sandbox`: the config names another API";
        Err(Error::new(Exit::Usage, message)
            .hint("leave `base_url` out of the config, or run without `--sandbox`"))
    }
}
