//! What a pool says of itself to those who choose among invokers: how much is free, what waits, what is warm.
//! Read from its state; it decides nothing.

use std::collections::HashSet;

use whirl_model::health::placement_hash;
use whirl_model::{Cores, GpuReport};

use super::container::State;
use super::{Pool, WarmKey};
use crate::Moment;

/// At most so many actions are named as warm.
const WARM_HINTS: usize = 64;

/// How much a pool has to do and what it could take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolLoad {
    /// Mebibytes for all containers together.
    pub memory_total: u32,
    /// Mebibytes that neither running nor waiting activations need, nor containers whose removal is not yet
    /// confirmed. Idle containers and stem cells count as free: they go when their memory is wanted.
    pub memory_free: u32,
    /// CPU cores for all containers that ask for their own.
    pub cpu_total: Cores,
    /// Those that are free, counted like the memory.
    pub cpu_free: Cores,
    /// The GPUs, and how much of each is free, counted like the memory.
    pub gpus: Vec<GpuReport>,
    /// Activations waiting for a container.
    pub waiting: usize,
    /// Activations that have one.
    pub running: usize,
    /// [`placement_hash`]es of actions with an idle container, the last used first, at most 64.
    pub warm: Vec<u64>,
}

impl Pool {
    /// How much there is to do and what could be taken.
    #[must_use]
    pub fn load(&self) -> PoolLoad {
        let memory_total = self.config.memory;
        let waiting_need = self.waiting.iter().map(|w| w.request.stem.memory);
        let held = self.containers.values().filter(|c| is_needed(&c.state)).map(|c| c.stem.memory);
        let needed = held.chain(waiting_need).fold(0, u32::saturating_add);
        PoolLoad {
            memory_total,
            memory_free: memory_total.saturating_sub(needed),
            cpu_total: self.config.cpu,
            cpu_free: self.config.cpu,
            gpus: Vec::new(),
            waiting: self.waiting.len(),
            running: self.containers.values().map(|c| running(&c.state)).sum(),
            warm: self.warm_hints(),
        }
    }

    fn warm_hints(&self) -> Vec<u64> {
        let mut idle: Vec<(Moment, &WarmKey)> =
            self.containers.values().filter_map(|c| idle_since(&c.state)).collect();
        idle.sort_by(|(a, key), (b, other)| b.cmp(a).then_with(|| key.action.cmp(&other.action)));
        let mut seen = HashSet::new();
        let hashes = idle.into_iter().map(|(_, key)| placement_hash(&key.namespace, &key.action));
        hashes.filter(|hash| seen.insert(*hash)).take(WARM_HINTS).collect()
    }
}

/// Whether a container's memory is an activation's, or not to be had yet.
fn is_needed(state: &State) -> bool {
    match state {
        State::Initialising { .. } | State::Busy { .. } | State::Resuming { .. } | State::Removing { .. } => {
            true
        }
        // A request that it is started for waits, and is counted there.
        State::Starting => false,
        State::Stem { .. } | State::Idle { .. } | State::Pausing { .. } | State::Paused { .. } => false,
    }
}

fn running(state: &State) -> usize {
    match state {
        State::Initialising { .. } | State::Resuming { .. } => 1,
        State::Busy { running, .. } => *running as usize,
        _ => 0,
    }
}

fn idle_since(state: &State) -> Option<(Moment, &WarmKey)> {
    match state {
        State::Idle { tenancy, since }
        | State::Pausing { tenancy, since }
        | State::Paused { tenancy, since } => Some((*since, &tenancy.key)),
        _ => None,
    }
}
