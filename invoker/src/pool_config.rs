//! What the pool may use and keep, from the invoker's settings, its kinds and its host.

use std::sync::Arc;
use std::time::Duration;

use whirl_model::RuntimeManifest;
use whirl_scheduling::pool::{PoolConfig, ReactiveRule, Stem, StemRule};

use crate::InvokerConfig;
use crate::containers::Host;

pub(crate) fn of(config: &InvokerConfig, manifest: &RuntimeManifest, host: Host) -> PoolConfig {
    let stem_cells = manifest.iter().flat_map(|runtime| {
        runtime.stem_cells.iter().map(|cell| StemRule {
            stem: Arc::new(Stem {
                kind: runtime.kind.clone(),
                image: runtime.image.clone(),
                memory: u32::try_from(cell.memory.as_megabytes()).unwrap_or(u32::MAX),
                cpu: cell.cpu,
                gpu: cell.gpu.clone(),
            }),
            initial_count: cell.initial_count,
            reactive: cell.reactive.as_ref().map(|r| ReactiveRule {
                min_count: r.min_count,
                max_count: r.max_count,
                ttl: r.ttl,
                threshold: r.threshold,
                increment: r.increment,
            }),
        })
    });
    PoolConfig {
        memory: config.memory,
        cpu: host.cpu,
        gpus: host.gpus,
        parallel_starts: config.parallel_starts,
        pause_grace: Duration::from_secs(config.pause_grace_seconds),
        idle_timeout: Duration::from_secs(config.idle_timeout_seconds),
        gpu_idle_timeout: Duration::from_secs(config.gpu_idle_timeout_seconds),
        refill_delay: Duration::from_millis(config.stem_refill_milliseconds),
        stem_check_interval: Duration::from_secs(config.stem_check_seconds),
        stem_cells: stem_cells.collect(),
        ..PoolConfig::default()
    }
}
