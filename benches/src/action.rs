//! The no-op action in each language, and what a runtime is told about it without a platform.

use serde_json::{Value, json};

/// A language to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    Node,
    Python,
}

impl Language {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Python => "Python",
        }
    }

    /// The runtime kind, as the built-in manifest names it.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Node => "nodejs:20",
            Self::Python => "python:3.11",
        }
    }

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Node => "function main() { return {}; }\n",
            Self::Python => "def main(args):\n    return {}\n",
        }
    }

    /// What the API is told of the action.
    pub(crate) fn exec(self) -> Value {
        json!({ "kind": self.kind(), "code": self.code() })
    }

    /// The body of `/init`, with the members that whirl sends.
    pub(crate) fn init_body(self) -> String {
        let env = json!({
            "__OW_NAMESPACE": "guest",
            "__OW_ACTION_NAME": "/guest/bench",
            "__OW_ACTION_VERSION": "0.0.1",
        });
        let value = json!({
            "name": "bench", "main": "main", "code": self.code(), "binary": false, "env": env,
        });
        json!({ "value": value }).to_string()
    }
}

/// The body of `/run`, with the members that whirl sends.
pub(crate) fn run_body() -> String {
    json!({
        "value": {},
        "namespace": "guest",
        "action_name": "/guest/bench",
        "action_version": "0.0.1",
        "activation_id": "0123456789abcdef0123456789abcdef",
        "transaction_id": "0123456789abcdef0123456789abcdef",
        "deadline": "4102444800000",
    })
    .to_string()
}
