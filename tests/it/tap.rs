//! The builder of a run: settings, sandbox script and arguments in, the whole output and the server's requests out.
//!
//! Every run searches stderr, the state folder and the temporary folder for canaries: the API key and pieces of the
//! people in the reports. A tap starts idle (`--assume-idle`), unless a test asks for [`Tap::first_run`].

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tap_together::api::scope::canonical_scope;
use tap_together::api::store::Store;
use tap_together::clock;
use tap_together::files::{read_bounded, replace};
use tap_together::sandbox::data::{DataKind, Dataset};
use tap_together::sandbox::script::Script;
use tap_together::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID, Options, ReceivedRequest, Sandbox};
use tap_together::singer::check::{Checker, Violation};

/// Seconds; short, because the server is on loopback.
const INTERVAL: f64 = 0.1;

/// A tap that runs longer than this hangs.
pub const TIMEOUT: Duration = Duration::from_secs(120);

/// Bytes of the largest file in the state folder.
const MAX_STATE_FILE: u64 = 64 << 20;

/// The API key, and pieces of the people in the reports.
pub const CANARIES: [&str; 6] =
    [API_KEY, "asdhja82jdld02hwp102s", "Grünwald", "tobias.gruenwald", "shadow a pitch", "1984-05-06"];

/// A tap with its config, its state folder and the sandbox that it will talk to.
#[must_use = "a tap does nothing until it is run"]
pub struct Tap {
    pub folder: tempfile::TempDir,
    is_idle: bool,
    settings: Value,
    arguments: Vec<String>,
    options: Options,
}

/// A sandbox with the runtime on which it serves.
pub struct Server {
    pub sandbox: Sandbox,
    _runtime: tokio::runtime::Runtime,
}

/// The result of a run.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub seen: Vec<ReceivedRequest>,
}

impl Tap {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            is_idle: true,
            settings: json!({}),
            arguments: Vec::new(),
            options: Options {
                dataset: Dataset { rows: 5, kind: DataKind::Nasty, ..Dataset::default() },
                interval: Duration::from_secs_f64(INTERVAL),
                script: Script::default(),
            },
        }
    }

    pub fn set(mut self, name: &str, value: Value) -> Self {
        self.settings[name] = value;
        self
    }

    /// Lets the first request wait, as on a machine without a ledger.
    pub fn first_run(mut self) -> Self {
        self.is_idle = false;
        self
    }

    /// The interval between two requests, in seconds, for the server and the tap.
    pub fn every(mut self, seconds: f64) -> Self {
        self.options.interval = Duration::from_secs_f64(seconds);
        self.set("request_interval_seconds", json!(seconds))
    }

    /// Use the fault `chunked` with many rows: without it the server renders the whole body before it answers.
    pub fn rows(mut self, rows: u64) -> Self {
        self.options.dataset.rows = rows;
        // A server in a debug build takes long to count the bytes of many rows.
        if rows > 1_000 { self.set("request_timeout_seconds", 10.into()) } else { self }
    }

    /// Realistic data of a day, in place of the nasty mixture.
    pub fn day(mut self, day: u16) -> Self {
        self.options.dataset = Dataset { kind: DataKind::Realistic, day, ..self.options.dataset };
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

    /// Selects the user report alone, so that a run is one request.
    pub fn one(self) -> Self {
        let catalog = r#"{"streams":[{"tap_stream_id":"user_report","schema":{},"metadata":[]}]}"#;
        let path = self.file("one.json", catalog);
        self.args(&["--catalog", &path])
    }

    /// Writes a file next to the config, atomically because other taps may read it, and returns its path.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        replace(&path, text.as_ref()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A place for the file of the setting `run_report`.
    pub fn run_report(&self) -> PathBuf {
        self.folder.path().join("report.json")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The gate's ledger and lock of this API.
    pub fn store(&self, url: &str) -> Store {
        let scope = canonical_scope(&url.parse().unwrap(), ORGANIZATION_ID);
        Store::in_folder(&self.state_dir(), &scope).unwrap()
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
        command.env_clear().env("TMPDIR", temporary).args(["--config", &config]);
        if self.is_idle && !self.arguments.iter().any(|argument| argument == "--assume-idle") {
            command.arg("--assume-idle");
        }
        command.args(&self.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    #[track_caller]
    pub fn run(&self) -> Run {
        let server = self.serve();
        let run = self.run_on(&server);
        assert_eq!(server.sandbox.violations(), Vec::<String>::new());
        run
    }

    #[track_caller]
    pub fn run_on(&self, server: &Server) -> Run {
        finish(self.command(server).spawn().unwrap(), server)
    }

    /// The command in a shell that runs `before` first.
    pub fn command_after(&self, before: &str, server: &Server) -> Command {
        let inner = self.command(server);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{before}; exec \"$0\" \"$@\"")]);
        command.arg(inner.get_program()).args(inner.get_args()).env_clear().env("PATH", "/usr/bin:/bin");
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    #[track_caller]
    pub fn run_after(&self, before: &str) -> Run {
        let server = self.serve();
        let run = finish(self.command_after(before, &server).spawn().unwrap(), &server);
        assert_eq!(server.sandbox.violations(), Vec::<String>::new());
        run
    }

    /// Searches the state folder and the run report for canaries, and asserts that the temporary folder is empty.
    fn search_folders(&self) {
        let state = self.state_dir();
        let entries = std::fs::read_dir(&state).into_iter().flatten().filter(|_| !state.is_symlink());
        for path in entries.map(|entry| entry.unwrap().path()).chain([self.run_report()]) {
            // A test may have put a folder or a huge file there; the tap writes neither.
            let Ok(bytes) = read_bounded(&path, MAX_STATE_FILE) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            for canary in CANARIES {
                assert!(!text.contains(canary), "`{canary}` reached {}", path.display());
            }
        }
        let left = std::fs::read_dir(self.folder.path().join("tmp")).into_iter().flatten().count();
        assert_eq!(left, 0, "temporary files were left behind");
    }
}

/// Every test ends with the search of the folders, also one that never ran the tap to its end.
impl Drop for Tap {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.search_folders();
        }
    }
}

/// Waits for the end of a child whose output nobody reads; kills it after the timeout.
#[track_caller]
pub fn ended(mut child: Child) -> Child {
    let began = clock::now();
    while child.try_wait().unwrap().is_none() {
        if clock::now().saturating_sub(began) > TIMEOUT {
            child.kill().unwrap();
            panic!("the tap hangs");
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    child
}

/// Waits for the end, collects the output and searches it for canaries.
#[track_caller]
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
    /// Asserts success and the Singer contract, and returns the messages.
    #[track_caller]
    pub fn messages(&self) -> Vec<Value> {
        assert_eq!(self.code, 0, "{}", self.stderr);
        let mut checker = Checker::default();
        let mut violations: Vec<Violation> =
            self.stdout.split_inclusive('\n').flat_map(|line| checker.line(line.as_bytes())).collect();
        violations.extend(checker.finish());
        assert_eq!(violations, Vec::new());
        let messages: Vec<Value> =
            self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        // One `time_extracted` per report is a rule of this tap, not of every tap.
        let mut times = HashMap::new();
        for record in messages.iter().filter(|message| message["type"] == "RECORD") {
            let time = &record["time_extracted"];
            assert_eq!(*times.entry(record["stream"].to_string()).or_insert(time), time);
        }
        messages
    }

    #[track_caller]
    pub fn records(&self, stream: &str) -> Vec<Value> {
        let messages = self.messages().into_iter();
        messages
            .filter(|m| m["type"] == "RECORD" && m["stream"] == stream)
            .map(|m| m["record"].clone())
            .collect()
    }

    #[track_caller]
    pub fn state(&self) -> Value {
        serde_json::from_str::<Value>(self.stdout.lines().last().unwrap()).unwrap()["value"].clone()
    }

    /// The CRITICAL line, which must be the last.
    #[track_caller]
    pub fn critical(&self) -> &str {
        let last = self.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("CRITICAL "), "{}", self.stderr);
        last
    }
}

/// Makes a named pipe by the program `mkfifo`, which Linux and macOS both have.
#[track_caller]
pub fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}
