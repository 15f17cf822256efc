//! Durations of calls, and how many failed. Percentiles come from an HDR histogram, exact to 0.1 %.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Significant figures that the histogram keeps.
const FIGURES: u8 = 3;
/// Longer calls count as this long, in nanoseconds.
const LONGEST: u64 = 120_000_000_000;

/// Durations of calls that succeeded, and the number of those that failed.
#[derive(Clone, Debug)]
pub(crate) struct Latencies {
    nanoseconds: Histogram<u64>,
    pub(crate) errors: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        let nanoseconds = Histogram::new_with_bounds(1, LONGEST, FIGURES).expect("the bounds are in order");
        Self { nanoseconds, errors: 0 }
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, took: Duration) {
        self.nanoseconds.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(LONGEST));
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.nanoseconds.add(&other.nanoseconds).expect("all histograms have the same bounds");
        self.errors += other.errors;
    }

    /// How many calls succeeded.
    pub(crate) fn count(&self) -> u64 {
        self.nanoseconds.len()
    }

    /// The duration that `percent` of the calls did not exceed, in microseconds.
    pub(crate) fn micros(&self, percent: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "two minutes of nanoseconds fit")]
        let nanoseconds = self.nanoseconds.value_at_quantile(percent / 100.0) as f64;
        nanoseconds / 1e3
    }

    /// The same in milliseconds.
    pub(crate) fn millis(&self, percent: f64) -> f64 {
        self.micros(percent) / 1e3
    }

    /// Every duration in milliseconds, shortest first.
    pub(crate) fn all_millis(&self) -> Vec<f64> {
        let recorded = self.nanoseconds.iter_recorded();
        #[expect(clippy::cast_precision_loss, reason = "two minutes of nanoseconds fit")]
        let values = recorded.flat_map(|step| {
            let times = usize::try_from(step.count_at_value()).unwrap_or(usize::MAX);
            std::iter::repeat_n(step.value_iterated_to() as f64 / 1e6, times)
        });
        values.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_span_what_was_added() {
        let (mut all, mut slow) = (Latencies::default(), Latencies::default());
        (1..=90).for_each(|_| all.record(Duration::from_micros(100)));
        (1..=10).for_each(|_| slow.record(Duration::from_millis(5)));
        slow.errors = 2;
        all.add(&slow);
        assert_eq!((all.count(), all.errors), (100, 2));
        assert!((all.micros(50.0) - 100.0).abs() < 0.2);
        assert!((all.millis(99.0) - 5.0).abs() < 0.01);
        assert_eq!(all.all_millis().len(), 100);
    }
}
