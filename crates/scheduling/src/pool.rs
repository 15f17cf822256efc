//! The container pool of one invoker: which activation runs in which container, and when containers start,
//! pause and go.
//!
//! [`Pool::handle`] takes one event and answers with effects; the shell carries them out and reports back. Its
//! nouns: `fleet`, the containers, and what of the host they hold (`resources`); `queue`, who waits, and how
//! they stand (`standing`); `stem_cells`, how many of those there should be; `departures`, what is remembered
//! of containers that went. Its verbs: `lifecycle`, what is told of a container; `choice`, `placement` and
//! `eviction`, who gets one and who has to go; `images`, what has to come first; `timers`, what time asks for.

mod choice;
mod config;
mod container;
mod departures;
mod effect;
mod event;
mod eviction;
mod fleet;
mod images;
mod lifecycle;
mod load;
mod placement;
mod queue;
mod request;
mod resources;
mod shelves;
mod standing;
mod stem_cells;
mod timers;
mod turn;
#[cfg(test)]
mod world;

use std::time::Duration;

use crate::Moment;
pub use config::PoolConfig;
use departures::Departures;
pub use effect::{Cold, ColdReason, Effect, Origin, Rejection};
pub use event::{Event, Fate, StartFailure};
use fleet::Fleet;
pub use load::{PoolLoad, PoolStatus};
use queue::{Queue, Ticket};
use request::ActionKey;
pub use request::{ContainerId, Request, Stem, WarmKey};
use standing::Standing;
use stem_cells::StemCells;
pub use stem_cells::{ReactiveRule, StemRule};
use turn::Turn;

/// How often a removal that failed is tried again.
const REMOVE_RETRY: Duration = Duration::from_secs(5);
/// How long after a pause was put off it is asked for again.
const PAUSE_RETRY: Duration = Duration::from_secs(5);

/// The containers of one invoker and the activations that wait for them.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub struct Pool {
    config: PoolConfig,
    fleet: Fleet,
    queue: Queue,
    standing: Standing,
    stem_cells: StemCells,
    departures: Departures,
    /// When the next tick is asked for.
    wake: Option<Moment>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    Draining,
    Drained,
}

impl Pool {
    /// A pool without containers. Send [`Event::Tick`] to make it start its stem cells.
    #[must_use]
    pub fn new(config: PoolConfig) -> Self {
        Self {
            fleet: Fleet::new(&config),
            queue: Queue::default(),
            standing: Standing::default(),
            stem_cells: StemCells::new(&config.stem_cells, config.stem_check_interval),
            departures: Departures::default(),
            wake: None,
            phase: Phase::Serving,
            config,
        }
    }

    /// Takes one event and says what to do.
    ///
    /// Events about containers that the pool no longer has, or that do not fit their state, change nothing.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Effect> {
        let mut turn = Turn::at(now);
        let turnover = self.fleet.turnover();
        self.expire(&mut turn);
        self.take(event, &mut turn);
        if self.standing.is_anyone_wavering() && self.fleet.turnover() != turnover {
            turn.stir();
        }
        self.settle(&mut turn);
        self.conclude(&mut turn);
        turn.effects
    }

    /// Goes through the queue until that changes nothing more.
    fn settle(&mut self, turn: &mut Turn) {
        while std::mem::take(&mut turn.stirred) {
            self.go_through_queue(turn);
        }
    }

    fn take(&mut self, event: Event, turn: &mut Turn) {
        match event {
            Event::Arrived(request) => self.arrived(request, turn),
            Event::Provided(activation) => self.provided(activation, turn),
            Event::NotProvided(activation, failure) => self.not_provided(activation, failure, turn),
            Event::Started(id) => self.started(id, turn),
            Event::StartFailed(id, failure) => self.start_failed(id, failure, turn),
            Event::Initialised(id) => self.initialised(id, turn),
            Event::Serial(id) => self.serial(id, turn),
            Event::Ended(id, fate) => self.ended(id, fate, turn),
            Event::Bounced(id, request) => self.bounced(id, request, turn),
            Event::Paused(id) => self.paused(id, turn),
            Event::PausePutOff(id) => self.pause_put_off(id, turn),
            Event::Resumed(id) => self.resumed(id, turn),
            Event::FreezerFailed(id) => self.freezer_failed(id, turn),
            Event::Condemned(id) => self.condemned(id, turn),
            Event::Removed(id) => self.removed(id, turn),
            Event::RemoveFailed(id) => self.remove_failed(id, turn),
            Event::Tick => self.tick(turn),
            Event::Probe(stem) => self.probe(stem, turn),
            Event::Drain => self.phase = Phase::Draining,
        }
    }

    fn arrived(&mut self, request: Request, turn: &mut Turn) {
        if let Some(rejection) = self.rejection(&request, turn.now) {
            self.reject(&request, rejection, turn);
            return;
        }
        if self.phase == Phase::Drained {
            self.phase = Phase::Draining;
        }
        // Who has just expired makes way for those who wait before it does for this one.
        self.settle(turn);
        // The warm path: what is open now was not wanted by anybody before, or is kept from everybody.
        let open = self.fleet.warmest(&request.key);
        match open.filter(|id| !self.is_denied(Ticket::LAST, *id)) {
            Some(id) => {
                self.count_bypass(id, Ticket::LAST, turn);
                self.assign(id, request, turn);
            }
            None => self.wait(request, turn),
        }
    }

    /// Why the request will never run.
    fn rejection(&self, request: &Request, now: Moment) -> Option<Rejection> {
        let is_too_late = request.deadline.is_some_and(|at| at <= now);
        self.fleet.resources().refusal(&request.stem).or(is_too_late.then_some(Rejection::Expired))
    }

    fn reject(&mut self, request: &Request, rejection: Rejection, turn: &mut Turn) {
        turn.push(Effect::Reject(request.activation, rejection));
        turn.push(Effect::GrantCredit(1));
    }

    /// Takes a place behind all others.
    fn wait(&mut self, request: Request, turn: &mut Turn) {
        if let Some(at) = request.deadline {
            self.wake_by(at, turn);
        }
        let ticket = self.queue.push_back(request);
        self.consider(ticket, turn);
    }

    /// Takes a place before all others: it was its turn already.
    fn wait_again(&mut self, request: Request, turn: &mut Turn) {
        if let Some(rejection) = self.rejection(&request, turn.now) {
            self.reject(&request, rejection, turn);
            return;
        }
        if let Some(at) = request.deadline {
            self.wake_by(at, turn);
        }
        self.queue.push_front(request);
        turn.stir();
    }

    /// What goes on beside the requests: stem cells, the next wake-up, the end of a drain.
    fn conclude(&mut self, turn: &mut Turn) {
        match self.phase {
            Phase::Serving if turn.reconsidered => self.refill(turn),
            Phase::Serving => {}
            Phase::Draining => self.wind_down(turn),
            Phase::Drained => return,
        }
        if let Some(at) = turn.came_up.and_then(|id| self.due_at(self.fleet.get(id)?)) {
            self.wake_by(at, turn);
        }
    }

    fn wind_down(&mut self, turn: &mut Turn) {
        if !self.queue.is_empty() {
            return;
        }
        let idle = self.fleet.iter().filter(|(_, container)| container.evictable_since().is_some());
        let idle = idle.map(|(id, _)| id).collect();
        self.evict(idle, turn);
        if self.fleet.is_empty() {
            self.phase = Phase::Drained;
            turn.push(Effect::Drained);
        }
    }
}

#[cfg(test)]
mod tests;
