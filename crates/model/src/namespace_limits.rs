//! What one namespace may do, where that differs from what the platform allows everyone.

use serde::{Deserialize, Serialize};

use crate::{ByteSize, Kind};

/// The limits of one namespace, as its document `NAMESPACE/limits` has them. What is absent is as for everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespaceLimits {
    /// Invocations in a minute; 0 allows none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocations_per_minute: Option<u32>,
    /// Activations in flight; 0 allows none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_invocations: Option<u32>,
    /// Fires of triggers in a minute; 0 allows none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fires_per_minute: Option<u32>,
    /// The only kinds of actions that may be written and invoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_kinds: Option<Vec<Kind>>,
    /// Whether records of its activations are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_activations: Option<bool>,
    /// Mebibytes of memory that an action has at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_action_memory: Option<u32>,
    /// Mebibytes of memory that an action has at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_action_memory: Option<u32>,
    /// Mebibytes of logs that an action has at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_action_logs: Option<u32>,
    /// Mebibytes of logs that an action has at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_action_logs: Option<u32>,
    /// Milliseconds that an action has at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_action_timeout: Option<u32>,
    /// Milliseconds that an action has at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_action_timeout: Option<u32>,
    /// Activations in one container at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_action_concurrency: Option<u32>,
    /// Activations in one container at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_action_concurrency: Option<u32>,
    /// Bytes of an entity's parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_parameter_size: Option<ByteSize>,
    /// Bytes of an activation's arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_payload_size: Option<ByteSize>,
    /// Bytes of a result that is too large which are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncation_size: Option<ByteSize>,
    /// A hint for schedulers, kept for tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmed_container_keeping_count: Option<u32>,
    /// A hint for schedulers, kept for tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmed_container_keeping_timeout: Option<String>,
    /// Containers of one action; only reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_action_instances: Option<u32>,
}
