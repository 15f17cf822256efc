//! Records that the controller makes itself: of sequences and of triggers. Each is written until the store has
//! it; how many wait for that is bounded.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::IntGauge;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use whirl_backends::store::{ActivationStore, put_all_that_fit};
use whirl_model::ActivationRecord;

use crate::api_error::ApiError;
use crate::metrics::RecordMetrics;

/// Records that may wait for the store.
const MOST_WAITING: i64 = 10_000;
/// How long the store is left alone after it failed.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// How long records are gathered that nobody waits for.
const GATHER: Duration = Duration::from_millis(20);

/// Writes records.
pub(crate) struct Records {
    store: Arc<dyn ActivationStore>,
    metrics: RecordMetrics,
    gathered: Mutex<Vec<Gathered>>,
    /// Where gathered records are written, whatever becomes of who gave them.
    background: Handle,
}

/// A record, and whom to tell when it is stored.
type Gathered = (Arc<ActivationRecord>, oneshot::Sender<()>);

impl Records {
    /// A writer to this store, with nothing to write. Has to be made within a tokio runtime.
    pub(crate) fn new(store: Arc<dyn ActivationStore>, metrics: RecordMetrics) -> Self {
        let background = Handle::current();
        Self { store, metrics, gathered: Mutex::default(), background }
    }

    /// Whether a record that will come can be taken: not while too many wait for the store already.
    pub(crate) fn have_room(&self) -> Result<(), ApiError> {
        if self.metrics.waiting.get() < MOST_WAITING { Ok(()) } else { Err(ApiError::RecordsWait) }
    }

    /// Writes a record at once. Returns when it is stored, however long the store is away.
    pub(crate) async fn store(&self, record: Arc<ActivationRecord>) {
        let _waiting = Waiting::begin(&self.metrics.waiting);
        self.write(&[record]).await;
    }

    /// Writes a record with others that come within a moment. Returns when it is stored.
    pub(crate) async fn gather(self: &Arc<Self>, record: Arc<ActivationRecord>) {
        let _waiting = Waiting::begin(&self.metrics.waiting);
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
        if stored.await.is_err() {
            // The writing was given up, as the process ends: the record is not stored.
            std::future::pending::<()>().await;
        }
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
        loop {
            match put_all_that_fit(&*self.store, records).await {
                Ok(refused) => return self.metrics.refused.inc_by(refused),
                Err(error) => {
                    self.metrics.failures.inc();
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        records = records.len(),
                        "records cannot be written; trying again"
                    );
                }
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }
}

/// One record that waits.
struct Waiting<'a>(&'a IntGauge);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a IntGauge) -> Self {
        waiting.inc();
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use whirl_backends::contract;
    use whirl_backends::contract::picky::PickyStore;
    use whirl_backends::store::StoreError;
    use whirl_model::Outcome;
    use whirl_service::Metrics;

    use super::*;
    use crate::metrics::ControllerMetrics;

    #[tokio::test]
    async fn a_record_that_the_store_refuses_keeps_no_other_waiting() {
        let odd = || StoreError::Unfit { operation: "write records", source: "it is odd".into() };
        let verdict = move |record: &ActivationRecord| match record.name.as_str() {
            "odd" if !record.logs.is_empty() => Err(odd()),
            _ => Ok(()),
        };
        let (store, metrics) = (Arc::new(PickyStore::new(verdict)), Metrics::new());
        let counts = ControllerMetrics::new(&metrics).unwrap().records;
        let records = Arc::new(Records::new(store.clone(), counts.clone()));
        let namespace = contract::new_namespace();
        let record = |name| {
            let logs = vec!["a step".to_owned()];
            Arc::new(ActivationRecord { logs, ..contract::record(&namespace, name, 1) })
        };
        tokio::join!(
            records.gather(record("plain")),
            records.gather(record("odd")),
            records.gather(record("other")),
        );
        let outcomes: Vec<_> = store.stored().iter().map(|record| record.response.outcome).collect();
        assert_eq!(outcomes, [Outcome::Success, Outcome::InternalError, Outcome::Success]);
        assert_eq!((counts.refused.get(), counts.failures.get(), counts.waiting.get()), (1, 0, 0));
    }
}
