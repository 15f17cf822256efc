//! What is known of an activation between its publishing and its end.

use std::sync::Arc;
use std::time::Instant;

use whirl_model::{
    ActionPath, ActivationId, ActivationMessage, Caller, ControllerId, EntityPath, Keep, Provenance,
    Timestamp, Topic, Version,
};

use crate::invokers::Life;

/// What has to be known of an activation in flight.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    /// The activation.
    pub(crate) id: ActivationId,
    /// What runs.
    pub(crate) action: ActionPath,
    /// Its version.
    pub(crate) version: Version,
    /// For whom.
    pub(crate) caller: Arc<Caller>,
    /// When it was asked for.
    pub(crate) arrived: Timestamp,
    /// The activation that it is a step of.
    pub(crate) cause: Option<ActivationId>,
    /// The binding through which the action was reached.
    pub(crate) binding: Option<EntityPath>,
    /// Which outcomes get a record.
    pub(crate) keep: Keep,
    /// Which invoker has it; `None` if it is a sequence or composition, which this controller runs, or was
    /// recovered.
    pub(crate) post: Option<Post>,
}

/// An activation's place at an invoker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Post {
    /// Who has it.
    pub(crate) life: Life,
    /// When it is given up.
    pub(crate) deadline: Instant,
}

impl Flight {
    /// What a message tells of an activation that an earlier process accepted.
    pub(crate) fn of_message(message: &ActivationMessage) -> Self {
        Self {
            id: message.activation_id,
            action: message.action.clone(),
            version: message.version,
            caller: Arc::new(message.caller.clone()),
            arrived: message.arrived,
            cause: message.cause,
            binding: message.binding.clone(),
            keep: message.keep,
            post: None,
        }
    }

    /// Where the activation comes from.
    pub(crate) fn provenance(&self) -> Provenance<'_> {
        Provenance {
            id: self.id,
            action: &self.action,
            version: self.version,
            caller: &self.caller,
            cause: self.cause,
            binding: self.binding.as_ref(),
        }
    }

    /// Where it is published by the controller of this number.
    pub(crate) fn topic(&self, controller: ControllerId) -> Topic {
        match self.post {
            Some(post) => Topic::Activations(post.life.invoker),
            None => Topic::Sequences(controller),
        }
    }
}
