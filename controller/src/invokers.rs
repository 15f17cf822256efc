//! Which invoker gets an activation, and how the invokers are. The controller only asks.

use std::time::Instant;

use serde::Serialize;
use whirl_model::{
    Acknowledgement, Action, ActivationId, Cores, Epoch, GpuReport, InvokerId, InvokerReport, Namespace,
    Position,
};
use whirl_scheduling::balancer::{Health, Refusal};

/// An activation that needs an invoker.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// Its id.
    pub activation: ActivationId,
    /// The namespace that invokes.
    pub namespace: &'a Namespace,
    /// What is to run.
    pub action: &'a Action,
    /// When the controller gives it up.
    pub deadline: Instant,
}

/// One life of an invoker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The invoker.
    pub invoker: InvokerId,
    /// Which of its lives.
    pub epoch: Epoch,
}

/// What an invoker has for containers, and what of it is free, by its own last word.
#[derive(Clone, Debug, Serialize)]
pub struct Resources {
    /// Mebibytes of memory.
    pub memory: Part<u32>,
    /// CPU cores for those that ask for their own.
    pub cpu: Part<Cores>,
    /// GPUs.
    pub gpus: Vec<GpuReport>,
}

/// How much there is, and how much of it no running or waiting activation needs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Part<T> {
    /// All.
    pub total: T,
    /// What is free.
    pub free: T,
}

impl From<&InvokerReport> for Resources {
    fn from(report: &InvokerReport) -> Self {
        Self {
            memory: Part { total: report.memory_total, free: report.memory_free },
            cpu: Part { total: report.cpu_total, free: report.cpu_free },
            gpus: report.gpus.clone(),
        }
    }
}

/// The invokers that the controller may use.
pub trait Invokers: Send + Sync {
    /// Chooses the invoker for an activation and reserves its place there. What follows is told by the other
    /// methods. The place is free again with [`Self::withdraw`], with [`Self::ended`], when the invoker's life
    /// is over, or at the deadline.
    ///
    /// # Errors
    /// When there is none that can take it.
    fn place(&self, demand: &Demand<'_>) -> Result<Life, Refusal>;

    /// The activation is in its invoker's topic.
    fn published(&self, _activation: ActivationId, _position: Position) {}

    /// The activation was not published. If it turns up there after all, the invoker's own reports count it.
    fn withdraw(&self, _activation: ActivationId) {}

    /// The activation's place is free again, by its invoker's word.
    fn ended(&self, _acknowledgement: &Acknowledgement) {}

    /// When a life was seen to have ended; `None` while it goes on, as far as is known.
    fn over_since(&self, _life: Life) -> Option<Instant> {
        None
    }

    /// How many controllers use them, this one included.
    fn controllers(&self) -> u32 {
        1
    }

    /// All of them, in order of their numbers.
    fn states(&self) -> Vec<(InvokerId, Health)>;

    /// What those have that report it and are there, in order of their numbers.
    fn resources(&self) -> Vec<(InvokerId, Resources)> {
        Vec::new()
    }
}

/// The one invoker of a standalone process: it has one life, which is the process's, and takes everything.
#[derive(Clone, Copy, Debug)]
pub struct OneInvoker(pub InvokerId);

impl Invokers for OneInvoker {
    fn place(&self, _: &Demand<'_>) -> Result<Life, Refusal> {
        Ok(Life { invoker: self.0, epoch: Epoch::default() })
    }

    fn states(&self) -> Vec<(InvokerId, Health)> {
        vec![(self.0, Health::Up)]
    }
}
