//! What the shell tells the pool.

use std::sync::Arc;

use whirl_model::ActivationId;

use super::{ContainerId, Request, Stem};

/// Whether a container can go on after an activation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It can serve the next one.
    Keep,
    /// It is broken, or what it does is unknown.
    Discard,
}

/// Why a container could not be started, or what it is made of not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFailure {
    /// What the caller is told.
    pub message: String,
    /// Whether the action's developer, not the platform, has to mend it.
    pub developers: bool,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// An activation wants to run.
    Arrived(Request),
    /// The image that was asked for by [`Effect::Provide`](super::Effect::Provide) is there.
    Provided(ActivationId),
    /// It cannot be had.
    NotProvided(ActivationId, StartFailure),
    /// A container is up and listens.
    Started(ContainerId),
    /// It could not be started; nothing of it remains.
    StartFailed(ContainerId, StartFailure),
    /// It took the code and now runs the activation that it was initialised for.
    Initialised(ContainerId),
    /// While it takes the code: it runs one activation at a time, whatever the action allows.
    Serial(ContainerId),
    /// An activation ended in it.
    Ended(ContainerId, Fate),
    /// It was found dead before it got the activation's first byte: the request waits again, in front.
    Bounced(ContainerId, Request),
    /// It is frozen.
    Paused(ContainerId),
    /// It is not to be frozen yet, and goes on.
    PausePutOff(ContainerId),
    /// It goes on, and runs the activation that it was resumed for.
    Resumed(ContainerId),
    /// It could be neither frozen nor thawed.
    FreezerFailed(ContainerId),
    /// It must not be used again: it ended by itself, or its log is out of step.
    Condemned(ContainerId),
    /// It is gone for good.
    Removed(ContainerId),
    /// It could not be removed.
    RemoveFailed(ContainerId),
    /// The time asked for by [`Effect::WakeAt`](super::Effect::WakeAt) has come.
    Tick,
    /// Nobody knows whether containers start: try one of this stem. It becomes a stem cell, in the place of one that
    /// an earlier probe left. Something may have to go to make room for it; then the next probe starts it.
    Probe(Arc<Stem>),
    /// Finish what is there and remove everything.
    Drain,
}
