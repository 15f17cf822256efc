//! Which container a request gets, and what is done for those that get none yet.
//!
//! Requests are served in order of arrival, but a container with code serves whoever waits for that code, past
//! those that wait for something of the host; not more often than `max_bypass`, though, where they could use
//! what it holds. A request is not tied to a container that is starting: it counts on it, and takes whichever
//! fitting one is free first.

use std::sync::Arc;

use super::container::{Container, State, Tenancy};
use super::eviction::Eviction;
use super::queue::Ticket;
use super::resources::Holding;
use super::standing::Lack;
use super::turn::Turn;
use super::{Cold, ColdReason, ContainerId, Effect, Origin, Pool, Request, WarmKey};

/// What to do for one waiting request.
enum Choice {
    /// Hand it to this container.
    Use(ContainerId),
    /// This container, which is not up yet, will do for it.
    AwaitStart(ContainerId),
    /// This container will have room for it.
    AwaitRoom(ContainerId),
    /// Start a container of its stem with this, and await that.
    Start(Holding),
    /// It lacks something. Remove these, if any: that will be enough.
    Block(Lack, Vec<ContainerId>),
    /// There is nothing to do for it before something else changes.
    Leave,
}

impl Pool {
    /// Gives waiting requests, the earliest first, what there is for them.
    pub(super) fn go_through_queue(&mut self, turn: &mut Turn) {
        turn.reconsidered = true;
        let before = std::mem::take(&mut self.standing);
        let mut ticket = self.queue.next(None);
        while let Some(current) = ticket {
            self.consider(current, turn);
            // Behind one who lacks what everyone needs there is only what is ready, and unless somebody was
            // kept from it, containers with code have served whom they could.
            let all_served = !before.someone_was_denied && !self.fleet.has_stem_cell();
            if self.standing.is_closed() && all_served {
                break;
            }
            ticket = self.queue.next(Some(current));
        }
    }

    /// Does what can be done for one request. Those before it have been considered since anything changed; if it
    /// takes something past one who is blocked, that one is considered again.
    pub(super) fn consider(&mut self, ticket: Ticket, turn: &mut Turn) {
        let choice = self.choose(ticket);
        if matches!(choice, Choice::Use(_) | Choice::Start(_)) && self.standing.is_anyone_blocked()
        {
            turn.stir();
        }
        match choice {
            Choice::Use(id) => self.serve(id, ticket, turn),
            Choice::AwaitStart(id) => self.standing.await_start(id, ticket),
            Choice::AwaitRoom(id) => self.standing.await_room(id, ticket),
            Choice::Start(holding) => self.start_for(ticket, holding, turn),
            Choice::Block(lack, victims) => {
                self.standing.block(ticket, lack);
                self.evict(victims, turn);
            }
            Choice::Leave => {}
        }
    }

    /// Warm before coming warm before a stem cell before a coming one before a new one before eviction.
    fn choose(&mut self, ticket: Ticket) -> Choice {
        let Some(waiting) = self.queue.get(ticket) else { return Choice::Leave };
        let request = &waiting.request;
        if let Some(id) = self.fleet.warmest(&request.key) {
            if !self.is_denied(ticket, id) {
                return Choice::Use(id);
            }
            self.standing.someone_was_denied = true;
        }
        let is_closed = self.standing.is_closed();
        if !is_closed && let Some(id) = self.coming_room(&request.key) {
            return Choice::AwaitRoom(id);
        }
        if self.has_all_instances(request) {
            return if is_closed { Choice::Leave } else { self.choose_outdated(request) };
        }
        if let Some(id) = self.stem_cell(request, ticket) {
            return Choice::Use(id);
        }
        if is_closed {
            return Choice::Leave;
        }
        if let Some(id) = self.coming_stem_cell(request) {
            return Choice::AwaitStart(id);
        }
        if self.standing.obstructs(&request.stem) {
            return Choice::Leave;
        }
        match self.fleet.resources().find(&request.stem) {
            Ok(holding) if self.fleet.starting() < self.config.parallel_starts => Choice::Start(holding),
            Ok(_) => Choice::Block(Lack::Start, Vec::new()),
            Err(shortage) => {
                let victims = self.victims(&Eviction::for_request(request, ticket));
                Choice::Block(Lack::Room(shortage), victims)
            }
        }
    }

    /// Whether the container is kept from this request so that it falls idle for one before it, who has been
    /// passed by often enough.
    pub(super) fn is_denied(&self, ticket: Ticket, id: ContainerId) -> bool {
        if !self.standing.is_anyone_blocked() {
            return false;
        }
        let Some(container) = self.fleet.get(id) else { return true };
        let mut helped = self.standing.helped_before(ticket, container);
        helped.any(|blocked| !self.has_patience(blocked.ticket))
    }

    /// Whether later requests may still get what this one, who is blocked, could use.
    pub(super) fn has_patience(&self, ticket: Ticket) -> bool {
        self.queue.get(ticket).is_some_and(|waiting| waiting.bypassed < self.config.max_bypass)
    }

    /// A container of the key that will have room for one more than those who count on it.
    fn coming_room(&self, key: &WarmKey) -> Option<ContainerId> {
        let has_room = |(id, room): &(ContainerId, u32)| self.standing.awaiting_room(*id) < *room as usize;
        self.fleet.coming(key).find(has_room).map(|(id, _)| id)
    }

    /// The oldest stem cell of the request's stem.
    fn stem_cell(&self, request: &Request, ticket: Ticket) -> Option<ContainerId> {
        let cells = self.fleet.bare().filter_map(|(id, container)| match container.state {
            State::Stem { since } if container.stem == request.stem => Some((since, id)),
            _ => None,
        });
        cells.min().map(|(_, id)| id).filter(|id| !self.is_denied(ticket, *id))
    }

    fn coming_stem_cell(&self, request: &Request) -> Option<ContainerId> {
        let coming = |id: ContainerId, container: &Container| {
            matches!(container.state, State::Starting)
                && container.stem == request.stem
                && !self.standing.is_start_awaited(id)
        };
        self.fleet.bare().find(|(id, container)| coming(*id, container)).map(|(id, _)| id)
    }

    /// Whether the action may have no more containers than it has and is about to have.
    fn has_all_instances(&self, request: &Request) -> bool {
        let Some(limit) = request.instances else { return false };
        let action = request.key.action_key();
        let expected = self.standing.awaiting_starts().filter_map(|ticket| self.queue.get(ticket));
        let expected = expected.filter(|waiting| waiting.request.key.action_key() == action).count();
        self.fleet.holders(&action).count() + expected >= limit.max(1) as usize
    }

    /// Where outdated containers are what keeps the action from having another: the one that goes for it.
    fn choose_outdated(&self, request: &Request) -> Choice {
        let outdated =
            |container: &Container| container.key().is_some_and(|key| key.is_other_revision_of(&request.key));
        let action = request.key.action_key();
        if !self.fleet.holders(&action).any(|(_, container)| outdated(container)) {
            return Choice::Leave;
        }
        let one_goes = self.fleet.holders(&action).any(|(_, container)| container.state.is_removing());
        let idle = self.fleet.holders(&action).filter(|(_, container)| outdated(container));
        let idle = idle.filter_map(|(id, container)| Some((container.evictable_since()?, id))).min();
        let victim = idle.filter(|_| !one_goes).map(|(_, id)| id);
        Choice::Block(Lack::Instance(request.key.clone()), victim.into_iter().collect())
    }

    /// A container has room: those who wait for what it holds get it, the earliest first.
    pub(super) fn fill(&mut self, id: ContainerId, turn: &mut Turn) {
        while !self.queue.is_empty() {
            let open = self.fleet.get(id).filter(|container| container.is_open());
            let first = open.and_then(Container::key).and_then(|key| self.queue.first_of(key));
            let Some(ticket) = first else { return };
            if self.is_denied(ticket, id) {
                self.standing.someone_was_denied = true;
                return;
            }
            self.serve(id, ticket, turn);
        }
    }

    /// A container fell idle: it may go for one who is blocked.
    pub(super) fn offer_for_eviction(&mut self, id: ContainerId, turn: &mut Turn) {
        let Some(container) = self.fleet.get(id) else { return };
        let helped: Vec<_> = self.standing.helped_before(Ticket::LAST, container).cloned().collect();
        for blocked in helped {
            let Some(waiting) = self.queue.get(blocked.ticket) else { continue };
            let victims = match blocked.lack {
                Lack::Room(_) => self.victims(&Eviction::for_request(&waiting.request, blocked.ticket)),
                Lack::Instance(_) => match self.choose_outdated(&waiting.request) {
                    Choice::Block(_, victims) => victims,
                    _ => Vec::new(),
                },
                Lack::Start => Vec::new(),
            };
            self.evict(victims, turn);
        }
    }

    /// Hands a waiting request to an open container.
    fn serve(&mut self, id: ContainerId, ticket: Ticket, turn: &mut Turn) {
        self.count_bypass(id, ticket);
        if self.standing.concerns(ticket) {
            turn.stir();
        }
        if let Some(request) = self.queue.remove(ticket) {
            self.assign(id, request, turn);
        }
    }

    /// Those before `ticket` who are blocked and could use what the container holds are passed by.
    pub(super) fn count_bypass(&mut self, id: ContainerId, ticket: Ticket) {
        if !self.standing.is_anyone_blocked() {
            return;
        }
        let Some(container) = self.fleet.get(id) else { return };
        for blocked in self.standing.helped_before(ticket, container) {
            self.queue.pass_by(blocked.ticket);
        }
    }

    fn start_for(&mut self, ticket: Ticket, holding: Holding, turn: &mut Turn) {
        let Some(waiting) = self.queue.get(ticket) else { return };
        let stem = Arc::clone(&waiting.request.stem);
        self.stem_cells.cold_start(&stem);
        let id = self.start(stem, holding, turn);
        self.standing.await_start(id, ticket);
    }

    /// Gives a request to a container that is open or a stem cell.
    pub(super) fn assign(&mut self, id: ContainerId, request: Request, turn: &mut Turn) {
        let activation = request.activation;
        if self.fleet.get(id).is_some_and(Container::is_bare) {
            self.initialise(id, request, turn);
            return;
        }
        self.fleet.change(id, |state| match state {
            State::Idle { tenancy, .. } => {
                turn.push(Effect::Run(id, activation));
                State::Busy { tenancy, running: 1, condemned: false }
            }
            State::Busy { tenancy, running, condemned } => {
                turn.push(Effect::Run(id, activation));
                State::Busy { tenancy, running: running + 1, condemned }
            }
            State::Paused { tenancy, .. } => {
                turn.push(Effect::Resume(id, activation));
                State::Resuming { tenancy, request: Box::new(request), condemned: false }
            }
            other => other,
        });
    }

    fn initialise(&mut self, id: ContainerId, request: Request, turn: &mut Turn) {
        let reason = self.cold_reason(&request.key);
        let origin = if turn.came_up == Some(id) { Origin::NewContainer } else { Origin::StemCell };
        turn.push(Effect::Initialise(id, request.activation, Cold { origin, reason }));
        let tenancy = Tenancy::of(request);
        let taken = self.fleet.change(id, |_| State::Initialising { tenancy, condemned: false });
        let refill_at = turn.now + self.config.refill_delay;
        let stem = taken.map(|container| &container.stem).filter(|stem| self.stem_cells.keeps(stem));
        if let Some(stem) = stem {
            self.stem_cells.taken(refill_at, stem);
            self.wake_by(refill_at, turn);
        }
    }

    /// Why no container that holds the action can be used.
    fn cold_reason(&self, key: &WarmKey) -> ColdReason {
        let action = key.action_key();
        let there = || self.fleet.holders(&action).filter(|(_, container)| !container.state.is_removing());
        match there().next() {
            None => self.departures.reason(key),
            Some(_) if there().any(|(_, container)| container.key() == Some(key)) => ColdReason::Busy,
            Some(_) => ColdReason::Updated,
        }
    }
}
