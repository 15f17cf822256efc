//! Entities as they are used, actions with their code, kept in memory by document id. When they are forgotten,
//! `entity_changes.rs` says.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use whirl_backends::store::{Collection, Document, EntityStore, StoreError};
use whirl_model::{Action, ActionPath, DocId, EntityPath, Json, Package, Revision, Rule, Trigger};

use crate::api_error::ApiError;
use crate::metrics::CacheMetrics;
use crate::read_through::ReadThrough;

/// How often a read starts over when the entity changes under it.
const ATTEMPTS: usize = 3;
/// What an entry weighs besides its code.
const ENTRY_BYTES: usize = 1024;
/// What a rule weighs in its trigger.
const LINK_BYTES: usize = 256;

/// An entity and the state of its document.
#[derive(Debug)]
pub(crate) struct Stored<T> {
    /// The entity; an action with its code.
    pub(crate) entity: T,
    /// The document's revision.
    pub(crate) revision: Revision,
}

/// An entity of any sort.
#[derive(Clone)]
enum Entity {
    Action(Arc<Stored<Action>>),
    Package(Arc<Stored<Package>>),
    Trigger(Arc<Stored<Trigger>>),
    Rule(Arc<Stored<Rule>>),
}

impl Entity {
    fn action(self) -> Result<Arc<Stored<Action>>, ApiError> {
        if let Self::Action(stored) = self { Ok(stored) } else { Err(ApiError::NotInCollection) }
    }

    fn package(self) -> Result<Arc<Stored<Package>>, ApiError> {
        if let Self::Package(stored) = self { Ok(stored) } else { Err(ApiError::NotInCollection) }
    }

    fn trigger(self) -> Result<Arc<Stored<Trigger>>, ApiError> {
        if let Self::Trigger(stored) = self { Ok(stored) } else { Err(ApiError::NotInCollection) }
    }

    fn rule(self) -> Result<Arc<Stored<Rule>>, ApiError> {
        if let Self::Rule(stored) = self { Ok(stored) } else { Err(ApiError::NotInCollection) }
    }

    fn weight(&self) -> usize {
        let (held, lists) = match self {
            Self::Action(stored) => {
                let Action { exec, parameters, annotations, .. } = &stored.entity;
                (exec.code().map_or(0, |code| code.as_str().len()), parameters.size() + annotations.size())
            }
            Self::Package(stored) => (0, stored.entity.parameters.size() + stored.entity.annotations.size()),
            Self::Trigger(stored) => {
                let Trigger { parameters, annotations, rules, .. } = &stored.entity;
                let links = rules.as_ref().map_or(0, |rules| rules.len()) * LINK_BYTES;
                (links, parameters.size() + annotations.size())
            }
            Self::Rule(stored) => (0, stored.entity.annotations.size()),
        };
        ENTRY_BYTES + held + usize::try_from(lists).unwrap_or_default()
    }
}

/// How entities are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// From memory if they are there. Word of what another controller changed a moment ago may be on its way.
    Remembered,
    /// As the store has them now.
    Stored,
}

/// Entities by document id. One that is of another sort than asked for is [`ApiError::NotInCollection`].
pub(crate) struct EntityCache {
    store: Arc<dyn EntityStore>,
    cached: ReadThrough<DocId, Entity>,
    metrics: CacheMetrics,
}

impl EntityCache {
    /// A cache of at most so many bytes before the store. After `lifetime` an entity is read again, should word
    /// of a change not have come; while the store is away the old one is believed on.
    pub(crate) fn new(
        store: Arc<dyn EntityStore>,
        bytes: u64,
        lifetime: Option<Duration>,
        metrics: CacheMetrics,
    ) -> Self {
        Self { store, cached: ReadThrough::new(bytes, Entity::weight, lifetime), metrics }
    }

    /// The action at a path, from memory if it is there.
    pub(crate) async fn action(&self, path: &ActionPath) -> Result<Arc<Stored<Action>>, ApiError> {
        self.get(path.into()).await?.action()
    }

    /// The action at a path.
    pub(crate) async fn action_by(
        &self,
        reading: Reading,
        path: &ActionPath,
    ) -> Result<Arc<Stored<Action>>, ApiError> {
        match reading {
            Reading::Remembered => self.action(path).await,
            Reading::Stored => self.action_fresh(path).await,
        }
    }

    /// The package at a path.
    pub(crate) async fn package_by(
        &self,
        reading: Reading,
        path: &EntityPath,
    ) -> Result<Arc<Stored<Package>>, ApiError> {
        match reading {
            Reading::Remembered => self.get(path.into()).await?.package(),
            Reading::Stored => self.package_fresh(path).await,
        }
    }

    /// The trigger at a path, from memory if it is there.
    pub(crate) async fn trigger(&self, path: &EntityPath) -> Result<Arc<Stored<Trigger>>, ApiError> {
        self.get(path.into()).await?.trigger()
    }

    /// The action at a path as the store has it now, for who is going to show or to change it.
    pub(crate) async fn action_fresh(&self, path: &ActionPath) -> Result<Arc<Stored<Action>>, ApiError> {
        self.read(&path.into()).await?.action()
    }

    /// The package at a path as the store has it now.
    pub(crate) async fn package_fresh(&self, path: &EntityPath) -> Result<Arc<Stored<Package>>, ApiError> {
        self.read(&path.into()).await?.package()
    }

    /// The trigger at a path as the store has it now.
    pub(crate) async fn trigger_fresh(&self, path: &EntityPath) -> Result<Arc<Stored<Trigger>>, ApiError> {
        self.read(&path.into()).await?.trigger()
    }

    /// The rule at a path as the store has it now.
    pub(crate) async fn rule_fresh(&self, path: &EntityPath) -> Result<Arc<Stored<Rule>>, ApiError> {
        self.read(&path.into()).await?.rule()
    }

    async fn get(&self, id: DocId) -> Result<Entity, ApiError> {
        if let Some(entity) = self.cached.believed(&id) {
            self.metrics.hits.inc();
            return Ok(entity);
        }
        self.metrics.misses.inc();
        self.cached.read(&id, self.read(&id)).await
    }

    /// Forgets an entity. Has to be called after every write to it.
    pub(crate) fn forget(&self, id: &DocId) {
        self.cached.forget(id);
    }

    /// Forgets all entities.
    pub(crate) fn forget_all(&self) {
        self.cached.forget_all();
    }

    async fn read(&self, id: &DocId) -> Result<Entity, ApiError> {
        for _ in 1..ATTEMPTS {
            match self.try_read(id).await? {
                Some(entity) => return Ok(entity),
                None => continue,
            }
        }
        self.try_read(id).await?.ok_or(ApiError::Conflict)
    }

    /// `None` if an action changed between the reading of its document and of its code.
    async fn try_read(&self, id: &DocId) -> Result<Option<Entity>, ApiError> {
        let document = self.store.get(id).await?;
        let code = match self.read_code(&document).await {
            Err(StoreError::NotFound(_) | StoreError::Conflict(_)) => return Ok(None),
            code => code?,
        };
        entity(document, code.as_deref()).map(Some)
    }

    async fn read_code(&self, document: &Document) -> Result<Option<String>, StoreError> {
        let Some(size) = document.attachment_size else { return Ok(None) };
        let mut code = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let mut pieces = self.store.attachment(&document.id, &document.revision).await?;
        while let Some(piece) = pieces.next().await {
            code.extend_from_slice(&piece?);
        }
        let corrupt = |source| StoreError::Corrupt { id: document.id.to_string(), source };
        String::from_utf8(code).map(Some).map_err(|error| corrupt(error.into()))
    }
}

fn entity(document: Document, code: Option<&str>) -> Result<Entity, ApiError> {
    let Document { id, revision, collection, body, .. } = document;
    let entity = match collection {
        Collection::Actions => {
            stored(|body| Action::from_document(body, code), &body, revision).map(Entity::Action)
        }
        Collection::Packages => stored(Package::from_document, &body, revision).map(Entity::Package),
        Collection::Triggers => stored(Trigger::from_document, &body, revision).map(Entity::Trigger),
        Collection::Rules => stored(Rule::from_document, &body, revision).map(Entity::Rule),
        Collection::Apis => return Err(ApiError::NotInCollection),
    };
    entity.map_err(|source| StoreError::Corrupt { id: id.to_string(), source: source.into() }.into())
}

fn stored<T>(
    read: impl FnOnce(&Json) -> Result<T, serde_json::Error>,
    body: &Json,
    revision: Revision,
) -> Result<Arc<Stored<T>>, serde_json::Error> {
    Ok(Arc::new(Stored { entity: read(body)?, revision }))
}

#[cfg(test)]
mod tests {
    use prometheus::IntCounter;
    use whirl_backends::EmbeddedStore;
    use whirl_backends::store::NewDocument;
    use whirl_model::{ActionLimits, Exec, Parameters, Timestamp};

    use super::*;

    fn hello(version: &str) -> NewDocument {
        let action = Action {
            path: "alice/hello".parse().unwrap(),
            version: version.parse().unwrap(),
            publish: false,
            exec: Exec::Blackbox { image: "me/mine".parse().unwrap(), code: None, main: None },
            parameters: Parameters::default(),
            annotations: Parameters::default(),
            limits: ActionLimits::default(),
            updated: Timestamp(1),
        };
        NewDocument::from(&action)
    }

    #[tokio::test]
    async fn an_old_action_is_read_again_and_believed_while_the_store_is_away() {
        let folder = tempfile::tempdir().unwrap();
        let embedded = EmbeddedStore::open(&folder.path().join("whirl.db")).unwrap();
        let store = embedded.stores().entities;
        let counter = || IntCounter::new("x", "x").unwrap();
        let metrics = CacheMetrics { hits: counter(), misses: counter() };
        let cache = EntityCache::new(store.clone(), 1 << 20, Some(Duration::ZERO), metrics);
        let path: ActionPath = "alice/hello".parse().unwrap();
        let first = store.put(hello("1.0.0"), None).await.unwrap();
        assert_eq!(cache.action(&path).await.unwrap().revision, first);
        let second = store.put(hello("2.0.0"), Some(&first)).await.unwrap();
        assert_eq!(cache.action(&path).await.unwrap().revision, second, "nobody told of the change");

        embedded.close();
        assert_eq!(cache.action(&path).await.unwrap().revision, second);
        assert_eq!(cache.metrics.hits.get(), 0);
        assert_eq!(cache.action(&path).await.unwrap().revision, second);
        assert_eq!(cache.metrics.hits.get(), 1, "the store is left alone for a while");
        cache.forget_all();
        assert!(cache.action(&path).await.is_err());
    }
}
