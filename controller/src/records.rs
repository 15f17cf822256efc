//! Records that the controller makes itself: of sequences and of triggers. Each is written until the store has
//! it; how many wait for that is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use whirl_backends::store::ActivationStore;
use whirl_model::ActivationRecord;

use crate::api_error::ApiError;

/// Records that may wait for the store.
const MOST_WAITING: usize = 10_000;
/// How long the store is left alone after it failed.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// How long records are gathered that nobody waits for.
const GATHER: Duration = Duration::from_millis(20);

/// Writes records.
pub(crate) struct Records {
    store: Arc<dyn ActivationStore>,
    waiting: AtomicUsize,
    gathered: Mutex<Vec<Gathered>>,
    /// Where gathered records are written, whatever becomes of who gave them.
    background: Handle,
}

/// A record, and whom to tell when it is stored.
type Gathered = (Arc<ActivationRecord>, oneshot::Sender<()>);

impl Records {
    /// A writer to this store, with nothing to write. Has to be made within a tokio runtime.
    pub(crate) fn new(store: Arc<dyn ActivationStore>) -> Self {
        let background = Handle::current();
        Self { store, waiting: AtomicUsize::new(0), gathered: Mutex::default(), background }
    }

    /// Whether a record that will come can be taken: not while too many wait for the store already.
    pub(crate) fn have_room(&self) -> Result<(), ApiError> {
        if self.waiting.load(Ordering::Relaxed) < MOST_WAITING { Ok(()) } else { Err(ApiError::RecordsWait) }
    }

    /// Writes a record at once. Returns when it is stored, however long the store is away.
    pub(crate) async fn store(&self, record: Arc<ActivationRecord>) {
        let _waiting = Waiting::begin(&self.waiting);
        self.write(&[record]).await;
    }

    /// Writes a record with others that come within a moment. Returns when it is stored.
    pub(crate) async fn gather(self: &Arc<Self>, record: Arc<ActivationRecord>) {
        let _waiting = Waiting::begin(&self.waiting);
        let (done, stored) = oneshot::channel();
        let is_first = {
            let mut gathered = self.gathered.lock();
            gathered.push((record, done));
            gathered.len() == 1
        };
        if is_first {
            let records = Arc::clone(self);
            self.background.spawn(async move { records.write_gathered().await });
        }
        // The writing is given up only with the process.
        let _ = stored.await;
    }

    async fn write_gathered(&self) {
        tokio::time::sleep(GATHER).await;
        let (records, done): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *self.gathered.lock()).into_iter().unzip();
        self.write(&records).await;
        for done in done {
            // Who gave a record and has gone meanwhile needs no word.
            let _ = done.send(());
        }
    }

    async fn write(&self, records: &[Arc<ActivationRecord>]) {
        while let Err(error) = self.store.put_all(records).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                records = records.len(),
                "records cannot be written; trying again"
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
