//! Six taps, each started again when it ends; their killer; and what may be taken from them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tap_together::api::ledger::{LedgerRead, Phase};
use tap_together::api::scope::canonical_scope;
use tap_together::api::store::Store;
use tap_together::sandbox::data::Dataset;
use tap_together::sandbox::script::{Fault, Script};
use tap_together::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID, Options, Sandbox};

const TAPS: usize = 6;
/// Of the server; short, because it is on loopback.
const INTERVAL: Duration = Duration::from_millis(200);
/// The server thinks, so that some taps die while it does; less than the grace, or it would outlive it.
const SERVICE: Duration = Duration::from_millis(60);
/// Every so many answers one breaks off.
const CUT: u64 = 7;
/// Milliseconds between two kills.
const PAUSE: std::ops::Range<u64> = 25..75;

/// What is taken from the gate between two kills, and the line of the gate that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The lock file is unlinked: the next tap locks another one.
    LockUnlinked,
    /// Each tap has its own state folder: there is no lock.
    OwnFolders,
    /// An *inflight* of the living or the dead turns into *done*: no intent is recorded.
    IntentForgotten,
    /// The ledger is always of long ago: no end is recorded.
    EndForgotten,
    /// Every time in the ledger is a second older: somebody sets the clock.
    ClockSet,
    /// The ledger is deleted and the operator vouches for idleness: missing is free.
    MissingIsFree,
}

impl Sabotage {
    /// Each of them.
    pub const ALL: [Self; 6] = [
        Self::LockUnlinked,
        Self::OwnFolders,
        Self::IntentForgotten,
        Self::EndForgotten,
        Self::ClockSet,
        Self::MissingIsFree,
    ];
}

/// Six taps and their server.
pub struct Pack {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    runtime: tokio::runtime::Runtime,
    sabotage: Option<Sabotage>,
    taps: Vec<Child>,
    random: fastrand::Rng,
    seed: u64,
    kills: usize,
    runs: usize,
}

impl Pack {
    /// Starts the server and the taps.
    pub fn new(sabotage: Option<Sabotage>, seed: u64) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let slow = Script::default().on(None, None, Fault::Delay(SERVICE));
        let cut = (CUT..1000).step_by(CUT.try_into().unwrap());
        let script = cut.fold(slow, |script, nth| script.on(None, Some(nth), Fault::Cut(10)));
        let options =
            Options { dataset: Dataset { rows: 5, ..Dataset::default() }, interval: INTERVAL, script };
        let mut pack = Self {
            folder: tempfile::tempdir().unwrap(),
            sandbox: runtime.block_on(Sandbox::start(0, options)).unwrap(),
            runtime,
            sabotage,
            taps: Vec::new(),
            random: fastrand::Rng::with_seed(seed),
            seed,
            kills: 0,
            runs: 0,
        };
        pack.taps = (0..TAPS).map(|tap| pack.start(tap)).collect();
        pack
    }

    /// What the taps ask.
    pub fn server(&self) -> &Sandbox {
        &self.sandbox
    }

    /// A pause, a kill, a sabotage; then every tap that has ended starts again.
    pub fn round(&mut self) {
        let pause = Duration::from_millis(self.random.u64(PAUSE));
        self.runtime.block_on(async { tokio::time::sleep(pause).await });
        let victim = self.random.usize(..TAPS);
        self.taps[victim].kill().unwrap();
        self.taps[victim].wait().unwrap();
        self.kills += 1;
        self.tamper();
        for tap in 0..TAPS {
            if let Some(status) = self.taps[tap].try_wait().unwrap() {
                self.runs += usize::from(status.success());
                self.taps[tap] = self.start(tap);
            }
        }
    }

    /// What happened so far.
    pub fn figures(&self) -> String {
        let seen = self.sandbox.seen();
        let mut text = format!(
            "seed {}: {} requests, {} whole runs, {} kills, {} violations",
            self.seed,
            seen.len(),
            self.runs,
            self.kills,
            self.sandbox.violations().len()
        );
        let gaps = seen.windows(2).filter_map(|two| Some(two[1].arrived.saturating_sub(two[0].finished?)));
        if let Some(gap) = gaps.min() {
            write!(text, ", {gap:?} from an end to the next arrival at least").unwrap();
        }
        text
    }

    fn state_folder(&self, tap: usize) -> PathBuf {
        let own = self.sabotage == Some(Sabotage::OwnFolders);
        self.folder.path().join(if own { format!("state-{tap}") } else { "state".to_owned() })
    }

    fn start(&self, tap: usize) -> Child {
        let path = self.folder.path().join(format!("config-{tap}.json"));
        let config = json!({
            "organization_id": ORGANIZATION_ID, "client_id": CLIENT_ID, "api_key": API_KEY,
            "base_url": self.sandbox.url(), "request_interval_seconds": INTERVAL.as_secs_f64(),
            "state_dir": self.state_folder(tap),
        });
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).unwrap();
        file.write_all(config.to_string().as_bytes()).unwrap();
        file.persist(&path).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tap-together"));
        command.env_clear().arg("--config").arg(path);
        if self.sabotage == Some(Sabotage::MissingIsFree) {
            command.arg("--assume-idle");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn tamper(&self) {
        let Some(sabotage) = self.sabotage else { return };
        let scope = canonical_scope(&self.sandbox.url().parse().unwrap(), ORGANIZATION_ID);
        let store = Store::in_folder(&self.state_folder(0), &scope).unwrap();
        let Store::Folder(files) = &store else { unreachable!("it was just opened in a folder") };
        match (sabotage, store.read()) {
            // The file may not be there yet, or no more.
            (Sabotage::LockUnlinked, _) => drop(std::fs::remove_file(files.lock_path())),
            (Sabotage::MissingIsFree, _) => drop(std::fs::remove_file(files.ledger_path())),
            (Sabotage::IntentForgotten, LedgerRead::Found(mut entry)) if entry.phase == Phase::Inflight => {
                entry.phase = Phase::Done;
                store.write(&entry).unwrap();
            }
            (Sabotage::EndForgotten, LedgerRead::Found(mut entry)) => {
                entry.phase = Phase::Done;
                entry.boottime_ms = 0;
                store.write(&entry).unwrap();
            }
            (Sabotage::ClockSet, LedgerRead::Found(mut entry)) => {
                entry.boottime_ms = entry.boottime_ms.saturating_sub(1000);
                store.write(&entry).unwrap();
            }
            _ => {}
        }
    }
}

impl Drop for Pack {
    fn drop(&mut self) {
        for tap in &mut self.taps {
            // It may have ended by itself.
            let _ = tap.kill();
            let _ = tap.wait();
        }
    }
}
