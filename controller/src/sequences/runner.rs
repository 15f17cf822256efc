//! Runs one sequence or composition: asks the machine what is next and does it, from step to step without leaving
//! its task. One that an earlier process began is played again: what was done is looked up, not done again.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use whirl_backends::bus::{Progress, Receipt};
use whirl_backends::store::StoreError;
use whirl_model::{ActionPath, ActivationId, ActivationMessage, ActivationRecord, Keep, Timestamp};

use super::Start;
use super::machine::{Machine, Next, Rules, Step, StepEnd};
use super::moves::Refusal;
use super::whole::{Origin, unplayed};
use crate::api::Api;
use crate::api_error::ApiError;
use crate::dispatch::Order;
use crate::identity::Identity;
use crate::resolve::Resolved;
use crate::transaction::Transaction;

/// How much longer than its time limit a step is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the store is left alone after it failed.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// How long, and how often, the record of a step is looked for whose result was too large to come with its end.
const STORING: Duration = Duration::from_secs(5);
const LOOKS_EVERY: Duration = Duration::from_millis(50);

const NOT_CONTINUED: &str = "The controller stopped while it was running the sequence. What its steps did is not \
    known here, so it was not continued.";
const NOT_NOTED: &str = "The start of the sequence could not be noted, so it was not run.";

/// One sequence or composition on its way.
pub(super) struct Runner {
    api: Arc<Api>,
    message: Arc<ActivationMessage>,
    receipt: Arc<dyn Receipt>,
    /// Whether the next step may have been done by an earlier process.
    replaying: bool,
    /// Records of inner ones, being stored.
    inner: JoinSet<()>,
}

impl Runner {
    pub(super) fn new(
        api: Arc<Api>,
        message: Arc<ActivationMessage>,
        receipt: Arc<dyn Receipt>,
        progress: Progress,
    ) -> Self {
        let replaying = progress == Progress::MayHaveStarted;
        Self { api, message, receipt, replaying, inner: JoinSet::new() }
    }

    pub(super) async fn run(mut self, start: Option<Start>) {
        let record = match self.prepare(start).await {
            Ok(start) => self.play(start).await,
            Err(why) => {
                self.api.metrics.sequences.given_up.inc();
                unplayed(&self.message, now(), &why)
            }
        };
        self.finish(record).await;
    }

    /// What is needed to play it; or why it cannot be played.
    async fn prepare(&self, start: Option<Start>) -> Result<Start, String> {
        let known_here = !self.api.has_peers && self.message.keep == Keep::Always;
        if self.replaying && !known_here {
            return Err(NOT_CONTINUED.to_owned());
        }
        let start = match start {
            Some(start) => start,
            None => self.read_start().await?,
        };
        if !self.replaying
            && let Err(error) = self.receipt.started()
        {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, activation = %self.message.activation_id, "a start cannot be noted");
            return Err(NOT_NOTED.to_owned());
        }
        Ok(start)
    }

    /// An earlier process accepted it: its action and whose it is are looked up, however long that takes.
    async fn read_start(&self) -> Result<Start, String> {
        let caller = Arc::new(self.message.caller.clone());
        let path = self.path();
        loop {
            let action = self.api.entities.resolve(&caller.namespace, &path).await;
            let owner = self.api.authenticator.owner_of(&caller.namespace).await;
            match (action, owner) {
                (Ok(action), Ok(owner)) => {
                    let limits = owner.map(|owner| owner.limits).unwrap_or_default();
                    return Ok(Start { action, identity: Identity { caller, limits } });
                }
                (Err(ApiError::StoreUnavailable(error)), _) | (_, Err(ApiError::StoreUnavailable(error))) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        action = %path,
                        "a sequence cannot be read; trying again"
                    );
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                (Err(error), _) | (_, Err(error)) => {
                    return Err(format!("The sequence '{path}' cannot be run any more: {error}"));
                }
            }
        }
    }

    /// The name by which the action was reached.
    fn path(&self) -> ActionPath {
        let action = self.message.action.clone();
        match self.message.binding.clone() {
            None => action,
            Some(binding) => {
                ActionPath { namespace: binding.namespace, package: Some(binding.name), name: action.name }
            }
        }
    }

    async fn play(&mut self, start: Start) -> ActivationRecord {
        let Start { action, identity } = start;
        let message = Arc::clone(&self.message);
        let rules = Rules {
            caller: message.caller.clone(),
            limit: usize::try_from(self.api.config.sequence_length).unwrap_or(usize::MAX),
        };
        let origin = Origin { id: message.activation_id, cause: message.cause, arrived: message.arrived };
        let (mut machine, mut next) = Machine::begin(rules, origin, action, message.arguments.clone(), now());
        loop {
            machine.take_ended().into_iter().for_each(|record| self.keep_inner(record));
            next = match next {
                Next::Find(path) => machine.found(self.find(&path, &identity).await, now()),
                Next::Run(step) => machine.ended(self.step(*step, &identity).await, now()),
                Next::Finished(record) => return *record,
            };
        }
    }

    /// The component at a path, if it can be run.
    async fn find(&self, path: &ActionPath, identity: &Identity) -> Result<Resolved, Refusal> {
        let runnable = |resolved: &Resolved| self.api.runnable(resolved.action(), identity);
        match self.api.entities.resolve(identity.namespace(), path).await {
            Ok(resolved) => match runnable(&resolved) {
                Ok(()) => Ok(resolved),
                Err(error) => Err(Refusal::NotRunnable(error.to_string())),
            },
            Err(ApiError::Forbidden(_)) => Err(Refusal::Denied),
            Err(ApiError::Missing | ApiError::MissingNamed(_) | ApiError::NotInCollection) => {
                Err(Refusal::Missing)
            }
            Err(error) if error.is_the_platforms() => {
                let cause = &error as &dyn std::error::Error;
                tracing::warn!(error = cause, component = %path, "a component cannot be read");
                Err(Refusal::Platform)
            }
            Err(error) => Err(Refusal::NotRunnable(error.to_string())),
        }
    }

    /// Runs a step, or learns how it ended if an earlier process ran it.
    async fn step(&mut self, step: Step, identity: &Identity) -> StepEnd {
        let (id, timeout) = (step.id, step.action.action().limits.timeout);
        let patience = Duration::from_millis(timeout.into()) + PATIENCE;
        if self.replaying {
            if let Some(result) = self.api.sequences.recovered(id) {
                return self.wait(id, result, patience).await;
            }
            if let Some(end) = self.recorded(id).await {
                return end;
            }
            // Steps come one after the other: what follows was not done either.
            self.replaying = false;
        }
        let order = Order {
            id,
            action: step.action,
            input: step.input,
            identity: identity.clone(),
            transaction: self.transaction(),
            cause: Some(step.cause),
            keep: self.message.keep,
            trace_parent: self.message.trace_parent.clone(),
        };
        match self.api.run_step(order).await {
            Ok(result) => self.wait(id, result, patience).await,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, step = %id, "a step cannot be run");
                StepEnd::NotBegun(error.to_string())
            }
        }
    }

    async fn wait(
        &self,
        id: ActivationId,
        result: oneshot::Receiver<Arc<ActivationRecord>>,
        patience: Duration,
    ) -> StepEnd {
        match tokio::time::timeout(patience, result).await {
            Ok(Ok(record)) => StepEnd::Recorded(record),
            // It ended, and its record was too large to come with the word of that.
            Ok(Err(_)) => match tokio::time::timeout(STORING, self.stored(id)).await {
                Ok(end) => end,
                Err(_) => StepEnd::Unknown,
            },
            Err(_) => StepEnd::Unknown,
        }
    }

    async fn stored(&self, id: ActivationId) -> StepEnd {
        loop {
            if let Some(end) = self.recorded(id).await {
                return end;
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    }

    /// How a step ended, if it has a record, also one that nobody can read.
    async fn recorded(&self, id: ActivationId) -> Option<StepEnd> {
        loop {
            match self.api.stores.activations.get(&self.message.caller.namespace, id).await {
                Ok(record) => return Some(StepEnd::Recorded(Arc::new(record))),
                Err(StoreError::NotFound(_)) => return None,
                Err(error @ StoreError::Corrupt { .. }) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        step = %id,
                        "a step's record cannot be understood"
                    );
                    return Some(StepEnd::Unknown);
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        step = %id,
                        "a step's record cannot be read; trying again"
                    );
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    /// The transaction of a step that is run now.
    fn transaction(&self) -> Transaction {
        Transaction { id: self.message.transaction.clone(), arrived: now(), began: Instant::now() }
    }

    /// An inner sequence or composition ended.
    fn keep_inner(&mut self, record: ActivationRecord) {
        while self.inner.try_join_next().is_some() {}
        let record = Arc::new(record);
        self.api.acknowledgements.ended_here(&record, self.message.keep);
        if self.message.keep.keeps(record.response.outcome) {
            let api = Arc::clone(&self.api);
            self.inner.spawn(async move { api.records.gather(record).await });
        }
    }

    /// Answers who waits, and stores the record. It is noted before it is answered, unless inner ones are not
    /// stored yet: only playing it again would bring those back.
    async fn finish(mut self, record: ActivationRecord) {
        let record = Arc::new(record);
        let is_kept = self.message.keep.keeps(record.response.outcome);
        let note_first = self.inner.is_empty();
        if !is_kept {
            self.receipt.recorded();
        } else if note_first {
            self.receipt.ended(&record);
        }
        self.api.acknowledgements.ended_here(&record, self.message.keep);
        while self.inner.join_next().await.is_some() {}
        if is_kept && !note_first {
            self.receipt.ended(&record);
        }
        if is_kept {
            self.api.records.gather(record).await;
        }
        self.api.sequences.end(self.message.activation_id);
    }
}

fn now() -> Timestamp {
    Timestamp::from_system(SystemTime::now())
}
