//! The events of the model and their effects: the steps of the gate and those of the environment, for stateright.

use stateright::{Model, Property};

use crate::gate::{Boot, File, GRACE, LONG_AGO, Mutant, SLOW, Stage};
use crate::world::{self, Client, Request, Step, TAPS, World};

/// The properties that the model checks in every reachable state, measured at the server.
///
/// Time is relative to now, so the states are finite although a run is not: the promises hold for any number of steps.
pub const PROMISES: [&str; 3] = [
    "P1 arrivals are an interval apart",
    "P2 one request in service at a time",
    "P3 an interval from an end to the next arrival",
];

/// The most requests that a mutant has under way at once; the real gate has at most one.
const MOST_REQUESTS: usize = 3;

/// The machines on which the taps run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    OneMachine,
    /// One tap on each of two machines that share the state folder.
    TwoMachines,
}

/// A property of the environment without which the gate cannot keep its promises. A test drops each assumption and shows
/// that a promise breaks without it.
///
/// Also assumed: the boot clock is right, all clocks run at one speed, and the kernel's lock is exclusive and ends with its
/// owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assumption {
    /// A request without its client (it gave up, was killed or lost its machine), or behind a gateway that gave up, arrives
    /// and ends within the grace, or never; after the client's own timeout, within 15 intervals less one.
    StraysEnd,
    /// A ledger is lost, or its folder moved, only while no request is under way, as in a fresh container. A ledger that
    /// remembers a timeout is not garbled.
    LossInPeace,
    /// A request whose lock file is deleted meanwhile ends within the grace.
    UnguardedEnds,
}

/// The gate that is checked.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    pub place: Place,
    /// The rule that it breaks.
    pub mutant: Option<Mutant>,
    /// The assumption that does not hold.
    pub denied: Option<Assumption>,
}

/// One event. A number is the index of a tap, a machine or a request under way.
///
/// Each tap, at any speed: opens the lock file, locks it, checks that it is still the file at its path, reads the ledger,
/// writes a witness, waits until [`due`](tap_together::api::ledger::due), writes *inflight*, checks the lock again, sends,
/// reads the response, gives up or times out, records the end, unlocks, and starts again. Between any two steps: time
/// passes, a tap is killed, a machine loses power and boots, the ledger is garbled or lost, the lock file is deleted or its
/// folder moved, a request or its response is late or lost, a gateway responds before the origin has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Tick,
    Open(usize),
    Lock(usize),
    Read(usize),
    Intend(usize),
    Send(usize),
    ReadAnswer(usize),
    GiveUp(usize),
    TimeOut(usize),
    Record(usize),
    Unlock(usize),
    Kill(usize),
    Reboot(u8),
    SetClock,
    Garble,
    LoseLedger,
    DeleteLock,
    MoveFolder,
    AnswerByGateway(usize),
    Arrive(usize),
    Finish(usize),
    Lose(usize),
}

impl Gate {
    /// The real gate, with all assumptions.
    pub fn shipped(place: Place) -> Self {
        Self { place, mutant: None, denied: None }
    }

    fn without(self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    fn machine(self, tap: usize) -> u8 {
        u8::from(self.place == Place::TwoMachines && tap == 1)
    }

    fn entry(self, tap: usize, phase: Stage, began: i8) -> File {
        File::Entry { phase, began, boot: Boot::Of(self.machine(tap)) }
    }

    /// The tap decides on the ledger that it has read, and writes a witness if its wait counts from now.
    fn decide(self, tap: usize, ledger: File, world: &mut World) {
        let reader = Boot::Of(self.machine(tap));
        let (due, witness) = ledger.decide(self.mutant, reader);
        if let Some(witness) = witness.filter(|_| world.writes_to_path(tap)) {
            world.write(tap, witness, self.mutant);
        }
        world.taps[tap].step = Step::Waiting { due };
        world.taps[tap].is_outdated = false;
    }

    fn steps(self, world: &World, tap: usize, events: &mut Vec<Event>) {
        let step = world.taps[tap].step;
        match step {
            Step::Out => events.push(Event::Open(tap)),
            Step::Opened { file, .. } => {
                let held = world.taps.iter().any(|tap| tap.lock == Some(file));
                if !held || self.without(Mutant::NoLock) {
                    events.push(Event::Lock(tap));
                }
            }
            Step::Locked => events.push(Event::Read(tap)),
            Step::Waiting { due: 0 } => events.push(Event::Intend(tap)),
            Step::Waiting { .. } => {}
            Step::Intended => events.push(Event::Send(tap)),
            Step::Sent { .. } => {
                if self.answer(tap, world).is_some() {
                    events.push(Event::ReadAnswer(tap));
                }
                events.extend([Event::GiveUp(tap), Event::TimeOut(tap)]);
                if self.without(Mutant::UnlockBeforeEnd) && world.taps[tap].lock.is_some() {
                    events.push(Event::Unlock(tap));
                }
            }
            Step::Ended { .. } => events.push(Event::Record(tap)),
            Step::Recorded => events.push(Event::Unlock(tap)),
        }
        if step != Step::Out {
            events.push(Event::Kill(tap));
        }
    }

    /// The phase that the response proves, if the response has arrived.
    fn answer(self, tap: usize, world: &World) -> Option<Stage> {
        let mine = world.requests.iter().find(|request| {
            request.client == Client::Waits(tap)
                && matches!(request.place, world::Place::Answered | world::Place::GatewayAnswered)
        });
        mine.map(|request| match request.place {
            world::Place::GatewayAnswered if !self.without(Mutant::GatewayAnswerIsClean) => Stage::Ambiguous,
            _ => Stage::Done,
        })
    }

    fn follow(self, world: &mut World, event: Event) {
        match event {
            Event::Tick => world.tick(),
            Event::SetClock => world.set_clock(self.mutant),
            Event::Garble => world.change_ledger(File::Garbage),
            Event::LoseLedger => world.change_ledger(File::Absent),
            Event::DeleteLock => world.replace_lock(false),
            Event::MoveFolder => {
                world.replace_lock(true);
                world.ledger = File::Absent;
            }
            Event::AnswerByGateway(request) => world.answer_by_gateway(request),
            Event::Arrive(request) => world.arrive(request),
            Event::Finish(request) => world.finish(request),
            Event::Lose(request) => drop(world.requests.remove(request)),
            Event::Kill(tap) => world.kill(tap),
            Event::Reboot(machine) => {
                (0..TAPS).filter(|&tap| self.machine(tap) == machine).for_each(|tap| world.kill(tap));
                if let Some(older) = world.unflushed.take() {
                    world.change_ledger(older);
                }
                world.ledger.after_boot(machine);
            }
            Event::Open(tap) => {
                let seen = self.without(Mutant::ReadBeforeLock).then_some(world.ledger);
                world.taps[tap].step = Step::Opened { file: world.lock_file, seen };
            }
            Event::Lock(tap) => {
                if let Step::Opened { file, seen } = world.taps[tap].step {
                    world.taps[tap].lock = Some(file);
                    world.taps[tap].step = Step::Locked;
                    if let Some(ledger) = seen {
                        self.decide(tap, ledger, world);
                    }
                }
            }
            Event::Read(tap) | Event::Intend(tap) | Event::Send(tap)
                if !world.is_current(tap, self.mutant) =>
            {
                world.start_over(tap);
            }
            Event::Read(tap) => self.decide(tap, world.ledger, world),
            Event::Intend(tap) if world.taps[tap].is_outdated => {
                self.decide(tap, world.ledger, world);
            }
            Event::Intend(tap) => {
                if !self.without(Mutant::NoIntent) && world.writes_to_path(tap) {
                    world.write(tap, self.entry(tap, Stage::Inflight, 0), self.mutant);
                }
                world.taps[tap].step = Step::Intended;
            }
            Event::Send(tap) => {
                world.requests.push(Request { place: world::Place::Wire, client: Client::Waits(tap) });
                world.taps[tap].step = Step::Sent { began: 0 };
            }
            Event::ReadAnswer(tap) => {
                let phase = self.answer(tap, world).unwrap_or(Stage::Ambiguous);
                world.leave(tap, Client::Left(0));
                world.taps[tap].step = Step::Ended { phase, at: 0 };
            }
            Event::GiveUp(tap) | Event::TimeOut(tap) => {
                let (client, phase) = match event {
                    Event::TimeOut(_) if self.without(Mutant::TimeOutIsBroken) => {
                        (Client::TimedOut(0), Stage::Ambiguous)
                    }
                    Event::TimeOut(_) => (Client::TimedOut(0), Stage::TimedOut),
                    _ => (Client::Left(0), Stage::Ambiguous),
                };
                world.leave(tap, client);
                let at = match world.taps[tap].step {
                    Step::Sent { began } if self.without(Mutant::TimeOutFromSend) => began,
                    _ => 0,
                };
                world.taps[tap].step = Step::Ended { phase, at };
            }
            Event::Record(tap) => {
                if let Step::Ended { phase, at } = world.taps[tap].step {
                    let is_ours = world.is_current(tap, None) || !world.taps[tap].is_outdated;
                    let overwrites = self.without(Mutant::EndOverwritesSuccessor);
                    if (is_ours || overwrites) && world.writes_to_path(tap) {
                        world.write(tap, self.entry(tap, phase, at), self.mutant);
                    }
                }
                world.taps[tap].step = Step::Recorded;
            }
            Event::Unlock(tap) => {
                world.taps[tap].lock = None;
                if world.taps[tap].step == Step::Recorded {
                    world.taps[tap].step = Step::Out;
                }
            }
        }
        world.forget_old_lock();
        if self.place == Place::OneMachine {
            world.sort_taps();
        }
        world.requests.sort_unstable();
    }
}

impl Model for Gate {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        let old = self.entry(0, Stage::Done, LONG_AGO);
        vec![World::new(File::Absent, 0), World::new(old, LONG_AGO)]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        for tap in 0..TAPS {
            self.steps(world, tap, events);
        }
        for (place, request) in world.requests.iter().enumerate() {
            match request.place {
                world::Place::Wire => events.extend([Event::Arrive(place), Event::Lose(place)]),
                world::Place::Service => {
                    events.push(Event::Finish(place));
                    if matches!(request.client, Client::Waits(_)) {
                        events.push(Event::AnswerByGateway(place));
                    }
                }
                world::Place::Answered | world::Place::GatewayAnswered => events.push(Event::Lose(place)),
            }
        }
        let is_endless = |request: &Request| match request.client {
            Client::Left(at) => at <= -GRACE,
            Client::TimedOut(at) => at <= -SLOW,
            Client::Waits(_) => false,
        };
        let strays_end = self.denied == Some(Assumption::StraysEnd) || !world.requests.iter().any(is_endless);
        let unguarded_end = self.denied == Some(Assumption::UnguardedEnds)
            || world.unguarded.is_none_or(|since| since > -GRACE);
        if strays_end && unguarded_end {
            events.push(Event::Tick);
        }
        let in_peace = !world.is_sending();
        if in_peace || self.denied == Some(Assumption::LossInPeace) {
            events.push(Event::LoseLedger);
        }
        let is_locked = world.taps.iter().any(|tap| tap.lock.is_some());
        if world.lock_file == 0 && is_locked && self.place == Place::OneMachine {
            events.push(Event::DeleteLock);
            if in_peace {
                events.push(Event::MoveFolder);
            }
        }
        // The decision itself does not depend on the wall clock, so only a gate that goes by it needs the event.
        if !world.clock_set && self.without(Mutant::WallClock) {
            events.push(Event::SetClock);
        }
        let is_slow = |request: &Request| matches!(request.client, Client::TimedOut(_));
        if !world.requests.iter().any(is_slow) || self.denied == Some(Assumption::LossInPeace) {
            events.push(Event::Garble);
        }
        events.extend((0..=self.machine(1)).map(Event::Reboot));
    }

    fn next_state(&self, world: &World, event: Event) -> Option<World> {
        let mut next = world.clone();
        self.follow(&mut next, event);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(PROMISES[0], |_, world: &World| !world.server.broken[0]),
            Property::always(PROMISES[1], |_, world: &World| !world.server.broken[1]),
            Property::always(PROMISES[2], |_, world: &World| !world.server.broken[2]),
            Property::sometimes("three requests are served", |_, world: &World| world.server.served == 3),
        ]
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.requests.len() <= MOST_REQUESTS
    }
}
