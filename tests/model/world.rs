//! What the model keeps of the world: two taps, the ledger, the requests, and what the server has seen.

use crate::gate::{Boot, File, GRACE, INTERVAL, LONG_AGO, Moment, Mutant, SLOW, Stage};

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
    /// Whether the old lock file went with its folder.
    pub is_moved: bool,
    /// Since when the lock file of a request under way is deleted.
    pub unguarded: Option<Moment>,
    /// Sent and not over.
    pub requests: Vec<Request>,
    /// The server's memory.
    pub server: Server,
}

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tap {
    /// How far it is.
    pub step: Step,
    /// The lock file that it has locked.
    pub lock: Option<u8>,
    /// Somebody else has changed the ledger since this tap read or wrote it.
    pub is_outdated: bool,
}

/// A tap's way through the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Has read the clock at the end, and knows how it ended.
    Ended { phase: Stage, at: Moment },
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
    /// A gateway's answer is on its way back; the origin still works on the request.
    GatewayAnswered,
}

/// Who waits for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// This tap.
    Waits(usize),
    /// Nobody: the client or a gateway gave up, or the client died, at this moment.
    Left(Moment),
    /// Nobody: the client's own timeout ended at this moment. The origin is slow.
    TimedOut(Moment),
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

const OUT: Tap = Tap { step: Step::Out, lock: None, is_outdated: false };

impl World {
    /// A request from elsewhere has just ended, and the ledger says what it says.
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

    /// This tap does not wait for its request any more.
    pub fn leave(&mut self, tap: usize, client: Client) {
        let is_answer = |place| matches!(place, Place::Answered | Place::GatewayAnswered);
        self.requests.retain(|r| r.client != Client::Waits(tap) || !is_answer(r.place));
        for request in &mut self.requests {
            if request.client == Client::Waits(tap) {
                request.client = client;
            }
        }
    }

    /// A gateway gives up on the origin and answers in its place.
    pub fn answer_by_gateway(&mut self, request: usize) {
        let waiting = self.requests[request].client;
        self.requests[request].client = Client::Left(0);
        self.requests.push(Request { place: Place::GatewayAnswered, client: waiting });
    }

    /// Whether the tap's lock still excludes others.
    pub fn is_current(&self, tap: usize, mutant: Option<Mutant>) -> bool {
        let trusts = if self.is_moved { Mutant::MovedFolderTrusted } else { Mutant::DeletedLockTrusted };
        mutant == Some(trusts) || self.taps[tap].lock.is_none_or(|file| file == self.lock_file)
    }

    /// Taps on one machine are alike: which of them is the first makes no difference.
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

    /// A tap in a folder that was moved writes to that folder, where nobody looks.
    pub fn writes_to_path(&self, tap: usize) -> bool {
        !self.is_moved || self.taps[tap].lock.is_none_or(|file| file == self.lock_file)
    }

    /// The tap notices that its lock excludes nobody.
    pub fn start_over(&mut self, tap: usize) {
        self.taps[tap] = OUT;
    }

    /// Somebody deletes the lock file, or moves its folder.
    pub fn replace_lock(&mut self, is_moved: bool) {
        self.lock_file += 1;
        self.is_moved = is_moved;
        if self.is_sending() {
            self.unguarded = self.unguarded.or(Some(0));
        }
    }

    /// Whether a request is under way, or about to be.
    pub fn is_sending(&self) -> bool {
        let sending = |step| matches!(step, Step::Intended | Step::Sent { .. } | Step::Ended { .. });
        !self.requests.is_empty() || self.taps.iter().any(|tap| sending(tap.step))
    }

    /// Forgets the old lock file when nobody has it, so that the states are finite.
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
            Client::Left(_) | Client::TimedOut(_) => drop(self.requests.remove(request)),
        }
    }

    /// A new entry in place of the ledger.
    pub fn write(&mut self, tap: usize, ledger: File, mutant: Option<Mutant>) {
        if mutant == Some(Mutant::FolderNotFlushed) {
            self.unflushed = Some(self.ledger);
        }
        self.change_ledger(ledger);
        self.taps[tap].is_outdated = false;
    }

    /// Whatever changes the ledger is noticed by the tap that reads it again.
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

    /// What it says after the machine was started again.
    pub fn after_boot(&mut self, machine: u8) {
        if let Self::Entry { boot, .. } = self
            && *boot == Boot::Of(machine)
        {
            *boot = Boot::Past;
        }
    }
}
