//! The coordination within one process: members, numbers and claims in memory.
//!
//! Nothing has to be renewed here: a lease ends when its member leaves or is dropped, and at once. Watchers are
//! called on the thread of whoever causes the event.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use whirl_model::{ControllerId, ControllerReport, InvokerId, InvokerReport};

use super::{Coordination, CoordinationError, InvokerMembership, Membership, Watcher, Watching};

mod cluster;
#[cfg(any(test, feature = "contract"))]
mod faults;
mod lease;
mod outbox;

use cluster::{Cluster, Place};
use lease::Lease;
use outbox::Outbox;

/// A cluster in one process.
#[derive(Default)]
pub struct InProcessCoordination {
    shared: Arc<Shared>,
}

impl InProcessCoordination {
    /// A cluster without members.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }
}

#[async_trait]
impl Coordination for InProcessCoordination {
    async fn invoker_number(&self, name: &str) -> Result<InvokerId, CoordinationError> {
        self.shared.change(|cluster| {
            cluster.within_reach("number an invoker")?;
            Ok(cluster.number(name))
        })
    }

    async fn join_invoker(
        &self,
        id: InvokerId,
        report: &InvokerReport,
    ) -> Result<Arc<dyn InvokerMembership>, CoordinationError> {
        let joined = self.shared.change(|cluster| {
            cluster.within_reach("join the cluster")?;
            if cluster.has_invoker(id) {
                return Err(CoordinationError::Taken(id.to_string()));
            }
            Ok(cluster.join(Place::Invoker(id, Arc::new(report.clone()))))
        })?;
        Ok(Lease::new(&self.shared, joined))
    }

    async fn join_controller(
        &self,
        report: &ControllerReport,
    ) -> Result<(ControllerId, Arc<dyn Membership>), CoordinationError> {
        let (id, joined) = self.shared.change(|cluster| {
            cluster.within_reach("join the cluster")?;
            let id = cluster.free_controller();
            Ok((id, cluster.join(Place::Controller(id, Arc::new(report.clone())))))
        })?;
        Ok((id, Lease::new(&self.shared, joined)))
    }

    fn watch(&self, watcher: Arc<dyn Watcher>) -> Box<dyn Watching> {
        let outbox = Arc::new(Outbox::new(watcher));
        self.shared.change(|cluster| cluster.show(&outbox));
        Box::new(Sight { shared: Arc::clone(&self.shared), outbox })
    }
}

/// The cluster, and the rule that watchers are called after each change and outside its lock.
#[derive(Default)]
struct Shared {
    cluster: Mutex<Cluster>,
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut Cluster) -> T) -> T {
        let mut cluster = self.cluster.lock();
        let outcome = change(&mut cluster);
        let watches = cluster.watches();
        drop(cluster);
        watches.iter().for_each(|outbox| outbox.deliver());
        outcome
    }
}

struct Sight {
    shared: Arc<Shared>,
    outbox: Arc<Outbox>,
}

impl Watching for Sight {}

impl Drop for Sight {
    fn drop(&mut self) {
        self.outbox.end();
        self.shared.cluster.lock().hide(&self.outbox);
    }
}

#[cfg(test)]
mod tests;
