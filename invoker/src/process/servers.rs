//! Looks after the servers that the invoker stands on, and tells readiness. The coordination is the heartbeat's
//! business; what waits for a server goes on waiting without this.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;
use whirl_backends::connect::Backends;
use whirl_backends::store::{EntityStore, StoreError};
use whirl_model::DocId;
use whirl_service::{Readiness, retry};

/// How often is looked.
const LOOKS_EVERY: Duration = Duration::from_secs(5);
/// A document that is not there: that the store says so is enough.
const PROBE: &str = "whisk.system/readiness";

/// What looks after them. Dropping it ends that.
pub(super) struct Servers(AbortHandle);

impl Servers {
    pub(super) fn watch(backends: &Backends, readiness: Readiness) -> Self {
        let (bus, entities) = (Arc::clone(&backends.bus), Arc::clone(&backends.stores.entities));
        let looking = async move {
            let mut looks = tokio::time::interval(LOOKS_EVERY);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                tell(&readiness, "bus", bus.trouble());
                tell(&readiness, "store", trouble_of(&*entities).await);
            }
        };
        Self(tokio::spawn(looking).abort_handle())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn tell(readiness: &Readiness, part: &str, trouble: Option<String>) {
    match trouble {
        Some(reason) => readiness.blocked(part, &reason),
        None => readiness.clear(part),
    }
}

async fn trouble_of(entities: &dyn EntityStore) -> Option<String> {
    match entities.get(&DocId::from(PROBE)).await {
        Err(error @ StoreError::Unavailable { .. }) => Some(retry::with_causes(&error)),
        _ => None,
    }
}
