//! Looks after the servers that the controller stands on, and tells readiness. What they are used for goes on
//! meanwhile as far as it can.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;
use whirl_backends::bus::Bus;
use whirl_backends::store::{EntityStore, StoreError};
use whirl_model::DocId;
use whirl_service::{Readiness, retry};

/// How often is looked.
const LOOKS_EVERY: Duration = Duration::from_secs(2);
/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A document that is not there: that the store says so is enough.
const PROBE: &str = "whisk.system/readiness";

/// What looks after them. Dropping it ends that.
pub(super) struct Health(AbortHandle);

impl Health {
    pub(super) fn watch(bus: Arc<dyn Bus>, entities: Arc<dyn EntityStore>, readiness: Readiness) -> Self {
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

impl Drop for Health {
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
    match tokio::time::timeout(PATIENCE, entities.get(&DocId::from(PROBE))).await {
        Err(_elapsed) => Some(format!("the store has not answered within {} s", PATIENCE.as_secs())),
        Ok(Err(error @ (StoreError::Unavailable { .. } | StoreError::Refused { .. }))) => {
            Some(retry::with_causes(&error))
        }
        Ok(_) => None,
    }
}
