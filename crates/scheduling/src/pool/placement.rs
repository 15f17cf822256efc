//! Which container a waiting request gets, or what has to happen before it gets one. Decides, changes nothing.

use std::collections::BTreeMap;

use super::container::{Container, State};
use super::{ContainerId, Pool, Request, WarmKey};
use crate::Moment;

/// What one walk through the queue has found out so far.
#[derive(Default)]
pub(super) struct Pass {
    /// The first request that waits for memory; only it may evict, and nothing is started behind it.
    pub(super) blocked: Option<usize>,
    /// How many requests count on a container that is not ready yet.
    claims: BTreeMap<ContainerId, u32>,
}

impl Pass {
    pub(super) fn claim(&mut self, id: ContainerId) {
        *self.claims.entry(id).or_default() += 1;
    }

    pub(super) fn block(&mut self, index: usize) {
        self.blocked.get_or_insert(index);
    }

    fn claimed(&self, id: ContainerId) -> u32 {
        self.claims.get(&id).copied().unwrap_or_default()
    }
}

/// What to do for one waiting request.
pub(super) enum Choice {
    /// Hand it to this container.
    Use(ContainerId),
    /// This container will be ready for it.
    Await(ContainerId),
    /// Start a container of its stem, and await that.
    Start,
    /// Remove these to make room.
    Evict(Vec<ContainerId>),
    /// There is nothing to do but wait.
    Wait,
}

impl Pool {
    /// Warm before coming-warm before stem before coming-stem before cold before eviction.
    pub(super) fn choose(&self, index: usize, pass: &Pass) -> Choice {
        let request = &self.waiting[index].request;
        let patience_over = pass.blocked.is_some_and(|i| self.waiting[i].bypassed >= self.config.max_bypass);
        if !patience_over && let Some(id) = self.free_warm(request) {
            return Choice::Use(id);
        }
        if let Some(id) = self.coming_warm(request, pass) {
            return Choice::Await(id);
        }
        if let Some(id) = self.free_stem(request) {
            return Choice::Use(id);
        }
        if let Some(id) = self.coming_stem(request, pass) {
            return Choice::Await(id);
        }
        if pass.blocked.is_some() {
            return Choice::Wait;
        }
        self.make_room(index)
    }

    /// The most recently used container of the request's key that can take it: so that spare ones age out.
    pub(super) fn free_warm(&self, request: &Request) -> Option<ContainerId> {
        let rank = |container: &Container| match &container.state {
            State::Busy { tenancy, .. } if container.is_open() && tenancy.key == request.key => {
                Some((2, Moment::MAX))
            }
            State::Idle { tenancy, since } if tenancy.key == request.key => Some((1, *since)),
            State::Paused { tenancy, since } if tenancy.key == request.key => Some((0, *since)),
            _ => None,
        };
        let ranked = self.containers.iter().filter_map(|(id, c)| rank(c).map(|r| (r, *id)));
        ranked.max().map(|(_, id)| id)
    }

    /// A container of the request's key that is about to have room for it.
    fn coming_warm(&self, request: &Request, pass: &Pass) -> Option<ContainerId> {
        let room = |container: &Container| match &container.state {
            State::Pausing { tenancy, .. } if tenancy.key == request.key => tenancy.concurrency,
            State::Initialising { tenancy, condemned: false }
            | State::Resuming { tenancy, condemned: false, .. }
                if tenancy.key == request.key =>
            {
                tenancy.concurrency - 1
            }
            _ => 0,
        };
        self.containers.iter().find(|(id, c)| pass.claimed(**id) < room(c)).map(|(id, _)| *id)
    }

    /// The oldest stem cell of the request's stem.
    fn free_stem(&self, request: &Request) -> Option<ContainerId> {
        let cells = self.containers.iter().filter_map(|(id, c)| match c.state {
            State::Stem { since } if c.stem == request.stem => Some((since, *id)),
            _ => None,
        });
        cells.min().map(|(_, id)| id)
    }

    fn coming_stem(&self, request: &Request, pass: &Pass) -> Option<ContainerId> {
        let coming = |c: &Container| matches!(c.state, State::Starting) && c.stem == request.stem;
        self.containers.iter().find(|(id, c)| coming(c) && pass.claimed(**id) == 0).map(|(id, _)| *id)
    }

    /// Starts if there is room; else evicts, if that makes enough room; else waits.
    fn make_room(&self, index: usize) -> Choice {
        let needed = self.waiting[index].request.stem.memory;
        let free = self.config.memory.saturating_sub(self.memory_used());
        if needed <= free {
            let may_start = self.starting() < self.config.parallel_starts;
            return if may_start { Choice::Start } else { Choice::Wait };
        }
        let going = |c: &&Container| matches!(c.state, State::Removing { .. });
        let coming_free = free + self.containers.values().filter(going).map(|c| c.stem.memory).sum::<u32>();
        if needed <= coming_free {
            return Choice::Wait;
        }
        let mut room = coming_free;
        let mut victims = Vec::new();
        for id in self.victims(index) {
            room += self.containers[&id].stem.memory;
            victims.push(id);
            if room >= needed {
                return Choice::Evict(victims);
            }
        }
        Choice::Wait
    }

    /// The initialised container that was used least recently, else the oldest stem cell.
    pub(super) fn least_used(&self) -> Option<ContainerId> {
        let rank = |container: &Container| match &container.state {
            State::Idle { since, .. } | State::Paused { since, .. } => Some((false, *since)),
            State::Stem { since } => Some((true, *since)),
            _ => None,
        };
        let ranked = self.containers.iter().filter_map(|(id, c)| rank(c).map(|r| (r, *id)));
        ranked.min().map(|(_, id)| id)
    }

    /// What may be removed for the request, first to go first: initialised containers, least recently used
    /// first, then stem cells, oldest first. Containers that a later request could use warm are spared until
    /// the request's patience is over.
    fn victims(&self, index: usize) -> Vec<ContainerId> {
        let patient = self.waiting[index].bypassed < self.config.max_bypass;
        let wanted =
            |key: &WarmKey| patient && self.waiting.iter().skip(index + 1).any(|w| w.request.key == *key);
        let mut ranked: Vec<(bool, Moment, ContainerId)> = self
            .containers
            .iter()
            .filter_map(|(id, c)| match &c.state {
                State::Idle { tenancy, since } | State::Paused { tenancy, since } => {
                    (!wanted(&tenancy.key)).then_some((false, *since, *id))
                }
                State::Stem { since } => Some((true, *since, *id)),
                _ => None,
            })
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, _, id)| id).collect()
    }
}
