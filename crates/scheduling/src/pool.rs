//! The container pool of one invoker: which activation runs in which container, and when containers start,
//! pause and go.
//!
//! [`Pool::handle`] takes one event and answers with effects; the shell carries them out and reports back.
//! Requests wait in one queue in order of arrival. A waiting request is not tied to a container that is
//! starting: whichever fitting one is free first takes it. What may run where is decided in `placement`, the
//! number of stem cells in `stem_cells`.

mod config;
mod container;
mod effect;
mod event;
mod load;
mod placement;
mod request;
mod stem_cells;
#[cfg(test)]
mod world;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::Moment;
pub use config::PoolConfig;
use container::{Container, State, Tenancy};
pub use effect::{Cold, ColdReason, Effect, Origin, Rejection};
pub use event::{Event, Fate, StartFailure};
pub use load::PoolLoad;
use placement::{Choice, Pass};
pub use request::{ContainerId, Request, Stem, WarmKey};
use stem_cells::StemCells;
pub use stem_cells::{ReactiveRule, StemRule};

/// How often a removal that failed is tried again.
const REMOVE_RETRY: Duration = Duration::from_secs(5);

/// A request in the queue.
#[derive(Clone, Debug)]
struct Waiting {
    request: Request,
    /// How many later requests were served while this one waited for memory.
    bypassed: u32,
}

/// The containers of one invoker and the activations that wait for them.
#[derive(Debug)]
pub struct Pool {
    config: PoolConfig,
    containers: BTreeMap<ContainerId, Container>,
    waiting: VecDeque<Waiting>,
    stem_cells: StemCells,
    next_id: u64,
    wake: Option<Moment>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    Draining,
    Drained,
}

/// How many containers are in which state, for metrics and people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// State name to number of containers.
    pub containers: BTreeMap<&'static str, usize>,
    /// Mebibytes in use, removals not yet confirmed included.
    pub memory_used: u32,
    /// Mebibytes for all containers together.
    pub memory_total: u32,
    /// Activations waiting for a container.
    pub waiting: usize,
}

impl Pool {
    /// A pool without containers. Send [`Event::Tick`] to make it start its stem cells.
    #[must_use]
    pub fn new(config: PoolConfig) -> Self {
        Self {
            stem_cells: StemCells::new(&config.stem_cells, config.stem_check_interval),
            config,
            containers: BTreeMap::new(),
            waiting: VecDeque::new(),
            next_id: 0,
            wake: None,
            phase: Phase::Serving,
        }
    }

    /// Takes one event and says what to do.
    ///
    /// Events about containers that the pool no longer has, or that do not fit their state, change nothing.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Effect> {
        let mut effects = Vec::with_capacity(2);
        match event {
            Event::Arrived(request) => self.arrived(now, request, &mut effects),
            Event::Started(id) => self.started(now, id),
            Event::StartFailed(id, failure) => self.start_failed(now, id, failure, &mut effects),
            Event::Initialised(id) => self.initialised(id),
            Event::Ended(id, fate) => self.ended(now, id, fate, &mut effects),
            Event::Bounced(id, request) => self.bounced(now, id, request, &mut effects),
            Event::Paused(id) => self.paused(id),
            Event::Resumed(id) => self.resumed(id),
            Event::FreezerFailed(id) => self.freezer_failed(id, &mut effects),
            Event::Condemned(id) => self.condemned(id, &mut effects),
            Event::Removed(id) => self.removed(id),
            Event::RemoveFailed(id) => self.remove_failed(now, id, &mut effects),
            Event::Tick => self.tick(now, &mut effects),
            Event::Probe(stem) => self.probe(stem, &mut effects),
            Event::Drain => self.phase = Phase::Draining,
        }
        self.place(now, &mut effects);
        self.tidy(now, &mut effects);
        effects
    }

    /// What the pool holds.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let mut containers = BTreeMap::new();
        for container in self.containers.values() {
            *containers.entry(container.state.name()).or_default() += 1;
        }
        PoolStatus {
            containers,
            memory_used: self.memory_used(),
            memory_total: self.config.memory,
            waiting: self.waiting.len(),
        }
    }

    fn memory_used(&self) -> u32 {
        self.containers.values().map(|c| c.stem.memory).sum()
    }

    fn arrived(&mut self, now: Moment, request: Request, effects: &mut Vec<Effect>) {
        if request.stem.memory > self.config.memory {
            let rejection = Rejection::TooLarge { needs: request.stem.memory, has: self.config.memory };
            effects.push(Effect::Reject(request.activation, rejection));
            effects.push(Effect::GrantCredit(1));
            return;
        }
        // The warm path: nobody waits and a container is free, so the queue need not be gone through.
        match self.waiting.is_empty().then(|| self.free_warm(&request)).flatten() {
            Some(id) => self.assign(now, id, request, effects),
            None => self.waiting.push_back(Waiting { request, bypassed: 0 }),
        }
    }

    fn started(&mut self, now: Moment, id: ContainerId) {
        if let Some(container) = self.containers.get_mut(&id)
            && matches!(container.state, State::Starting)
        {
            container.state = State::Stem { since: now };
            self.stem_cells.start_succeeded(&container.stem);
        }
    }

    /// The oldest request that could have used the container ends with the failure. Where nobody waited for
    /// it, it was to be a stem cell, and the next try waits a while.
    fn start_failed(
        &mut self,
        now: Moment,
        id: ContainerId,
        failure: StartFailure,
        effects: &mut Vec<Effect>,
    ) {
        if !self.containers.get(&id).is_some_and(|c| matches!(c.state, State::Starting)) {
            return;
        }
        let Some(container) = self.containers.remove(&id) else { return };
        match self.waiting.iter().position(|w| w.request.stem == container.stem) {
            Some(index) => {
                if let Some(failed) = self.waiting.remove(index) {
                    effects.push(Effect::Reject(failed.request.activation, Rejection::StartFailed(failure)));
                    effects.push(Effect::GrantCredit(1));
                }
            }
            None => self.stem_cells.start_failed(now, &container.stem),
        }
    }

    fn initialised(&mut self, id: ContainerId) {
        self.change(id, |state| match state {
            State::Initialising { tenancy, condemned } => State::Busy { tenancy, running: 1, condemned },
            other => other,
        });
    }

    fn ended(&mut self, now: Moment, id: ContainerId, fate: Fate, effects: &mut Vec<Effect>) {
        let discard = fate == Fate::Discard;
        let mut ended = false;
        let changed = self.change(id, |state| match state {
            State::Initialising { tenancy, condemned } => {
                ended = true;
                State::after_run(tenancy, 0, condemned || discard, now)
            }
            State::Busy { tenancy, running, condemned } => {
                ended = true;
                State::after_run(tenancy, running - 1, condemned || discard, now)
            }
            other => other,
        });
        if !ended {
            return;
        }
        effects.push(Effect::GrantCredit(1));
        match changed {
            Some(State::Removing { .. }) => effects.push(Effect::Destroy(id)),
            Some(State::Idle { .. }) => self.wake_by(now + self.idle_span(), effects),
            _ => {}
        }
    }

    fn bounced(&mut self, now: Moment, id: ContainerId, request: Request, effects: &mut Vec<Effect>) {
        let mut returned = None;
        let changed = self.change(id, |state| match state {
            State::Initialising { tenancy, .. } => {
                returned = Some(request);
                State::after_run(tenancy, 0, true, now)
            }
            State::Busy { tenancy, running, .. } => {
                returned = Some(request);
                State::after_run(tenancy, running - 1, true, now)
            }
            other => other,
        });
        if returned.is_some() && matches!(changed, Some(State::Removing { .. })) {
            effects.push(Effect::Destroy(id));
        }
        self.waiting_again(returned);
    }

    fn paused(&mut self, id: ContainerId) {
        self.change(id, |state| match state {
            State::Pausing { tenancy, since } => State::Paused { tenancy, since },
            other => other,
        });
    }

    fn resumed(&mut self, id: ContainerId) {
        self.change(id, |state| match state {
            State::Resuming { tenancy, condemned, .. } => State::Busy { tenancy, running: 1, condemned },
            other => other,
        });
    }

    fn freezer_failed(&mut self, id: ContainerId, effects: &mut Vec<Effect>) {
        let (mut failed, mut returned) = (false, None);
        self.change(id, |state| match state {
            State::Pausing { .. } => {
                failed = true;
                State::Removing { retry_at: None }
            }
            State::Resuming { request, .. } => {
                failed = true;
                returned = Some(request);
                State::Removing { retry_at: None }
            }
            other => other,
        });
        self.waiting_again(returned);
        if failed {
            effects.push(Effect::Destroy(id));
        }
    }

    fn waiting_again(&mut self, request: Option<Request>) {
        if let Some(request) = request {
            self.waiting.push_front(Waiting { request, bypassed: 0 });
        }
    }

    fn condemned(&mut self, id: ContainerId, effects: &mut Vec<Effect>) {
        let mut destroy = false;
        self.change(id, |state| match state {
            State::Stem { .. } | State::Idle { .. } | State::Pausing { .. } | State::Paused { .. } => {
                destroy = true;
                State::Removing { retry_at: None }
            }
            State::Initialising { tenancy, .. } => State::Initialising { tenancy, condemned: true },
            State::Busy { tenancy, running, .. } => State::Busy { tenancy, running, condemned: true },
            State::Resuming { tenancy, request, .. } => State::Resuming { tenancy, request, condemned: true },
            // One that does not start is reported as such, and one that goes is going.
            State::Starting | State::Removing { .. } => state,
        });
        if destroy {
            effects.push(Effect::Destroy(id));
        }
    }

    fn removed(&mut self, id: ContainerId) {
        if self.containers.get(&id).is_some_and(|c| matches!(c.state, State::Removing { .. })) {
            self.containers.remove(&id);
        }
    }

    fn remove_failed(&mut self, now: Moment, id: ContainerId, effects: &mut Vec<Effect>) {
        let at = now + REMOVE_RETRY;
        self.change(id, |state| match state {
            State::Removing { .. } => State::Removing { retry_at: Some(at) },
            other => other,
        });
        self.wake_by(at, effects);
    }

    /// Does what time asks for: pause, remove what idled too long, try failed removals again.
    fn tick(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        self.wake = None;
        for (id, container) in &mut self.containers {
            let due = match &container.state {
                State::Idle { since, .. } if now >= *since + self.config.idle_timeout => Due::Destroy,
                State::Paused { since, .. } if now >= *since + self.config.idle_timeout => Due::Destroy,
                State::Idle { since, .. } if now >= *since + self.config.pause_grace => Due::Pause,
                State::Removing { retry_at: Some(at) } if now >= *at => Due::Destroy,
                _ => continue,
            };
            match due {
                Due::Destroy => {
                    container.state = State::Removing { retry_at: None };
                    effects.push(Effect::Destroy(*id));
                }
                Due::Pause => {
                    container.change(|state| match state {
                        State::Idle { tenancy, since } => State::Pausing { tenancy, since },
                        other => other,
                    });
                    effects.push(Effect::Pause(*id));
                }
            }
        }
        if self.phase == Phase::Serving {
            self.expire_stem_cells(now, effects);
        }
    }

    fn expire_stem_cells(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let cells = self.containers.iter().filter_map(|(id, c)| match c.state {
            State::Stem { since } => Some((*id, &c.stem, since)),
            _ => None,
        });
        for id in self.stem_cells.check(now, cells) {
            self.destroy(id, effects);
        }
    }

    /// Gives waiting requests, oldest first, what there is for them.
    fn place(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let mut pass = Pass::default();
        let mut index = 0;
        while index < self.waiting.len() {
            match self.choose(index, &pass) {
                Choice::Use(id) => {
                    let Some(waiting) = self.waiting.remove(index) else { break };
                    if let Some(blocked) = pass.blocked.and_then(|i| self.waiting.get_mut(i)) {
                        blocked.bypassed = blocked.bypassed.saturating_add(1);
                    }
                    self.assign(now, id, waiting.request, effects);
                    continue;
                }
                Choice::Await(id) => pass.claim(id),
                Choice::Start => {
                    let stem = Arc::clone(&self.waiting[index].request.stem);
                    self.stem_cells.cold_start(&stem);
                    let id = self.start(stem, effects);
                    pass.claim(id);
                }
                Choice::Evict(ids) => {
                    ids.into_iter().for_each(|id| self.destroy(id, effects));
                    pass.block(index);
                }
                Choice::Wait => pass.block(index),
            }
            index += 1;
            if pass.blocked.is_some() && !self.containers.values().any(Container::is_open) {
                break;
            }
        }
    }

    /// What goes on beside the requests: stem cells, the next wake-up, the end of a drain.
    fn tidy(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::Serving => self.refill(now, effects),
            Phase::Draining => self.wind_down(effects),
            Phase::Drained => return,
        }
        if self.wake.is_none()
            && let Some(at) = self.next_deadline()
        {
            self.wake_by(at, effects);
        }
    }

    fn refill(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if self.stem_cells.is_empty() || !self.waiting.is_empty() {
            return;
        }
        for stem in self.stem_cells.missing(now, self.containers.values().filter_map(Container::as_stem)) {
            let free = self.config.memory.saturating_sub(self.memory_used());
            if stem.memory <= free && self.starting() < self.config.parallel_starts {
                self.start(stem, effects);
            }
        }
        if let Some(at) = self.stem_cells.next_deadline(now) {
            self.wake_by(at, effects);
        }
    }

    fn wind_down(&mut self, effects: &mut Vec<Effect>) {
        if self.waiting.is_empty() {
            let idle: Vec<_> =
                self.containers.iter().filter(|(_, c)| c.is_evictable()).map(|(id, _)| *id).collect();
            idle.into_iter().for_each(|id| self.destroy(id, effects));
            if self.containers.is_empty() {
                self.phase = Phase::Drained;
                effects.push(Effect::Drained);
            }
        }
    }

    fn start(&mut self, stem: Arc<Stem>, effects: &mut Vec<Effect>) -> ContainerId {
        let id = ContainerId(self.next_id);
        self.next_id += 1;
        effects.push(Effect::Start(id, Arc::clone(&stem), Vec::new()));
        self.containers.insert(id, Container { stem, state: State::Starting });
        id
    }

    /// Starts a container for nobody, where there is room for it; else makes room, for the next probe.
    fn probe(&mut self, stem: Arc<Stem>, effects: &mut Vec<Effect>) {
        let busy = self.phase != Phase::Serving || self.starting() > 0 || !self.waiting.is_empty();
        if busy || stem.memory > self.config.memory {
            return;
        }
        let going = self.containers.values().any(|c| matches!(c.state, State::Removing { .. }));
        if stem.memory <= self.config.memory.saturating_sub(self.memory_used()) {
            self.start(stem, effects);
        } else if let Some(id) = self.least_used().filter(|_| !going) {
            self.destroy(id, effects);
        }
    }

    fn destroy(&mut self, id: ContainerId, effects: &mut Vec<Effect>) {
        self.change(id, |_| State::Removing { retry_at: None });
        effects.push(Effect::Destroy(id));
    }

    /// Hands a request to a container that [`Choice::Use`] named.
    fn assign(&mut self, now: Moment, id: ContainerId, request: Request, effects: &mut Vec<Effect>) {
        let activation = request.activation;
        let mut taken_stem = None;
        if let Some(container) = self.containers.get_mut(&id) {
            let stem = Arc::clone(&container.stem);
            container.change(|state| match state {
                State::Stem { .. } => {
                    taken_stem = Some(stem);
                    let cold = Cold { origin: Origin::NewContainer, reason: ColdReason::First };
                    effects.push(Effect::Initialise(id, activation, cold));
                    State::Initialising { tenancy: Tenancy::of(request), condemned: false }
                }
                State::Idle { tenancy, .. } => {
                    effects.push(Effect::Run(id, activation));
                    State::Busy { tenancy, running: 1, condemned: false }
                }
                State::Busy { tenancy, running, condemned } => {
                    effects.push(Effect::Run(id, activation));
                    State::Busy { tenancy, running: running + 1, condemned }
                }
                State::Paused { tenancy, .. } => {
                    effects.push(Effect::Resume(id, activation));
                    State::Resuming { tenancy, request, condemned: false }
                }
                other => other,
            });
        }
        if let Some(stem) = taken_stem {
            self.stem_cells.taken(now + self.config.refill_delay, &stem);
        }
    }

    fn change(&mut self, id: ContainerId, next: impl FnOnce(State) -> State) -> Option<&State> {
        let container = self.containers.get_mut(&id)?;
        container.change(next);
        Some(&container.state)
    }

    fn starting(&self) -> usize {
        self.containers.values().filter(|c| matches!(c.state, State::Starting)).count()
    }

    fn idle_span(&self) -> Duration {
        self.config.pause_grace.min(self.config.idle_timeout)
    }

    /// When the next container wants something by mere passing of time.
    fn next_deadline(&self) -> Option<Moment> {
        let deadline = |c: &Container| match &c.state {
            State::Idle { since, .. } => Some(*since + self.idle_span()),
            State::Paused { since, .. } => Some(*since + self.config.idle_timeout),
            State::Removing { retry_at } => *retry_at,
            _ => None,
        };
        self.containers.values().filter_map(deadline).min()
    }

    fn wake_by(&mut self, at: Moment, effects: &mut Vec<Effect>) {
        if self.wake.is_none_or(|wake| at < wake) {
            self.wake = Some(at);
            effects.push(Effect::WakeAt(at));
        }
    }
}

enum Due {
    Pause,
    Destroy,
}

#[cfg(test)]
mod tests;
