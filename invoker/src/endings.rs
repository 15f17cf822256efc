//! How an activation's end is told: to the bus, which then need not run it again, to the controller, and to the
//! record's writer. In this order: who has a result can rely on its record.

use std::sync::Arc;
use std::time::SystemTime;

use whirl_backends::bus::Receipt;
use whirl_model::{
    Acknowledgement, ActivationMessage, ActivationRecord, ActivationResponse, Outcome, Timestamp, Topic,
};

use crate::job::Job;
use crate::record;
use crate::record_writer::Entry;
use crate::shell::Shell;

/// What the end of an activation tells of the invoker.
struct Sign {
    /// The last report that was begun before the activation left the pool.
    report: u64,
    /// Whether it speaks against the invoker.
    internal_error: bool,
}

impl Shell {
    /// Tells the controller how the activation ended. `report` is the last one that was begun before the
    /// activation left the pool.
    pub(crate) async fn acknowledge(
        &self,
        message: &ActivationMessage,
        record: &Arc<ActivationRecord>,
        report: u64,
    ) {
        let internal_error = record.response.outcome == Outcome::InternalError;
        self.acknowledge_as(message, record, Sign { report, internal_error }).await;
    }

    async fn acknowledge_as(&self, message: &ActivationMessage, record: &Arc<ActivationRecord>, sign: Sign) {
        let Sign { report, internal_error } = sign;
        self.metrics.activations.with_label_values(&[record.response.outcome.status()]).inc();
        let acknowledgement = Acknowledgement {
            activation_id: message.activation_id,
            transaction: message.transaction.clone(),
            invoker: self.id,
            epoch: message.epoch,
            report,
            record: message.blocking.then(|| Arc::clone(record)),
            completed: true,
            internal_error,
        };
        self.acknowledgements.send(Topic::Acknowledgements(message.controller), acknowledgement).await;
    }

    /// Ends an activation that reached no container, and is not in the pool any more.
    pub(crate) async fn end_without_run(&self, job: Job, response: ActivationResponse, report: u64) {
        let internal_error = response.outcome == Outcome::InternalError;
        self.end_as(job, response, Sign { report, internal_error }).await;
    }

    /// The same of one that has waited for too long. That others keep the invoker busy is no sign that it is sick:
    /// anybody can have their own calls wait for each other.
    pub(crate) async fn end_expired(&self, job: Job, response: ActivationResponse, report: u64) {
        self.end_as(job, response, Sign { report, internal_error: false }).await;
    }

    async fn end_as(&self, job: Job, response: ActivationResponse, sign: Sign) {
        let now = Timestamp::from_system(SystemTime::now());
        let record = record::without_run(&job.message, &job.action, now, response);
        self.end_with(&job.message, record, job.receipt, sign).await;
    }

    /// Ends an activation whose action is not known, and which never was in the pool.
    pub(crate) async fn end_without_action(
        &self,
        message: &ActivationMessage,
        receipt: Arc<dyn Receipt>,
        response: ActivationResponse,
        report: u64,
    ) {
        let now = Timestamp::from_system(SystemTime::now());
        let internal_error = response.outcome == Outcome::InternalError;
        let record = record::without_action(message, now, response);
        self.end_with(message, record, receipt, Sign { report, internal_error }).await;
    }

    async fn end_with(
        &self,
        message: &ActivationMessage,
        record: ActivationRecord,
        receipt: Arc<dyn Receipt>,
        sign: Sign,
    ) {
        let record = Arc::new(record);
        let is_kept = self.conclude(message, &record, &*receipt);
        self.live.over(message.activation_id);
        self.acknowledge_as(message, &record, sign).await;
        if is_kept {
            self.records.write(Entry { record: Arc::unwrap_or_clone(record), receipt });
        }
    }

    /// Tells the bus how an activation ended. Whether its record is to be written; if not, the bus has forgotten
    /// the activation already.
    pub(crate) fn conclude(
        &self,
        message: &ActivationMessage,
        record: &ActivationRecord,
        receipt: &dyn Receipt,
    ) -> bool {
        let is_kept = message.keep.keeps(record.response.outcome);
        if is_kept {
            receipt.ended(record);
        } else {
            receipt.recorded();
            self.records.leave_out();
        }
        is_kept
    }
}
