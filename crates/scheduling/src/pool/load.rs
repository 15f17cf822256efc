//! What a pool says of itself: to those who choose among invokers, how much is free, what waits, what is warm; to
//! people, what there is. Read from its state; it decides nothing.

use std::collections::{BTreeMap, HashSet};

use whirl_model::health::placement_hash;
use whirl_model::{Cores, GpuReport};

use super::container::State;
use super::resources::Resources;
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

/// What there is, for metrics and people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// State name to number of containers.
    pub containers: BTreeMap<&'static str, usize>,
    /// Mebibytes in use, idle containers and removals not yet confirmed included.
    pub memory_used: u32,
    /// Mebibytes for all containers together.
    pub memory_total: u32,
    /// CPU cores in use, counted like the memory.
    pub cpu_used: Cores,
    /// CPU cores for all containers that ask for their own.
    pub cpu_total: Cores,
    /// The GPUs, and how much of each no container has, idle or not.
    pub gpus: Vec<GpuReport>,
    /// Activations waiting for a container.
    pub waiting: usize,
}

impl Pool {
    /// How much there is to do and what could be taken.
    #[must_use]
    pub fn load(&self) -> PoolLoad {
        let mut needed = Resources::new(&self.config);
        let held = self.fleet.values().filter(|container| is_needed(&container.state));
        held.for_each(|container| needed.hold(&container.holding));
        self.queue.requests().for_each(|request| needed.earmark(&request.stem));
        PoolLoad {
            memory_total: self.config.memory,
            memory_free: needed.memory_free(),
            cpu_total: self.config.cpu,
            cpu_free: needed.cpu_free(),
            gpus: needed.gpus().report(),
            waiting: self.queue.len(),
            running: self.fleet.values().map(|container| container.state.running() as usize).sum(),
            warm: self.warm_hints(),
        }
    }

    /// How many slots of GPUs containers have, idle or not.
    #[must_use]
    pub fn gpu_slots_held(&self) -> u32 {
        self.fleet.resources().gpus().held()
    }

    /// What there is.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let mut containers = BTreeMap::new();
        for container in self.fleet.values() {
            *containers.entry(container.state.name()).or_default() += 1;
        }
        let resources = self.fleet.resources();
        PoolStatus {
            containers,
            memory_used: resources.memory_held(),
            memory_total: self.config.memory,
            cpu_used: resources.cpu_held(),
            cpu_total: self.config.cpu,
            gpus: resources.gpus().report(),
            waiting: self.queue.len(),
        }
    }

    fn warm_hints(&self) -> Vec<u64> {
        let mut idle: Vec<(Moment, &WarmKey)> = self
            .fleet
            .values()
            .filter_map(|container| Some((container.state.idle_since()?, container.key()?)))
            .collect();
        idle.sort_by(|(a, key), (b, other)| b.cmp(a).then_with(|| key.action.cmp(&other.action)));
        let mut seen = HashSet::new();
        let hashes = idle.into_iter().map(|(_, key)| placement_hash(&key.namespace, &key.action));
        hashes.filter(|hash| seen.insert(*hash)).take(WARM_HINTS).collect()
    }
}

/// Whether what a container holds is an activation's, or not to be had yet.
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
