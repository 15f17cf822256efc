//! Records that the controller makes itself: of sequences and of triggers. Each is written until the store has
//! it; how many wait for that is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use whirl_backends::store::ActivationStore;
use whirl_model::ActivationRecord;

use crate::api_error::ApiError;

/// Records that may wait for the store.
const MOST_WAITING: usize = 10_000;
/// How long the store is left alone after it failed.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Writes records.
pub(crate) struct Records {
    store: Arc<dyn ActivationStore>,
    waiting: AtomicUsize,
}

impl Records {
    /// A writer to this store, with nothing to write.
    pub(crate) fn new(store: Arc<dyn ActivationStore>) -> Self {
        Self { store, waiting: AtomicUsize::new(0) }
    }

    /// Whether a record that will come can be taken: not while too many wait for the store already.
    pub(crate) fn have_room(&self) -> Result<(), ApiError> {
        if self.waiting.load(Ordering::Relaxed) < MOST_WAITING { Ok(()) } else { Err(ApiError::RecordsWait) }
    }

    /// Returns when the record is stored, however long the store is away.
    pub(crate) async fn store(&self, record: Arc<ActivationRecord>) {
        let _waiting = Waiting::begin(&self.waiting);
        let id = record.activation_id;
        let records = [record];
        while let Err(error) = self.store.put_all(&records).await {
            tracing::warn!(
                activation = %id,
                error = &error as &dyn std::error::Error,
                "a record cannot be written; trying again"
            );
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }
}

/// One record that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
