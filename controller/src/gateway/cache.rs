//! The routes of namespaces, kept in memory. Reads fill it; writes empty it, those of other controllers too, also
//! when a read that began before the write ends after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::ops::compute::Op;
use moka::sync::Cache;
use whirl_backends::store::EntityStore;
use whirl_model::{DocId, Namespace};

use super::routes::Routes;
use super::stored;
use crate::api_error::ApiError;

/// Bytes of descriptions whose routes are kept.
const BYTES: u64 = 64 << 20;
/// What an entry weighs besides.
const ENTRY_BYTES: usize = 1024;
/// How much longer routes are believed that cannot be read again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Entry {
    routes: Arc<Routes>,
    /// How long they are believed; `None` means until they are forgotten.
    until: Option<Instant>,
}

/// Routes by namespace, also of those that have none.
pub(crate) struct RouteCache {
    store: Arc<dyn EntityStore>,
    cached: Cache<Namespace, Entry>,
    lifetime: Option<Duration>,
    /// Writes to APIs seen so far: a read keeps its result only if none came between.
    writes: AtomicU64,
}

impl RouteCache {
    /// A cache before the store. After `lifetime` routes are read again, should word of a change not have come;
    /// while the store is away the old ones are believed on.
    pub(crate) fn new(store: Arc<dyn EntityStore>, lifetime: Option<Duration>) -> Self {
        let weigh = |_: &Namespace, entry: &Entry| {
            u32::try_from(ENTRY_BYTES + entry.routes.bytes).unwrap_or(u32::MAX)
        };
        let cached = Cache::builder().max_capacity(BYTES).weigher(weigh).build();
        Self { store, cached, lifetime, writes: AtomicU64::new(0) }
    }

    /// The routes of a namespace.
    pub(super) async fn routes(&self, namespace: &Namespace) -> Result<Arc<Routes>, ApiError> {
        let old = match self.cached.get(namespace) {
            Some(Entry { routes, until }) if until.is_none_or(|until| Instant::now() < until) => {
                return Ok(routes);
            }
            old => old,
        };
        let before = self.writes.load(Ordering::Acquire);
        let (routes, lifetime) = match (self.read(namespace).await, old) {
            (Ok(routes), _) => (Arc::new(routes), self.lifetime),
            (Err(ApiError::StoreUnavailable(_)), Some(old)) => (old.routes, Some(RETRY_AFTER)),
            (Err(error), _) => return Err(error),
        };
        let entry =
            Entry { routes: routes.clone(), until: lifetime.map(|lifetime| Instant::now() + lifetime) };
        self.cached.entry(namespace.clone()).and_compute_with(|_| {
            let unchanged = self.writes.load(Ordering::Acquire) == before;
            if unchanged { Op::Put(entry) } else { Op::Nop }
        });
        Ok(routes)
    }

    async fn read(&self, namespace: &Namespace) -> Result<Routes, ApiError> {
        let documents = stored::all(&*self.store, namespace).await?;
        Routes::of(&documents, namespace)
    }

    /// Forgets what a document may have told, if it is an API's.
    pub(crate) fn forget(&self, id: &DocId) {
        if let Some(owner) = stored::owner(id) {
            self.writes.fetch_add(1, Ordering::Release);
            self.cached.invalidate(&owner);
        }
    }

    /// Forgets everything.
    pub(crate) fn forget_all(&self) {
        self.writes.fetch_add(1, Ordering::Release);
        self.cached.invalidate_all();
    }
}
