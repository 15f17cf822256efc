//! Word of changed entities, between the controllers of a cluster: what one changes the others forget.

use std::sync::Arc;

use whirl_backends::bus::Listener;
use whirl_model::{ControllerId, DocId, EntityChange};

use crate::api::Api;
use crate::entity_cache::EntityCache;

impl Api {
    /// An entity was written or deleted, or may have been: what is remembered of it is forgotten, here and at
    /// the other controllers. If these cannot be told, what they remember ages until they read it again.
    pub(crate) async fn changed(&self, id: DocId) {
        self.entities.forget(&id);
        if !self.has_peers {
            return;
        }
        if let Err(error) = self.bus.announce(EntityChange { id: id.clone(), by: self.id }).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(entity = %id, error, "other controllers cannot be told of a change");
        }
    }
}

/// Forgets what other controllers change.
pub(crate) struct Forgetter {
    pub(crate) own: ControllerId,
    pub(crate) entities: Arc<EntityCache>,
}

impl Listener for Forgetter {
    fn changed(&self, change: &EntityChange) {
        if change.by != self.own {
            self.entities.forget(&change.id);
        }
    }

    fn missed_some(&self) {
        self.entities.forget_all();
    }
}
