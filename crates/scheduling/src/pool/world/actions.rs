//! The host of the random world and what its tenants run there.

use whirl_model::GpuAmount::{self, Devices, Share};
use whirl_model::{Cores, DocId, GpuDevice, GpuLimit, Kind, Revision};

use super::*;

/// The last ones can never run.
pub(super) const COUNT: u8 = 10;
/// This one has an image of its own.
const USERS_IMAGE: u8 = 1;

type Gpu = Option<(GpuAmount, Option<&'static str>)>;

/// Mebibytes, thousandths of a core, GPUs.
const SHAPES: [(u32, u32, Gpu); COUNT as usize] = [
    (256, 0, None),
    (256, 0, None),
    (512, 0, None),
    (1024, 500, None),
    (256, 1000, None),
    (256, 0, Some((Share(2), None))),
    (256, 0, Some((Devices(1), Some("a10")))),
    (512, 500, Some((Devices(2), None))),
    (4096, 0, None),
    (256, 0, Some((Devices(3), Some("a10")))),
];

/// What one tenant asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) tenant: u8,
    pub(super) action: u8,
    /// Also how many activations at once its containers run.
    pub(super) revision: u8,
    /// A binding if it is 1, other arguments for `/init` if it is 2 or 3.
    pub(super) given: u8,
    /// The limit, if it is below 3.
    pub(super) instances: u8,
    /// After how many milliseconds it is too late.
    pub(super) patience: Option<u16>,
}

pub(super) fn request(activation: ActivationId, ask: Ask, now: Moment) -> Request {
    Request {
        activation,
        key: WarmKey {
            namespace: ["alice", "mallory"][usize::from(ask.tenant)].parse().unwrap(),
            action: DocId::from(format!("alice/{}", ask.action).as_str()),
            revision: Revision::from(format!("{}-x", ask.revision)),
            binding: (ask.given == 1).then(|| "bob/bound".parse().unwrap()),
            environment: matches!(ask.given, 2 | 3).then_some([ask.given; 32]),
        },
        stem: stem(ask.action),
        concurrency: ask.revision.into(),
        instances: (ask.instances < 3).then_some(ask.instances.into()),
        deadline: ask.patience.map(|millis| now + Moment::from_millis(millis.into())),
        awaits_image: stem(ask.action).is_users_image(),
    }
}

pub(super) fn concurrency(key: &WarmKey) -> usize {
    key.revision.as_str().split('-').next().and_then(|n| n.parse().ok()).unwrap()
}

pub(super) fn stem(action: u8) -> Arc<Stem> {
    let (memory, cpu, gpu) = SHAPES[usize::from(action)];
    Arc::new(Stem {
        kind: if action == USERS_IMAGE { Kind::blackbox() } else { Kind::new("nodejs:20") },
        image: "whirl/node".parse().unwrap(),
        memory,
        cpu: (cpu > 0).then_some(Cores::from_thousandths(cpu)),
        gpu: gpu.map(|(amount, class)| GpuLimit { amount, class: class.map(|class| class.parse().unwrap()) }),
    })
}

pub(super) fn devices() -> Vec<GpuDevice> {
    let device = |(id, class, ways): (&str, &str, u32)| GpuDevice {
        id: GpuId::new(id),
        model: String::new(),
        class: class.parse().unwrap(),
        memory: 0,
        ways,
    };
    [("GPU-0", "a10", 3), ("GPU-1", "h100", 1), ("GPU-2", "a10", 2)].map(device).to_vec()
}

pub(super) fn config() -> PoolConfig {
    let reactive =
        ReactiveRule { min_count: 1, max_count: 2, ttl: Moment::from_secs(4), threshold: 1, increment: 1 };
    let plain = |action, initial_count| StemRule { stem: stem(action), initial_count, reactive: None };
    PoolConfig {
        memory: 2048,
        cpu: Cores::from_thousandths(2000),
        gpus: devices(),
        parallel_starts: 3,
        max_bypass: 2,
        idle_timeout: Moment::from_secs(40),
        gpu_idle_timeout: Moment::from_secs(5),
        stem_check_interval: Moment::from_secs(5),
        stem_cells: vec![
            StemRule { stem: stem(0), initial_count: 1, reactive: Some(reactive) },
            plain(2, 1),
            plain(5, 1),
        ],
        ..PoolConfig::default()
    }
}
