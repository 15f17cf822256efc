//! An activation on its way through the invoker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use whirl_backends::bus::Receipt;
use whirl_model::{Action, ActivationMessage, Timestamp};
use whirl_scheduling::Moment;
use whirl_scheduling::pool::{Request, Stem, WarmKey};

use crate::provisions::Provision;

/// Everything that is needed to run one activation.
pub(crate) struct Job {
    pub(crate) message: Arc<ActivationMessage>,
    pub(crate) action: Arc<Action>,
    pub(crate) receipt: Arc<dyn Receipt>,
    /// What the pool is asked for.
    pub(crate) key: WarmKey,
    pub(crate) stem: Arc<Stem>,
    /// Whether its image is to be provided before a container is started for it.
    pub(crate) awaits_image: bool,
    /// Its part in that, once it was asked for, while it waits.
    pub(crate) provision: Option<Provision>,
    /// When it was taken from the topic.
    pub(crate) taken: Instant,
    /// When it is too late to begin.
    pub(crate) deadline: Moment,
    /// Its waiting for a container.
    pub(crate) wait: Wait,
    /// How often a container was found dead before it got the activation.
    pub(crate) bounces: u32,
}

impl Job {
    pub(crate) fn request(&self) -> Request {
        Request {
            activation: self.message.activation_id,
            key: self.key.clone(),
            stem: Arc::clone(&self.stem),
            concurrency: self.action.limits.concurrency,
            instances: self.action.limits.instances,
            deadline: Some(self.deadline),
            awaits_image: self.awaits_image,
        }
    }

    /// What the invoker took for it until `now` beside waiting for containers and `at_work` in one.
    pub(crate) fn overhead(&self, now: Instant, at_work: Duration) -> Duration {
        now.saturating_duration_since(self.taken).saturating_sub(self.wait.total + at_work)
    }
}

/// How long a job has waited for containers: from the turn in which it was the pool's to the one in which it got one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wait {
    since: Moment,
    /// All of it up to the last container.
    pub(crate) total: Duration,
}

impl Wait {
    pub(crate) fn begin(&mut self, now: Moment) {
        self.since = now;
    }

    pub(crate) fn end(&mut self, now: Moment) {
        self.total += now.saturating_sub(self.since);
    }
}

/// When it is too late to begin what was asked for at `arrived`, `now` being `clock` on the clocks of the world. The
/// host that noted the arrival may be ahead: never later than `patience` from now.
pub(crate) fn deadline(now: Moment, clock: Timestamp, arrived: Timestamp, patience: Duration) -> Moment {
    let waited = Duration::from_millis(clock.millis_since(arrived));
    now + patience.saturating_sub(waited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_waited_elsewhere_counts_and_a_clock_that_is_ahead_does_not() {
        let (now, patience) = (Moment::from_secs(1000), Duration::from_secs(300));
        let at = |arrived| deadline(now, Timestamp(5_000_000), Timestamp(arrived), patience);
        assert_eq!(at(5_000_000), Moment::from_secs(1300));
        assert_eq!(at(4_900_000), Moment::from_secs(1200));
        assert_eq!(at(4_000_000), now, "too late already");
        assert_eq!(at(9_000_000), Moment::from_secs(1300), "not from the future");
    }
}
