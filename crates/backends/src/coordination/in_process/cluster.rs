//! Who is in the cluster and what that means: all decisions, no waiting and no calls to the outside.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use whirl_model::{ControllerId, ControllerReport, Epoch, InvokerId, InvokerReport};

use super::outbox::Outbox;
use crate::coordination::fate::{Fate, FateOfLease};
use crate::coordination::{ClusterEvent, CoordinationError, lowest_free};

/// Everyone who is there. A lease is known by its epoch.
#[derive(Default)]
pub(super) struct Cluster {
    numbers: HashMap<String, InvokerId>,
    last_epoch: u64,
    members: BTreeMap<Epoch, Member>,
    claims: HashMap<String, Epoch>,
    watches: Vec<Arc<Outbox>>,
    /// Why the cluster is out of everyone's reach, if it is.
    away: Option<String>,
    /// Who has gone since.
    missed: Vec<ClusterEvent>,
}

struct Member {
    place: Place,
    fate: FateOfLease,
}

/// What a lease keeps.
pub(super) enum Place {
    Invoker(InvokerId, Arc<InvokerReport>),
    Controller(ControllerId, Arc<ControllerReport>),
}

/// A new lease, and where to hear what becomes of it.
pub(super) type Joined = (Epoch, FateOfLease);

impl Cluster {
    pub(super) fn within_reach(&self, operation: &'static str) -> Result<(), CoordinationError> {
        match &self.away {
            None => Ok(()),
            Some(reason) => Err(CoordinationError::Unavailable { operation, source: reason.clone().into() }),
        }
    }

    /// The number that stays with a name.
    pub(super) fn number(&mut self, name: &str) -> InvokerId {
        if let Some(id) = self.numbers.get(name) {
            return *id;
        }
        let id = InvokerId(lowest_free(self.numbers.values().map(|id| id.0)));
        self.numbers.insert(name.to_owned(), id);
        id
    }

    pub(super) fn has_invoker(&self, id: InvokerId) -> bool {
        self.epoch_of(|place| matches!(place, Place::Invoker(other, _) if *other == id)).is_some()
    }

    /// The lease of whoever has this place.
    pub(super) fn epoch_of(&self, is_it: impl Fn(&Place) -> bool) -> Option<Epoch> {
        self.members.iter().find_map(|(epoch, member)| is_it(&member.place).then_some(*epoch))
    }

    pub(super) fn free_controller(&self) -> ControllerId {
        let numbers = self.members.values().filter_map(|member| match &member.place {
            Place::Controller(id, _) => Some(id.0),
            Place::Invoker(..) => None,
        });
        ControllerId(lowest_free(numbers))
    }

    pub(super) fn join(&mut self, place: Place) -> Joined {
        self.last_epoch += 1;
        let epoch = Epoch(self.last_epoch);
        let fate = FateOfLease::held();
        self.tell(place.seen(epoch));
        self.members.insert(epoch, Member { place, fate: fate.clone() });
        (epoch, fate)
    }

    pub(super) fn report(&mut self, epoch: Epoch, report: &InvokerReport) -> Result<(), CoordinationError> {
        self.within_reach("report")?;
        let Some(Member { place: Place::Invoker(_, current), .. }) = self.members.get_mut(&epoch) else {
            return Err(CoordinationError::Lost);
        };
        *current = Arc::new(report.clone());
        let event = self.members[&epoch].place.seen(epoch);
        self.tell(event);
        Ok(())
    }

    /// Ends a lease, with all that hangs on it. One that has ended is left alone.
    pub(super) fn end(&mut self, epoch: Epoch, fate: Fate) {
        let Some(member) = self.members.remove(&epoch) else { return };
        self.claims.retain(|_, holder| *holder != epoch);
        self.tell(member.place.gone(epoch));
        member.fate.end(fate);
    }

    pub(super) fn claim(&mut self, epoch: Epoch, name: &str) -> Result<bool, CoordinationError> {
        self.within_reach("claim")?;
        if !self.members.contains_key(&epoch) {
            return Err(CoordinationError::Lost);
        }
        Ok(*self.claims.entry(name.to_owned()).or_insert(epoch) == epoch)
    }

    pub(super) fn release(&mut self, epoch: Epoch, name: &str) -> Result<(), CoordinationError> {
        self.within_reach("release a claim")?;
        if self.claims.get(name) == Some(&epoch) {
            self.claims.remove(name);
        }
        Ok(())
    }

    /// Begins to show the cluster to a watcher.
    pub(super) fn show(&mut self, outbox: &Arc<Outbox>) {
        self.watches.push(Arc::clone(outbox));
        if let Some(reason) = &self.away {
            outbox.push([ClusterEvent::Stale { reason: reason.clone() }]);
        } else {
            outbox.push(self.all());
        }
    }

    fn all(&self) -> impl Iterator<Item = ClusterEvent> {
        let members = self.members.iter().map(|(epoch, member)| member.place.seen(*epoch));
        members.chain([ClusterEvent::Current])
    }

    pub(super) fn hide(&mut self, outbox: &Arc<Outbox>) {
        self.watches.retain(|other| !Arc::ptr_eq(other, outbox));
    }

    pub(super) fn watches(&self) -> Vec<Arc<Outbox>> {
        self.watches.clone()
    }

    fn tell(&mut self, event: ClusterEvent) {
        if self.away.is_none() {
            self.watches.iter().for_each(|outbox| outbox.push([event.clone()]));
        } else if matches!(event, ClusterEvent::InvokerGone { .. } | ClusterEvent::ControllerGone { .. }) {
            self.missed.push(event);
        }
    }

    /// Takes the cluster out of everyone's reach. Leases last.
    #[cfg(any(test, feature = "contract"))]
    pub(super) fn go_away(&mut self, reason: &str) {
        self.tell(ClusterEvent::Stale { reason: reason.to_owned() });
        self.away = Some(reason.to_owned());
    }

    /// Brings it back: watchers are told who has gone meanwhile and who is there now.
    #[cfg(any(test, feature = "contract"))]
    pub(super) fn come_back(&mut self) {
        if self.away.take().is_none() {
            return;
        }
        let missed = std::mem::take(&mut self.missed);
        for outbox in &self.watches {
            outbox.push(missed.iter().cloned());
            outbox.push(self.all());
        }
    }
}

impl Place {
    fn seen(&self, epoch: Epoch) -> ClusterEvent {
        match self {
            Self::Invoker(id, report) => ClusterEvent::Invoker { id: *id, epoch, report: Arc::clone(report) },
            Self::Controller(id, report) => ClusterEvent::Controller { id: *id, report: Arc::clone(report) },
        }
    }

    fn gone(&self, epoch: Epoch) -> ClusterEvent {
        match self {
            Self::Invoker(id, _) => ClusterEvent::InvokerGone { id: *id, epoch },
            Self::Controller(id, _) => ClusterEvent::ControllerGone { id: *id },
        }
    }
}
