//! What is asked of the balancer, what it answers, and what it is told afterwards.

use std::time::Duration;

use whirl_model::{ActivationId, Cores, Epoch, GpuLimit, InvokerId};

use crate::Moment;

/// What the balancer may do.
#[derive(Clone, Copy, Debug)]
pub struct BalancerConfig {
    /// Activations that may wait for memory at one invoker, as far as this balancer knows.
    pub queue: u32,
    /// How long a sick invoker gets nothing before it is tried again.
    pub rest: Duration,
}

impl Default for BalancerConfig {
    fn default() -> Self {
        Self { queue: 256, rest: Duration::from_secs(10) }
    }
}

/// An activation that wants an invoker.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its id.
    pub activation: ActivationId,
    /// Its action's [`placement_hash`](whirl_model::health::placement_hash).
    pub place: u64,
    /// The mebibytes that it needs.
    pub memory: u32,
    /// The CPU cores that it wants for its own.
    pub cpu: Option<Cores>,
    /// The GPUs that it needs.
    pub gpu: Option<GpuLimit>,
    /// What its host has to offer.
    pub tags: Vec<String>,
    /// When it is given up if nothing was heard of it.
    pub deadline: Moment,
}

impl Request {
    /// Whether it needs nothing that is counted but memory.
    pub(super) fn is_plain(&self) -> bool {
        self.cpu.is_none() && self.gpu.is_none()
    }
}

/// Where an activation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The invoker.
    pub invoker: InvokerId,
    /// Its life that is meant.
    pub epoch: Epoch,
    /// Why this one.
    pub reason: Reason,
}

/// Why an invoker was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is the action's home and has room.
    Home,
    /// Home is full, and this one has room and an idle container of the action.
    Warm,
    /// Home is full, and this is the next of the action's places that has room.
    Spill,
    /// Nobody has room: the activation waits there.
    Queued,
}

/// Why there is no place for an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No invoker takes work.
    NoInvoker,
    /// None of those that take work is large enough and has the tags.
    NoneFits,
    /// None of those that would do otherwise has a fitting GPU, free or not.
    NoGpu,
    /// All that would do are full, and so are their queues.
    Overloaded,
}

/// An invoker's word that an activation has left it.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The activation.
    pub activation: ActivationId,
    /// Who had it.
    pub invoker: InvokerId,
    /// In which life.
    pub epoch: Epoch,
    /// The last report that the invoker had begun before: reports up to that one count the activation.
    pub report: u64,
    /// Whether the platform, not the action, failed.
    pub internal_error: bool,
}

/// How an invoker is, as the balancer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvokerState {
    /// Its number.
    pub id: InvokerId,
    /// Its latest life.
    pub epoch: Epoch,
    /// Whether it gets work, and if not, what kind of trouble it has.
    pub state: Health,
    /// The trouble, for people.
    pub reason: Option<String>,
}

/// Whether an invoker gets work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Up,
    /// It is there, but its activations fail.
    Unhealthy,
    /// It is there, but its activations do not end.
    Unresponsive,
    /// It is gone, or going.
    Down,
}
