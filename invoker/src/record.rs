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
        start: interval.start,
        end: Some(interval.start.plus(Duration::from_millis(duration))),
        duration: Some(duration),
        ..skeleton(message, response, annotations)
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
    ActivationRecord {
        start: now,
        end: Some(now),
        duration: Some(0),
        ..skeleton(message, response, annotations)
    }
}

fn skeleton(
    message: &ActivationMessage,
    response: ActivationResponse,
    mut annotations: Parameters,
) -> ActivationRecord {
    if message.cause.is_some() {
        annotations.set("causedBy", Json::of("sequence"));
    }
    if let Some(binding) = &message.binding {
        annotations.set("binding", Json::of(binding));
    }
    ActivationRecord {
        namespace: message.caller.namespace.clone(),
        name: message.action.name.clone(),
        version: message.version,
        subject: message.caller.subject.clone(),
        activation_id: message.activation_id,
        cause: message.cause,
        start: Timestamp::default(),
        end: None,
        duration: None,
        response,
        logs: Vec::new(),
        annotations,
        publish: false,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
