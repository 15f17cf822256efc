//! What the pool may use and how long it keeps things.

use std::time::Duration;

use super::StemRule;

/// What the pool may use and how long it keeps things.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Mebibytes for all containers together.
    pub memory: u32,
    /// Activations taken from the feed and not yet ended.
    pub credit: usize,
    /// Containers being started at once.
    pub parallel_starts: usize,
    /// How long an idle container stays unpaused.
    pub pause_grace: Duration,
    /// How long an idle container is kept, paused or not.
    pub idle_timeout: Duration,
    /// How often later requests may take a warm container past one that waits for memory.
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
            credit: 256,
            parallel_starts: 4,
            pause_grace: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(600),
            max_bypass: 32,
            refill_delay: Duration::from_millis(200),
            stem_check_interval: Duration::from_secs(600),
            stem_cells: Vec::new(),
        }
    }
}
