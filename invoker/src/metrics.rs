//! The invoker's metrics: names and help in one place.

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge};
use whirl_service::metrics::{Metrics, MetricsError, STAGE_SECONDS};

/// The stages of an activation's way that an invoker sees the end of.
#[derive(Clone)]
pub(crate) struct Stages {
    /// From the activation's publishing until it is here.
    pub(crate) delivery: Histogram,
    /// Until it begins to run in a container.
    pub(crate) placement: Histogram,
    /// Until the container has answered.
    pub(crate) run: Histogram,
    /// Until the acknowledgement is handed to the bus.
    pub(crate) record: Histogram,
}

/// What an invoker counts.
#[derive(Clone)]
pub struct InvokerMetrics {
    /// Containers handed to activations, by how they came and why they are not warm.
    pub(crate) placements: IntCounterVec,
    /// Activations for which no container was free, or no image there, in time.
    pub(crate) expired: IntCounter,
    /// 1 while containers can be neither made nor removed.
    pub(crate) engine_trouble: IntGauge,
    /// Containers started, by outcome.
    pub(crate) starts: IntCounterVec,
    /// Activations ended, by outcome.
    pub(crate) activations: IntCounterVec,
    /// Seconds from creation until a container listens.
    pub(crate) start_seconds: Histogram,
    /// Slots of the host's GPUs.
    pub(crate) gpu_slots: IntGauge,
    /// Those of them that containers hold.
    pub(crate) gpu_slots_held: IntGauge,
    /// Records waiting to be written.
    pub(crate) records_waiting: IntGauge,
    /// Failed attempts to write records.
    pub(crate) record_failures: IntCounter,
    /// Records that the store did not take as they were.
    pub(crate) records_refused: IntCounter,
    /// Failed attempts to send acknowledgements.
    pub(crate) acknowledgement_failures: IntCounter,
    /// Activations meant for another life.
    pub(crate) outdated: IntCounter,
    /// Lives in the cluster.
    pub(crate) joins: IntCounter,
    /// Reports to the cluster, by result.
    pub(crate) reports: IntCounterVec,
    /// Times of an activation's stages.
    pub(crate) stages: Stages,
}

/// Makes the invoker's metrics in a registry.
///
/// # Errors
/// When a name is taken: two invokers cannot share a registry.
pub fn register(metrics: &Metrics) -> Result<InvokerMetrics, MetricsError> {
    let stages = metrics.histograms(
        "whirl_invoker_stage_seconds",
        "Seconds of an activation's stages that end at the invoker.",
        &["stage"],
        &STAGE_SECONDS,
    )?;
    Ok(InvokerMetrics {
        placements: metrics.counters(
            "whirl_invoker_placements_total",
            "Activations handed to a container, by how it was and, unless it was warm, why there was no warm one.",
            &["container", "reason"],
        )?,
        expired: metrics.counter(
            "whirl_invoker_expired_total",
            "Activations that were recorded and not run, as no container was free for them, or their image was not there, in time.",
        )?,
        engine_trouble: metrics.gauge(
            "whirl_invoker_engine_trouble",
            "1 while containers can be neither made nor removed; those that are there go on.",
        )?,
        starts: metrics.counters(
            "whirl_invoker_container_starts_total",
            "Containers started, by result: ok or failed.",
            &["result"],
        )?,
        activations: metrics.counters(
            "whirl_invoker_activations_total",
            "Activations ended, by status.",
            &["status"],
        )?,
        start_seconds: metrics.histogram(
            "whirl_invoker_container_start_seconds",
            "Seconds from the creation of a container until it listens.",
            &[0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 60.0],
        )?,
        gpu_slots: metrics.gauge(
            "whirl_invoker_gpu_slots",
            "Slots of the host's GPUs: each device has as many as may share it.",
        )?,
        gpu_slots_held: metrics.gauge(
            "whirl_invoker_gpu_slots_held",
            "Those of them that containers hold, idle ones among them.",
        )?,
        records_waiting: metrics
            .gauge("whirl_invoker_records_waiting", "Activation records that wait to be written.")?,
        record_failures: metrics.counter(
            "whirl_invoker_record_write_failures_total",
            "Failed attempts to write activation records; they are tried again.",
        )?,
        records_refused: metrics.counter(
            "whirl_invoker_records_refused_total",
            "Activation records that the store did not take as they were; one that says so is in the place of each.",
        )?,
        acknowledgement_failures: metrics.counter(
            "whirl_invoker_acknowledgement_failures_total",
            "Failed attempts to send acknowledgements; they are tried again.",
        )?,
        outdated: metrics.counter(
            "whirl_invoker_outdated_activations_total",
            "Activations that were meant for another life of this invoker and not run.",
        )?,
        joins: metrics.counter(
            "whirl_invoker_joins_total",
            "Times that the invoker joined its cluster: once, and again after each lease that ended.",
        )?,
        reports: metrics.counters(
            "whirl_invoker_reports_total",
            "Reports to the cluster, by result: ok or failed.",
            &["result"],
        )?,
        stages: Stages {
            delivery: stages.with_label_values(&["delivery"]),
            placement: stages.with_label_values(&["placement"]),
            run: stages.with_label_values(&["run"]),
            record: stages.with_label_values(&["record"]),
        },
    })
}
