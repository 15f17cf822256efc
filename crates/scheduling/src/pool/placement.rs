//! Serves those who wait: goes through the queue, carries out what was chosen for each, and gives a container
//! that has room to those who wait for what it holds. What to choose is decided in `choice`.

use std::sync::Arc;

use super::choice::Choice;
use super::container::{Container, State, Tenancy};
use super::eviction::Eviction;
use super::queue::Ticket;
use super::resources::Holding;
use super::standing::Lack;
use super::turn::Turn;
use super::{Cold, ContainerId, Effect, Origin, Pool, Request};

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
        if self.standing.is_anyone_in_need() {
            let takes = match &choice {
                Choice::Use(_) | Choice::Start(_) => true,
                Choice::Claim(victims) => !victims.is_empty(),
                _ => false,
            };
            turn.stirred |= takes;
            let is_served = matches!(choice, Choice::Use(_));
            self.standing.someone_was_denied |= !is_served && self.is_kept_from_open_one(ticket);
        }
        match choice {
            Choice::Use(id) => self.serve(id, ticket, turn),
            Choice::AwaitStart(id) => self.standing.await_start(id, ticket),
            Choice::AwaitRoom(id) => self.standing.await_room(id, ticket),
            Choice::AwaitImage => self.ask_for_image(ticket, turn),
            Choice::AwaitInstance => self.standing.someone_awaits_instance = true,
            Choice::Start(holding) => self.start_for(ticket, holding, turn),
            Choice::Claim(victims) => {
                let stem = self.queue.get(ticket).map(|waiting| Arc::clone(&waiting.request.stem));
                stem.into_iter().for_each(|stem| self.standing.claim(ticket, stem));
                self.evict(victims, turn);
            }
            Choice::Block(lack, victims) => {
                self.standing.block(ticket, lack);
                self.evict(victims, turn);
            }
            Choice::Leave => {}
        }
    }

    /// A container has room: those who wait for what it holds get it, the earliest first.
    pub(super) fn fill(&mut self, id: ContainerId, turn: &mut Turn) {
        while !self.queue.is_empty() {
            let open = self.fleet.get(id).filter(|container| container.is_open());
            let first = open.and_then(Container::key).and_then(|key| self.queue.first_of(key));
            let Some(ticket) = first else { return };
            if self.is_denied(ticket, id) {
                self.standing.someone_was_denied = true;
                if self.standing.awaiting_room(id) > 0 {
                    turn.stir();
                }
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
                Lack::Room { .. } => {
                    let victims = self.victims(&Eviction::for_request(&waiting.request, blocked.ticket));
                    victims.unwrap_or_default()
                }
                Lack::Instance(_) => self.outdated(&waiting.request).into_iter().collect(),
                Lack::Start | Lack::StartOfUsersImage => Vec::new(),
            };
            if !victims.is_empty() {
                turn.stir();
            }
            self.evict(victims, turn);
        }
    }

    /// Hands a waiting request to an open container.
    fn serve(&mut self, id: ContainerId, ticket: Ticket, turn: &mut Turn) {
        self.count_bypass(id, ticket, turn);
        if self.standing.concerns(ticket) {
            turn.stir();
        }
        if let Some(request) = self.queue.remove(ticket) {
            self.assign(id, request, turn);
        }
    }

    /// Those before `ticket` who are blocked and could use what the container holds are passed by. Who loses patience
    /// with it may have others go that were spared.
    pub(super) fn count_bypass(&mut self, id: ContainerId, ticket: Ticket, turn: &mut Turn) {
        if !self.standing.is_anyone_blocked() {
            return;
        }
        let Some(container) = self.fleet.get(id) else { return };
        for blocked in self.standing.helped_before(ticket, container) {
            if self.queue.pass_by(blocked.ticket) == self.config.max_bypass {
                turn.stir();
            }
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
        // It may be outdated for one who waits for a container of the same action.
        turn.stirred |= self.standing.someone_awaits_instance;
        let refill_at = turn.now + self.config.refill_delay;
        let stem = taken.map(|container| &container.stem).filter(|stem| self.stem_cells.keeps(stem));
        if let Some(stem) = stem {
            self.stem_cells.taken(refill_at, stem);
            self.wake_by(refill_at, turn);
        }
    }
}
