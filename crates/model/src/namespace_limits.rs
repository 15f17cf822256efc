//! What one namespace may do, where that differs from what the platform allows everyone.

use serde::{Deserialize, Serialize};

use crate::limits::{LimitBounds, Range};
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

impl NamespaceLimits {
    /// The bounds of what is written and invoked in the namespace: its own where it has some, and never beyond
    /// the platform's.
    #[must_use]
    pub fn bounds(&self, platform: &LimitBounds) -> LimitBounds {
        let within = |bounds: Range, min: Option<u32>, max: Option<u32>| Range {
            min: min.unwrap_or(bounds.min).max(bounds.min).min(bounds.max),
            max: max.unwrap_or(bounds.max).max(bounds.min).min(bounds.max),
        };
        let bytes = |bound: u64, own: Option<ByteSize>| own.map_or(bound, |own| own.as_bytes().min(bound));
        LimitBounds {
            timeout: within(platform.timeout, self.min_action_timeout, self.max_action_timeout),
            memory: within(platform.memory, self.min_action_memory, self.max_action_memory),
            logs: within(platform.logs, self.min_action_logs, self.max_action_logs),
            concurrency: within(
                platform.concurrency,
                self.min_action_concurrency,
                self.max_action_concurrency,
            ),
            instances: within(platform.instances, None, self.concurrent_invocations),
            cpu: platform.cpu,
            gpu: platform.gpu,
            code_bytes: platform.code_bytes,
            parameter_bytes: bytes(platform.parameter_bytes, self.max_parameter_size),
            payload_bytes: bytes(platform.payload_bytes, self.max_payload_size),
        }
    }

    /// Whether actions of a kind may be written and invoked.
    #[must_use]
    pub fn allow(&self, kind: &Kind) -> bool {
        let is_it = |one: &Kind| Kind::new(one.as_str()) == *kind;
        self.allowed_kinds.as_ref().is_none_or(|kinds| kinds.iter().any(is_it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> NamespaceLimits {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn without_limits_of_its_own_a_namespace_has_the_platforms() {
        let platform = LimitBounds::default();
        assert_eq!(NamespaceLimits::default().bounds(&platform), platform);
        assert!(NamespaceLimits::default().allow(&Kind::new("nodejs:20")));
    }

    #[test]
    fn bounds_are_narrowed_and_never_go_beyond_the_platforms() {
        let platform = LimitBounds { concurrency: Range { min: 1, max: 500 }, ..LimitBounds::default() };
        let bounds = limits(
            r#"{"minActionMemory":1,"maxActionMemory":256,"minActionLogs":2,"maxActionLogs":4000,
                "minActionTimeout":999,"maxActionTimeout":5,"maxActionConcurrency":7,
                "maxParameterSize":"2 KB","maxPayloadSize":"1 GB","concurrentInvocations":3}"#,
        )
        .bounds(&platform);
        assert_eq!(bounds.memory, Range { min: 128, max: 256 });
        assert_eq!(bounds.logs, Range { min: 2, max: 10 });
        assert_eq!(bounds.timeout, Range { min: 999, max: 100 }, "contradictions allow nothing");
        assert_eq!(bounds.concurrency, Range { min: 1, max: 7 });
        assert_eq!(bounds.instances, Range { min: 0, max: 3 });
        assert_eq!((bounds.parameter_bytes, bounds.payload_bytes), (2048, platform.payload_bytes));
    }

    #[test]
    fn only_kinds_in_the_list_are_allowed() {
        let limits = limits(r#"{"allowedKinds":["NodeJS:20"]}"#);
        assert!(limits.allow(&Kind::new("nodejs:20")));
        assert!(!limits.allow(&Kind::new("python:3")) && !limits.allow(&Kind::sequence()));
    }
}
