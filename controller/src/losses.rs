//! Activations whose invoker is lost, or does not end them in time: they end here, with a record that says so.
//! Records are create-only, so one that the invoker stored before stays, and is what the caller gets.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use prometheus::IntCounter;
use tokio::time::MissedTickBehavior;
use whirl_backends::store::{ActivationStore, StoreError};
use whirl_model::{ActivationRecord, ActivationResponse, Json, Outcome, Parameters, Timestamp};

use crate::acknowledgements::{Acknowledgements, Flight, GivenUp, Waiter};
use crate::invokers::Invokers;
use crate::metrics::{ControllerMetrics, RecordMetrics};

/// How often is looked for losses.
const LOOKS_EVERY: Duration = Duration::from_millis(250);
/// How long the store is left alone after it failed.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Records stored together at most.
const BATCH: usize = 256;

const INVOKER_LOST: &str =
    "The invoker was lost while it had the activation. Whether the action ran is not known.";
const NOT_IN_TIME: &str =
    "The invoker did not end the activation in time. Whether the action ran is not known.";

/// What ends lost activations.
pub(crate) struct Losses {
    acknowledgements: Arc<Acknowledgements>,
    invokers: Arc<dyn Invokers>,
    records: Arc<dyn ActivationStore>,
    grace: Duration,
    lost: IntCounter,
    metrics: RecordMetrics,
    owed: Vec<Owed>,
    /// When the store may be tried again, if it failed.
    retry_at: Option<Instant>,
}

/// A record that is not stored yet.
struct Owed {
    record: Arc<ActivationRecord>,
    waiter: Option<Waiter>,
}

impl Losses {
    /// Nothing lost so far. Acknowledgements that come within `grace` after the end of an invoker's life still
    /// count: they may have been on their way.
    pub(crate) fn new(
        acknowledgements: Arc<Acknowledgements>,
        invokers: Arc<dyn Invokers>,
        records: Arc<dyn ActivationStore>,
        grace: Duration,
        metrics: &ControllerMetrics,
    ) -> Self {
        let (lost, metrics) = (metrics.lost.clone(), metrics.records.clone());
        Self { acknowledgements, invokers, records, grace, lost, metrics, owed: Vec::new(), retry_at: None }
    }

    /// Ends what is lost, for ever.
    pub(crate) async fn run(mut self) {
        let mut looks = tokio::time::interval(LOOKS_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            self.give_up(Instant::now());
            self.store_owed(Instant::now()).await;
        }
    }

    fn give_up(&mut self, now: Instant) {
        let given_up = self.acknowledgements.give_up(|flight| self.why_lost(flight, now));
        let ended = Timestamp::from_system(SystemTime::now());
        for GivenUp { flight, why, waiter } in given_up {
            tracing::warn!(activation = %flight.id, action = %flight.action, "{why}");
            self.lost.inc();
            let record = Arc::new(record(&flight, ended, why));
            if flight.keep.keeps(record.response.outcome) {
                self.owed.push(Owed { record, waiter });
                self.metrics.waiting.inc();
            } else {
                answer(waiter, &record);
                self.acknowledgements.withdraw(flight.id);
            }
        }
    }

    fn why_lost(&self, flight: &Flight, now: Instant) -> Option<&'static str> {
        let post = flight.post?;
        let over = self.invokers.over_since(post.life);
        if over.is_some_and(|since| now.saturating_duration_since(since) >= self.grace) {
            return Some(INVOKER_LOST);
        }
        (now >= post.deadline).then_some(NOT_IN_TIME)
    }

    async fn store_owed(&mut self, now: Instant) {
        while !self.owed.is_empty() && self.retry_at.is_none_or(|at| now >= at) {
            let batch = self.owed.len().min(BATCH);
            let records: Vec<_> = self.owed[..batch].iter().map(|owed| Arc::clone(&owed.record)).collect();
            match self.records.put_all(&records).await {
                Ok(()) => {
                    self.retry_at = None;
                    for owed in self.owed.drain(..batch).collect::<Vec<_>>() {
                        self.metrics.waiting.dec();
                        self.answer_with_the_stored(owed).await;
                    }
                }
                Err(error) => self.put_off(&error),
            }
        }
        // Who waits for the result does not wait for the store too.
        for owed in &mut self.owed {
            answer(owed.waiter.take(), &owed.record);
        }
    }

    fn put_off(&mut self, error: &StoreError) {
        self.metrics.failures.inc();
        tracing::warn!(
            error = error as &dyn std::error::Error,
            records = self.owed.len(),
            "records of lost activations cannot be written; trying again"
        );
        self.retry_at = Some(Instant::now() + RETRY_AFTER);
    }

    async fn answer_with_the_stored(&self, Owed { record, waiter }: Owed) {
        let id = record.activation_id;
        if waiter.is_some() {
            let stored = self.records.get(&record.namespace, id).await.map_or(record, Arc::new);
            answer(waiter, &stored);
        }
        self.acknowledgements.withdraw(id);
    }
}

fn answer(waiter: Option<Waiter>, record: &Arc<ActivationRecord>) {
    if let Some(waiter) = waiter {
        // A caller who has gone meanwhile needs no answer.
        let _ = waiter.send(Arc::clone(record));
    }
}

/// The record of an activation of which nothing is known but that it was handed over.
fn record(flight: &Flight, ended: Timestamp, why: &str) -> ActivationRecord {
    let mut annotations = Parameters::default();
    annotations.set("path", Json::of(&flight.action));
    annotations.set("waitTime", Json::of(&ended.millis_since(flight.arrived)));
    annotations.set("kind", Json::of("unknown"));
    let lost = ActivationResponse::failure(Outcome::InternalError, why);
    flight.provenance().record(ended, lost, annotations)
}
