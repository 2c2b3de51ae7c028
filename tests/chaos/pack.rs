//! Six taps that run mixed verbs, each restarted when it ends; what disturbs them; what may be taken from the gate.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tap_together::api::ledger::{LedgerRead, Phase};
use tap_together::api::scope::canonical_scope;
use tap_together::api::store::{Lock, Store};
use tap_together::files::LockFile;
use tap_together::sandbox::data::Dataset;
use tap_together::sandbox::script::{Fault, Script};
use tap_together::sandbox::{API_KEY, CLIENT_ID, ORGANIZATION_ID, Options, Sandbox};

use super::read_only;

const TAPS: usize = 6;
/// Of the server; short, because it is on loopback.
const INTERVAL: Duration = Duration::from_millis(200);
/// The server thinks, so that some taps die while it does; less than the grace, or it would outlive it.
const SERVICE: Duration = Duration::from_millis(60);
/// One answer in this many is truncated.
const CUT: u64 = 7;
/// Milliseconds between two kills.
const PAUSE: std::ops::Range<u64> = 25..75;

/// Rounds between two deletions of the lock file, and between two moves of the state folder.
const DELETION: usize = 11;
const MOVE: usize = 29;
/// Rounds for which a stopped tap stays stopped. They are shorter than the grace: a tap that is stopped between its
/// last check and its request would otherwise send as late as it likes, and no client can prevent that.
const STOPPED: std::ops::Range<usize> = 1..4;
/// The tap whose stderr is a full pipe that nobody reads.
const UNREAD: usize = TAPS - 1;
/// The tap that uses the key for another organisation, which the server refuses after it has counted the request.
const OTHER: usize = 0;
const OTHER_ORGANIZATION: &str = "another-organization";
/// How often and for how long a lock that a tap holds is tried again.
const POLL: Duration = Duration::from_millis(5);
const POLLS: usize = 200;
/// Longer than a killed tap's request takes to be over.
const SETTLED: Duration = Duration::from_millis(150);

/// What is taken from the gate between two kills, and the line of the gate that it represents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
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
    pub const ALL: [Self; 5] =
        [Self::OwnFolders, Self::IntentForgotten, Self::EndForgotten, Self::ClockSet, Self::MissingIsFree];
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
    rounds: usize,
    /// A stopped tap, and the round in which it continues.
    stopped: Option<(usize, usize)>,
    stops: usize,
    deletions: usize,
    moves: usize,
    /// Whether this user can mount the state folder read-only for one tap.
    can_remount: bool,
    remounts: usize,
    /// Kept open, so that writers of the full pipe block and do not fail.
    unread_pipe: (OwnedFd, OwnedFd),
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
            rounds: 0,
            stopped: None,
            stops: 0,
            deletions: 0,
            moves: 0,
            can_remount: read_only::can_remount(),
            remounts: 0,
            unread_pipe: full_pipe(),
        };
        pack.taps = (0..TAPS).map(|tap| pack.start(tap)).collect();
        pack
    }

    /// What the taps ask.
    pub fn server(&self) -> &Sandbox {
        &self.sandbox
    }

    /// A pause, a kill, a disturbance or a sabotage; then every tap that has ended starts again.
    pub fn round(&mut self) {
        self.rounds += 1;
        let pause = Duration::from_millis(self.random.u64(PAUSE));
        self.runtime.block_on(async { tokio::time::sleep(pause).await });
        let victim = self.random.usize(..TAPS);
        self.taps[victim].kill().unwrap();
        self.taps[victim].wait().unwrap();
        self.kills += 1;
        if self.sabotage.is_some() {
            self.tamper();
        } else {
            self.disturb();
        }
        for tap in 0..TAPS {
            if let Some(status) = self.taps[tap].try_wait().unwrap() {
                self.runs += usize::from(status.success());
                self.taps[tap] = self.start(tap);
            }
        }
    }

    /// Stops and continues taps, deletes the lock file, moves the state folder.
    fn disturb(&mut self) {
        match self.stopped {
            Some((tap, until)) if until <= self.rounds => {
                self.signal(tap, Signal::CONT);
                self.stopped = None;
            }
            Some(_) => {}
            None => {
                let tap = self.random.usize(..TAPS);
                self.signal(tap, Signal::STOP);
                self.stopped = Some((tap, self.rounds + self.random.usize(STOPPED)));
                self.stops += 1;
            }
        }
        if self.rounds.is_multiple_of(DELETION) && std::fs::remove_file(self.lock_path()).is_ok() {
            self.deletions += 1;
        }
        if self.rounds.is_multiple_of(MOVE) {
            self.move_folder();
        }
    }

    /// Moves the state folder while taps wait. It holds both locks meanwhile, so that no tap sends.
    fn move_folder(&mut self) {
        let locks = [ORGANIZATION_ID, OTHER_ORGANIZATION].map(|organization| self.hold(organization));
        self.runtime.block_on(async { tokio::time::sleep(SETTLED).await });
        let in_service = self.sandbox.seen().iter().any(|seen| seen.finished.is_none());
        if locks.iter().flatten().filter(|lock| lock.is_current()).count() == locks.len() && !in_service {
            let moved = self.folder.path().join(format!("moved-{}", self.moves));
            std::fs::rename(self.state_folder(0), moved).unwrap();
            self.moves += 1;
        }
    }

    fn hold(&self, organization: &str) -> Option<LockFile> {
        let polls = std::iter::repeat_with(|| match self.store_of(organization).try_lock().unwrap() {
            Lock::Ours(lock) => lock,
            Lock::Held { .. } => {
                self.runtime.block_on(async { tokio::time::sleep(POLL).await });
                None
            }
        });
        polls.take(POLLS).flatten().next()
    }

    /// The tap may have ended by itself.
    fn signal(&self, tap: usize, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.taps[tap]), signal);
    }

    fn store(&self) -> Store {
        self.store_of(ORGANIZATION_ID)
    }

    fn store_of(&self, organization: &str) -> Store {
        let scope = canonical_scope(&self.sandbox.url().parse().unwrap(), organization);
        Store::in_folder(&self.state_folder(0), &scope).unwrap()
    }

    fn lock_path(&self) -> PathBuf {
        let store = self.store();
        let Store::Folder(files) = &store else { unreachable!("it was just opened in a folder") };
        files.lock_path()
    }

    /// What happened so far.
    pub fn figures(&self) -> String {
        let seen = self.sandbox.seen();
        let mut text = format!(
            "seed {}: {} requests, {} whole runs, {} kills, {} stops, {} deleted locks, {} moved folders, {} read-only mounts, {} violations",
            self.seed,
            seen.len(),
            self.runs,
            self.kills,
            self.stops,
            self.deletions,
            self.moves,
            self.remounts,
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

    fn start(&mut self, tap: usize) -> Child {
        let path = self.folder.path().join(format!("config-{tap}.json"));
        let is_other = self.sabotage.is_none() && tap == OTHER;
        let organization = if is_other { OTHER_ORGANIZATION } else { ORGANIZATION_ID };
        let config = json!({
            "organization_id": organization, "client_id": CLIENT_ID, "api_key": API_KEY,
            "base_url": self.sandbox.url(), "request_interval_seconds": INTERVAL.as_secs_f64(),
            "state_dir": self.state_folder(tap),
            // Taps of one pipeline would wait for each other's journals, and the gate would have less to do.
            "pipeline": format!("tap-{tap}"),
        });
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).unwrap();
        file.write_all(config.to_string().as_bytes()).unwrap();
        file.persist(&path).unwrap();
        let is_read_only = self.can_remount && self.sabotage.is_none() && self.random.u8(..12) == 0;
        self.remounts += usize::from(is_read_only);
        let mut command = if is_read_only {
            read_only::command(&self.state_folder(tap))
        } else {
            Command::new(read_only::TAP)
        };
        command.env_clear().env("PATH", read_only::PATH).arg("--config").arg(path);
        if self.sabotage == Some(Sabotage::MissingIsFree) {
            command.arg("--assume-idle");
        }
        if self.sabotage.is_none() {
            match self.random.u8(..10) {
                0 => drop(command.arg("--discover")),
                1 => drop(command.arg("doctor")),
                2 | 3 => drop(command.arg("--test")),
                _ => {}
            }
        }
        let unread = self.sabotage.is_none() && tap == UNREAD;
        let stderr = if unread { self.unread_pipe.1.try_clone().unwrap().into() } else { Stdio::null() };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().unwrap()
    }

    fn tamper(&self) {
        let Some(sabotage) = self.sabotage else { return };
        let store = self.store();
        let Store::Folder(files) = &store else { unreachable!("it was just opened in a folder") };
        match (sabotage, store.read().unwrap()) {
            // The file may not be there yet, or no more.
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

/// A pipe that is full: reader and writer.
fn full_pipe() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    while rustix::io::write(&writer, &[b'.'; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, flags).unwrap();
    (reader, writer)
}

impl Drop for Pack {
    fn drop(&mut self) {
        for tap in &mut self.taps {
            // A tap that has ended by itself, or is stopped, is killed all the same.
            let _ = tap.kill();
            let _ = tap.wait();
        }
    }
}
