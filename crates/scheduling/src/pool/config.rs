//! What the pool may use and how long it keeps things.

use std::time::Duration;

use whirl_model::{Cores, GpuDevice};

use super::StemRule;

/// What the pool may use and how long it keeps things.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Mebibytes for all containers together.
    pub memory: u32,
    /// CPU cores for all containers together that ask for their own.
    pub cpu: Cores,
    /// The GPUs that containers may have.
    pub gpus: Vec<GpuDevice>,
    /// Containers that are being started at once, at most.
    pub parallel_starts: usize,
    /// How long an idle container stays unpaused.
    pub pause_grace: Duration,
    /// How long an idle container is kept, paused or not.
    pub idle_timeout: Duration,
    /// How long an idle container with GPUs is kept: they are scarcer than memory.
    pub gpu_idle_timeout: Duration,
    /// How often later requests may take a warm container past one that waits for something of the host.
    pub max_bypass: u32,
    /// How long after a stem cell was taken its successor is started.
    pub refill_delay: Duration,
    /// How often the number of reactive stem cells is reconsidered.
    pub stem_check_interval: Duration,
    /// Which stem cells to keep.
    pub stem_cells: Vec<StemRule>,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            memory: 2048,
            cpu: Cores::from_thousandths(2000),
            gpus: Vec::new(),
            parallel_starts: 4,
            pause_grace: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(600),
            gpu_idle_timeout: Duration::from_secs(60),
            max_bypass: 32,
            refill_delay: Duration::from_millis(200),
            stem_check_interval: Duration::from_secs(600),
            stem_cells: Vec::new(),
        }
    }
}
