//! How the host's CPU time is shared out among containers, in the numbers that the engine takes. Pure.
//!
//! A container with cores of its own has its hard limit there and goes before the others, as they were set aside for
//! it. The others share the rest by their memory.

use crate::docker::options::CpuOptions;
use crate::factory::ContainerSpec;

/// The kernel takes no fewer shares, and no more.
const SHARES: std::ops::RangeInclusive<u64> = 2..=262_144;
/// A core of one's own weighs as much as so many times all containers without.
const WEIGHT_OF_A_CORE: u64 = 16;
const THOUSANDTHS: u64 = 1000;
/// Of CPU time, in billionths of a core: the engine takes no less.
const LEAST_LIMIT: f64 = 1e7;

/// The weight against other containers where all are busy.
pub(super) fn shares(spec: &ContainerSpec, options: &CpuOptions) -> i64 {
    let all = u64::from(options.shares);
    let shares = match spec.cpu {
        Some(cores) => all * WEIGHT_OF_A_CORE * u64::from(cores.thousandths()) / THOUSANDTHS,
        None => all * u64::from(spec.memory) / u64::from(options.memory.max(1)),
    };
    i64::try_from(shares.clamp(*SHARES.start(), *SHARES.end())).unwrap_or(i64::MAX)
}

/// The hard limit, in billionths of a core: its own cores, else the container's part of what all may have, if there
/// is such a limit.
pub(super) fn limit(spec: &ContainerSpec, options: &CpuOptions) -> Option<i64> {
    let billionths = match spec.cpu {
        Some(cores) => f64::from(cores.thousandths()) * 1e6,
        None => f64::from(options.limit?) * f64::from(spec.memory) / f64::from(options.memory.max(1)) * 1e9,
    };
    #[expect(clippy::cast_possible_truncation, reason = "a number of cores times 1e9 fits")]
    let billionths = billionths.max(LEAST_LIMIT) as i64;
    Some(billionths)
}

#[cfg(test)]
mod tests {
    use whirl_model::Cores;

    use super::*;
    use crate::factory::{ContainerImage, ContainerName};

    fn spec(cpu: Option<Cores>) -> ContainerSpec {
        ContainerSpec {
            name: ContainerName::new("c"),
            image: ContainerImage::User { image: "a/b:1".parse().unwrap() },
            memory: 256,
            cpu,
            gpus: Vec::new(),
            env: Default::default(),
        }
    }

    #[test]
    fn without_cores_of_its_own_cpu_follows_memory() {
        let options = CpuOptions { shares: 2048, memory: 1024, limit: Some(2.0) };
        assert_eq!((shares(&spec(None), &options), limit(&spec(None), &options)), (512, Some(500_000_000)));
        let tiny = CpuOptions { shares: 1, memory: 1 << 20, limit: None };
        assert_eq!((shares(&spec(None), &tiny), limit(&spec(None), &tiny)), (2, None));
        let none = CpuOptions { memory: 0, ..options };
        assert!(shares(&spec(None), &none) > 0);
    }

    #[test]
    fn cores_of_its_own_are_a_hard_limit_and_go_before() {
        let options = CpuOptions { shares: 1024, memory: 1024, limit: Some(0.5) };
        let own = |thousandths| spec(Some(Cores::from_thousandths(thousandths)));
        assert_eq!(limit(&own(1500), &options), Some(1_500_000_000));
        assert_eq!(limit(&own(1), &options), Some(10_000_000), "the least that the engine takes");
        assert_eq!(shares(&own(500), &options), 8 * 1024);
        assert!(shares(&own(100), &options) > 1024, "a tenth of a core goes before all the memory");
        assert_eq!(shares(&own(1_000_000), &options), 262_144);
    }
}
