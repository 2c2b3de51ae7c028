//! Runs of the tap against a sandbox that serves one file, which each snapshot replaces.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tap_together::files::replace;
use tap_together::sandbox::data::Dataset;
use tap_together::sandbox::script::{Fault, Script};
use tap_together::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID, Options, Sandbox};

/// Seconds between two requests of the tap; the server has no limit.
const INTERVAL: f64 = 0.001;

pub struct Program {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    _runtime: tokio::runtime::Runtime,
}

pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let served = folder.path().join("report.csv").to_str().unwrap().to_owned();
        let options = Options {
            dataset: Dataset::default(),
            interval: Duration::ZERO,
            script: Script::default().on(None, None, Fault::CsvFile(served)),
        };
        let sandbox = runtime.block_on(Sandbox::start(0, options)).unwrap();
        Self { folder, sandbox, _runtime: runtime }
    }

    pub fn serve(&self, csv: &str) {
        self.file("report.csv", csv);
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        replace(&path, text.as_bytes()).unwrap();
        path
    }

    fn state_folder(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn lose_state_folder(&self) {
        let _ = std::fs::remove_dir_all(self.state_folder());
    }

    /// A sync of the user report, or a discovery.
    pub fn run(&self, settings: &Value, catalog: &Value, state: &Value, discovers: bool) -> Run {
        let mut config = json!({
            "organization_id": ORGANIZATION_ID, "client_id": CLIENT_ID, "api_key": API_KEY,
            "base_url": self.sandbox.url(), "request_interval_seconds": INTERVAL, "request_timeout_seconds": 60,
            "state_dir": self.state_folder(),
        });
        config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
        command.env_clear().env("TMPDIR", self.folder.path()).arg("--assume-idle");
        command.arg("--config").arg(self.file("config.json", &config.to_string()));
        if discovers {
            command.arg("--discover");
        } else {
            command.arg("--catalog").arg(self.file("catalog.json", &catalog.to_string()));
            command.arg("--state").arg(self.file("state.json", &state.to_string()));
        }
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
