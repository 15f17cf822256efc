//! What the pool tells the shell.

use std::sync::Arc;

use whirl_model::ActivationId;

use super::{ContainerId, StartFailure, Stem};
use crate::Moment;

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start a container; answer `Started` or `StartFailed`.
    Start(ContainerId, Arc<Stem>),
    /// Send the code of the activation's action, answer `Initialised`, run it, answer `Ended`.
    Initialise(ContainerId, ActivationId),
    /// Run it; answer `Ended` or `Bounced`.
    Run(ContainerId, ActivationId),
    /// Freeze a container; answer `Paused` or `FreezerFailed`.
    Pause(ContainerId),
    /// Thaw a container, answer `Resumed` and run the activation; or answer `FreezerFailed`.
    Resume(ContainerId, ActivationId),
    /// Remove a container; answer `Removed` or `RemoveFailed`.
    Destroy(ContainerId),
    /// End an activation that cannot run.
    Reject(ActivationId, Rejection),
    /// Take so many more activations from the feed.
    GrantCredit(usize),
    /// Send `Tick` then. Replaces an earlier wish.
    WakeAt(Moment),
    /// Draining is over: nothing waits, runs or exists any more.
    Drained,
}

/// Why an activation cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It needs more memory than the whole pool has.
    TooLarge {
        /// Mebibytes it needs.
        needs: u32,
        /// Mebibytes there are.
        has: u32,
    },
    /// No container could be started for it.
    StartFailed(StartFailure),
}
