//! A whole cluster in one thread and no time: the real balancers of several controllers and the real pools of many
//! invokers, with everything around them scripted from a seed, on a virtual clock. Millions of events take seconds.
//!
//! After each event it is checked that no host is over-committed, that every accepted activation ends once, that no
//! container serves two tenants or revisions, and that nothing waits for ever; at the end nothing may be left. The
//! same seed makes the same decisions.

mod agenda;
mod audit;
mod cluster;
mod dice;
mod factory;
mod host;
mod outcome;
mod task;
mod workload;

use std::time::Duration;

use audit::{Found, ensure};
use cluster::Cluster;
pub use outcome::{Ends, Refusals, Report, Starts, Violation};

/// Virtual time after which all reports of a quiet cluster have arrived.
const QUIET: Duration = Duration::from_secs(10);
/// Virtual time after which a cluster without new work has come to rest.
const REST: Duration = Duration::from_secs(3_600);

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// What chance comes from.
    pub seed: u64,
    /// Invokers, at least one.
    pub invokers: u32,
    /// Controllers, at least one.
    pub controllers: usize,
}

/// A cluster under work. It has begun and goes on for as long as it is let.
#[derive(Debug)]
pub struct Simulation {
    cluster: Cluster,
}

impl Simulation {
    /// The cluster before anything has happened.
    #[must_use]
    pub fn new(scene: Scene) -> Self {
        Self { cluster: Cluster::new(scene.seed, scene.invokers.max(1), scene.controllers.max(1)) }
    }

    /// Lets so many events happen.
    ///
    /// # Errors
    ///
    /// The first thing that must never be.
    pub fn advance(&mut self, events: u64) -> Result<(), Violation> {
        (0..events).try_for_each(|_| self.cluster.step().map(drop)).map_err(|what| self.violation(what))
    }

    /// Ends the work, lets everything come to rest, and looks whether anything is left.
    ///
    /// # Errors
    ///
    /// As [`Self::advance`].
    pub fn finish(mut self) -> Result<Report, Violation> {
        self.wind_down().map_err(|what| self.violation(what))?;
        let Cluster { agenda, waits, trace, report, .. } = self.cluster;
        Ok(Report {
            span: agenda.now(),
            wait_p50: waits.percentile(50),
            wait_p99: waits.percentile(99),
            trace: trace.hash(),
            ..report
        })
    }

    fn wind_down(&mut self) -> Found {
        let cluster = &mut self.cluster;
        cluster.calm = true;
        until(cluster, "every activation has ended", Cluster::all_have_ended)?;
        let quiet = cluster.agenda.now() + QUIET;
        until(cluster, "all is quiet", |cluster| cluster.agenda.now() >= quiet || !cluster.is_there())?;
        ensure(cluster.is_settled(), || "a balancer counts what has ended".to_owned())?;
        (0..cluster.hosts.len()).try_for_each(|host| cluster.begin_drain(host))?;
        until(cluster, "every invoker has left", |cluster| !cluster.is_there())
    }

    fn violation(&self, what: String) -> Violation {
        let Report { seed, events: event, .. } = self.cluster.report;
        Violation { seed, event, at: self.cluster.agenda.now(), what }
    }
}

/// Goes on until something is so.
fn until(cluster: &mut Cluster, what: &str, is_so: impl Fn(&Cluster) -> bool) -> Found {
    let limit = cluster.agenda.now() + REST;
    while !is_so(cluster) {
        let goes_on = cluster.step()? && cluster.agenda.now() < limit;
        ensure(goes_on || is_so(cluster), || format!("it never comes that {what}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a scene for so many events and to its end.
    fn run(scene: Scene, events: u64) -> Result<Report, Violation> {
        let mut simulation = Simulation::new(scene);
        simulation.advance(events)?;
        simulation.finish()
    }

    fn scene(seed: u64) -> Scene {
        Scene { seed, invokers: 2 + (seed % 5) as u32, controllers: 1 + (seed % 3) as usize }
    }

    #[test]
    fn a_cluster_keeps_its_promises_whatever_happens() {
        let mut all = Report::default();
        for seed in 0..6 {
            let report = run(scene(seed), 20_000).unwrap_or_else(|violation| panic!("{violation}"));
            let (Starts { warm, resumed, stem, cold }, ends) = (report.starts, report.ends);
            let ended = ends.ran + ends.expired + ends.start_failed + ends.lost;
            assert_eq!(report.activations, ended, "seed {seed}");
            all.starts.warm += warm;
            all.starts.resumed += resumed;
            all.starts.stem += stem;
            all.starts.cold += cold;
            all.ends.lost += ends.lost;
            all.evictions += report.evictions;
            all.deaths += report.deaths;
            all.refusals.no_gpu += report.refusals.no_gpu;
        }
        let Starts { warm, resumed, stem, cold } = all.starts;
        let seen = [warm, resumed, stem, cold, all.ends.lost, all.evictions, all.deaths, all.refusals.no_gpu];
        assert!(seen.iter().all(|count| *count > 0), "something never happens: {all:?}");
    }

    #[test]
    fn the_same_seed_makes_the_same_decisions() {
        let again = || run(scene(7), 20_000).unwrap();
        assert_eq!(again(), again());
        assert_ne!(again().trace, run(scene(8), 20_000).unwrap().trace);
    }
}
