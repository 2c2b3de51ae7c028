//! What can happen next, and what follows: the gate's steps and the environment's, as a stateright model.

use stateright::{Model, Property};

use crate::gate::{Boot, File, GRACE, LONG_AGO, Mutant, Stage};
use crate::world::{self, Client, Request, Step, TAPS, World};

/// What holds at the server.
pub const PROMISES: [&str; 3] = [
    "P1 arrivals are an interval apart",
    "P2 one request in service at a time",
    "P3 an interval from an end to the next arrival",
];

/// Mutants may have this many requests under way at once; the real gate never has more than one.
const MOST_REQUESTS: usize = 3;

/// Where the taps run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Both on one machine.
    OneMachine,
    /// One on each of two machines, with a state folder that they share.
    TwoMachines,
}

/// What the environment grants; without it this gate could not keep its promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assumption {
    /// By the end of its grace a request without a client is over.
    StraysEnd,
    /// A ledger is lost only while nothing is under way.
    LossInPeace,
}

/// The gate to be checked.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Where the taps run.
    pub place: Place,
    /// What is left out of it.
    pub mutant: Option<Mutant>,
    /// What it is not granted.
    pub denied: Option<Assumption>,
}

/// One event; numbers name taps, machines or requests under way.
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
    Record(usize),
    Unlock(usize),
    Kill(usize),
    Reboot(u8),
    SetClock,
    Garble,
    LoseLedger,
    Arrive(usize),
    Finish(usize),
    Lose(usize),
}

impl Gate {
    /// As it is.
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

    fn waiting(self, tap: usize, ledger: File, world: &World) -> Step {
        let due = ledger.due(self.mutant, Boot::Of(self.machine(tap)), world.clock_set);
        Step::Waiting { due }
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
                let answered = Request { place: world::Place::Answered, client: Client::Waits(tap) };
                if world.requests.contains(&answered) {
                    events.push(Event::ReadAnswer(tap));
                }
                events.push(Event::GiveUp(tap));
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

    fn follow(self, world: &mut World, event: Event) {
        match event {
            Event::Tick => world.tick(),
            Event::SetClock => world.set_clock(self.mutant),
            Event::Garble => world.ledger = File::Garbage,
            Event::LoseLedger => world.ledger = File::Absent,
            Event::Arrive(request) => world.arrive(request),
            Event::Finish(request) => world.finish(request),
            Event::Lose(request) => drop(world.requests.remove(request)),
            Event::Kill(tap) => world.kill(tap),
            Event::Reboot(machine) => {
                (0..TAPS).filter(|&tap| self.machine(tap) == machine).for_each(|tap| world.kill(tap));
                world.ledger = world.unflushed.take().unwrap_or(world.ledger);
                world.ledger.after_boot(machine);
            }
            Event::Open(tap) => {
                let seen = self.without(Mutant::ReadBeforeLock).then_some(world.ledger);
                world.taps[tap].step = Step::Opened { file: world.lock_file, seen };
            }
            Event::Lock(tap) => {
                if let Step::Opened { file, seen } = world.taps[tap].step {
                    world.taps[tap].lock = Some(file);
                    world.taps[tap].step =
                        seen.map_or(Step::Locked, |ledger| self.waiting(tap, ledger, world));
                }
            }
            Event::Read(tap) => world.taps[tap].step = self.waiting(tap, world.ledger, world),
            Event::Intend(tap) => {
                if !self.without(Mutant::NoIntent) {
                    world.write(self.entry(tap, Stage::Inflight, 0), self.mutant);
                }
                world.taps[tap].step = Step::Intended;
            }
            Event::Send(tap) => {
                world.requests.push(Request { place: world::Place::Wire, client: Client::Waits(tap) });
                world.taps[tap].step = Step::Sent { began: 0 };
            }
            Event::ReadAnswer(tap) => {
                world.leave(tap);
                world.taps[tap].step = Step::Ended { clean: true, at: 0 };
            }
            Event::GiveUp(tap) => {
                world.leave(tap);
                let at = match world.taps[tap].step {
                    Step::Sent { began } if self.without(Mutant::TimeOutFromSend) => began,
                    _ => 0,
                };
                world.taps[tap].step = Step::Ended { clean: false, at };
            }
            Event::Record(tap) => {
                if let Step::Ended { clean, at } = world.taps[tap].step {
                    let phase = if clean { Stage::Done } else { Stage::Ambiguous };
                    world.write(self.entry(tap, phase, at), self.mutant);
                }
                world.taps[tap].step = Step::Recorded;
            }
            Event::Unlock(tap) => {
                world.taps[tap].lock = None;
                world.lock_file += u8::from(self.without(Mutant::LockUnlinked));
                if world.taps[tap].step == Step::Recorded {
                    world.taps[tap].step = Step::Out;
                }
            }
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
                world::Place::Service => events.push(Event::Finish(place)),
                world::Place::Answered => events.push(Event::Lose(place)),
            }
        }
        let endless = |request: &Request| matches!(request.client, Client::Left(at) if at <= -GRACE);
        if self.denied == Some(Assumption::StraysEnd) || !world.requests.iter().any(endless) {
            events.push(Event::Tick);
        }
        let sending = |step| matches!(step, Step::Intended | Step::Sent { .. } | Step::Ended { .. });
        let peace = world.requests.is_empty() && !world.taps.iter().any(|tap| sending(tap.step));
        if peace || self.denied == Some(Assumption::LossInPeace) {
            events.push(Event::LoseLedger);
        }
        if !world.clock_set {
            events.push(Event::SetClock);
        }
        events.push(Event::Garble);
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
