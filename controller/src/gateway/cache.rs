//! The routes of namespaces, kept in memory, also of those that have none.

use std::sync::Arc;
use std::time::Duration;

use whirl_backends::store::EntityStore;
use whirl_model::{DocId, Namespace};

use super::routes::Routes;
use super::stored;
use crate::api_error::ApiError;
use crate::read_through::ReadThrough;

/// Bytes of descriptions whose routes are kept.
const BYTES: u64 = 64 << 20;
/// What an entry weighs besides.
const ENTRY_BYTES: usize = 1024;

/// Routes by namespace.
pub(crate) struct RouteCache {
    store: Arc<dyn EntityStore>,
    cached: ReadThrough<Namespace, Arc<Routes>>,
}

impl RouteCache {
    /// A cache before the store. After `lifetime` routes are read again, should word of a change not have come;
    /// while the store is away the old ones are believed on.
    pub(crate) fn new(store: Arc<dyn EntityStore>, lifetime: Option<Duration>) -> Self {
        let cached = ReadThrough::new(BYTES, |routes: &Arc<Routes>| ENTRY_BYTES + routes.bytes, lifetime);
        Self { store, cached }
    }

    /// The routes of a namespace.
    pub(super) async fn routes(&self, namespace: &Namespace) -> Result<Arc<Routes>, ApiError> {
        match self.cached.believed(namespace) {
            Some(routes) => Ok(routes),
            None => self.cached.read(namespace, self.read(namespace)).await,
        }
    }

    async fn read(&self, namespace: &Namespace) -> Result<Arc<Routes>, ApiError> {
        let documents = stored::all(&*self.store, namespace).await?;
        Routes::of(&documents, namespace).map(Arc::new)
    }

    /// Forgets what a document may have told, if it is an API's.
    pub(crate) fn forget(&self, id: &DocId) {
        if let Some(owner) = stored::owner(id) {
            self.cached.forget(&owner);
        }
    }

    /// Forgets everything.
    pub(crate) fn forget_all(&self) {
        self.cached.forget_all();
    }
}
