//! Which invoker gets an activation, and how the invokers are. The controller only asks.

use whirl_model::{ActivationMessage, InvokerId};

/// How an invoker is, in the words of the admin port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvokerState {
    /// It runs activations.
    Up,
    /// It is there, but its containers fail.
    Unhealthy,
    /// It is there, but does not answer in time.
    Unresponsive,
    /// It is gone.
    Down,
}

impl InvokerState {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Unhealthy => "unhealthy",
            Self::Unresponsive => "unresponsive",
            Self::Down => "down",
        }
    }
}

/// The invokers that the controller may use.
pub trait Invokers: Send + Sync {
    /// The invoker for an activation; `None` if there is no healthy one.
    fn choose(&self, activation: &ActivationMessage) -> Option<InvokerId>;

    /// All of them, in order of their numbers.
    fn states(&self) -> Vec<(InvokerId, InvokerState)>;
}

/// The one invoker of a standalone process, up as long as the process is.
#[derive(Clone, Copy, Debug)]
pub struct OneInvoker(pub InvokerId);

impl Invokers for OneInvoker {
    fn choose(&self, _: &ActivationMessage) -> Option<InvokerId> {
        Some(self.0)
    }

    fn states(&self) -> Vec<(InvokerId, InvokerState)> {
        vec![(self.0, InvokerState::Up)]
    }
}
