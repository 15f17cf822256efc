//! What is counted of an activation that is made of others while its steps run, and the record that comes of it.

use whirl_model::{
    Action, ActionLimits, ActivationId, ActivationMessage, ActivationRecord, ActivationResponse, Caller,
    EntityPath, Json, Outcome, Parameters, Timestamp,
};

use super::step_id::step_id;
use crate::resolve::Resolved;

/// An activation that is made of others, under way.
#[derive(Debug)]
pub(crate) struct Whole {
    /// Its id.
    pub(crate) id: ActivationId,
    /// The activation that it is a step of itself, if it is one.
    pub(crate) cause: Option<ActivationId>,
    /// The sequence or conductor.
    pub(crate) action: Resolved,
    /// When it was asked for.
    pub(crate) arrived: Timestamp,
    /// When it began: not after its first step.
    begun: Timestamp,
    steps: u32,
    logs: Vec<ActivationId>,
    duration: u64,
    /// The most that a step may use, in mebibytes; none has run yet if there is none.
    memory: Option<u32>,
}

/// Where an activation that is made of others comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) id: ActivationId,
    pub(crate) cause: Option<ActivationId>,
    pub(crate) arrived: Timestamp,
}

impl Whole {
    pub(super) fn new(origin: Origin, action: Resolved, now: Timestamp) -> Self {
        let Origin { id, cause, arrived } = origin;
        Self { id, cause, action, arrived, begun: now, steps: 0, logs: Vec::new(), duration: 0, memory: None }
    }

    /// The id of the next step.
    pub(super) fn next_id(&mut self) -> ActivationId {
        self.steps += 1;
        step_id(self.id, self.steps - 1)
    }

    /// A step of at most so much memory ended so.
    pub(super) fn ended(&mut self, step: &ActivationRecord, memory: Option<u32>) {
        self.begun = self.begun.min(step.start);
        self.logs.push(step.activation_id);
        let elapsed = || step.end.map(|end| end.millis_since(step.start));
        self.duration += step.duration.or_else(elapsed).unwrap_or_default();
        self.memory = self.memory.max(memory);
    }

    /// A step was begun, and how it ended is not known.
    pub(super) fn lost(&mut self, step: ActivationId) {
        self.logs.push(step);
    }

    pub(super) fn memory(&self) -> Option<u32> {
        self.memory
    }

    /// The record of it, ending now.
    pub(super) fn record(
        self,
        caller: &Caller,
        now: Timestamp,
        response: ActivationResponse,
    ) -> ActivationRecord {
        let action = self.action.action();
        let limits = self.memory.map(|memory| ActionLimits {
            timeout: action.limits.timeout,
            logs: action.limits.logs,
            memory,
            ..ActionLimits::default()
        });
        let annotations = annotations(&About {
            action,
            waited: self.begun.millis_since(self.arrived),
            inner: self.cause.is_some(),
            limits,
            binding: self.action.binding.as_ref(),
        });
        ActivationRecord {
            namespace: caller.namespace.clone(),
            name: action.path.name.clone(),
            version: action.version,
            subject: caller.subject.clone(),
            activation_id: self.id,
            cause: self.cause,
            start: self.begun,
            end: Some(now),
            duration: Some(self.duration),
            response,
            logs: self.logs.iter().map(ActivationId::to_string).collect(),
            annotations,
            publish: false,
        }
    }
}

struct About<'a> {
    action: &'a Action,
    waited: u64,
    inner: bool,
    limits: Option<ActionLimits>,
    binding: Option<&'a EntityPath>,
}

fn annotations(about: &About<'_>) -> Parameters {
    let mut annotations = Parameters::default();
    annotations.set("topmost", Json::of(&!about.inner));
    annotations.set("path", Json::of(&about.action.path));
    annotations.set("kind", Json::of("sequence"));
    if about.action.exec.components().is_none() {
        annotations.set("conductor", Json::of(&true));
    }
    annotations.set("waitTime", Json::of(&about.waited));
    if about.inner {
        annotations.set("causedBy", Json::of("sequence"));
    }
    if let Some(limits) = &about.limits {
        annotations.set("limits", Json::of(limits));
    }
    if let Some(binding) = about.binding {
        annotations.set("binding", Json::of(binding));
    }
    annotations
}

/// The record of one that is not played (again), for this reason.
pub(super) fn unplayed(message: &ActivationMessage, now: Timestamp, why: &str) -> ActivationRecord {
    let mut annotations = Parameters::default();
    annotations.set("topmost", Json::of(&message.cause.is_none()));
    annotations.set("path", Json::of(&message.action));
    annotations.set("kind", Json::of("sequence"));
    annotations.set("waitTime", Json::of(&now.millis_since(message.arrived)));
    message.provenance().record(now, internal_error(why), annotations)
}

/// A response that says the application went wrong.
pub(super) fn application_error(text: &str) -> ActivationResponse {
    ActivationResponse::failure(Outcome::ApplicationError, text)
}

/// A response that says the platform went wrong.
pub(super) fn internal_error(text: &str) -> ActivationResponse {
    ActivationResponse::failure(Outcome::InternalError, text)
}
