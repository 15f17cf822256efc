//! What becomes of a container, and of what runs in it, with each thing that is told of it. What is told of a
//! container that is gone, or is not in the state for it, changes nothing.

use std::sync::Arc;

use super::container::{Container, State, Tenancy};
use super::eviction::Eviction;
use super::queue::Ticket;
use super::resources::Holding;
use super::turn::Turn;
use super::{
    ColdReason, ContainerId, Effect, Fate, PAUSE_RETRY, Phase, Pool, REMOVE_RETRY, Rejection, Request,
    StartFailure, Stem,
};

impl Pool {
    /// Has a container started with what was found for it.
    pub(super) fn start(&mut self, stem: Arc<Stem>, holding: Holding, turn: &mut Turn) -> ContainerId {
        let gpus = holding.devices();
        let id = self.fleet.start(Arc::clone(&stem), holding);
        turn.push(Effect::Start(id, stem, gpus));
        id
    }

    /// Has a container started for nobody, where there is room for it that nobody counts on; else makes room, for the
    /// next probe. Not if one that starts like it will tell as much.
    pub(super) fn probe(&mut self, stem: Arc<Stem>, turn: &mut Turn) {
        if self.phase != Phase::Serving || self.fleet.starting_like(&stem) > 0 {
            return;
        }
        if let Some(id) = self.superfluous_cell(&stem) {
            self.fleet.change(id, State::removing);
            turn.push(Effect::Destroy(id));
        }
        let room = self.less_claims(self.fleet.resources().clone(), Ticket::LAST);
        if let Ok(holding) = room.find(&stem) {
            self.start(stem, holding, turn);
        } else {
            let victims = self.victims(&Eviction::for_nobody(&stem)).unwrap_or_default();
            self.evict(victims, turn);
        }
        turn.stir();
    }

    /// The oldest stem cell, if there are more than there should be.
    fn superfluous_cell(&self, stem: &Stem) -> Option<ContainerId> {
        let cells = self.fleet.bare().filter_map(|(id, container)| match container.state {
            State::Stem { since } if *container.stem == *stem => Some((since, id)),
            _ => None,
        });
        let cells: Vec<_> = cells.collect();
        let oldest = cells.iter().min().filter(|_| cells.len() > self.stem_cells.goal(stem));
        oldest.map(|(_, id)| *id)
    }

    pub(super) fn started(&mut self, id: ContainerId, turn: &mut Turn) {
        if !self.is_starting(id) {
            return;
        }
        let since = turn.now;
        if let Some(container) = self.fleet.change(id, |_| State::Stem { since }) {
            self.stem_cells.start_succeeded(&container.stem);
        }
        turn.came_up = Some(id);
        turn.stir();
    }

    /// Who counted on the container ends with the failure. Where nobody did, it was to be a stem cell, and the
    /// next try waits a while.
    pub(super) fn start_failed(&mut self, id: ContainerId, failure: StartFailure, turn: &mut Turn) {
        if !self.is_starting(id) {
            return;
        }
        let Some(container) = self.fleet.forget(id) else { return };
        let request = self.standing.who_awaits_start(id).and_then(|ticket| self.queue.remove(ticket));
        match request {
            Some(request) => self.reject(&request, Rejection::StartFailed(failure), turn),
            None => self.stem_cells.failed(turn.now, &container.stem),
        }
        turn.stir();
    }

    fn is_starting(&self, id: ContainerId) -> bool {
        self.fleet.get(id).is_some_and(|container| matches!(container.state, State::Starting))
    }

    pub(super) fn initialised(&mut self, id: ContainerId, turn: &mut Turn) {
        self.fleet.change(id, |state| match state {
            State::Initialising { tenancy, condemned } => State::Busy { tenancy, running: 1, condemned },
            other => other,
        });
        self.fill(id, turn);
    }

    pub(super) fn serial(&mut self, id: ContainerId, turn: &mut Turn) {
        self.fleet.change(id, |state| match state {
            State::Initialising { tenancy, condemned } => {
                State::Initialising { tenancy: Tenancy { concurrency: 1, ..tenancy }, condemned }
            }
            other => other,
        });
        turn.stir();
    }

    pub(super) fn ended(&mut self, id: ContainerId, fate: Fate, turn: &mut Turn) {
        if self.leave(id, fate == Fate::Discard, turn) {
            turn.push(Effect::GrantCredit(1));
            self.go_on(id, turn);
        }
    }

    pub(super) fn bounced(&mut self, id: ContainerId, request: Request, turn: &mut Turn) {
        if self.leave(id, true, turn) {
            self.go_on(id, turn);
            self.wait_again(request, turn);
        }
    }

    /// One activation less runs in the container. Whether that could be.
    fn leave(&mut self, id: ContainerId, discard: bool, turn: &mut Turn) -> bool {
        let (now, mut left) = (turn.now, false);
        self.fleet.change(id, |state| {
            left = matches!(state, State::Initialising { .. } | State::Busy { .. });
            match state {
                State::Initialising { tenancy, condemned } => {
                    State::after_run(tenancy, 0, condemned || discard, now)
                }
                State::Busy { tenancy, running, condemned } => {
                    State::after_run(tenancy, running - 1, condemned || discard, now)
                }
                other => other,
            }
        });
        left
    }

    /// Uses a container that an activation has left, or has it removed.
    fn go_on(&mut self, id: ContainerId, turn: &mut Turn) {
        let Some(container) = self.fleet.get(id) else { return };
        if container.state.is_removing() {
            self.note_departure(id, ColdReason::Broken);
            turn.push(Effect::Destroy(id));
            turn.stir();
            return;
        }
        self.fill(id, turn);
        self.rest(id, turn);
    }

    /// If the container is idle now, it may be removed for others; else it is time's turn.
    fn rest(&mut self, id: ContainerId, turn: &mut Turn) {
        let Some(container) = self.fleet.get(id) else { return };
        if container.evictable_since().is_some() {
            if let Some(at) = self.due_at(container) {
                self.wake_by(at, turn);
            }
            self.offer_for_eviction(id, turn);
        }
    }

    pub(super) fn paused(&mut self, id: ContainerId, turn: &mut Turn) {
        self.fleet.change(id, |state| match state {
            State::Pausing { tenancy, since } => State::Paused { tenancy, since },
            other => other,
        });
        self.fill(id, turn);
        self.rest(id, turn);
    }

    /// It can be used as before, and is to be frozen a little later.
    pub(super) fn pause_put_off(&mut self, id: ContainerId, turn: &mut Turn) {
        let pause_at = Some(turn.now + PAUSE_RETRY);
        self.fleet.change(id, |state| match state {
            State::Pausing { tenancy, since } => State::Idle { tenancy, since, pause_at },
            other => other,
        });
        self.fill(id, turn);
        self.rest(id, turn);
    }

    pub(super) fn resumed(&mut self, id: ContainerId, turn: &mut Turn) {
        self.fleet.change(id, |state| match state {
            State::Resuming { tenancy, condemned, .. } => State::Busy { tenancy, running: 1, condemned },
            other => other,
        });
        self.fill(id, turn);
    }

    /// A container that can be neither frozen nor thawed goes; a request that it was to be thawed for is handed on.
    pub(super) fn freezer_failed(&mut self, id: ContainerId, turn: &mut Turn) {
        let returned = match self.fleet.get(id).map(|container| &container.state) {
            Some(State::Pausing { .. }) => None,
            Some(State::Resuming { request, .. }) => Some(Request::clone(request)),
            _ => return,
        };
        self.remove(id, ColdReason::Broken, turn);
        turn.stir();
        if let Some(request) = returned {
            self.wait_again(request, turn);
        }
    }

    pub(super) fn condemned(&mut self, id: ContainerId, turn: &mut Turn) {
        let Some(container) = self.fleet.get(id) else { return };
        match &container.state {
            // One that does not start is reported as such, and one that goes is going.
            State::Starting | State::Removing { .. } => {}
            State::Stem { .. } => {
                self.stem_cells.failed(turn.now, &container.stem);
                self.remove(id, ColdReason::Broken, turn);
            }
            State::Idle { .. } | State::Pausing { .. } | State::Paused { .. } => {
                self.remove(id, ColdReason::Broken, turn);
            }
            State::Initialising { .. } | State::Busy { .. } | State::Resuming { .. } => {
                self.fleet.change(id, condemn);
            }
        }
        turn.stir();
    }

    pub(super) fn removed(&mut self, id: ContainerId, turn: &mut Turn) {
        if self.fleet.get(id).is_some_and(|container| container.state.is_removing()) {
            self.fleet.forget(id);
            turn.stir();
        }
    }

    pub(super) fn remove_failed(&mut self, id: ContainerId, turn: &mut Turn) {
        let at = turn.now + REMOVE_RETRY;
        self.fleet.change(id, |state| match state {
            State::Removing { tenant, .. } => State::Removing { tenant, retry_at: Some(at) },
            other => other,
        });
        self.wake_by(at, turn);
    }

    /// Removes containers to make room.
    pub(super) fn evict(&mut self, victims: Vec<ContainerId>, turn: &mut Turn) {
        for id in victims {
            self.remove(id, ColdReason::Evicted, turn);
        }
    }

    /// Has a container removed in which nothing runs.
    pub(super) fn remove(&mut self, id: ContainerId, reason: ColdReason, turn: &mut Turn) {
        self.note_departure(id, reason);
        if let Some(container) = self.fleet.get(id).filter(|c| c.is_bare()) {
            self.stem_cells.lost(&container.stem);
        }
        self.fleet.change(id, State::removing);
        turn.push(Effect::Destroy(id));
    }

    fn note_departure(&mut self, id: ContainerId, reason: ColdReason) {
        if let Some(key) = self.fleet.get(id).and_then(Container::key) {
            self.departures.note(key, reason);
        }
    }
}

fn condemn(state: State) -> State {
    match state {
        State::Initialising { tenancy, .. } => State::Initialising { tenancy, condemned: true },
        State::Busy { tenancy, running, .. } => State::Busy { tenancy, running, condemned: true },
        State::Resuming { tenancy, request, .. } => State::Resuming { tenancy, request, condemned: true },
        other => other,
    }
}
