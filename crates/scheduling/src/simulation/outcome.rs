//! What a simulation tells when it is over: figures, and a fingerprint of all that was decided.

use std::fmt;
use std::time::Duration;

use crate::Moment;
use crate::balancer::Refusal;
use crate::pool::Origin;

/// How a simulation went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What chance came from.
    pub seed: u64,
    /// Events that were simulated.
    pub events: u64,
    /// The virtual time that went by.
    pub span: Duration,
    /// Activations that were accepted. Each ended once.
    pub activations: u64,
    /// How they came to run; one that bounced counts again.
    pub starts: Starts,
    /// How they ended.
    pub ends: Ends,
    /// Requests that were refused.
    pub refusals: Refusals,
    /// The time from a request to the first step of its code, at the median.
    pub wait_p50: Duration,
    /// The same for the slowest in a hundred.
    pub wait_p99: Duration,
    /// Containers that went before their time to make room for others.
    pub evictions: u64,
    /// Invokers that died.
    pub deaths: u64,
    /// Invokers that drained and left.
    pub drains: u64,
    /// A hash of every decision in order: equal for equal seeds.
    pub trace: u64,
}

/// Starts by where the container came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Starts {
    /// In a container that held the action and was awake.
    pub warm: u64,
    /// In one that was paused.
    pub resumed: u64,
    /// In a stem cell.
    pub stem: u64,
    /// In a container that was started for want of one.
    pub cold: u64,
}

impl Starts {
    pub(super) fn initialised(&mut self, origin: Origin) {
        match origin {
            Origin::StemCell => self.stem += 1,
            Origin::NewContainer => self.cold += 1,
        }
    }
}

/// Ends of accepted activations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// It ran, well or not.
    pub ran: u64,
    /// It waited for too long.
    pub expired: u64,
    /// No container could be started for it.
    pub start_failed: u64,
    /// Its invoker died or left.
    pub lost: u64,
}

/// Refusals by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// No invoker took work.
    pub no_invoker: u64,
    /// None had the memory or the cores.
    pub none_fits: u64,
    /// None had a fitting GPU.
    pub no_gpu: u64,
    /// All queues were full.
    pub overloaded: u64,
}

impl Refusals {
    pub(super) fn note(&mut self, refusal: Refusal) {
        *match refusal {
            Refusal::NoInvoker => &mut self.no_invoker,
            Refusal::NoneFits => &mut self.none_fits,
            Refusal::NoGpu => &mut self.no_gpu,
            Refusal::Overloaded => &mut self.overloaded,
        } += 1;
    }
}

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed that shows it.
    pub seed: u64,
    /// The event that showed it.
    pub event: u64,
    /// When that was.
    pub at: Moment,
    /// What was found.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, event {}, after {:?}: {}", self.seed, self.event, self.at, self.what)
    }
}

impl std::error::Error for Violation {}

/// A hash of numbers in order (64-bit FNV-1a over whole numbers).
#[derive(Clone, Copy, Debug)]
pub(super) struct Trace(u64);

impl Trace {
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) fn note(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.0 = (self.0 ^ number).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
        }
    }

    pub(super) fn hash(self) -> u64 {
        self.0
    }
}

/// Spans by size, to within a sixteenth.
#[derive(Clone, Debug)]
pub(super) struct Spans {
    counts: Vec<u64>,
    all: u64,
}

impl Spans {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; 64 * 16], all: 0 }
    }

    pub(super) fn note(&mut self, span: Duration) {
        let micros = (span.as_micros() as u64).max(16);
        let doublings = micros.ilog2();
        let bucket = doublings as usize * 16 + (micros >> (doublings - 4)) as usize % 16;
        self.counts[bucket] += 1;
        self.all += 1;
    }

    /// The span that so many percent do not exceed; zero if there are none.
    pub(super) fn percentile(&self, percent: u64) -> Duration {
        let mut left = (self.all * percent).div_ceil(100);
        for (bucket, count) in self.counts.iter().enumerate() {
            left = left.saturating_sub(*count);
            if left == 0 && self.all > 0 {
                return Duration::from_micros((16 + bucket as u64 % 16) << (bucket / 16).saturating_sub(4));
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_sixteenth() {
        let mut spans = Spans::new();
        (1..=1000).for_each(|n| spans.note(Duration::from_millis(n)));
        for (percent, millis) in [(50, 500), (99, 990), (100, 1000)] {
            let found = spans.percentile(percent).as_micros() as u64;
            assert!(found <= millis * 1000 && found * 17 >= millis * 16_000, "{percent}: {found}");
        }
        assert_eq!(Spans::new().percentile(99), Duration::ZERO);
    }
}
