//! Which container a request gets, or what has to be done before it gets one. Decides, changes nothing.
//!
//! Requests are served in order of arrival, but a container with code serves whoever waits for that code, past
//! those that wait for something of the host; not more often than `max_bypass`, though, where they could use
//! what it holds. A request is not tied to a container that is starting: it counts on it, and takes whichever
//! fitting one is free first. Where containers have to go first, that is seen to for several requests at once;
//! what they leave is given in order.

use super::container::{Container, State};
use super::eviction::Eviction;
use super::queue::{Image, Ticket};
use super::resources::Holding;
use super::standing::Lack;
use super::{ColdReason, ContainerId, Pool, Request, Stem, WarmKey};

/// What to do for one waiting request.
pub(super) enum Choice {
    /// Hand it to this container.
    Use(ContainerId),
    /// This container, which is not up yet, will do for it.
    AwaitStart(ContainerId),
    /// This container will have room for it.
    AwaitRoom(ContainerId),
    /// A container of its action that it can use will fall free.
    AwaitInstance,
    /// A container may have to be started for it, and its image is not there yet.
    AwaitImage,
    /// Start a container of its stem with this, and await that.
    Start(Holding),
    /// There will be enough of the host for it when all have gone that are going, these included.
    Claim(Vec<ContainerId>),
    /// It lacks something. Remove these, if any, which will help.
    Block(Lack, Vec<ContainerId>),
    /// There is nothing to do for it before something else changes.
    Leave,
}

impl Pool {
    /// Warm before coming warm before a stem cell before a coming one before a new one before eviction.
    pub(super) fn choose(&self, ticket: Ticket) -> Choice {
        let Some(waiting) = self.queue.get(ticket) else { return Choice::Leave };
        let request = &waiting.request;
        if let Some(id) = self.fleet.warmest(&request.key).filter(|id| !self.is_denied(ticket, *id)) {
            return Choice::Use(id);
        }
        let is_closed = self.standing.is_closed();
        if let Some(id) = self.coming_room(&request.key) {
            return Choice::AwaitRoom(id);
        }
        if self.has_all_instances(request) {
            return if is_closed { Choice::Leave } else { self.choose_instance(request) };
        }
        if let Some(id) = self.stem_cell(request, ticket) {
            return Choice::Use(id);
        }
        if is_closed {
            return Choice::Leave;
        }
        if waiting.image != Image::There {
            return Choice::AwaitImage;
        }
        if let Some(id) = self.coming_stem_cell(request) {
            return Choice::AwaitStart(id);
        }
        if self.standing.obstructs(&request.stem) {
            return Choice::Leave;
        }
        self.choose_start(request, ticket)
    }

    /// A new container, after those before it have had what they count on.
    fn choose_start(&self, request: &Request, ticket: Ticket) -> Choice {
        let stem = &request.stem;
        let left = self.less_claims(self.fleet.resources().clone(), ticket);
        if let Ok(holding) = left.find(stem) {
            let has_slot = self.fleet.starting_like(stem) < self.config.parallel_starts;
            return if has_slot {
                Choice::Start(holding)
            } else {
                Choice::Block(Lack::start(stem), Vec::new())
            };
        }
        match self.victims(&Eviction::for_request(request, ticket)) {
            Ok(victims) if self.claims_like(stem, ticket) < self.config.parallel_starts => {
                Choice::Claim(victims)
            }
            Ok(_) => Choice::Block(Lack::start(stem), Vec::new()),
            Err(lack) => Choice::Block(lack, Vec::new()),
        }
    }

    /// How many before this one will have a container of such a stem started when others have gone.
    fn claims_like(&self, stem: &Stem, ticket: Ticket) -> usize {
        self.standing.claimed_before(ticket).filter(|other| other.starts_like(stem)).count()
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

    /// Whether there is a container that could serve the request if others did not need it more.
    pub(super) fn is_kept_from_open_one(&self, ticket: Ticket) -> bool {
        self.queue.get(ticket).is_some_and(|waiting| self.fleet.warmest(&waiting.request.key).is_some())
    }

    /// Whether later requests may still get what this one, who is blocked, could use.
    pub(super) fn has_patience(&self, ticket: Ticket) -> bool {
        self.queue.get(ticket).is_some_and(|waiting| waiting.bypassed < self.config.max_bypass)
    }

    /// Whether a container will serve the request that need not be started for it.
    pub(super) fn has_prospects(&self, ticket: Ticket) -> bool {
        self.standing.concerns(ticket)
            || self.queue.get(ticket).is_some_and(|waiting| self.has_all_instances(&waiting.request))
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
        let expected = self.standing.expecting().filter_map(|ticket| self.queue.get(ticket));
        let expected = expected.filter(|waiting| waiting.request.key.action_key() == action).count();
        self.fleet.holders(&action).count() + expected >= limit.max(1) as usize
    }

    /// Waits for one of the action's own containers; or for an outdated one to go, if there is any.
    fn choose_instance(&self, request: &Request) -> Choice {
        let is_outdated = |container: &Container| is_outdated(container, request);
        if self.fleet.holders(&request.key.action_key()).any(|(_, container)| is_outdated(container)) {
            let victim = self.outdated(request);
            return Choice::Block(Lack::Instance(request.key.clone()), victim.into_iter().collect());
        }
        Choice::AwaitInstance
    }

    /// The outdated container that goes so that the updated action can have another, unless one goes already.
    pub(super) fn outdated(&self, request: &Request) -> Option<ContainerId> {
        let action = request.key.action_key();
        if self.fleet.holders(&action).any(|(_, container)| container.state.is_removing()) {
            return None;
        }
        let outdated = self.fleet.holders(&action).filter(|(_, container)| is_outdated(container, request));
        let idle = outdated.filter_map(|(id, container)| Some((container.evictable_since()?, id)));
        idle.min().map(|(_, id)| id)
    }

    /// Why no container that holds the action can be used.
    pub(super) fn cold_reason(&self, key: &WarmKey) -> ColdReason {
        let action = key.action_key();
        let there = || self.fleet.holders(&action).filter(|(_, container)| !container.state.is_removing());
        match there().next() {
            None => self.departures.reason(key),
            Some(_) if there().any(|(_, container)| container.key() == Some(key)) => ColdReason::Busy,
            Some(_) => ColdReason::Updated,
        }
    }
}

fn is_outdated(container: &Container, request: &Request) -> bool {
    container.key().is_some_and(|key| key.is_other_form_of(&request.key))
}
