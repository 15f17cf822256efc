//! Every metric of the controller. `docs/metrics.md` lists them; a test compares.

use std::time::Duration;

use actix_web::http::StatusCode;
use prometheus::{Histogram, IntCounter, IntGauge};
use whirl_service::Metrics;
use whirl_service::metrics::{MetricsError, STAGE_SECONDS};

/// Upper bounds in seconds.
const SECONDS: [f64; 13] =
    [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0];

/// Classes of HTTP statuses.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The stages of an activation's way that this controller sees the end of.
#[derive(Clone)]
pub(crate) struct Stages {
    /// From the request's head until the activation is handed to the bus.
    pub(crate) request: Histogram,
    /// Until the bus has confirmed it.
    pub(crate) confirmation: Histogram,
    /// From the acknowledgement's publishing until it is here.
    pub(crate) acknowledgement: Histogram,
}

/// Hits and misses of one cache.
#[derive(Clone)]
pub(crate) struct CacheMetrics {
    pub(crate) hits: IntCounter,
    pub(crate) misses: IntCounter,
}

/// Requests that a limit of their namespace held back.
#[derive(Clone)]
pub(crate) struct ThrottleMetrics {
    pub(crate) invocations_per_minute: IntCounter,
    pub(crate) concurrent_invocations: IntCounter,
    pub(crate) fires_per_minute: IntCounter,
}

/// Records that the controller writes itself.
#[derive(Clone)]
pub(crate) struct RecordMetrics {
    /// Those that wait for the store.
    pub(crate) waiting: IntGauge,
    /// Attempts that failed.
    pub(crate) failures: IntCounter,
    /// Those that the store did not take as they were.
    pub(crate) refused: IntCounter,
}

/// Sequences and compositions that the controller runs.
#[derive(Clone)]
pub(crate) struct SequenceMetrics {
    pub(crate) running: IntGauge,
    /// Those that were accepted and ended without being run, or run on.
    pub(crate) given_up: IntCounter,
}

/// Requests with an `Idempotency-Key`.
#[derive(Clone)]
pub(crate) struct KeyMetrics {
    pub(crate) first: IntCounter,
    pub(crate) again: IntCounter,
    pub(crate) refused: IntCounter,
}

/// What a controller counts.
#[derive(Clone)]
pub(crate) struct ControllerMetrics {
    answers: [IntCounter; 5],
    gateway_answers: [IntCounter; 5],
    seconds: Histogram,
    /// Actions found in memory or not.
    pub(crate) actions: CacheMetrics,
    /// Activations that a caller waited for and got.
    pub(crate) finished: IntCounter,
    /// Activations answered 202.
    pub(crate) accepted: IntCounter,
    /// Activations that could not be accepted.
    pub(crate) refused: IntCounter,
    /// Activations that were given up.
    pub(crate) lost: IntCounter,
    /// Activations accepted and not ended.
    pub(crate) in_flight: IntGauge,
    /// Logs that are followed while their activations run.
    pub(crate) followed: IntGauge,
    /// Times of an activation's stages.
    pub(crate) stages: Stages,
    pub(crate) throttled: ThrottleMetrics,
    pub(crate) records: RecordMetrics,
    pub(crate) sequences: SequenceMetrics,
    pub(crate) keys: KeyMetrics,
    /// Changes that other controllers could not be told of.
    pub(crate) untold_changes: IntCounter,
}

impl ControllerMetrics {
    /// Registers all of them.
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        let answers = metrics.counters(
            "whirl_controller_answers_total",
            "HTTP answers by class of status.",
            &["status"],
        )?;
        let gateway_answers = metrics.counters(
            "whirl_controller_gateway_answers_total",
            "Those of them that the API gateway gave, by class of status.",
            &["status"],
        )?;
        let activations = metrics.counters(
            "whirl_controller_activations_total",
            "Invocations by how they were answered.",
            &["answer"],
        )?;
        Ok(Self {
            answers: CLASSES.map(|class| answers.with_label_values(&[class])),
            gateway_answers: CLASSES.map(|class| gateway_answers.with_label_values(&[class])),
            seconds: metrics.histogram(
                "whirl_controller_answer_seconds",
                "Seconds from a request's head to its answer.",
                &SECONDS,
            )?,
            actions: CacheMetrics::new(metrics)?,
            finished: activations.with_label_values(&["finished"]),
            accepted: activations.with_label_values(&["accepted"]),
            refused: activations.with_label_values(&["refused"]),
            lost: metrics.counter(
                "whirl_controller_activations_lost_total",
                "Activations given up, as their invoker was lost or did not end them in time.",
            )?,
            in_flight: metrics.gauge(
                "whirl_controller_activations_in_flight",
                "Activations that were accepted and have not ended.",
            )?,
            followed: metrics.gauge(
                "whirl_controller_logs_followed",
                "Logs that clients follow while their activations run.",
            )?,
            stages: Stages::new(metrics)?,
            throttled: ThrottleMetrics::new(metrics)?,
            records: RecordMetrics::new(metrics)?,
            sequences: SequenceMetrics::new(metrics)?,
            keys: KeyMetrics::new(metrics)?,
            untold_changes: metrics.counter(
                "whirl_controller_untold_changes_total",
                "Changes to entities and subjects that other controllers could not be told of.",
            )?,
        })
    }

    /// Counts one answer.
    pub(crate) fn answered(&self, status: StatusCode, took: Duration) {
        count(&self.answers, status);
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts one answer of the API gateway, which is counted with all others too.
    pub(crate) fn answered_by_gateway(&self, status: StatusCode) {
        count(&self.gateway_answers, status);
    }
}

fn count(answers: &[IntCounter; 5], status: StatusCode) {
    if let Some(counter) = answers.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
        counter.inc();
    }
}

impl CacheMetrics {
    fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        let cache = metrics.counters(
            "whirl_controller_action_cache_total",
            "Look-ups of actions in memory by result.",
            &["result"],
        )?;
        let of = |result| cache.with_label_values(&[result]);
        Ok(Self { hits: of("hit"), misses: of("miss") })
    }
}

impl Stages {
    fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        let stages = metrics.histograms(
            "whirl_controller_stage_seconds",
            "Seconds of an activation's stages that end at the controller.",
            &["stage"],
            &STAGE_SECONDS,
        )?;
        let of = |stage| stages.with_label_values(&[stage]);
        Ok(Self {
            request: of("request"),
            confirmation: of("confirmation"),
            acknowledgement: of("acknowledgement"),
        })
    }
}

impl ThrottleMetrics {
    fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        let throttled = metrics.counters(
            "whirl_controller_throttled_total",
            "Requests that a limit of their namespace held back, by limit.",
            &["limit"],
        )?;
        let of = |limit| throttled.with_label_values(&[limit]);
        Ok(Self {
            invocations_per_minute: of("invocationsPerMinute"),
            concurrent_invocations: of("concurrentInvocations"),
            fires_per_minute: of("firesPerMinute"),
        })
    }
}

impl RecordMetrics {
    fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        Ok(Self {
            waiting: metrics.gauge(
                "whirl_controller_records_waiting",
                "Records of sequences, triggers and lost activations that wait to be written.",
            )?,
            failures: metrics.counter(
                "whirl_controller_record_write_failures_total",
                "Failed attempts of the controller to write records; they are tried again.",
            )?,
            refused: metrics.counter(
                "whirl_controller_records_refused_total",
                "Records of the controller that the store did not take as they were; one that says so is in the place of each.",
            )?,
        })
    }
}

impl SequenceMetrics {
    fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        Ok(Self {
            running: metrics.gauge(
                "whirl_controller_sequences_running",
                "Sequences and compositions that run, or whose record is not stored yet.",
            )?,
            given_up: metrics.counter(
                "whirl_controller_sequences_given_up_total",
                "Accepted sequences and compositions that were not run, or not run on, by their controller's fault.",
            )?,
        })
    }
}

impl KeyMetrics {
    fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        let keys = metrics.counters(
            "whirl_controller_idempotency_keys_total",
            "Requests with an idempotency key, by what they were.",
            &["request"],
        )?;
        let of = |request| keys.with_label_values(&[request]);
        Ok(Self { first: of("first"), again: of("again"), refused: of("refused") })
    }
}
