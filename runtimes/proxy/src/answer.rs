//! The HTTP answers of the action protocol: their statuses and the exact texts that clients and tests compare.
//! When each is given is decided elsewhere.

use bytes::Bytes;
use serde_json::json;

/// One answer to `/init` or `/run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// A JSON document.
    pub(crate) body: Bytes,
}

impl Answer {
    /// A successful answer with the launcher's own JSON.
    pub(crate) fn ok(body: Bytes) -> Self {
        Self { status: 200, body }
    }

    /// A successful init.
    pub(crate) fn initialised() -> Self {
        Self::ok(Bytes::from_static(b"{\"ok\":true}"))
    }

    /// The same, to a caller that means to have several runs in flight: their lines are tagged.
    pub(crate) fn initialised_to_tag() -> Self {
        Self::ok(Bytes::from_static(b"{\"ok\":true,\"tagsLogs\":true}"))
    }

    /// The same, where only one run at a time is taken.
    pub(crate) fn initialised_for_one_at_a_time() -> Self {
        Self::ok(Bytes::from_static(b"{\"ok\":true,\"concurrent\":false}"))
    }

    /// An answer `{"error": message}`.
    pub(crate) fn error(status: u16, message: &str) -> Self {
        Self { status, body: Bytes::from(json!({ "error": message }).to_string()) }
    }

    /// A run whose launcher reported a failure; `body` is its `{"error": …}`.
    pub(crate) fn failed_run(body: Bytes) -> Self {
        Self { status: 502, body }
    }

    /// `/init` without code. The container stays usable.
    pub(crate) fn missing_code() -> Self {
        Self::error(403, "Missing main/no code to execute.")
    }

    /// The launcher ended while it initialised.
    pub(crate) fn exited_during_init() -> Self {
        Self::error(502, &format!("Cannot start action. {EXITED_DURING_INIT}"))
    }

    /// The launcher ended during this run.
    pub(crate) fn exited_during_run() -> Self {
        Self::error(400, "command exited")
    }

    /// The result is not one that OpenWhisk allows.
    pub(crate) fn not_a_dictionary() -> Self {
        Self::error(502, "The action did not return a dictionary or array.")
    }
}

/// What the container's own stderr says when the launcher ended while it initialised.
pub(crate) const EXITED_DURING_INIT: &str = "Command exited abruptly during initialization.";
