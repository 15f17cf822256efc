//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::action::Language;
use crate::admin::Admin;
use crate::error::Error;
use crate::measure::cluster::Cluster;
use crate::measure::{
    Measurement, Plan, Simulated, balancer, bombs, cluster, cold, fire, lists, many, pause, sequence,
    simulate, start, stem, throttle, throughput, warm, web,
};
use crate::platform::address_of;
use crate::report::Block;
use crate::stop::Stop;

/// Measures how fast Whirl is, beside what the same work costs without it.
///
/// Needs the Docker engine of this machine and Whirl's images, but for the balancer, the throttles and the simulation. Starts its own
/// `whirl`, but for a cluster, and removes what it made, also when it is broken off.
#[derive(Debug, Parser)]
#[command(name = "whirl-benches", version)]
pub(crate) struct Flags {
    /// What to measure
    what: What,
    /// Calls per side of the warm measurement. Of web actions, sequences and fires a fifth as many are made, of
    /// pages of lists a fiftieth, beside each bomb a sixty-fourth; a hundredth as many starts are measured, at least
    /// 5 and at most 20
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    requests: u32,
    /// Seconds that each load of the throughput measurement lasts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Languages of the warm measurement, separated by commas
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',', default_value = "node")]
    kind: Vec<Language>,
    #[command(flatten)]
    simulated: Simulated,
    /// File for all figures, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Page whose block of figures is rewritten
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// A whirl that runs on this machine already, http://HOST:PORT; for warm calls and for a cluster
    #[arg(long, value_name = "URL", requires = "auth")]
    host: Option<String>,
    /// Its key
    #[arg(long, value_name = "UUID:KEY", requires = "host", hide_env_values = true)]
    auth: Option<String>,
    /// The admin port of a cluster's controller, the one that --host is
    #[arg(long, value_name = "URL", requires = "host")]
    controller_admin: Option<String>,
    /// The admin ports of all of a cluster's invokers, separated by commas
    #[arg(long, value_name = "URL", requires = "host", value_delimiter = ',')]
    invoker_admin: Vec<String>,
    /// The brokers of a cluster's Kafka, to measure their own rate as well
    #[arg(long, value_name = "HOST:PORT", requires = "host")]
    brokers: Option<String>,
    /// The program whirl [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    whirl: Option<PathBuf>,
}

/// The measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// What whirl adds to a warm call
    Warm,
    /// What whirl adds to a warm call of a web action
    Web,
    /// What a step of a sequence costs beyond its own run
    Sequence,
    /// The time until a fire is accepted
    Fire,
    /// A first call without stem cells, beside Docker's own start
    Cold,
    /// A first call with stem cells, beside the runtime's own /init and /run
    Stem,
    /// Warm calls per second
    Throughput,
    /// Warm calls per second of a hundred actions beside one, and the memory of idle containers
    Many,
    /// A call of a paused container
    Pause,
    /// An action's time while others take all they can get, by what they take
    Bombs,
    /// The start of the process and its memory
    Start,
    /// Pages of long lists
    Lists,
    /// Decisions of the balancer, by the number of invokers; needs nothing but this program
    Balancer,
    /// Decisions of the throttles, by the number of namespaces; needs nothing but this program
    Throttle,
    /// A whole cluster on a virtual clock, with everything that can go wrong; fails if a promise is broken. Needs
    /// nothing but this program
    Simulate,
    /// A cluster that runs already: warm calls, where their time goes, and calls per second
    Cluster,
    /// All of them but the simulation and the cluster
    All,
}

impl Flags {
    /// What to measure, in order: names and what does it.
    pub(crate) fn measurements(&self) -> Vec<(&'static str, Measurement)> {
        let all: [(What, &'static str, Measurement); 16] = [
            (What::Warm, "warm", warm::measure),
            (What::Web, "web", web::measure),
            (What::Sequence, "sequence", sequence::measure),
            (What::Fire, "fire", fire::measure),
            (What::Stem, "stem", stem::measure),
            (What::Cold, "cold", cold::measure),
            (What::Throughput, "throughput", throughput::measure),
            (What::Many, "many", many::measure),
            (What::Pause, "pause", pause::measure),
            (What::Bombs, "bombs", bombs::measure),
            (What::Start, "start", start::measure),
            (What::Lists, "lists", lists::measure),
            (What::Balancer, "balancer", balancer::measure),
            (What::Throttle, "throttle", throttle::measure),
            (What::Simulate, "simulate", simulate::measure),
            (What::Cluster, "cluster", cluster::measure),
        ];
        let of_all = |what| self.what == What::All && !matches!(what, What::Simulate | What::Cluster);
        let wanted = all.into_iter().filter(|(what, ..)| self.what == *what || of_all(*what));
        wanted.map(|(_, name, measure)| (name, measure)).collect()
    }

    /// What the measurements are told.
    pub(crate) fn plan(&self, stop: Stop) -> Result<Plan, Error> {
        if self.host.is_some() && !matches!(self.what, What::Warm | What::Cluster) {
            let text = "only warm calls and a cluster can be measured at a whirl that runs already: the other \
                        measurements depend on how it is started";
            return Err(Error::Unsuitable(text.to_owned()));
        }
        Ok(Plan {
            whirl: self.whirl()?,
            given: self.host.clone().zip(self.auth.clone()),
            cluster: self.cluster()?,
            languages: self.kind.clone(),
            warm_calls: self.requests,
            starts: (self.requests / 100).clamp(5, 20),
            load_time: Duration::from_secs(self.seconds),
            simulated: self.simulated,
            stop,
        })
    }

    /// The block of figures that is rewritten.
    pub(crate) fn block(&self) -> Block {
        Block(if self.what == What::Cluster { "cluster figures" } else { "figures" })
    }

    fn cluster(&self) -> Result<Option<Cluster>, Error> {
        if self.what != What::Cluster {
            return Ok(None);
        }
        let (Some(controller), [_, ..], Some(_)) = (&self.controller_admin, &*self.invoker_admin, &self.host)
        else {
            let text = "a cluster is measured with --host, --auth, --controller-admin and --invoker-admin";
            return Err(Error::Unsuitable(text.to_owned()));
        };
        let invokers = self.invoker_admin.iter().map(|url| address_of(url).map(Admin));
        Ok(Some(Cluster {
            controller: Admin(address_of(controller)?),
            invokers: invokers.collect::<Result<_, _>>()?,
            brokers: self.brokers.clone(),
        }))
    }

    fn whirl(&self) -> Result<PathBuf, Error> {
        let beside = || Some(std::env::current_exe().ok()?.parent()?.join("whirl"));
        let path = self.whirl.clone().or_else(beside).unwrap_or_default();
        if path.is_file()
            || matches!(self.what, What::Balancer | What::Throttle | What::Simulate | What::Cluster)
        {
            return Ok(path);
        }
        let text = format!(
            "there is no program '{}'; build it by: cargo build --release -p whirl-standalone",
            path.display()
        );
        Err(Error::Unsuitable(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Flags, clap::Error> {
        Flags::try_parse_from(std::iter::once("whirl-benches").chain(line.split(' ')))
    }

    #[test]
    fn the_number_of_requests_is_bounded() {
        assert!(parse("warm --requests 0").is_err());
        assert!(parse("warm --requests 10000000").is_err());
        assert_eq!(parse("warm --kind node,python").unwrap().kind, [Language::Node, Language::Python]);
    }

    #[test]
    fn a_cluster_is_measured_where_it_is_and_not_as_one_of_all() {
        let refused = |line| matches!(parse(line).unwrap().plan(Stop::default()), Err(Error::Unsuitable(_)));
        assert!(refused("cluster") && refused("cluster --host http://127.0.0.1:1 --auth a:b"));
        let line = "cluster --host http://127.0.0.1:1 --auth a:b --controller-admin http://127.0.0.1:2 \
                    --invoker-admin http://127.0.0.1:3,http://127.0.0.1:4";
        let cluster = parse(line).unwrap().plan(Stop::default()).unwrap().cluster.unwrap();
        let ports: Vec<_> = cluster.invokers.iter().map(|Admin(address)| address.port()).collect();
        assert_eq!((cluster.controller.0.port(), ports), (2, vec![3, 4]));
        let all = parse("all").unwrap().measurements();
        assert!(all.len() == 14 && all.iter().all(|(name, _)| *name != "cluster" && *name != "simulate"));
    }

    #[test]
    fn a_running_whirl_serves_warm_calls_and_no_starts() {
        assert!(parse("warm --host http://127.0.0.1:1").is_err(), "a key is needed");
        let flags = parse("cold --host http://127.0.0.1:1 --auth a:b").unwrap();
        assert!(matches!(flags.plan(Stop::default()), Err(Error::Unsuitable(_))));
    }
}
