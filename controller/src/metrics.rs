//! Every metric of the controller. `docs/metrics.md` lists them; a test compares.

use std::time::Duration;

use actix_web::http::StatusCode;
use prometheus::{Histogram, IntCounter, IntGauge};
use whirl_service::Metrics;
use whirl_service::metrics::{MetricsError, STAGE_SECONDS};

/// Upper bounds in seconds.
const SECONDS: [f64; 13] =
    [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0];

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

/// What a controller counts.
#[derive(Clone)]
pub(crate) struct ControllerMetrics {
    answers: [IntCounter; 5],
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
    /// Times of an activation's stages.
    pub(crate) stages: Stages,
}

impl ControllerMetrics {
    /// Registers all of them.
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        let answers = metrics.counters(
            "whirl_controller_answers_total",
            "HTTP answers by class of status.",
            &["status"],
        )?;
        let cache = metrics.counters(
            "whirl_controller_action_cache_total",
            "Look-ups of actions in memory by result.",
            &["result"],
        )?;
        let activations = metrics.counters(
            "whirl_controller_activations_total",
            "Invocations by how they were answered.",
            &["answer"],
        )?;
        let stages = metrics.histograms(
            "whirl_controller_stage_seconds",
            "Seconds of an activation's stages that end at the controller.",
            &["stage"],
            &STAGE_SECONDS,
        )?;
        Ok(Self {
            answers: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| answers.with_label_values(&[class])),
            seconds: metrics.histogram(
                "whirl_controller_answer_seconds",
                "Seconds from a request's head to its answer.",
                &SECONDS,
            )?,
            actions: CacheMetrics {
                hits: cache.with_label_values(&["hit"]),
                misses: cache.with_label_values(&["miss"]),
            },
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
            stages: Stages {
                request: stages.with_label_values(&["request"]),
                confirmation: stages.with_label_values(&["confirmation"]),
                acknowledgement: stages.with_label_values(&["acknowledgement"]),
            },
        })
    }

    /// Counts one answer.
    pub(crate) fn answered(&self, status: StatusCode, took: Duration) {
        if let Some(counter) = self.answers.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            counter.inc();
        }
        self.seconds.observe(took.as_secs_f64());
    }
}
