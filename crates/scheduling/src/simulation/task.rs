//! What takes time at an invoker.

use whirl_model::ActivationId;

use crate::pool::ContainerId;

/// Something that the factory, or the code, is at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// A user's image is brought to the host.
    Provide(ActivationId),
    Start(ContainerId),
    Initialise(ContainerId, ActivationId),
    /// In a container that was initialised before, or just now.
    Run(ContainerId, ActivationId, Held),
    Pause(ContainerId),
    Resume(ContainerId, ActivationId),
    Destroy(ContainerId),
}

/// Since when a container holds what it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Before,
    JustNow,
}
