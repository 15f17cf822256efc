//! Whether a namespace may invoke or fire now: its requests of the current minute and its activations in flight.
//! What is too many, `whirl_scheduling::throttle` decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use prometheus::IntCounter;
use whirl_scheduling::throttle::{Exceeded, Minute, RateThrottle, admit_concurrent, share};

use crate::acknowledgements::Acknowledgements;
use crate::api_error::ApiError;
use crate::config;
use crate::identity::Identity;
use crate::invokers::Invokers;
use crate::metrics::ThrottleMetrics;

/// The requests of this minute, and whether any are taken at all. Each count is held for a few instructions,
/// never across an await.
pub(crate) struct Throttles {
    invocations: Mutex<RateThrottle>,
    fires: Mutex<RateThrottle>,
    /// By the administrator's word.
    disabled: AtomicBool,
    /// What a namespace may that has no limits of its own.
    defaults: config::Throttles,
    acknowledgements: Arc<Acknowledgements>,
    invokers: Arc<dyn Invokers>,
    metrics: ThrottleMetrics,
}

impl Throttles {
    /// No requests yet. Activations in flight are those of `acknowledgements`; `invokers` tells with how many other
    /// controllers the limits are shared.
    pub(crate) fn new(
        defaults: config::Throttles,
        acknowledgements: Arc<Acknowledgements>,
        invokers: Arc<dyn Invokers>,
        metrics: ThrottleMetrics,
    ) -> Self {
        let (invocations, fires, disabled) = Default::default();
        Self { invocations, fires, disabled, defaults, acknowledgements, invokers, metrics }
    }

    /// From now on every invocation and every fire is refused.
    pub(crate) fn disable(&self) {
        self.disabled.store(true, Ordering::Relaxed);
    }

    fn check_enabled(&self) -> Result<(), ApiError> {
        if self.disabled.load(Ordering::Relaxed) { Err(ApiError::Disabled) } else { Ok(()) }
    }

    /// Counts an invocation on behalf of a namespace and refuses it where that is one too many. Steps of
    /// sequences are not counted again.
    pub(crate) fn admit_invocation(&self, on_behalf_of: &Identity) -> Result<(), ApiError> {
        self.check_enabled()?;
        let (limits, defaults) = (&on_behalf_of.limits, &self.defaults);
        let uuid = &on_behalf_of.caller.uuid;
        let allowed = self.share(limits.invocations_per_minute.unwrap_or(defaults.actions_per_minute));
        let admitted = self.invocations.lock().admit(minute(), uuid, allowed);
        admitted.map_err(too_many_in_a_minute(&self.metrics.invocations_per_minute))?;
        let allowed = self.share(limits.concurrent_invocations.unwrap_or(defaults.concurrent_actions));
        let in_flight = self.acknowledgements.in_flight_of(uuid);
        admit_concurrent(in_flight, allowed).map_err(|Exceeded { count, allowed }| {
            self.metrics.concurrent_invocations.inc();
            ApiError::TooManyConcurrent { count, allowed }
        })
    }

    /// Counts the firing of a trigger and refuses it where that is one too many.
    pub(crate) fn admit_fire(&self, on_behalf_of: &Identity) -> Result<(), ApiError> {
        self.check_enabled()?;
        let limit = on_behalf_of.limits.fires_per_minute.unwrap_or(self.defaults.triggers_per_minute);
        let uuid = &on_behalf_of.caller.uuid;
        let admitted = self.fires.lock().admit(minute(), uuid, self.share(limit));
        admitted.map_err(too_many_in_a_minute(&self.metrics.fires_per_minute))
    }

    /// This controller's share of a limit that all of them keep together.
    fn share(&self, limit: u32) -> u32 {
        share(limit, self.invokers.controllers())
    }
}

fn too_many_in_a_minute(throttled: &IntCounter) -> impl FnOnce(Exceeded) -> ApiError {
    move |Exceeded { count, allowed }| {
        throttled.inc();
        ApiError::TooManyRequests { count, allowed }
    }
}

fn minute() -> Minute {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / 60)
}
