//! The one builder of a run: settings, script, arguments; then the whole output and what the server saw.
//!
//! Every run carries a canary key in its logs' reach and made-up people in its reports: neither may reach stderr.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tap_together::api::store::replace;
use tap_together::sandbox::script::Script;
use tap_together::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID, Options, Sandbox, Seen};
use tap_together::singer::check::{Checker, Violation};

/// Short, because the server is on loopback.
const INTERVAL: f64 = 0.1;

/// The key, and pieces of the made-up people.
const CANARIES: [&str; 5] =
    [API_KEY, "asdhja82jdld02hwp102s", "Grünwald", "tobias.gruenwald", "shadow a pitch"];

/// A tap and its sandbox.
pub struct Tap {
    pub folder: tempfile::TempDir,
    settings: Value,
    arguments: Vec<String>,
    options: Options,
}

/// A sandbox on its own thread.
pub struct Server {
    pub sandbox: Sandbox,
    _runtime: tokio::runtime::Runtime,
}

/// What a run left behind.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub seen: Vec<Seen>,
}

impl Tap {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            settings: json!({}),
            arguments: Vec::new(),
            options: Options {
                rows: 5,
                seed: 1,
                interval: Duration::from_secs_f64(INTERVAL),
                script: Script::default(),
            },
        }
    }

    pub fn set(mut self, name: &str, value: Value) -> Self {
        self.settings[name] = value;
        self
    }

    /// The interval that the server demands and the tap keeps.
    pub fn every(mut self, seconds: f64) -> Self {
        self.options.interval = Duration::from_secs_f64(seconds);
        self.set("request_interval_seconds", json!(seconds))
    }

    pub fn rows(mut self, rows: u64) -> Self {
        self.options.rows = rows;
        self
    }

    pub fn faults(mut self, faults: &[&str]) -> Self {
        let faults: Vec<String> = faults.iter().map(|fault| (*fault).to_owned()).collect();
        self.options.script = Script::parse(&faults).unwrap();
        self
    }

    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Writes a file next to the config, whole at once because other taps may read it, and returns its path.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        replace(&path, text.as_ref()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn serve(&self) -> Server {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sandbox = runtime.block_on(Sandbox::start(0, self.options.clone())).unwrap();
        Server { sandbox, _runtime: runtime }
    }

    pub fn command(&self, server: &Server) -> Command {
        let mut config = json!({
            "organization_id": ORGANIZATION_ID, "client_id": CLIENT_ID, "api_key": API_KEY,
            "base_url": server.sandbox.url(), "request_interval_seconds": INTERVAL, "state_dir": self.state_dir(),
        });
        config.as_object_mut().unwrap().extend(self.settings.as_object().unwrap().clone());
        let config = self.file("config.json", config.to_string());
        let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
        let temporary = self.folder.path().join("tmp");
        std::fs::create_dir_all(&temporary).unwrap();
        command.env_clear().env("TMPDIR", temporary).args(["--config", &config]).args(&self.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self) -> Run {
        let server = self.serve();
        let run = self.run_on(&server);
        assert_eq!(server.sandbox.violations(), Vec::<String>::new());
        run
    }

    pub fn run_on(&self, server: &Server) -> Run {
        let run = finish(self.command(server).spawn().unwrap(), server);
        self.search_folders();
        run
    }

    /// Neither the key nor a person may lie in the state folder, and nothing at all in the temporary one.
    fn search_folders(&self) {
        let state = self.state_dir();
        for entry in std::fs::read_dir(&state).into_iter().flatten().filter(|_| !state.is_symlink()) {
            let path = entry.unwrap().path();
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            for canary in CANARIES {
                assert!(!text.contains(canary), "`{canary}` reached {}", path.display());
            }
        }
        let left = std::fs::read_dir(self.folder.path().join("tmp")).unwrap().count();
        assert_eq!(left, 0, "temporary files were left behind");
    }
}

/// Waits for the end and searches the log for what must not be there.
pub fn finish(child: Child, server: &Server) -> Run {
    use std::os::unix::process::ExitStatusExt;
    let output = child.wait_with_output().unwrap();
    let status = output.status;
    let run = Run {
        code: status.code().unwrap_or_else(|| -status.signal().unwrap()),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        seen: server.sandbox.seen(),
    };
    for canary in CANARIES {
        assert!(!run.stderr.contains(canary), "`{canary}` reached the log:\n{}", run.stderr);
    }
    assert!(!run.stdout.contains(API_KEY));
    run
}

impl Run {
    /// Asserts success and the contract, and returns the messages.
    pub fn messages(&self) -> Vec<Value> {
        assert_eq!(self.code, 0, "{}", self.stderr);
        let mut checker = Checker::default();
        let mut violations: Vec<Violation> =
            self.stdout.split_inclusive('\n').flat_map(|line| checker.line(line.as_bytes())).collect();
        violations.extend(checker.finish());
        assert_eq!(violations, Vec::new());
        let messages: Vec<Value> =
            self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        // A report is extracted at one moment; the checker cannot ask that of every tap.
        let mut times = HashMap::new();
        for record in messages.iter().filter(|message| message["type"] == "RECORD") {
            let time = &record["time_extracted"];
            assert_eq!(*times.entry(record["stream"].to_string()).or_insert(time), time);
        }
        messages
    }

    pub fn records(&self, stream: &str) -> Vec<Value> {
        let messages = self.messages().into_iter();
        messages
            .filter(|m| m["type"] == "RECORD" && m["stream"] == stream)
            .map(|m| m["record"].clone())
            .collect()
    }

    pub fn state(&self) -> Value {
        serde_json::from_str::<Value>(self.stdout.lines().last().unwrap()).unwrap()["value"].clone()
    }

    /// The last line of a failure.
    pub fn critical(&self) -> &str {
        let last = self.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("CRITICAL "), "{}", self.stderr);
        last
    }
}
