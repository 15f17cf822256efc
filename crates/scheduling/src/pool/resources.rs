//! What a host has for containers, memory, CPU cores and GPUs, and how much of it is held. Nothing is given out
//! twice. Who gets something, and who has to give it back, is decided elsewhere.

mod gpus;

use whirl_model::{Cores, GpuId, GpuLimit};

pub(super) use gpus::Gpus;
use gpus::{Slots, compete, suits};

use super::{PoolConfig, Rejection, Stem};

/// What there is, and how much of it containers hold.
#[derive(Clone, Debug)]
pub(super) struct Resources {
    memory: Meter,
    cpu: Meter,
    gpus: Gpus,
}

#[derive(Clone, Copy, Debug)]
struct Meter {
    total: u32,
    held: u32,
}

impl Meter {
    fn free(self) -> u32 {
        self.total - self.held
    }
}

/// What one container holds, from the order to start it until its removal is confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holding {
    memory: u32,
    cpu: u32,
    gpus: Vec<Slots>,
}

impl Holding {
    pub(super) fn has_gpu(&self) -> bool {
        !self.gpus.is_empty()
    }

    pub(super) fn devices(&self) -> Vec<GpuId> {
        self.gpus.iter().map(|slots| slots.device.clone()).collect()
    }
}

/// What is missing for a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shortage {
    memory: bool,
    cpu: bool,
    gpu: Option<GpuLimit>,
}

impl Shortage {
    /// Whether less would be missing if this were given back.
    pub(super) fn is_eased_by(&self, holding: &Holding) -> bool {
        self.memory && holding.memory > 0 || self.cpu && holding.cpu > 0 || self.wants_gpu_of(holding)
    }

    /// Whether a GPU is missing and this has one that would do.
    pub(super) fn wants_gpu_of(&self, holding: &Holding) -> bool {
        self.gpu.as_ref().is_some_and(|limit| holding.gpus.iter().any(|slots| suits(limit, &slots.class)))
    }

    /// Whether more than one thing is missing.
    pub(super) fn is_manifold(&self) -> bool {
        [self.memory, self.cpu, self.gpu.is_some()].into_iter().filter(|is_missing| *is_missing).count() > 1
    }

    /// Whether every container would take away some of what is missing.
    pub(super) fn is_everyones(&self) -> bool {
        self.memory
    }

    /// Whether a container of this stem would take away what is missing.
    pub(super) fn is_worsened_by(&self, stem: &Stem) -> bool {
        let gpu = |limit| stem.gpu.as_ref().is_some_and(|other| compete(limit, other));
        self.is_everyones() || self.cpu && stem.cpu.is_some() || self.gpu.as_ref().is_some_and(gpu)
    }
}

fn cores(stem: &Stem) -> u32 {
    stem.cpu.map_or(0, Cores::thousandths)
}

impl Resources {
    pub(super) fn new(config: &PoolConfig) -> Self {
        Self {
            memory: Meter { total: config.memory, held: 0 },
            cpu: Meter { total: config.cpu.thousandths(), held: 0 },
            gpus: Gpus::new(&config.gpus),
        }
    }

    /// Why a container of this stem could not be had even if nobody else had anything.
    pub(super) fn refusal(&self, stem: &Stem) -> Option<Rejection> {
        if stem.memory > self.memory.total {
            return Some(Rejection::TooLarge { needs: stem.memory, has: self.memory.total });
        }
        if cores(stem) > self.cpu.total {
            let [needs, has] = [cores(stem), self.cpu.total].map(Cores::from_thousandths);
            return Some(Rejection::TooManyCores { needs, has });
        }
        let limit = stem.gpu.as_ref()?;
        (!self.gpus.could_ever_give(limit)).then(|| Rejection::NoGpu(limit.clone()))
    }

    /// What a container of this stem would get now.
    ///
    /// # Errors
    /// What is missing for it.
    pub(super) fn find(&self, stem: &Stem) -> Result<Holding, Shortage> {
        let gpus = stem.gpu.as_ref().map_or(Some(Vec::new()), |limit| self.gpus.choose(limit));
        let (memory, cpu) = (stem.memory, cores(stem));
        match gpus {
            Some(gpus) if memory <= self.memory.free() && cpu <= self.cpu.free() => {
                Ok(Holding { memory, cpu, gpus })
            }
            gpus => Err(Shortage {
                memory: memory > self.memory.free(),
                cpu: cpu > self.cpu.free(),
                gpu: stem.gpu.clone().filter(|_| gpus.is_none()),
            }),
        }
    }

    /// Whether there is all that a container of this stem needs.
    pub(super) fn suffices(&self, stem: &Stem) -> bool {
        self.find(stem).is_ok()
    }

    /// Counts what a container has; the opposite of [`Self::give_back`].
    pub(super) fn hold(&mut self, holding: &Holding) {
        self.memory.held += holding.memory;
        self.cpu.held += holding.cpu;
        self.gpus.hold(&holding.gpus);
    }

    pub(super) fn give_back(&mut self, holding: &Holding) {
        self.memory.held -= holding.memory;
        self.cpu.held -= holding.cpu;
        self.gpus.give_back(&holding.gpus);
    }

    /// Counts what a container of this stem would have, or whatever of it there is.
    pub(super) fn earmark(&mut self, stem: &Stem) {
        self.memory.held += stem.memory.min(self.memory.free());
        self.cpu.held += cores(stem).min(self.cpu.free());
        if let Some(limit) = &stem.gpu {
            self.gpus.earmark(limit);
        }
    }

    /// Mebibytes that are held.
    pub(super) fn memory_held(&self) -> u32 {
        self.memory.held
    }

    /// Mebibytes that are not held.
    pub(super) fn memory_free(&self) -> u32 {
        self.memory.free()
    }

    pub(super) fn cpu_held(&self) -> Cores {
        Cores::from_thousandths(self.cpu.held)
    }

    pub(super) fn cpu_free(&self) -> Cores {
        Cores::from_thousandths(self.cpu.free())
    }

    pub(super) fn gpus(&self) -> &Gpus {
        &self.gpus
    }
}
