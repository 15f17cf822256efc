//! `Idempotency-Key`: a request that is sent again is the activation that it was the first time. The key is
//! claimed in the store, with the activation's id, before anything is published; the claim says from then on
//! what the key stands for. What a request does is not known here.
//!
//! Claims are here; `idempotency/turn.rs` decides by them whether a request runs.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;
use whirl_backends::store::{Claim, ClaimStore};
use whirl_model::{Namespace, Timestamp};

mod key;
pub(crate) mod once;
pub(crate) mod turn;

pub(crate) use key::Keyed;

/// How often expired claims are removed.
const SWEEPS_EVERY: Duration = Duration::from_secs(60 * 60);

/// What keys stand for.
pub(crate) struct Claims {
    store: Arc<dyn ClaimStore>,
    underway: Arc<Mutex<UnderwayHere>>,
    sweeping: AbortHandle,
}

/// Keys whose request is being accepted here, each with its claim once that is made.
type UnderwayHere = HashMap<(Namespace, String), Option<Claim>>;

/// A key whose request is being accepted here.
struct Underway {
    all: Arc<Mutex<UnderwayHere>>,
    key: (Namespace, String),
}

impl Underway {
    /// Its claim is made.
    fn claimed(&self, claim: Claim) {
        self.all.lock().insert(self.key.clone(), Some(claim));
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.all.lock().remove(&self.key);
    }
}

impl Claims {
    /// Claims in this store. Those that have expired are removed from time to time. Has to be called within a
    /// tokio runtime.
    pub(crate) fn new(store: Arc<dyn ClaimStore>) -> Self {
        let sweeping = tokio::spawn(sweep(Arc::clone(&store))).abort_handle();
        Self { store, underway: Arc::default(), sweeping }
    }

    /// Begins to accept a request. If one with the same key is being accepted already, its claim, if that is made.
    fn begin(&self, keyed: &Keyed) -> Result<Underway, Option<Claim>> {
        let key = (keyed.namespace.clone(), keyed.key.clone());
        match self.underway.lock().entry(key.clone()) {
            Entry::Occupied(other) => Err(other.get().clone()),
            Entry::Vacant(place) => {
                place.insert(None);
                Ok(Underway { all: Arc::clone(&self.underway), key })
            }
        }
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        self.sweeping.abort();
    }
}

async fn sweep(store: Arc<dyn ClaimStore>) {
    let mut sweeps = tokio::time::interval(SWEEPS_EVERY);
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        sweeps.tick().await;
        if let Err(error) = store.sweep(now()).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "expired claims on idempotency keys cannot be removed");
        }
    }
}

fn now() -> Timestamp {
    Timestamp::from_system(SystemTime::now())
}
