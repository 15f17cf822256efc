//! A cache in front of the store. Reads fill it; writes empty it, those of other controllers too, also when a read
//! that began before the write ends after it. What is read, and how, is not known here.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::ops::compute::Op;
use moka::sync::Cache;

use crate::api_error::ApiError;

/// How many groups of keys share a count of writes.
const GROUPS: usize = 64;
/// How much longer a value is believed that cannot be read again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Values by key.
pub(crate) struct ReadThrough<K, V> {
    cached: Cache<K, Entry<V>>,
    /// How long a value is believed.
    lifetime: Option<Duration>,
    /// Writes seen so far, by group of keys: a read keeps its result only if none came between.
    writes: [AtomicU64; GROUPS],
}

/// A value, and how long it is believed; `None` means until it is forgotten.
#[derive(Clone)]
struct Entry<V> {
    value: V,
    until: Option<Instant>,
}

impl<K, V> ReadThrough<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A cache of values that weigh so many bytes together at most. After `lifetime` a value is not believed any
    /// more, should word of a change not have come; `None` means until it is forgotten.
    pub(crate) fn new(bytes: u64, weight: fn(&V) -> usize, lifetime: Option<Duration>) -> Self {
        let weigh = move |_: &K, entry: &Entry<V>| u32::try_from(weight(&entry.value)).unwrap_or(u32::MAX);
        let cached = Cache::builder().max_capacity(bytes).weigher(weigh).build();
        Self { cached, lifetime, writes: std::array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// The value, if it is here and believed.
    pub(crate) fn believed(&self, key: &K) -> Option<V> {
        let Entry { value, until } = self.cached.get(key)?;
        until.is_none_or(|until| Instant::now() < until).then_some(value)
    }

    /// What `reading` finds in the store, which is remembered. While the store is away, the value that is here is
    /// believed on.
    pub(crate) async fn read(
        &self,
        key: &K,
        reading: impl Future<Output = Result<V, ApiError>>,
    ) -> Result<V, ApiError> {
        let writes = self.writes_to(key);
        let before = writes.load(Ordering::Acquire);
        let old = self.cached.get(key);
        let (value, lifetime) = match (reading.await, old) {
            (Ok(value), _) => (value, self.lifetime),
            (Err(ApiError::StoreUnavailable(_)), Some(old)) => (old.value, Some(RETRY_AFTER)),
            (Err(error), _) => {
                self.cached.invalidate(key);
                return Err(error);
            }
        };
        let until = lifetime.map(|lifetime| Instant::now() + lifetime);
        let entry = Entry { value: value.clone(), until };
        self.cached.entry(key.clone()).and_compute_with(|_| {
            let unchanged = writes.load(Ordering::Acquire) == before;
            if unchanged { Op::Put(entry) } else { Op::Nop }
        });
        Ok(value)
    }

    /// Forgets a value. Has to be called after every write to it.
    pub(crate) fn forget(&self, key: &K) {
        self.writes_to(key).fetch_add(1, Ordering::Release);
        self.cached.invalidate(key);
    }

    /// Forgets all values.
    pub(crate) fn forget_all(&self) {
        for writes in &self.writes {
            writes.fetch_add(1, Ordering::Release);
        }
        self.cached.invalidate_all();
    }

    fn writes_to(&self, key: &K) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        &self.writes[usize::try_from(hasher.finish() % GROUPS as u64).unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::sync::oneshot;
    use whirl_backends::store::StoreError;

    use super::*;

    fn cache(lifetime: Option<Duration>) -> ReadThrough<&'static str, u32> {
        ReadThrough::new(1 << 20, |_| 1, lifetime)
    }

    #[tokio::test]
    async fn a_read_that_a_write_overtook_is_not_remembered() {
        let cache = cache(None);
        let (go_on, may_go_on) = oneshot::channel();
        let mut reading = pin!(cache.read(&"k", async {
            may_go_on.await.expect("the test lets it go on");
            Ok(1)
        }));
        assert!(futures::poll!(&mut reading).is_pending());
        cache.forget(&"k");
        go_on.send(()).unwrap();
        assert_eq!(reading.await.unwrap(), 1, "it read before the write");
        assert_eq!(cache.believed(&"k"), None);

        assert_eq!(cache.read(&"k", async { Ok(2) }).await.unwrap(), 2);
        assert_eq!(cache.believed(&"k"), Some(2));
        cache.forget_all();
        assert_eq!(cache.believed(&"k"), None);
    }

    #[tokio::test]
    async fn what_cannot_be_read_again_is_believed_on_unless_it_is_gone() {
        let cache = cache(Some(Duration::ZERO));
        let away = || async {
            Err(ApiError::from(StoreError::Unavailable { operation: "read", source: "away".into() }))
        };
        assert!(cache.read(&"k", away()).await.is_err());
        assert_eq!(cache.read(&"k", async { Ok(1) }).await.unwrap(), 1);
        assert_eq!(cache.believed(&"k"), None, "its time is over");
        assert_eq!(cache.read(&"k", away()).await.unwrap(), 1);
        assert_eq!(cache.believed(&"k"), Some(1), "the store is left alone for a while");
        assert!(cache.read(&"k", async { Err(ApiError::Missing) }).await.is_err());
        assert!(cache.read(&"k", away()).await.is_err(), "it was gone");
    }
}
