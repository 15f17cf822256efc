//! Writes activation records behind the activations' back, many at a time, until they are stored. While too much waits
//! for the store it keeps back the credit for new activations.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use whirl_backends::bus::Receipt;
use whirl_backends::store::{ActivationStore, put_all_that_fit};
use whirl_model::{ActivationRecord, Json};

use crate::metrics::InvokerMetrics;

/// Records written together at most; no further one beyond so many bytes.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 8 << 20;
/// While records of more bytes wait than this, nothing more is taken from the topic,
const MOST_WAITING: usize = 64 << 20;
/// until they are no more than this.
const FEW_WAITING: usize = MOST_WAITING / 2;
/// What a record takes in memory beside its logs and result, and a line beside its text.
const RECORD_BYTES: usize = 2 << 10;
const LINE_BYTES: usize = size_of::<String>();
/// The waits between attempts while the store is away.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// A record and whom to tell when it is stored.
pub(crate) struct Entry {
    pub(crate) record: ActivationRecord,
    pub(crate) receipt: Arc<dyn Receipt>,
}

/// The queue of records. Its bytes are bounded by the credit that it keeps back; what has been taken from the topic
/// before still ends and is added.
pub(crate) struct RecordWriter {
    store: Arc<dyn ActivationStore>,
    gather: Duration,
    metrics: InvokerMetrics,
    queue: Mutex<Queue>,
    arrived: Notify,
    emptied: Notify,
}

/// A record that waits.
struct Waiting {
    record: Arc<ActivationRecord>,
    receipt: Arc<dyn Receipt>,
    bytes: usize,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Records that are announced and neither stored nor left out: those that wait, and those of activations
    /// that have not ended or whose logs are not complete.
    owed: usize,
    room: Room,
}

/// How much waits to be stored, and what is kept back because of that. Pure.
#[derive(Debug, Default)]
struct Room {
    /// Of all records that wait, those being written among them.
    bytes: usize,
    /// Whether too much waits.
    is_full: bool,
    /// Credit that is kept back.
    withheld: usize,
}

impl Room {
    /// A record waits. Whether it is the one that is too much.
    fn take(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        let fills = !self.is_full && self.bytes > MOST_WAITING;
        self.is_full |= fills;
        fills
    }

    /// Records are stored. The credit that is not kept back any more.
    fn free(&mut self, bytes: usize) -> usize {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.is_full &= self.bytes > FEW_WAITING;
        if self.is_full { 0 } else { std::mem::take(&mut self.withheld) }
    }

    /// How much of this credit may be granted now.
    fn admit(&mut self, credit: usize) -> usize {
        if !self.is_full {
            return credit;
        }
        self.withheld += credit;
        0
    }
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
        let Entry { record, receipt } = entry;
        let bytes = size(&record);
        let fills = {
            let mut queue = self.queue.lock();
            queue.waiting.push_back(Waiting { record: Arc::new(record), receipt, bytes });
            queue.room.take(bytes)
        };
        if fills {
            tracing::warn!(
                "too many records wait for the store: no more activations are taken until it has them"
            );
        }
        self.metrics.records_waiting.inc();
        self.arrived.notify_one();
    }

    /// An announced record will not come: none is kept.
    pub(crate) fn leave_out(&self) {
        self.queue.lock().owed -= 1;
        self.emptied.notify_waiters();
    }

    /// How much of this credit may be granted now. [`Self::run`] gives the rest later.
    pub(crate) fn admit(&self, credit: usize) -> usize {
        self.queue.lock().room.admit(credit)
    }

    /// The credit that is kept back.
    pub(crate) fn withheld(&self) -> usize {
        self.queue.lock().room.withheld
    }

    /// Why no more activations are taken, if none are.
    pub(crate) fn complaint(&self) -> Option<String> {
        let is_full = self.queue.lock().room.is_full;
        is_full.then(|| "too many activation records wait for the store".to_owned())
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

    /// Stores what is taken, for ever. `grant` gets the credit that was kept back and no longer is.
    pub(crate) async fn run(self: Arc<Self>, grant: impl Fn(usize)) {
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
                batch.iter().for_each(|waiting| waiting.receipt.recorded());
                let credit = self.done(&batch);
                if credit > 0 {
                    grant(credit);
                }
            }
            self.emptied.notify_waiters();
        }
    }

    fn next_batch(&self) -> Vec<Waiting> {
        let mut queue = self.queue.lock();
        let mut bytes = 0;
        let fits = |waiting: &&Waiting| {
            let fits = bytes < BATCH_BYTES;
            bytes += waiting.bytes;
            fits
        };
        let count = queue.waiting.iter().take(BATCH).take_while(fits).count();
        queue.waiting.drain(..count).collect()
    }

    fn done(&self, batch: &[Waiting]) -> usize {
        let mut queue = self.queue.lock();
        queue.owed -= batch.len();
        queue.room.free(batch.iter().map(|waiting| waiting.bytes).sum())
    }

    async fn store_until_done(&self, batch: &[Waiting]) {
        let records: Vec<_> = batch.iter().map(|waiting| Arc::clone(&waiting.record)).collect();
        let mut pause = FIRST_RETRY;
        loop {
            match put_all_that_fit(&*self.store, &records).await {
                Ok(refused) => return self.metrics.records_refused.inc_by(refused),
                Err(error) => {
                    self.metrics.record_failures.inc();
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        records = records.len(),
                        "activation records cannot be written; trying again"
                    );
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_RETRY);
        }
    }
}

/// About how many bytes a record takes in memory.
fn size(record: &ActivationRecord) -> usize {
    let logs: usize = record.logs.iter().map(|line| line.capacity() + LINE_BYTES).sum();
    let result = record.response.result.as_ref().map_or(0, |result| Json::as_str(result).len());
    RECORD_BYTES + logs + result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_is_kept_back_from_the_bound_on_until_half_of_it_waits() {
        let mut room = Room::default();
        assert_eq!((room.take(MOST_WAITING), room.admit(1)), (false, 1));
        assert_eq!((room.take(1), room.admit(2), room.admit(3)), (true, 0, 0));
        assert!(!room.take(MOST_WAITING), "it is told once");
        assert_eq!((room.free(MOST_WAITING), room.free(MOST_WAITING / 2)), (0, 0));
        assert_eq!((room.free(1), room.admit(1), room.free(1)), (5, 1, 0));
    }
}
