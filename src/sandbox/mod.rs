//! The sandbox: a stand-in for the vendor's API, a real HTTP server on loopback with made-up people.
//!
//! It keeps the API's rules (four headers, one request an interval and one at a time, a key that is revoked after
//! repeated violations) and breaks them as its [`script`] says. Written on bare sockets, so that a fault is exact.

mod answer;
mod body;
pub mod data;
pub mod script;
mod server;

use std::time::Duration;

use script::Script;
pub use server::{Sandbox, Seen};

use crate::error::{Error, Exit, Result};
use crate::settings::env::Environment;

/// The organisation that the sandbox knows.
pub const ORGANIZATION_ID: &str = "sandbox-organization";
/// Its client.
pub const CLIENT_ID: &str = "sandbox-client";
/// Its key.
pub const API_KEY: &str = "sandbox-key";
/// Short enough to look at, long enough to show the gate.
const EMBEDDED_INTERVAL: Duration = Duration::from_secs(1);

/// What a sandbox serves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Rows of each report.
    pub rows: u64,
    /// Seed of the data.
    pub seed: u64,
    /// The least time from the end of an answer to the next request.
    pub interval: Duration,
    /// What goes wrong.
    pub script: Script,
}

/// A sandbox inside the tap's own process, with a state folder that goes away with it.
pub struct Embedded {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Embedded {
    /// Starts it on any free port.
    pub async fn start(rows: u64, seed: u64) -> Result<Self> {
        let fail = |cause: std::io::Error| {
            Error::new(Exit::Io, format!("cannot start the sandbox: {cause}")).hint(
                "it needs a port on loopback and a temporary folder, by default the one that `TMPDIR` names",
            )
        };
        let options = Options { rows, seed, interval: EMBEDDED_INTERVAL, script: Script::default() };
        Ok(Self {
            sandbox: Sandbox::start(0, options).await.map_err(fail)?,
            folder: tempfile::tempdir().map_err(fail)?,
        })
    }

    /// The settings that lead to it, in place of the caller's.
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
}
