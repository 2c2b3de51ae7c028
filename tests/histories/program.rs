//! Runs of the tap against a sandbox that serves one file, which each snapshot replaces.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use fastrand::Rng;
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

/// Something that happens to the state folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    LoseArchive,
    LoseFile,
    FlipByte,
    CutFile,
    LoseJournal,
    /// The journal is replaced by its copy.
    CopyJournal,
}

impl Damage {
    pub const ALL: [Self; 6] = [
        Self::LoseArchive,
        Self::LoseFile,
        Self::FlipByte,
        Self::CutFile,
        Self::LoseJournal,
        Self::CopyJournal,
    ];
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

    /// Returns false if there is nothing to damage.
    pub fn damage_state_folder(&self, damage: Damage, random: &mut Rng) -> bool {
        let is_journal = matches!(damage, Damage::LoseJournal | Damage::CopyJournal);
        let endings: &[&str] = if is_journal { &[".journal.json"] } else { &[".archive", ".deleted"] };
        let entries = fs::read_dir(self.state_folder()).into_iter().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| endings.iter().any(|ending| path.to_str().unwrap().ends_with(ending)));
        paths.sort();
        let Some(path) = random.choice(&paths) else { return false };
        let mut bytes = fs::read(path).unwrap();
        match damage {
            Damage::LoseArchive => paths.iter().for_each(|path| fs::remove_file(path).unwrap()),
            Damage::LoseFile | Damage::LoseJournal => fs::remove_file(path).unwrap(),
            Damage::FlipByte => {
                let index = random.usize(..bytes.len());
                bytes[index] ^= 1 << random.u8(..8);
                replace(path, &bytes).unwrap();
            }
            Damage::CutFile => replace(path, &bytes[..random.usize(..bytes.len())]).unwrap(),
            Damage::CopyJournal => replace(path, &bytes).unwrap(),
        }
        true
    }

    /// A sync of the user report, or a discovery.
    pub fn run(&self, settings: &Value, catalog: &Value, state: &Value, discovers: bool) -> Run {
        let mut command = self.command(settings, catalog, state, discovers);
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[expect(clippy::disallowed_methods, reason = "the test waits, not the program")]
    /// The complete lines that a sync writes until it is killed.
    pub fn run_killed(
        &self,
        settings: &Value,
        catalog: &Value,
        state: &Value,
        after: Duration,
    ) -> Vec<Value> {
        let path = self.folder.path().join("killed.jsonl");
        let mut command = self.command(settings, catalog, state, false);
        command.stdout(File::create(&path).unwrap()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(after);
        let _ = child.kill();
        child.wait().unwrap();
        self.forget_request();
        let written = fs::read_to_string(path).unwrap();
        let lines = written.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Deletes the ledger, so that the next run need not wait for the end of a request.
    fn forget_request(&self) {
        for entry in fs::read_dir(self.state_folder()).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.strip_suffix(".json").is_some_and(|scope| !scope.contains('.')) {
                fs::remove_file(path).unwrap();
            }
        }
    }

    fn command(&self, settings: &Value, catalog: &Value, state: &Value, discovers: bool) -> Command {
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
        command.stdin(Stdio::null());
        command
    }
}
