//! A cluster that runs already: what it adds to a warm call and where the time goes, and its calls per second
//! beside the messages per second of its broker.

#[cfg_attr(not(feature = "cluster"), path = "cluster/broker_left_out.rs")]
mod broker;
mod rates;
mod stages;
mod warm;

use crate::admin::{Admin, Metrics};
use crate::error::Error;
use crate::platform::Platform;
use crate::report::Section;

use super::Plan;

/// Where the parts of a cluster are.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    /// The controller that is called.
    pub(crate) controller: Admin,
    /// All invokers.
    pub(crate) invokers: Vec<Admin>,
    /// Kafka's, `HOST:PORT`, for its own rate.
    pub(crate) brokers: Option<String>,
}

/// A section of latencies and one of stages per language, and one of rates.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let missing = || Error::Unsuitable("a cluster is measured with --host and its admin ports".to_owned());
    let (host, auth) = plan.given.as_ref().ok_or_else(missing)?;
    let cluster = plan.cluster.as_ref().ok_or_else(missing)?;
    let platform = Platform::at(host, auth)?;
    platform.connect()?;
    let mut sections = Vec::new();
    for &language in &plan.languages {
        sections.extend(warm::sections(plan, cluster, &platform, language)?);
    }
    sections.push(rates::section(plan, cluster, &platform)?);
    Ok(sections)
}

/// The metrics of a cluster at one moment.
struct Snapshot {
    controller: Metrics,
    invokers: Vec<Metrics>,
}

impl Cluster {
    fn look(&self) -> Result<Snapshot, Error> {
        let invokers = self.invokers.iter().map(|invoker| invoker.metrics()).collect::<Result<_, _>>()?;
        Ok(Snapshot { controller: self.controller.metrics()?, invokers })
    }
}

impl Snapshot {
    /// Activations that found their container warm.
    fn placed_warm(&self) -> u64 {
        self.invokers.iter().map(|metrics| metrics.placed("warm")).sum()
    }

    /// Containers that were started, or should have been.
    fn container_starts(&self) -> u64 {
        let name = "whirl_invoker_container_starts_total";
        self.invokers.iter().map(|metrics| metrics.total(name)).sum()
    }
}
