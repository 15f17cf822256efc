//! Chance that is the same in every run from the same seed (SplitMix64). Whole numbers only: what floating point
//! makes of a logarithm differs between machines.

use std::time::Duration;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    /// A number below `n`, each with nearly the same chance. `n` must not be zero.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    /// Small numbers more often than great ones: of a hundred, the first tenth comes a third of the time.
    pub(super) fn skewed(&mut self, n: u64) -> u64 {
        let below = self.below(n) + 1;
        self.below(below)
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    /// A span of at least `least` and at most `most`, which must not be less.
    pub(super) fn span(&mut self, least: Duration, most: Duration) -> Duration {
        least + Duration::from_micros(self.below((most - least).as_micros() as u64 + 1))
    }

    /// The same in microseconds.
    pub(super) fn micros(&mut self, least: u64, most: u64) -> Duration {
        self.span(Duration::from_micros(least), Duration::from_micros(most))
    }

    /// The same in milliseconds.
    pub(super) fn millis(&mut self, least: u64, most: u64) -> Duration {
        self.span(Duration::from_millis(least), Duration::from_millis(most))
    }
}
