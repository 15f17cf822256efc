//! The controller's settings and their defaults. `docs/configuration.md` tells them to operators.

use serde::{Deserialize, Serialize};
use whirl_model::Keep;
use whirl_model::limits::LimitBounds;

/// How a controller serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControllerConfig {
    /// Threads that serve requests; 0 means one per core.
    pub workers: usize,
    /// Bytes that any request's body may have.
    pub request_body_bytes: u64,
    /// Milliseconds that a blocking invocation waits for its result, at most and if it does not say.
    pub blocking_wait_milliseconds: u32,
    /// The domain whose hosts `NAMESPACE.DOMAIN` serve the namespaces' web actions at `/PACKAGE/NAME`; none if
    /// not set.
    pub vanity_domain: Option<String>,
    /// Seconds that known credentials are believed without asking the store again.
    pub authentication_cache_seconds: u64,
    /// Bytes of actions, code above all, kept in memory.
    pub action_cache_bytes: u64,
    /// Bytes of recent results kept in memory until the store certainly has them.
    pub recent_results_bytes: u64,
    /// Which activations get a record.
    pub keep_records: KeepRecords,
    /// Seconds that open requests have to end once the controller drains.
    pub shutdown_seconds: u64,
    /// The URL that users know the API gateway by, such as `https://apis.example.org`; where it is not given, the
    /// host that the API was asked at, with the gateway's port.
    pub gateway_url: Option<String>,
    /// Actions that a sequence may have; reported by `GET /`.
    pub sequence_length: u32,
    /// What a namespace may do that has no limits of its own; reported by `GET /`.
    pub throttles: Throttles,
    /// Bounds of actions and of sizes.
    pub limits: LimitBounds,
}

/// What a controller has to settle that is one of several, with invokers that may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemberConfig {
    /// Seconds after which an activation is given up that its invoker does not end, beyond twice its action's
    /// time limit: the time that it may wait for a container.
    pub lost_after_seconds: u32,
    /// Milliseconds in which acknowledgements of an invoker whose life ended still count.
    pub lost_grace_milliseconds: u32,
    /// Seconds that an action in memory is believed without asking the store again, should word of a change
    /// not come.
    pub action_cache_seconds: u32,
    /// Activations that may wait at one invoker, as far as this controller knows, before it gets no more.
    pub invoker_queue: u32,
    /// Seconds that an invoker gets no work whose activations fail by the platform's fault or do not end.
    pub invoker_rest_seconds: u32,
}

/// Requests that one namespace may make, where it has no limits of its own. Controllers of a cluster share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Throttles {
    /// Invocations per minute.
    pub actions_per_minute: u32,
    /// Trigger fires per minute.
    pub triggers_per_minute: u32,
    /// Activations in flight.
    pub concurrent_actions: u32,
}

/// Which activations get a record, by how they end. What a namespace's limits or a request say goes before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeepRecords {
    /// Of those that a caller waits for.
    pub blocking: Keep,
    /// Of the others.
    pub non_blocking: Keep,
}

impl Default for ControllerConfig {
    fn default() -> Self {
        Self {
            workers: 0,
            request_body_bytes: 50 << 20,
            blocking_wait_milliseconds: 60_000,
            vanity_domain: None,
            authentication_cache_seconds: 60,
            action_cache_bytes: 256 << 20,
            recent_results_bytes: 16 << 20,
            keep_records: KeepRecords::default(),
            shutdown_seconds: 65,
            gateway_url: None,
            sequence_length: 50,
            throttles: Throttles::default(),
            limits: LimitBounds::default(),
        }
    }
}

impl Default for MemberConfig {
    fn default() -> Self {
        Self {
            lost_after_seconds: 300,
            lost_grace_milliseconds: 500,
            action_cache_seconds: 300,
            invoker_queue: 256,
            invoker_rest_seconds: 10,
        }
    }
}

impl Default for Throttles {
    fn default() -> Self {
        Self { actions_per_minute: 60, triggers_per_minute: 60, concurrent_actions: 30 }
    }
}
