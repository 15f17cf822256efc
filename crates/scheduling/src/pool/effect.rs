//! What the pool tells the shell.

use std::sync::Arc;

use whirl_model::{ActivationId, Cores, GpuId, GpuLimit};

use super::{ContainerId, StartFailure, Stem};
use crate::Moment;

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// See to it that the image of the activation's stem is on the host, for as long as the activation waits; answer
    /// `Provided` or `NotProvided`. Meanwhile it holds nothing there.
    Provide(ActivationId),
    /// Start a container with these GPUs and no others; answer `Started` or `StartFailed`.
    Start(ContainerId, Arc<Stem>, Vec<GpuId>),
    /// Send the code of the activation's action, answer `Initialised`, run it, answer `Ended`.
    Initialise(ContainerId, ActivationId, Cold),
    /// Run it; answer `Ended` or `Bounced`.
    Run(ContainerId, ActivationId),
    /// Freeze a container; answer `Paused`, `PausePutOff` or `FreezerFailed`.
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

/// Why an activation is not warm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cold {
    /// Where its container comes from.
    pub origin: Origin,
    /// Why none that holds the action could be used.
    pub reason: ColdReason,
}

/// Where a container comes from that gets code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It stood ready as a stem cell.
    StemCell,
    /// It was started for want of one.
    NewContainer,
}

/// Why no container that holds the action could be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColdReason {
    /// None ever held it, as far as is remembered.
    First,
    /// Those that hold it are busy.
    Busy,
    /// Those that are there hold another revision, or the action of another binding or with other arguments of `/init`.
    Updated,
    /// The last one went to make room.
    Evicted,
    /// The last one was not used for too long.
    Expired,
    /// The last one broke, or its activation failed it.
    Broken,
}

/// Why an activation cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It needs more CPU cores than the whole pool has.
    TooManyCores {
        /// Cores it needs.
        needs: Cores,
        /// Cores there are.
        has: Cores,
    },
    /// The host has no such GPUs.
    NoGpu(GpuLimit),
    /// It has waited until it was too late to begin.
    Expired,
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
