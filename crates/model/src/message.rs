//! What controllers and invokers tell each other over the bus.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    ActionPath, ActivationId, ActivationRecord, Caller, ControllerId, DocId, EntityPath, Epoch, Input,
    InvokerId, Outcome, Provenance, Revision, Timestamp, TransactionId, Version,
};

/// One activation, accepted by a controller, for an invoker to run; or, if it is made of others, for that
/// controller itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivationMessage {
    /// The activation's id: also what makes a second delivery known as one.
    pub activation_id: ActivationId,
    /// The request that asked for it.
    pub transaction: TransactionId,
    /// When that request arrived; `waitTime` counts from here.
    pub arrived: Timestamp,
    /// The action to run.
    pub action: ActionPath,
    /// The action's version at acceptance.
    pub version: Version,
    /// The state of the action's document at acceptance.
    pub revision: Revision,
    /// Who invokes.
    pub caller: Caller,
    /// The controller that wants the acknowledgement.
    pub controller: ControllerId,
    /// The invoker's life that the activation was meant for; no other one runs it.
    #[serde(default)]
    pub epoch: Epoch,
    /// Whether a caller waits for the result.
    pub blocking: bool,
    /// The merged arguments, those for `/init` among them; of a sequence, what it was invoked with.
    pub arguments: Input,
    /// Names of the arguments that go to the environment at `/init`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init_arguments: Vec<String>,
    /// The activation that this one is a step of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<ActivationId>,
    /// The binding through which the action was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<EntityPath>,
    /// Which outcomes get a record.
    #[serde(default)]
    pub keep: Keep,
    /// The W3C `traceparent` of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_parent: Option<String>,
}

impl ActivationMessage {
    /// Where the activation comes from.
    #[must_use]
    pub fn provenance(&self) -> Provenance<'_> {
        Provenance {
            id: self.activation_id,
            action: &self.action,
            version: self.version,
            caller: &self.caller,
            cause: self.cause,
            binding: self.binding.as_ref(),
        }
    }
}

/// Which activations get a record, by how they end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// All.
    #[default]
    Always,
    /// Those that do not succeed.
    Failures,
    /// Those that fail otherwise than by an error of the application's own making.
    FailuresNotOfApplication,
    /// None.
    Never,
}

impl Keep {
    /// Whether an activation that ends so gets a record.
    #[must_use]
    pub fn keeps(self, outcome: Outcome) -> bool {
        match self {
            Self::Always => true,
            Self::Failures => outcome != Outcome::Success,
            Self::FailuresNotOfApplication => {
                !matches!(outcome, Outcome::Success | Outcome::ApplicationError)
            }
            Self::Never => false,
        }
    }
}

/// An invoker's answer for one activation: its result, or that its place is free again, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acknowledgement {
    /// The activation.
    pub activation_id: ActivationId,
    /// The request that asked for it.
    pub transaction: TransactionId,
    /// Who ran it.
    pub invoker: InvokerId,
    /// In which of its lives.
    #[serde(default)]
    pub epoch: Epoch,
    /// The last report that the invoker had begun before this activation left its memory: up to that one its
    /// reports count the activation as there.
    #[serde(default)]
    pub report: u64,
    /// The record, without its logs, if this acknowledgement brings the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Arc<ActivationRecord>>,
    /// Whether the activation's place in the invoker is free again.
    pub completed: bool,
    /// Whether the platform, not the action, failed. That it was busy for too long does not count.
    pub internal_error: bool,
}

/// One controller's word to the others: an entity was written or deleted, and what they remember of it is old.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityChange {
    /// The entity.
    pub id: DocId,
    /// Who changed it.
    pub by: ControllerId,
}
