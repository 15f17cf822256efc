//! Makes activation records.

use std::time::Duration;

use whirl_model::{
    Action, ActivationMessage, ActivationRecord, ActivationResponse, Json, Parameters, Timestamp,
};

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

/// The record, without logs, of an activation whose action is known.
pub(crate) fn of_run(
    message: &ActivationMessage,
    action: &Action,
    interval: Interval,
    response: ActivationResponse,
    timed_out: bool,
) -> ActivationRecord {
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

/// The record of an activation that never reached a container.
pub(crate) fn without_run(
    message: &ActivationMessage,
    action: &Action,
    now: Timestamp,
    response: ActivationResponse,
) -> ActivationRecord {
    let interval = Interval { start: now, init: None, total: Duration::ZERO };
    of_run(message, action, interval, response, false)
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
