//! Writes activation records behind the activations' back, many at a time, until they are stored.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use whirl_backends::bus::Receipt;
use whirl_backends::store::ActivationStore;
use whirl_model::ActivationRecord;

use crate::metrics::InvokerMetrics;

/// Records written together at most.
const BATCH: usize = 256;
/// The waits between attempts while the store is away.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// A record and whom to tell when it is stored.
pub(crate) struct Entry {
    pub(crate) record: ActivationRecord,
    pub(crate) receipt: Arc<dyn Receipt>,
}

/// The queue of records. Bounded by the bus: what is not recorded counts there, and at its limit nothing new
/// is accepted.
pub(crate) struct RecordWriter {
    store: Arc<dyn ActivationStore>,
    gather: Duration,
    metrics: InvokerMetrics,
    queue: Mutex<Queue>,
    arrived: Notify,
    emptied: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<(Arc<ActivationRecord>, Arc<dyn Receipt>)>,
    /// Records that are announced and neither stored nor left out: those that wait, and those of activations
    /// that have not ended or whose logs are not complete.
    owed: usize,
}

impl RecordWriter {
    pub(crate) fn new(
        store: Arc<dyn ActivationStore>,
        gather: Duration,
        metrics: InvokerMetrics,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            gather,
            metrics,
            queue: Mutex::default(),
            arrived: Notify::new(),
            emptied: Notify::new(),
        })
    }

    /// Announces a record: an activation was taken from the topic.
    pub(crate) fn announce(&self) {
        self.queue.lock().owed += 1;
    }

    /// Takes an announced record; returns at once.
    pub(crate) fn write(&self, entry: Entry) {
        self.queue.lock().waiting.push((Arc::new(entry.record), entry.receipt));
        self.metrics.records_waiting.inc();
        self.arrived.notify_one();
    }

    /// An announced record will not come: none is kept.
    pub(crate) fn leave_out(&self) {
        self.queue.lock().owed -= 1;
        self.emptied.notify_waiters();
    }

    /// Waits until everything that was announced is stored.
    pub(crate) async fn flushed(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.queue.lock().owed == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// Stores what is taken, for ever.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            self.arrived.notified().await;
            tokio::time::sleep(self.gather).await;
            loop {
                let batch = self.next_batch();
                if batch.is_empty() {
                    break;
                }
                self.store_until_done(&batch).await;
                self.metrics.records_waiting.sub(i64::try_from(batch.len()).unwrap_or(i64::MAX));
                batch.iter().for_each(|(_, receipt)| receipt.recorded());
                self.queue.lock().owed -= batch.len();
            }
            self.emptied.notify_waiters();
        }
    }

    fn next_batch(&self) -> Vec<(Arc<ActivationRecord>, Arc<dyn Receipt>)> {
        let mut queue = self.queue.lock();
        let count = queue.waiting.len().min(BATCH);
        queue.waiting.drain(..count).collect()
    }

    async fn store_until_done(&self, batch: &[(Arc<ActivationRecord>, Arc<dyn Receipt>)]) {
        let records: Vec<_> = batch.iter().map(|(record, _)| Arc::clone(record)).collect();
        let mut pause = FIRST_RETRY;
        while let Err(error) = self.store.put_all(&records).await {
            self.metrics.record_failures.inc();
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                records = records.len(),
                "activation records cannot be written; trying again"
            );
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_RETRY);
        }
    }
}
