//! The admin port of a process that runs: what `/metrics` says, and the histograms in it.

use std::net::SocketAddr;

use crate::error::Error;
use crate::http::{Connection, Request};

/// An admin port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admin(pub(crate) SocketAddr);

impl Admin {
    /// All metrics as they are now.
    pub(crate) fn metrics(self) -> Result<Metrics, Error> {
        let Self(address) = self;
        let peer = format!("the admin port {address}");
        let mut connection = Connection::open(address).map_err(Error::io(format!("reach {peer}")))?;
        connection.expect_ok(&peer, &Request::get(address, "/metrics")).map(Metrics)
    }
}

/// Metrics of one moment, in Prometheus's text format.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(String);

impl Metrics {
    /// The value of a metric, named with its labels as they are printed. What is not there is 0.
    pub(crate) fn value(&self, name: &str) -> u64 {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0)
    }

    /// Activations that were handed to a container that was so: `warm`, `resumed`, `stem`, `cold`.
    pub(crate) fn placed(&self, container: &str) -> u64 {
        let beginning = format!("whirl_invoker_placements_total{{container=\"{container}\",");
        let values = self.0.lines().filter_map(|line| {
            let (_, value) = line.strip_prefix(&beginning)?.rsplit_once("} ")?;
            value.parse::<u64>().ok()
        });
        values.sum()
    }

    /// The sum of a metric over all its labels' values.
    pub(crate) fn total(&self, name: &str) -> u64 {
        let values = self.0.lines().filter_map(|line| {
            let (_, value) = line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once("} ")?;
            value.parse::<u64>().ok()
        });
        values.sum()
    }

    /// A histogram with one label, `LABEL="VALUE"`. One that is not there is empty.
    pub(crate) fn histogram(&self, name: &str, label: &str) -> Histogram {
        let (bucket, sum) = (format!("{name}_bucket{{{label},le=\""), format!("{name}_sum{{{label}}} "));
        let mut histogram = Histogram::default();
        for line in self.0.lines() {
            if let Some((bound, count)) = line.strip_prefix(&bucket).and_then(|l| l.split_once("\"} ")) {
                histogram.buckets.extend(bound.parse().ok().zip(count.parse().ok()));
            }
            if let Some(seconds) = line.strip_prefix(&sum) {
                histogram.sum = seconds.parse().unwrap_or_default();
            }
        }
        histogram
    }
}

/// How often a duration was at most so long.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histogram {
    /// Upper bounds in seconds, the last one infinite, each with the number of durations up to it.
    buckets: Vec<(f64, u64)>,
    /// Seconds of all durations together.
    sum: f64,
}

impl Histogram {
    /// What came since. The two are of one metric.
    pub(crate) fn since(mut self, before: &Self) -> Self {
        for ((_, count), (_, earlier)) in self.buckets.iter_mut().zip(&before.buckets) {
            *count = count.saturating_sub(*earlier);
        }
        self.sum -= before.sum;
        self
    }

    /// Both together. The two are of one metric of two processes, one of which may be without it.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        if self.buckets.is_empty() {
            return other.clone();
        }
        for ((_, count), (_, more)) in self.buckets.iter_mut().zip(&other.buckets) {
            *count += more;
        }
        self.sum += other.sum;
        self
    }

    /// How many durations there are.
    pub(crate) fn count(&self) -> u64 {
        self.buckets.last().map_or(0, |(_, count)| *count)
    }

    /// The mean in microseconds.
    #[expect(clippy::cast_precision_loss, reason = "no run has that many calls")]
    pub(crate) fn mean_micros(&self) -> f64 {
        self.sum / self.count() as f64 * 1e6
    }

    /// The duration that `percent` of all did not exceed, in microseconds, as if those in a bucket were spread
    /// evenly over it. What is longer than the last finite bound counts as that.
    #[expect(clippy::cast_precision_loss, reason = "no run has that many calls")]
    pub(crate) fn micros(&self, percent: f64) -> f64 {
        let rank = self.count() as f64 * percent / 100.0;
        let (mut low, mut below) = (0.0, 0.0);
        for (bound, count) in &self.buckets {
            let count = *count as f64;
            if count >= rank && count > below {
                let part = (rank - below) / (count - below);
                return if bound.is_finite() { low + (bound - low) * part } else { low } * 1e6;
            }
            (low, below) = (*bound, count);
        }
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# TYPE x_seconds histogram
x_seconds_bucket{stage="a",le="0.001"} 50
x_seconds_bucket{stage="a",le="0.002"} 100
x_seconds_bucket{stage="a",le="+Inf"} 100
x_seconds_sum{stage="a"} 0.1
x_seconds_count{stage="a"} 100
x_seconds_bucket{stage="b",le="0.001"} 1
x_total{result="ok"} 3
x_total{result="failed"} 4
whirl_invoker_placements_total{container="cold",reason="busy"} 2
whirl_invoker_placements_total{container="cold",reason="first"} 3
whirl_invoker_placements_total{container="warm",reason=""} 7
"#;

    #[test]
    fn figures_are_found_in_the_text() {
        let metrics = Metrics(TEXT.to_owned());
        assert_eq!((metrics.value(r#"x_total{result="failed"}"#), metrics.value("y")), (4, 0));
        assert_eq!((metrics.total("x_total"), metrics.total("x")), (7, 0));
        assert_eq!(["cold", "warm", "stem"].map(|container| metrics.placed(container)), [5, 7, 0]);
        let histogram = metrics.histogram("x_seconds", r#"stage="a""#);
        assert_eq!((histogram.count(), histogram.mean_micros()), (100, 1000.0));
        assert_eq!([50.0, 75.0, 100.0].map(|p| histogram.micros(p)), [1000.0, 1500.0, 2000.0]);
        assert_eq!(metrics.histogram("x_seconds", r#"stage="c""#), Histogram::default());
    }

    #[test]
    fn histograms_of_several_processes_and_moments_are_one() {
        let of = |counts: [u64; 3], sum| Histogram {
            buckets: [0.001, 0.002, f64::INFINITY].into_iter().zip(counts).collect(),
            sum,
        };
        let grown = of([5, 6, 8], 4.0).since(&of([5, 5, 5], 1.0));
        assert_eq!(grown, of([0, 1, 3], 3.0));
        assert_eq!(Histogram::default().and(&grown).and(&grown), of([0, 2, 6], 6.0));
        assert!((grown.micros(99.0) - 2000.0).abs() < 1e-9, "longer than any bound");
    }
}
