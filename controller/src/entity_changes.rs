//! Writes of entities, and word of changed entities, subjects and limits between the controllers of a cluster: what
//! one changes all forget.

use std::sync::Arc;

use whirl_backends::bus::Listener;
use whirl_backends::store::{NewDocument, StoreError};
use whirl_model::{ControllerId, DocId, EntityChange, Revision};

use crate::api::Api;
use crate::authenticator::Authenticator;
use crate::entity_cache::EntityCache;
use crate::gateway::RouteCache;

impl Api {
    /// Writes an entity or an API in the place of the revision that it replaces; `None` creates. Whatever comes of
    /// that, it has [changed](Self::changed).
    pub(crate) async fn write_entity(
        &self,
        new: NewDocument,
        replaced: Option<&Revision>,
    ) -> Result<(), StoreError> {
        let id = new.id.clone();
        let written = self.stores.entities.put(new, replaced).await;
        self.changed(id).await;
        written.map(drop)
    }

    /// Deletes an entity or an API of this revision. Whatever comes of that, it has [changed](Self::changed).
    pub(crate) async fn delete_entity(&self, id: DocId, revision: &Revision) -> Result<(), StoreError> {
        let deleted = self.stores.entities.delete(&id, revision).await;
        self.changed(id).await;
        deleted
    }

    /// An entity was written or deleted, or may have been: what is remembered of it is forgotten, here and at
    /// the other controllers. If these cannot be told, what they remember ages until they read it again.
    pub(crate) async fn changed(&self, id: DocId) {
        self.entities.forget(&id);
        self.gateway.routes.forget(&id);
        self.announce(id).await;
    }

    /// The same for a subject, or the limits of a namespace. Their names have no slash, unlike the ids of
    /// entities, which all lie in a namespace: so listeners tell them apart.
    pub(crate) async fn changed_rights(&self, of: &str) {
        self.authenticator.forget();
        self.announce(DocId::from(of)).await;
    }

    async fn announce(&self, id: DocId) {
        if !self.has_peers {
            return;
        }
        if let Err(error) = self.bus.announce(EntityChange { id: id.clone(), by: self.id }).await {
            self.metrics.untold_changes.inc();
            let error = &error as &dyn std::error::Error;
            tracing::warn!(entity = %id, error, "other controllers cannot be told of a change");
        }
    }
}

/// Forgets what other controllers change.
pub(crate) struct Forgetter {
    pub(crate) own: ControllerId,
    pub(crate) entities: Arc<EntityCache>,
    pub(crate) routes: Arc<RouteCache>,
    pub(crate) authenticator: Arc<Authenticator>,
}

impl Listener for Forgetter {
    fn changed(&self, change: &EntityChange) {
        if change.by == self.own {
            return;
        }
        match change.id.as_str().contains('/') {
            true => {
                self.entities.forget(&change.id);
                self.routes.forget(&change.id);
            }
            false => self.authenticator.forget(),
        }
    }

    fn missed_some(&self) {
        self.entities.forget_all();
        self.routes.forget_all();
        self.authenticator.forget();
    }
}
