//! What the model keeps of the world: two taps, the ledger, the requests, and what the server has seen.

use crate::gate::{Boot, File, INTERVAL, LONG_AGO, Moment, Mutant};

/// The taps.
pub const TAPS: usize = 2;

/// Everything, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// Each runs, dies and is started again.
    pub taps: [Tap; TAPS],
    /// Which file the lock's name leads to; another one after it was unlinked.
    pub lock_file: u8,
    /// The ledger.
    pub ledger: File,
    /// What a power cut brings back in its place, where the folder is not flushed.
    pub unflushed: Option<File>,
    /// Somebody set the wall clock an hour ahead.
    pub clock_set: bool,
    /// Sent and not over.
    pub requests: Vec<Request>,
    /// The server's memory.
    pub server: Server,
}

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tap {
    /// How far it is.
    pub step: Step,
    /// The lock file that it has locked.
    pub lock: Option<u8>,
}

/// A tap's way through the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Not at the gate, or not running.
    Out,
    /// Has the lock file open; `seen` is what the ledger said, if it was read too early.
    Opened { file: u8, seen: Option<File> },
    /// Has the lock.
    Locked,
    /// Knows when it may send.
    Waiting { due: Moment },
    /// The ledger says *inflight*.
    Intended,
    /// Waits for the end of the answer.
    Sent { began: Moment },
    /// Has read the clock at the end, and whether the end was clean.
    Ended { clean: bool, at: Moment },
    /// The ledger says how it ended.
    Recorded,
}

/// A request between the tap's send and its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// Where it is.
    pub place: Place,
    /// Who waits for it.
    pub client: Client,
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Not yet at the server.
    Wire,
    /// The server works on it.
    Service,
    /// The answer is on its way back.
    Answered,
}

/// Who waits for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// This tap.
    Waits(usize),
    /// Nobody: the client gave up or died at this moment.
    Left(Moment),
}

/// What the server has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// When the last request arrived.
    pub arrival: Moment,
    /// When the last one finished.
    pub finish: Moment,
    /// Requests served to their end; it counts to three.
    pub served: u8,
    /// Which of P1, P2 and P3 were broken.
    pub broken: [bool; 3],
}

impl World {
    /// A request from elsewhere has just ended, and the ledger says what it says.
    pub fn new(ledger: File, since: Moment) -> Self {
        Self {
            taps: [Tap { step: Step::Out, lock: None }; TAPS],
            lock_file: 0,
            ledger,
            unflushed: None,
            clock_set: false,
            requests: Vec::new(),
            server: Server { arrival: since, finish: since, served: 0, broken: [false; 3] },
        }
    }

    /// One tick passes. Moments beyond [`LONG_AGO`] are one, so the model ends although time does not.
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
            if let Client::Left(moment) = &mut request.client {
                older(moment);
            }
        }
        self.server.arrival = (self.server.arrival - 1).max(-INTERVAL);
        self.server.finish = (self.server.finish - 1).max(-INTERVAL);
    }

    /// The wall clock jumps ahead; only a gate that goes by it notices.
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

    /// A process ends at once: the kernel gives up its lock, and what it sent goes on without it.
    pub fn kill(&mut self, tap: usize) {
        self.taps[tap] = Tap { step: Step::Out, lock: None };
        self.leave(tap);
    }

    /// Nobody waits for this tap's request any more.
    pub fn leave(&mut self, tap: usize) {
        self.requests.retain(|r| r.client != Client::Waits(tap) || r.place != Place::Answered);
        for request in &mut self.requests {
            if request.client == Client::Waits(tap) {
                request.client = Client::Left(0);
            }
        }
    }

    /// A request reaches the server, which judges it.
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

    /// The server has written its answer.
    pub fn finish(&mut self, request: usize) {
        self.server.finish = 0;
        self.server.served = (self.server.served + 1).min(3);
        match self.requests[request].client {
            Client::Waits(_) => self.requests[request].place = Place::Answered,
            Client::Left(_) => drop(self.requests.remove(request)),
        }
    }

    /// A new entry in place of the ledger.
    pub fn write(&mut self, ledger: File, mutant: Option<Mutant>) {
        if mutant == Some(Mutant::FolderNotFlushed) {
            self.unflushed = Some(self.ledger);
        }
        self.ledger = ledger;
    }
}

impl File {
    fn shift(&mut self, ticks: Moment) {
        if let Self::Entry { began, .. } = self {
            *began = (*began - ticks).max(LONG_AGO);
        }
    }

    /// What it says after the machine was started again.
    pub fn after_boot(&mut self, machine: u8) {
        if let Self::Entry { boot, .. } = self
            && *boot == Boot::Of(machine)
        {
            *boot = Boot::Past;
        }
    }
}
