//! An activation on its way through the invoker.

use std::sync::Arc;
use std::time::Instant;

use whirl_backends::bus::Receipt;
use whirl_model::{Action, ActivationMessage};
use whirl_scheduling::pool::{Request, Stem, WarmKey};

/// Everything that is needed to run one activation.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) message: Arc<ActivationMessage>,
    pub(crate) action: Arc<Action>,
    pub(crate) receipt: Arc<dyn Receipt>,
    /// What the pool is asked for.
    pub(crate) key: WarmKey,
    pub(crate) stem: Arc<Stem>,
    /// When it was taken from the topic.
    pub(crate) taken: Instant,
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
            deadline: None,
        }
    }
}
