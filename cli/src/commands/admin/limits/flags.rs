//! One flag per member of a limits document. Names and units are the document's.

use clap::Args;
use indexmap::IndexMap;
use serde::Serialize;
use whirl_model::Json;

/// The limits given on the command line.
#[derive(Debug, Default, Args, Serialize)]
#[serde(rename_all = "camelCase")]
#[command(rename_all = "camelCase")]
pub(super) struct LimitFlags {
    /// Invocations a minute
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    invocations_per_minute: Option<u64>,
    /// Activations in flight
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrent_invocations: Option<u64>,
    /// Triggers fired a minute
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    fires_per_minute: Option<u64>,
    /// The only runtime kinds allowed
    #[arg(long, value_name = "KIND", num_args = 1..)]
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_kinds: Option<Vec<String>>,
    /// Whether activation records are stored
    #[arg(long, value_name = "true|false", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    store_activations: Option<bool>,
    /// Least memory of an action, MB
    #[arg(long, value_name = "MB")]
    #[serde(skip_serializing_if = "Option::is_none")]
    min_action_memory: Option<u64>,
    /// Most memory of an action, MB
    #[arg(long, value_name = "MB")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_action_memory: Option<u64>,
    /// Least log limit of an action, MB
    #[arg(long, value_name = "MB")]
    #[serde(skip_serializing_if = "Option::is_none")]
    min_action_logs: Option<u64>,
    /// Most log limit of an action, MB
    #[arg(long, value_name = "MB")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_action_logs: Option<u64>,
    /// Least time limit of an action, ms
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    min_action_timeout: Option<u64>,
    /// Most time limit of an action, ms
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_action_timeout: Option<u64>,
    /// Least concurrency of an action
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    min_action_concurrency: Option<u64>,
    /// Most concurrency of an action
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_action_concurrency: Option<u64>,
    /// Most that the parameters of an action may take, as in '1 MB'
    #[arg(long, value_name = "SIZE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_parameter_size: Option<String>,
    /// Most that the arguments of an invocation may take, as in '1 MB'
    #[arg(long, value_name = "SIZE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_payload_size: Option<String>,
    /// Where results that are too long are cut, as in '1 MB'
    #[arg(long, value_name = "SIZE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    truncation_size: Option<String>,
    /// Containers kept warm for each action
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    warmed_container_keeping_count: Option<u64>,
    /// How long they are kept, as in '10 minutes'
    #[arg(long, value_name = "DURATION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    warmed_container_keeping_timeout: Option<String>,
    /// Containers at once for one action
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_action_instances: Option<u64>,
}

impl LimitFlags {
    /// The members given.
    pub(super) fn members(&self) -> IndexMap<String, Json> {
        serde_json::from_str(Json::of(self).as_str()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use crate::command_line::tests::read;

    #[test]
    fn every_flag_is_spelled_like_its_member() {
        let members = serde_json::to_value(super::LimitFlags {
            allowed_kinds: Some(vec!["x".into()]),
            store_activations: Some(false),
            ..Default::default()
        });
        assert_eq!(members.unwrap().to_string(), r#"{"allowedKinds":["x"],"storeActivations":false}"#);
        let words =
            ["admin", "limits", "set", "ns", "--allowedKinds", "a", "b", "--storeActivations", "false"];
        assert!(read(&words).is_ok());
        for flag in ["--invocationsPerMinute", "--maxActionMemory", "--warmedContainerKeepingCount"] {
            assert!(read(&["admin", "limits", "set", "ns", flag, "1"]).is_ok(), "{flag}");
        }
    }
}
