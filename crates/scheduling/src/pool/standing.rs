//! How those who wait stand, as far as the queue was last gone through: who counts on what is coming, and who
//! lacks what. It is what lets an event be handled without going through the queue again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::container::Container;
use super::queue::Ticket;
use super::resources::Shortage;
use super::{ContainerId, Stem, WarmKey};

/// Why a request waits although nothing is coming for it.
#[derive(Clone, Debug)]
pub(super) enum Lack {
    /// As many containers are being started as may be at once.
    Start,
    /// As many of users' images are. What is the platform's is started all the same.
    StartOfUsersImage,
    /// Something of the host.
    Room {
        /// What is missing even without all that is idle. What idle containers could give it is not what it
        /// waits for: others may have that.
        lasting: Shortage,
        /// Whether `lasting` can be something else as soon as other containers are idle or going.
        varies: bool,
    },
    /// Its action has as many containers as it may, some of them in another form.
    Instance(WarmKey),
}

impl Lack {
    /// Another container of this stem may not be started now.
    pub(super) fn start(stem: &Stem) -> Self {
        if stem.is_users_image() { Self::StartOfUsersImage } else { Self::Start }
    }

    /// Whether the removal of this container would help.
    pub(super) fn is_eased_by(&self, container: &Container) -> bool {
        match self {
            Self::Start | Self::StartOfUsersImage => false,
            Self::Room { lasting, .. } => lasting.is_eased_by(&container.holding),
            Self::Instance(key) => container.key().is_some_and(|other| other.is_other_form_of(key)),
        }
    }

    /// Whether a later request that has this container started would take what is lacking.
    fn is_worsened_by(&self, stem: &Stem) -> bool {
        match self {
            Self::Start => true,
            Self::StartOfUsersImage => stem.is_users_image(),
            Self::Room { lasting, .. } => lasting.is_worsened_by(stem),
            Self::Instance(_) => false,
        }
    }

    /// Whether nothing at all can be started for later requests.
    fn is_everyones(&self) -> bool {
        match self {
            Self::Start => true,
            Self::Room { lasting, .. } => lasting.is_everyones(),
            Self::StartOfUsersImage | Self::Instance(_) => false,
        }
    }
}

/// A request that lacks something, and comes first when there is some.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    pub(super) ticket: Ticket,
    pub(super) lack: Lack,
}

/// A request for which enough of the host is about to be free: containers are going.
#[derive(Clone, Debug)]
struct Claim {
    ticket: Ticket,
    stem: Arc<Stem>,
}

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Standing {
    /// Who counts on a container that has no code yet and is not up.
    starts: BTreeMap<ContainerId, Ticket>,
    /// Who counts on room in a container of their key.
    rooms: BTreeMap<ContainerId, BTreeSet<Ticket>>,
    blocked: Vec<Blocked>,
    claims: Vec<Claim>,
    /// Somebody was kept from a container so that it falls idle for one who is blocked.
    pub(super) someone_was_denied: bool,
    /// Somebody counts on a container that its action has already.
    pub(super) someone_awaits_instance: bool,
}

impl Standing {
    pub(super) fn await_start(&mut self, id: ContainerId, ticket: Ticket) {
        self.starts.insert(id, ticket);
    }

    pub(super) fn await_room(&mut self, id: ContainerId, ticket: Ticket) {
        self.rooms.entry(id).or_default().insert(ticket);
    }

    /// Notes what a request lacks. One of an action is enough to press for an outdated container's removal.
    pub(super) fn block(&mut self, ticket: Ticket, lack: Lack) {
        let is_known = match &lack {
            Lack::Instance(key) => {
                self.blocked.iter().any(|b| matches!(&b.lack, Lack::Instance(k) if k == key))
            }
            Lack::Start | Lack::StartOfUsersImage | Lack::Room { .. } => false,
        };
        if !is_known {
            self.blocked.push(Blocked { ticket, lack });
        }
    }

    /// Notes that what is going will be enough for a request, after those before it.
    pub(super) fn claim(&mut self, ticket: Ticket, stem: Arc<Stem>) {
        self.claims.push(Claim { ticket, stem });
    }

    /// What those before `ticket` count on, of what is free and what is about to be.
    pub(super) fn claimed_before(&self, ticket: Ticket) -> impl Iterator<Item = &Stem> {
        self.claims.iter().filter(move |claim| claim.ticket < ticket).map(|claim| &*claim.stem)
    }

    pub(super) fn is_anyone_blocked(&self) -> bool {
        !self.blocked.is_empty()
    }

    pub(super) fn is_anyone_in_need(&self) -> bool {
        self.in_need().next().is_some()
    }

    /// Whether what somebody lacks can be something else as soon as other containers are idle or going.
    pub(super) fn is_anyone_wavering(&self) -> bool {
        self.blocked.iter().any(|b| matches!(b.lack, Lack::Room { varies: true, .. }))
    }

    /// Those who are to have something of the host before anything is started for nobody.
    pub(super) fn in_need(&self) -> impl Iterator<Item = Ticket> {
        self.blocked.iter().map(|b| b.ticket).chain(self.claims.iter().map(|claim| claim.ticket))
    }

    /// Those before `ticket` who are blocked, and whom the removal of the container would help.
    pub(super) fn helped_before(
        &self,
        ticket: Ticket,
        container: &Container,
    ) -> impl Iterator<Item = &Blocked> {
        self.blocked.iter().filter(move |b| b.ticket < ticket && b.lack.is_eased_by(container))
    }

    /// Who counts on this container to start.
    pub(super) fn who_awaits_start(&self, id: ContainerId) -> Option<Ticket> {
        self.starts.get(&id).copied()
    }

    pub(super) fn is_start_awaited(&self, id: ContainerId) -> bool {
        self.starts.contains_key(&id)
    }

    /// Who counts on containers to start.
    pub(super) fn awaiting_starts(&self) -> impl Iterator<Item = Ticket> {
        self.starts.values().copied()
    }

    /// Who will have a container of its own, one that is starting or one that is started as soon as others went.
    pub(super) fn expecting(&self) -> impl Iterator<Item = Ticket> {
        self.awaiting_starts().chain(self.claims.iter().map(|claim| claim.ticket))
    }

    /// How many count on room in this container.
    pub(super) fn awaiting_room(&self, id: ContainerId) -> usize {
        self.rooms.get(&id).map_or(0, BTreeSet::len)
    }

    /// Whether others may be better off when this one is served: it leaves a claim or a first place.
    pub(super) fn concerns(&self, ticket: Ticket) -> bool {
        self.starts.values().any(|t| *t == ticket)
            || self.rooms.values().any(|tickets| tickets.contains(&ticket))
            || self.in_need().any(|t| t == ticket)
    }

    /// Whether one who is blocked goes before anybody who has a container of this stem started.
    pub(super) fn obstructs(&self, stem: &Stem) -> bool {
        self.blocked.iter().any(|b| b.lack.is_worsened_by(stem))
    }

    /// Whether nothing can be started for anyone but those who are blocked.
    pub(super) fn is_closed(&self) -> bool {
        self.blocked.iter().any(|b| b.lack.is_everyones())
    }
}
