//! Makes activation records.

use std::time::Duration;

use whirl_model::{
    Action, ActivationMessage, ActivationRecord, ActivationResponse, Json, Parameters, Timestamp,
};

use crate::preparation::Preparation;
use crate::run_receipt::RunReceipt;

/// When an activation's code was at work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    /// When initialisation began, or the run if there was none.
    pub(crate) start: Timestamp,
    /// How long `/init` took, if it was called.
    pub(crate) init: Option<Duration>,
    /// How long `/init` and `/run` took together.
    pub(crate) total: Duration,
}

/// How an activation ended.
#[derive(Clone, Debug)]
pub(crate) struct Over {
    pub(crate) response: ActivationResponse,
    pub(crate) interval: Interval,
    /// Whether its time was up.
    pub(crate) timed_out: bool,
}

/// What is told of a run in its receipt, beside the times in its record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// How its container came.
    pub(crate) preparation: Preparation,
    /// CPU time, if it can be told.
    pub(crate) cpu: Option<Duration>,
    /// What the invoker took beside the wait for a container, `/init` and `/run`.
    pub(crate) overhead: Duration,
}

/// The record, without logs, of an activation that ran, or was to be initialised.
pub(crate) fn of_run(
    message: &ActivationMessage,
    action: &Action,
    over: Over,
    cost: Cost,
) -> ActivationRecord {
    let Interval { start, init, total } = over.interval;
    let receipt = RunReceipt {
        preparation: cost.preparation,
        wait: Duration::from_millis(start.millis_since(message.arrived)),
        init,
        run: total.saturating_sub(init.unwrap_or_default()),
        cpu: cost.cpu,
        memory: action.limits.memory,
        overhead: cost.overhead,
    };
    let mut record = of_action(message, action, over);
    record.annotations.set("receipt", receipt.to_json());
    record
}

/// The record of an activation that never reached a container. It has cost nothing, and has no receipt.
pub(crate) fn without_run(
    message: &ActivationMessage,
    action: &Action,
    now: Timestamp,
    response: ActivationResponse,
) -> ActivationRecord {
    let interval = Interval { start: now, init: None, total: Duration::ZERO };
    of_action(message, action, Over { response, interval, timed_out: false })
}

fn of_action(message: &ActivationMessage, action: &Action, over: Over) -> ActivationRecord {
    let Over { response, interval, timed_out } = over;
    let mut annotations = Parameters::default();
    annotations.set("path", Json::of(&action.path));
    annotations.set("waitTime", Json::of(&interval.start.millis_since(message.arrived)));
    annotations.set("kind", Json::of(&action.exec.kind()));
    annotations.set("timeout", Json::of(&timed_out));
    annotations.set("limits", Json::of(&action.limits));
    if let Some(init) = interval.init {
        annotations.set("initTime", Json::of(&millis(init).max(1)));
    }
    let duration = millis(interval.total);
    ActivationRecord {
        version: action.version,
        end: Some(interval.start.plus(Duration::from_millis(duration))),
        duration: Some(duration),
        ..message.provenance().record(interval.start, response, annotations)
    }
}

/// The record of an activation whose action is not known.
pub(crate) fn without_action(
    message: &ActivationMessage,
    now: Timestamp,
    response: ActivationResponse,
) -> ActivationRecord {
    let mut annotations = Parameters::default();
    annotations.set("path", Json::of(&message.action));
    annotations.set("waitTime", Json::of(&now.millis_since(message.arrived)));
    annotations.set("kind", Json::of("unknown"));
    message.provenance().record(now, response, annotations)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
