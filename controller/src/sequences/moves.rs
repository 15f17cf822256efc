//! What a sequence or composition does next by itself, and what it may hear of a component: the words in which it
//! and the machine around it talk.

use whirl_model::{ActionPath, ActivationResponse, Arguments};

/// Why a component cannot be invoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is none.
    Missing,
    /// The caller has no right to it.
    Denied,
    /// It is there and is not run, for this reason.
    NotRunnable(String),
    /// The platform cannot tell now.
    Platform,
}

/// What an activation that is made of others does next by itself.
#[derive(Debug)]
pub(super) enum Move {
    /// Find a component.
    Find(ActionPath),
    /// Run its conductor.
    Conduct(Arguments),
    /// End.
    End(ActivationResponse),
}
