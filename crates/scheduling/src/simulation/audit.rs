//! What one pool's containers truly are, by the effects that it asked for: whoever asks for what must not be is found
//! out at once. It believes nothing that the pool says of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use whirl_model::{GpuAmount, GpuDevice, GpuId, GpuLimit};

use super::workload::Action;
use crate::pool::{ContainerId, PoolConfig, Stem};

/// What is wrong, for people.
pub(super) type Found<T = ()> = Result<T, String>;

/// The containers of one life of an invoker.
#[derive(Debug)]
pub(super) struct Audit {
    memory: u32,
    cores: u32,
    gpus: Vec<Gpu>,
    memory_used: u32,
    cores_used: u32,
    containers: BTreeMap<ContainerId, Container>,
    /// How many containers hold an action, by its number.
    holders: BTreeMap<usize, u32>,
}

#[derive(Debug)]
struct Gpu {
    device: GpuDevice,
    used: u32,
}

#[derive(Debug)]
struct Container {
    stem: Arc<Stem>,
    /// Which GPUs it has, and how many ways of each.
    parts: Vec<(usize, u32)>,
    /// The action that it holds.
    holds: Option<Arc<Action>>,
    running: u32,
    concurrency: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Starting,
    Ready,
    /// Frozen, or about to be.
    Frozen,
    /// Being removed, or to be removed again as that failed.
    Going {
        failed: bool,
    },
}

/// Finds fault unless something holds.
pub(super) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(what()) }
}

impl Audit {
    pub(super) fn new(config: &PoolConfig) -> Self {
        Self {
            memory: config.memory,
            cores: config.cpu.thousandths(),
            gpus: config.gpus.iter().map(|device| Gpu { device: device.clone(), used: 0 }).collect(),
            memory_used: 0,
            cores_used: 0,
            containers: BTreeMap::new(),
            holders: BTreeMap::new(),
        }
    }

    /// Mebibytes of all containers.
    pub(super) fn memory_used(&self) -> u32 {
        self.memory_used
    }

    pub(super) fn is_empty(&self) -> bool {
        let used = self.gpus.iter().map(|gpu| gpu.used).sum::<u32>();
        self.containers.is_empty() && (self.memory_used, self.cores_used, used) == (0, 0, 0)
    }

    /// Some container, by a random number.
    pub(super) fn any(&self, roll: u64) -> Option<ContainerId> {
        let number = roll.checked_rem(self.containers.len() as u64)?;
        self.containers.keys().nth(number as usize).copied()
    }

    pub(super) fn start(&mut self, id: ContainerId, stem: &Arc<Stem>, gpus: &[GpuId]) -> Found {
        let parts = self.parts(stem.gpu.as_ref(), gpus)?;
        for (number, ways) in &parts {
            let gpu = &mut self.gpus[*number];
            gpu.used += ways;
            ensure(gpu.used <= gpu.device.ways, || format!("{} is over-committed by {id:?}", gpu.device.id))?;
        }
        self.memory_used += stem.memory;
        self.cores_used += stem.cpu.unwrap_or_default().thousandths();
        ensure(self.memory_used <= self.memory, || {
            format!("{id:?} over-commits the memory: {} MiB of {}", self.memory_used, self.memory)
        })?;
        ensure(self.cores_used <= self.cores, || {
            format!("{id:?} over-commits the cores: {} thousandths of {}", self.cores_used, self.cores)
        })?;
        let stem = Arc::clone(stem);
        let container =
            Container { stem, parts, holds: None, running: 0, concurrency: 1, state: State::Starting };
        ensure(self.containers.insert(id, container).is_none(), || format!("{id:?} is started twice"))
    }

    /// What a container has of which device. It must be what it asked for and no more.
    fn parts(&self, limit: Option<&GpuLimit>, ids: &[GpuId]) -> Found<Vec<(usize, u32)>> {
        let amount = limit.map(|limit| limit.amount);
        let wanted = match amount {
            None => 0,
            Some(GpuAmount::Devices(devices)) => devices as usize,
            Some(GpuAmount::Share(_)) => 1,
        };
        ensure(ids.len() == wanted, || format!("{limit:?} asks for {wanted} GPUs and gets {ids:?}"))?;
        let part = |(n, id): (usize, &GpuId)| {
            let known = self.gpus.iter().position(|gpu| gpu.device.id == *id && !ids[..n].contains(id));
            let number = known.ok_or_else(|| format!("{id} is not here, or twice in {ids:?}"))?;
            let device = &self.gpus[number].device;
            let class = limit.and_then(|limit| limit.class.as_ref());
            ensure(class.is_none_or(|class| *class == device.class), || {
                format!("{id} is not of class {class:?}")
            })?;
            Ok((
                number,
                match amount {
                    Some(GpuAmount::Share(parts)) => device.ways.div_ceil(parts),
                    _ => device.ways,
                },
            ))
        };
        ids.iter().enumerate().map(part).collect()
    }

    pub(super) fn started(&mut self, id: ContainerId) -> Found {
        self.get(id)?.state = State::Ready;
        Ok(())
    }

    /// A container gets code and will run it once.
    pub(super) fn initialise(&mut self, id: ContainerId, action: &Arc<Action>) -> Found {
        let container = self.get(id)?;
        let fresh = container.state == State::Ready && container.holds.is_none();
        ensure(fresh && container.stem == action.stem, || {
            format!("{id:?} is initialised for {:?}: {container:?}", action.key)
        })?;
        container.holds = Some(Arc::clone(action));
        container.concurrency = action.concurrency;
        container.running = 1;
        let holders = self.holders.entry(action.identity.0).or_default();
        *holders += 1;
        ensure(action.instances.is_none_or(|most| *holders <= most), || {
            format!("{} containers hold {:?}, whose limit is {:?}", holders, action.key, action.instances)
        })
    }

    /// A container that takes code turns out to run one activation at a time.
    pub(super) fn serial(&mut self, id: ContainerId) -> Found {
        self.get(id)?.concurrency = 1;
        Ok(())
    }

    /// Whether there is a container that several may run in.
    pub(super) fn is_shared(&self, id: ContainerId) -> bool {
        self.containers.get(&id).is_some_and(|container| container.concurrency > 1)
    }

    pub(super) fn run(&mut self, id: ContainerId, action: &Arc<Action>) -> Found {
        let container = self.get(id)?;
        let ready = container.state == State::Ready && container.running < container.concurrency;
        ensure(ready && container.serves(action), || format!("{id:?} runs {:?}: {container:?}", action.key))?;
        container.running += 1;
        Ok(())
    }

    pub(super) fn resume(&mut self, id: ContainerId, action: &Arc<Action>) -> Found {
        let container = self.get(id)?;
        let frozen = container.state == State::Frozen && container.running == 0;
        ensure(frozen && container.serves(action), || {
            format!("{id:?} resumes for {:?}: {container:?}", action.key)
        })?;
        container.state = State::Ready;
        container.running = 1;
        Ok(())
    }

    /// An activation has left a container, or has never begun there.
    pub(super) fn leave(&mut self, id: ContainerId) -> Found {
        let container = self.get(id)?;
        ensure(container.running > 0, || format!("something left {id:?}: {container:?}"))?;
        container.running -= 1;
        Ok(())
    }

    pub(super) fn pause(&mut self, id: ContainerId) -> Found {
        let container = self.get(id)?;
        let idle = container.state == State::Ready && container.running == 0 && container.holds.is_some();
        ensure(idle, || format!("{id:?} is paused: {container:?}"))?;
        container.state = State::Frozen;
        Ok(())
    }

    pub(super) fn destroy(&mut self, id: ContainerId) -> Found {
        let container = self.get(id)?;
        let may = matches!(container.state, State::Ready | State::Frozen | State::Going { failed: true });
        ensure(may && container.running == 0, || format!("{id:?} is destroyed: {container:?}"))?;
        container.state = State::Going { failed: false };
        Ok(())
    }

    pub(super) fn remove_failed(&mut self, id: ContainerId) -> Found {
        self.get(id)?.state = State::Going { failed: true };
        Ok(())
    }

    /// Nothing is left of a container.
    pub(super) fn removed(&mut self, id: ContainerId) -> Found {
        let container = self.containers.remove(&id).ok_or_else(|| format!("{id:?} is gone twice"))?;
        self.memory_used -= container.stem.memory;
        self.cores_used -= container.stem.cpu.unwrap_or_default().thousandths();
        container.parts.iter().for_each(|(number, ways)| self.gpus[*number].used -= ways);
        if let Some(action) = container.holds {
            self.holders.entry(action.identity.0).and_modify(|holders| *holders -= 1);
        }
        Ok(())
    }

    fn get(&mut self, id: ContainerId) -> Found<&mut Container> {
        self.containers.get_mut(&id).ok_or_else(|| format!("{id:?} does not exist"))
    }
}

impl Container {
    /// Whether it holds this action of this namespace in this state.
    fn serves(&self, action: &Action) -> bool {
        self.holds.as_ref().is_some_and(|held| held.key == action.key)
    }
}
