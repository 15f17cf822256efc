//! An activation store that does not take everything, for the tests of those who write to one.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use whirl_model::{ActivationId, ActivationRecord, Json, Namespace};

use crate::store::{ActivationQuery, ActivationStore, RecordForm, StoreError};

type Verdict = Box<dyn Fn(&ActivationRecord) -> Result<(), StoreError> + Send + Sync>;

/// Takes no batch with a record that it does not like, and tells of none that it has.
pub struct PickyStore {
    verdict: Verdict,
    stored: Mutex<Vec<Arc<ActivationRecord>>>,
}

impl PickyStore {
    /// Refuses a batch for its first record of which this gives an error, with that.
    pub fn new(
        verdict: impl Fn(&ActivationRecord) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { verdict: Box::new(verdict), stored: Mutex::default() }
    }

    /// What it took, in that order.
    pub fn stored(&self) -> Vec<Arc<ActivationRecord>> {
        self.stored.lock().clone()
    }
}

#[async_trait]
impl ActivationStore for PickyStore {
    async fn put_all(&self, records: &[Arc<ActivationRecord>]) -> Result<(), StoreError> {
        records.iter().try_for_each(|record| (self.verdict)(record))?;
        self.stored.lock().extend_from_slice(records);
        Ok(())
    }

    async fn get(&self, _: &Namespace, id: ActivationId) -> Result<ActivationRecord, StoreError> {
        Err(StoreError::NotFound(id.to_string()))
    }

    async fn existing(&self, _: &[(Namespace, ActivationId)]) -> Result<Vec<ActivationId>, StoreError> {
        Ok(Vec::new())
    }

    async fn list(&self, _: &ActivationQuery, _: RecordForm) -> Result<Vec<Json>, StoreError> {
        Ok(Vec::new())
    }

    async fn count(&self, _: &ActivationQuery) -> Result<u64, StoreError> {
        Ok(0)
    }
}
