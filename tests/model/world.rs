//! The state of the model: two taps, the ledger, the requests, and the requests that the server has received.

use crate::gate::{Boot, File, GRACE, INTERVAL, LONG_AGO, Moment, Mutant, SLOW, Stage};

pub const TAPS: usize = 2;

/// One state of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// Each tap runs, can be killed, and starts again.
    pub taps: [Tap; TAPS],
    /// The number of the file at the path of the lock file; it changes when the file is replaced.
    pub lock_file: u8,
    pub ledger: File,
    /// The older ledger that a power cut restores if the folder was not fsynced.
    pub unflushed: Option<File>,
    /// The wall clock was set ahead.
    pub clock_set: bool,
    /// The old lock file was moved together with its folder.
    pub is_moved: bool,
    /// The moment when the lock file of a request under way was deleted.
    pub unguarded: Option<Moment>,
    /// The requests that were sent and have not ended.
    pub requests: Vec<Request>,
    pub server: Server,
}

/// A tap's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tap {
    pub step: Step,
    /// The number of the lock file that it has locked.
    pub lock: Option<u8>,
    /// The ledger was changed by another process after this tap read or wrote it.
    pub is_outdated: bool,
}

/// The steps of a tap through the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Outside the gate, or not running.
    Out,
    /// Has opened the lock file. `seen` is the ledger of a mutant that reads it before it has the lock.
    Opened { file: u8, seen: Option<File> },
    /// Has the lock.
    Locked,
    /// Waits until `due`.
    Waiting { due: Moment },
    /// Has written *inflight*.
    Intended,
    /// Waits for the end of the response.
    Sent { began: Moment },
    /// The request has ended in this phase at this moment.
    Ended { phase: Stage, at: Moment },
    /// Has written the end to the ledger.
    Recorded,
}

/// A request that was sent and has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    pub place: Place,
    pub client: Client,
}

/// The place of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// On its way to the server.
    Wire,
    /// The server works on it.
    Service,
    /// The response is on its way to the client.
    Answered,
    /// The response of a gateway is on its way to the client; the origin still works on the request.
    GatewayAnswered,
}

/// The client of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// This tap waits for the response.
    Waits(usize),
    /// No client waits: the client or a gateway gave up, or the client was killed, at this moment.
    Left(Moment),
    /// No client waits: the client's timeout ended at this moment. The origin is slow.
    TimedOut(Moment),
}

/// The requests that the server has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// When the last request arrived.
    pub arrival: Moment,
    /// When the last request finished.
    pub finish: Moment,
    /// Requests that were served completely; it stops counting at 3.
    pub served: u8,
    /// Whether P1, P2 and P3 were broken.
    pub broken: [bool; 3],
}

const OUT: Tap = Tap { step: Step::Out, lock: None, is_outdated: false };

impl World {
    /// A state without requests: the last request arrived and ended at `since`, and the ledger is `ledger`.
    pub fn new(ledger: File, since: Moment) -> Self {
        Self {
            taps: [OUT; TAPS],
            lock_file: 0,
            ledger,
            unflushed: None,
            clock_set: false,
            is_moved: false,
            unguarded: None,
            requests: Vec::new(),
            server: Server { arrival: since, finish: since, served: 0, broken: [false; 3] },
        }
    }

    /// One tick passes. Moments do not become older than [`LONG_AGO`], so the number of states is finite.
    pub fn tick(&mut self) {
        let older = |moment: &mut Moment| *moment = (*moment - 1).max(LONG_AGO);
        for tap in &mut self.taps {
            match &mut tap.step {
                Step::Waiting { due } => *due = (*due - 1).max(0),
                Step::Sent { began: moment } | Step::Ended { at: moment, .. } => older(moment),
                Step::Opened { seen: Some(file), .. } => file.shift(1),
                _ => {}
            }
        }
        self.ledger.shift(1);
        if let Some(file) = &mut self.unflushed {
            file.shift(1);
        }
        for request in &mut self.requests {
            if let Client::Left(moment) | Client::TimedOut(moment) = &mut request.client {
                older(moment);
            }
        }
        if let Some(moment) = &mut self.unguarded {
            older(moment);
        }
        self.server.arrival = (self.server.arrival - 1).max(-INTERVAL);
        self.server.finish = (self.server.finish - 1).max(-INTERVAL);
    }

    /// The wall clock is set ahead, which affects only the mutant that uses it.
    pub fn set_clock(&mut self, mutant: Option<Mutant>) {
        self.clock_set = true;
        if mutant == Some(Mutant::WallClock) {
            self.ledger.shift(-LONG_AGO);
            for tap in &mut self.taps {
                if let Step::Waiting { due } = &mut tap.step {
                    *due = 0;
                }
            }
        }
    }

    /// A process is killed: the kernel releases its lock, and its request continues without a client.
    pub fn kill(&mut self, tap: usize) {
        if matches!(self.taps[tap].step, Step::Ended { phase: Stage::TimedOut, .. }) {
            // Its timeout was not recorded, so the promise after a kill holds: the origin ends within the grace.
            for request in &mut self.requests {
                if let Client::TimedOut(at) = request.client {
                    request.client = Client::Left((at + SLOW - GRACE).min(0));
                }
            }
        }
        self.taps[tap] = OUT;
        self.leave(tap, Client::Left(0));
    }

    /// The tap no longer waits for its request.
    pub fn leave(&mut self, tap: usize, client: Client) {
        let is_answer = |place| matches!(place, Place::Answered | Place::GatewayAnswered);
        self.requests.retain(|r| r.client != Client::Waits(tap) || !is_answer(r.place));
        for request in &mut self.requests {
            if request.client == Client::Waits(tap) {
                request.client = client;
            }
        }
    }

    /// A gateway gives up on the origin and responds itself.
    pub fn answer_by_gateway(&mut self, request: usize) {
        let waiting = self.requests[request].client;
        self.requests[request].client = Client::Left(0);
        self.requests.push(Request { place: Place::GatewayAnswered, client: waiting });
    }

    /// Whether the lock file of the tap is still the file at its path.
    pub fn is_current(&self, tap: usize, mutant: Option<Mutant>) -> bool {
        let trusts = if self.is_moved { Mutant::MovedFolderTrusted } else { Mutant::DeletedLockTrusted };
        mutant == Some(trusts) || self.taps[tap].lock.is_none_or(|file| file == self.lock_file)
    }

    /// Sorts the taps of one machine, so that two states which differ in their order only are one state.
    pub fn sort_taps(&mut self) {
        if self.taps[0] <= self.taps[1] {
            return;
        }
        self.taps.swap(0, 1);
        for request in &mut self.requests {
            if let Client::Waits(tap) = &mut request.client {
                *tap = 1 - *tap;
            }
        }
    }

    /// Whether the tap's writes change the ledger at the path. A tap in a moved folder writes to that folder.
    pub fn writes_to_path(&self, tap: usize) -> bool {
        !self.is_moved || self.taps[tap].lock.is_none_or(|file| file == self.lock_file)
    }

    /// The tap has found that its lock file was replaced.
    pub fn start_over(&mut self, tap: usize) {
        self.taps[tap] = OUT;
    }

    /// The lock file is deleted, or its folder is moved.
    pub fn replace_lock(&mut self, is_moved: bool) {
        self.lock_file += 1;
        self.is_moved = is_moved;
        if self.is_sending() {
            self.unguarded = self.unguarded.or(Some(0));
        }
    }

    /// Whether a request is under way or about to be sent.
    pub fn is_sending(&self) -> bool {
        let sending = |step| matches!(step, Step::Intended | Step::Sent { .. } | Step::Ended { .. });
        !self.requests.is_empty() || self.taps.iter().any(|tap| sending(tap.step))
    }

    /// Drops the old lock file once no tap has it open, so that the number of states is finite.
    pub fn forget_old_lock(&mut self) {
        let is_old = |file| file != self.lock_file;
        let has_old = |tap: &Tap| {
            tap.lock.is_some_and(is_old) || matches!(tap.step, Step::Opened { file, .. } if is_old(file))
        };
        if !self.taps.iter().any(has_old) {
            for tap in &mut self.taps {
                tap.lock = tap.lock.map(|_| 0);
                if let Step::Opened { file, .. } = &mut tap.step {
                    *file = 0;
                }
            }
            (self.lock_file, self.is_moved) = (0, false);
        }
        if self.requests.is_empty() {
            self.unguarded = None;
        }
    }

    /// A request reaches the server, which checks the promises.
    pub fn arrive(&mut self, request: usize) {
        let busy = self.requests.iter().any(|request| request.place == Place::Service);
        let soon = |moment: Moment| moment > -INTERVAL;
        let server = &mut self.server;
        server.broken[0] |= soon(server.arrival);
        server.broken[1] |= busy;
        server.broken[2] |= soon(server.finish);
        server.arrival = 0;
        self.requests[request].place = Place::Service;
    }

    /// The server ends its response.
    pub fn finish(&mut self, request: usize) {
        self.server.finish = 0;
        self.server.served = (self.server.served + 1).min(3);
        match self.requests[request].client {
            Client::Waits(_) => self.requests[request].place = Place::Answered,
            Client::Left(_) | Client::TimedOut(_) => drop(self.requests.remove(request)),
        }
    }

    /// The tap replaces the ledger.
    pub fn write(&mut self, tap: usize, ledger: File, mutant: Option<Mutant>) {
        if mutant == Some(Mutant::FolderNotFlushed) {
            self.unflushed = Some(self.ledger);
        }
        self.change_ledger(ledger);
        self.taps[tap].is_outdated = false;
    }

    /// The ledger changes. A tap that has read it before then has an outdated copy.
    pub fn change_ledger(&mut self, ledger: File) {
        self.ledger = ledger;
        for tap in &mut self.taps {
            tap.is_outdated = matches!(
                tap.step,
                Step::Waiting { .. } | Step::Intended | Step::Sent { .. } | Step::Ended { .. }
            );
        }
    }
}

impl File {
    fn shift(&mut self, ticks: Moment) {
        if let Self::Entry { began, .. } = self {
            *began = (*began - ticks).max(LONG_AGO);
        }
    }

    /// The machine was booted: entries of its last boot now belong to a past boot.
    pub fn after_boot(&mut self, machine: u8) {
        if let Self::Entry { boot, .. } = self
            && *boot == Boot::Of(machine)
        {
            *boot = Boot::Past;
        }
    }
}
