//! The process's Prometheus registry. Each server names its metrics in a `metrics.rs` of its own; this file
//! only makes, remembers and renders them.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// Upper bounds in seconds for the stages of an activation: fine where those of a warm call are.
pub const STAGE_SECONDS: [f64; 20] = [
    0.000_02, 0.000_05, 0.0001, 0.0002, 0.0003, 0.0004, 0.0005, 0.0006, 0.0008, 0.001, 0.0015, 0.002, 0.003,
    0.005, 0.007, 0.01, 0.02, 0.1, 1.0, 60.0,
];

/// A metric cannot be made: its name is malformed or taken. A mistake in the program.
#[derive(Debug, thiserror::Error)]
#[error("the metric '{name}' cannot be registered")]
pub struct MetricsError {
    name: &'static str,
    #[source]
    source: prometheus::Error,
}

/// A metric's name and what it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Description {
    /// Its name.
    pub name: &'static str,
    /// What it counts or measures, and its unit.
    pub help: &'static str,
}

/// A registry. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    registry: Registry,
    described: Arc<Mutex<Vec<Description>>>,
}

impl Metrics {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A number that only grows.
    ///
    /// # Errors
    /// When the name is malformed or taken; so for all of these.
    pub fn counter(&self, name: &'static str, help: &'static str) -> Result<IntCounter, MetricsError> {
        self.register(name, help, IntCounter::with_opts(Opts::new(name, help)))
    }

    /// Numbers that only grow, one for each combination of label values.
    ///
    /// # Errors
    /// See [`Metrics::counter`].
    pub fn counters(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[&str],
    ) -> Result<IntCounterVec, MetricsError> {
        self.register(name, help, IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// A number that goes up and down.
    ///
    /// # Errors
    /// See [`Metrics::counter`].
    pub fn gauge(&self, name: &'static str, help: &'static str) -> Result<IntGauge, MetricsError> {
        self.register(name, help, IntGauge::with_opts(Opts::new(name, help)))
    }

    /// A distribution over the given upper bounds.
    ///
    /// # Errors
    /// See [`Metrics::counter`].
    pub fn histogram(
        &self,
        name: &'static str,
        help: &'static str,
        buckets: &[f64],
    ) -> Result<Histogram, MetricsError> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(name, help, Histogram::with_opts(options))
    }

    /// Distributions over the given upper bounds, one for each combination of label values.
    ///
    /// # Errors
    /// See [`Metrics::counter`].
    pub fn histograms(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec, MetricsError> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(name, help, HistogramVec::new(options, labels))
    }

    fn register<C: Collector + Clone + 'static>(
        &self,
        name: &'static str,
        help: &'static str,
        made: prometheus::Result<C>,
    ) -> Result<C, MetricsError> {
        let error = |source| MetricsError { name, source };
        let collector = made.map_err(error)?;
        self.registry.register(Box::new(collector.clone())).map_err(error)?;
        self.described.lock().push(Description { name, help });
        Ok(collector)
    }

    /// Every metric made so far, in the order they were made.
    #[must_use]
    pub fn described(&self) -> Vec<Description> {
        self.described.lock().clone()
    }

    /// The registry in Prometheus's text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "metrics cannot be rendered");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_rendered_and_described() {
        let metrics = Metrics::new();
        metrics.counter("whirl_a_total", "As.").unwrap().inc_by(3);
        metrics.counters("whirl_b_total", "Bs.", &["kind"]).unwrap();
        metrics.gauge("whirl_c", "Cs.").unwrap().set(-1);
        metrics.histogram("whirl_d_seconds", "Ds.", &[0.1, 1.0]).unwrap().observe(0.5);
        let text = metrics.render();
        for line in ["whirl_a_total 3", "whirl_c -1", "whirl_d_seconds_bucket{le=\"1\"} 1"] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let names: Vec<_> = metrics.described().iter().map(|d| d.name).collect();
        assert_eq!(names, ["whirl_a_total", "whirl_b_total", "whirl_c", "whirl_d_seconds"]);
        assert!(metrics.counter("whirl_a_total", "Again.").is_err());
    }
}
