//! Which containers go so that another can be started. Only idle ones go, only those whose removal helps, and only
//! if that is enough in the end: nothing is removed in vain. Decides, changes nothing.

use std::cmp::Reverse;

use super::container::{Container, State};
use super::queue::Ticket;
use super::resources::{Resources, Shortage};
use super::standing::Lack;
use super::{ContainerId, Pool, Request, Stem};
use crate::Moment;

/// What room is to be made for.
pub(super) struct Eviction<'a> {
    stem: &'a Stem,
    /// The waiting request that it is made for, if it is for one.
    ticket: Option<Ticket>,
}

impl<'a> Eviction<'a> {
    pub(super) fn for_request(request: &'a Request, ticket: Ticket) -> Self {
        Self { stem: &request.stem, ticket: Some(ticket) }
    }

    pub(super) fn for_nobody(stem: &'a Stem) -> Self {
        Self { stem, ticket: None }
    }
}

/// First to go first: what holds a missing GPU, then what has code before stem cells, the least recently used
/// before others.
type Rank = (Reverse<bool>, bool, Moment, ContainerId);

impl Pool {
    /// Who goes so that there is enough; nobody, if what is about to be free anyhow is enough.
    ///
    /// # Errors
    /// What is lacking, if what is idle and may go does not make it enough.
    pub(super) fn victims(&self, eviction: &Eviction<'_>) -> Result<Vec<ContainerId>, Lack> {
        let mut room = self.room_to_come(eviction);
        let Err(shortage) = room.find(eviction.stem) else { return Ok(Vec::new()) };
        let varies = shortage.is_manifold();
        let mut idle: Vec<(Rank, &Container)> = self
            .fleet
            .iter()
            .filter_map(|(id, container)| Some((rank(id, container, &shortage)?, container)))
            .collect();
        let mut most = room.clone();
        idle.iter().for_each(|(_, container)| most.give_back(&container.holding));
        if let Err(lasting) = most.find(eviction.stem) {
            return Err(Lack::Room { lasting, varies });
        }
        idle.sort_unstable_by_key(|(rank, _)| *rank);
        let mut victims = Vec::new();
        for ((.., id), container) in idle {
            if self.is_spared(eviction, container) {
                continue;
            }
            room.give_back(&container.holding);
            victims.push((id, container));
            if room.suffices(eviction.stem) {
                return Ok(only_needed(room, eviction.stem, victims));
            }
        }
        Err(Lack::Room { lasting: shortage, varies })
    }

    /// What will be free when all have gone that are going, and not counted on by anybody before.
    fn room_to_come(&self, eviction: &Eviction<'_>) -> Resources {
        let mut room = self.fleet.resources().clone();
        let going = self.fleet.values().filter(|container| container.state.is_removing());
        going.for_each(|container| room.give_back(&container.holding));
        self.less_claims(room, eviction.ticket.unwrap_or(Ticket::LAST))
    }

    /// What is left of it when those before have what they count on.
    pub(super) fn less_claims(&self, mut room: Resources, before: Ticket) -> Resources {
        self.standing.claimed_before(before).for_each(|stem| room.earmark(stem));
        room
    }

    /// A container that somebody behind could use as it is stays for as long as the request has patience.
    fn is_spared(&self, eviction: &Eviction<'_>, container: &Container) -> bool {
        let (Some(ticket), Some(key)) = (eviction.ticket, container.key()) else { return false };
        self.has_patience(ticket) && self.queue.is_wanted_behind(ticket, key)
    }
}

fn rank(id: ContainerId, container: &Container, shortage: &Shortage) -> Option<Rank> {
    let since = container.evictable_since()?;
    let has_gpu = shortage.wants_gpu_of(&container.holding);
    let is_stem_cell = matches!(container.state, State::Stem { .. });
    shortage.is_eased_by(&container.holding).then_some((Reverse(has_gpu), is_stem_cell, since, id))
}

/// Leaves out whom later ones made superfluous, the last first.
fn only_needed(
    mut room: Resources,
    stem: &Stem,
    victims: Vec<(ContainerId, &Container)>,
) -> Vec<ContainerId> {
    let mut needed = Vec::new();
    for (id, container) in victims.into_iter().rev() {
        room.hold(&container.holding);
        if !room.suffices(stem) {
            room.give_back(&container.holding);
            needed.push(id);
        }
    }
    needed.reverse();
    needed
}
