//! What goes wrong in a cluster, brought about by a test.

use whirl_model::{ControllerId, Epoch, InvokerId};

use super::InProcessCoordination;
use super::cluster::{Cluster, Place};
use crate::coordination::fate::Fate;

impl InProcessCoordination {
    /// Ends a lease as though its holder had been out of reach for too long. The holder learns it as
    /// [`lost`](crate::coordination::Membership::lost).
    pub fn expire(&self, epoch: Epoch) {
        self.shared.change(|cluster| cluster.end(epoch, Fate::RanOut));
    }

    /// [`Self::expire`] for whoever is this invoker now, if anyone is.
    pub fn expire_invoker(&self, id: InvokerId) {
        self.expire_whose(|place| matches!(place, Place::Invoker(other, _) if *other == id));
    }

    /// [`Self::expire`] for whoever is this controller now, if anyone is.
    pub fn expire_controller(&self, id: ControllerId) {
        self.expire_whose(|place| matches!(place, Place::Controller(other, _) if *other == id));
    }

    fn expire_whose(&self, is_it: impl Fn(&Place) -> bool) {
        self.shared.change(|cluster| {
            if let Some(epoch) = cluster.epoch_of(is_it) {
                cluster.end(epoch, Fate::RanOut);
            }
        });
    }

    /// Takes the cluster out of everyone's reach: watchers see it stale, calls fail, leases last.
    pub fn go_away(&self, reason: &str) {
        self.shared.change(|cluster| cluster.go_away(reason));
    }

    /// Ends [`Self::go_away`].
    pub fn come_back(&self) {
        self.shared.change(Cluster::come_back);
    }
}
