//! The measurements. Each starts what it needs, measures both sides in turns, and leaves nothing behind.

pub(crate) mod balancer;
pub(crate) mod bombs;
pub(crate) mod cluster;
pub(crate) mod cold;
pub(crate) mod fire;
pub(crate) mod lists;
pub(crate) mod many;
pub(crate) mod pause;
pub(crate) mod sequence;
mod side;
pub(crate) mod simulate;
pub(crate) mod start;
pub(crate) mod stem;
pub(crate) mod throttle;
pub(crate) mod throughput;
pub(crate) mod warm;
pub(crate) mod web;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use self::cluster::Cluster;
use crate::action::Language;
use crate::error::Error;
use crate::http::{Connection, Request};
use crate::latencies::Latencies;
use crate::report::Section;
use crate::stop::Stop;

/// Makes the sections of a report.
pub(crate) type Measurement = fn(&Plan) -> Result<Vec<Section>, Error>;

/// What all measurements are told.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The program `whirl`.
    pub(crate) whirl: PathBuf,
    /// An API that runs already and its key, in place of a process of our own.
    pub(crate) given: Option<(String, String)>,
    /// The rest of the cluster that such an API belongs to.
    pub(crate) cluster: Option<Cluster>,
    pub(crate) languages: Vec<Language>,
    /// Calls per side of the warm measurement.
    pub(crate) warm_calls: u32,
    /// Starts per side of the cold and the stem-cell measurement, and of the process.
    pub(crate) starts: u32,
    /// How long each load lasts.
    pub(crate) load_time: Duration,
    pub(crate) simulated: Simulated,
    pub(crate) stop: Stop,
}

/// What is simulated, for how long.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Simulated {
    /// What chance comes from in the simulation
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Events of the simulation, before it comes to rest
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    pub(crate) events: u64,
    /// Invokers of the simulation
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) invokers: u32,
}

/// The manifest of whirl's own images without a stem cell.
const WITHOUT_STEM_CELLS: &str = r#"{
  "runtimes": {
    "nodejs": [{
      "kind": "nodejs:20", "default": true,
      "image": { "prefix": "whirl", "name": "action-nodejs-v20", "tag": "latest" }
    }],
    "python": [{
      "kind": "python:3.11", "default": true,
      "image": { "prefix": "whirl", "name": "action-python-v3.11", "tag": "latest" }
    }]
  },
  "blackboxes": []
}"#;

/// One call, into the histogram if it was answered with 200 and into the number of failures if not.
fn timed_call(connection: &mut Connection, request: &Request, into: &mut Latencies) -> std::io::Result<()> {
    timed_call_for(200, connection, request, into)
}

/// One call whose success is another status.
fn timed_call_for(
    success: u16,
    connection: &mut Connection,
    request: &Request,
    into: &mut Latencies,
) -> std::io::Result<()> {
    let began = Instant::now();
    let status = connection.call(request)?.0;
    let took = began.elapsed();
    if status == success {
        into.record(took);
    } else {
        into.errors += 1;
    }
    Ok(())
}

/// Nanoseconds of each of so many things done since.
#[expect(clippy::cast_precision_loss, reason = "blocks are small")]
fn nanos_each(number: usize, began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e9 / number as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
