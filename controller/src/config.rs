//! The controller's settings and their defaults. `docs/configuration.md` tells them to operators.

use serde::{Deserialize, Serialize};
use whirl_model::limits::LimitBounds;

/// What `GET /` reports where nothing is limited.
const NO_LIMIT: u32 = 2_147_483_647;

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
    /// Seconds that known credentials are believed without asking the store again.
    pub authentication_cache_seconds: u64,
    /// Bytes of actions, code above all, kept in memory.
    pub action_cache_bytes: u64,
    /// Bytes of recent results kept in memory until the store certainly has them.
    pub recent_results_bytes: u64,
    /// Seconds that open requests have to end once the controller drains.
    pub shutdown_seconds: u64,
    /// Actions that a sequence may have; reported by `GET /`.
    pub sequence_length: u32,
    /// What a namespace may do; reported by `GET /`.
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

/// Requests that one namespace may make.
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

impl Default for ControllerConfig {
    fn default() -> Self {
        Self {
            workers: 0,
            request_body_bytes: 50 << 20,
            blocking_wait_milliseconds: 60_000,
            authentication_cache_seconds: 60,
            action_cache_bytes: 256 << 20,
            recent_results_bytes: 16 << 20,
            shutdown_seconds: 65,
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
        Self { actions_per_minute: NO_LIMIT, triggers_per_minute: NO_LIMIT, concurrent_actions: NO_LIMIT }
    }
}
