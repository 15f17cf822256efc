//! What a reader tells the bus about a message: passed on to the topic's queue and to the journal.

use std::sync::Arc;

use whirl_model::{ActivationId, ActivationRecord};

use super::bus_error;
use super::queue::Queue;
use crate::bus::{BusError, Receipt};

pub(super) struct ActivationReceipt {
    pub(super) queue: Arc<Queue>,
    pub(super) number: u64,
    pub(super) id: ActivationId,
}

impl Receipt for ActivationReceipt {
    fn started(&self) -> Result<(), BusError> {
        if let Some(journal) = &self.queue.journal {
            journal.started(self.id).map_err(|e| bus_error(self.queue.topic, e))?;
        }
        self.queue.may_have_started(self.number);
        Ok(())
    }

    fn ended(&self, record: &ActivationRecord) {
        if let Some(journal) = &self.queue.journal
            && let Err(error) = journal.ended(record)
        {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(activation = %self.id, error, "how an activation ended could not be noted");
        }
        self.queue.ended(self.number);
    }

    fn recorded(&self) {
        self.queue.ended(self.number);
        if let Some(journal) = &self.queue.journal {
            journal.recorded(self.id);
        }
    }
}
