//! How many logs each namespace follows here: each holds a connection and may hold a whole log, so that their
//! number is bounded.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::IntGauge;
use whirl_model::Namespace;

use crate::api_error::ApiError;

/// Logs that one namespace may follow at once.
const MOST: u32 = 16;

/// Those that are followed.
pub(crate) struct Followers {
    of: Mutex<HashMap<Namespace, u32>>,
    all: IntGauge,
}

/// One follower's place; free again when this is dropped.
pub(crate) struct Place {
    followers: Arc<Followers>,
    namespace: Namespace,
}

impl Followers {
    /// Nobody follows anything.
    pub(crate) fn new(all: IntGauge) -> Self {
        Self { of: Mutex::default(), all }
    }

    /// A place for one more of a namespace.
    pub(crate) fn join(self: &Arc<Self>, namespace: &Namespace) -> Result<Place, ApiError> {
        let mut of = self.of.lock();
        let count = of.get(namespace).copied().unwrap_or_default() + 1;
        if count > MOST {
            return Err(ApiError::TooManyConcurrent { count, allowed: MOST });
        }
        of.insert(namespace.clone(), count);
        self.all.inc();
        Ok(Place { followers: Arc::clone(self), namespace: namespace.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of = self.followers.of.lock();
        if let Some(count) = of.get_mut(&self.namespace) {
            *count -= 1;
            if *count == 0 {
                of.remove(&self.namespace);
            }
        }
        self.followers.all.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_follows_so_many_and_no_more() {
        let followers = Arc::new(Followers::new(IntGauge::new("all", "all").unwrap()));
        let (alice, bob) = ("alice".parse().unwrap(), "bob".parse().unwrap());
        let mut places: Vec<_> = (0..MOST).map(|_| followers.join(&alice).unwrap()).collect();
        assert!(followers.join(&alice).is_err() && followers.join(&bob).is_ok());
        places.pop();
        assert!(followers.join(&alice).is_ok());
        drop(places);
        assert!(followers.of.lock().is_empty() && followers.all.get() == 0);
    }
}
