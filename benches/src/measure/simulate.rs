//! A simulated cluster: `whirl-scheduling` runs the real balancers and pools on a virtual clock and checks their
//! promises after each event. Here it is only given a seed, watched, and told of. Needs neither Docker nor a `whirl`.

use std::time::Instant;

use serde_json::json;
use whirl_scheduling::simulation::{Report, Scene, Simulation};

use super::{Plan, Simulated};
use crate::error::Error;
use crate::report::{Row, Section};

/// Controllers that share the invokers.
const CONTROLLERS: usize = 2;
/// Events between two looks at whether the run is broken off.
const SLICE: u64 = 10_000;

/// One section, if no promise was broken.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let Simulated { seed, events, invokers } = plan.simulated;
    let began = Instant::now();
    let mut simulation = Simulation::new(Scene { seed, invokers, controllers: CONTROLLERS });
    let mut left = events;
    while left > 0 {
        plan.stop.check()?;
        simulation.advance(left.min(SLICE))?;
        left = left.saturating_sub(SLICE);
    }
    let report = simulation.finish()?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(vec![Section {
        title: format!("A simulated cluster of {invokers} invokers and {CONTROLLERS} controllers"),
        columns: vec!["figure", "share %"],
        rows: rows(&report, seconds),
        notes: vec![
            format!("No promise was broken. Seed {seed}, trace {:016x}: equal for equal seeds.", report.trace),
            "Virtual time, real balancers and pools; workload, factories, delays, failures, deaths and drains are \
             scripted from the seed. The load rises above what the invokers can do, and falls again. 'Wait' is from a \
             request to the first step of its code, cold starts included."
                .to_owned(),
        ],
        raw: json!({"seed": seed, "events": report.events, "trace": format!("{:016x}", report.trace)}),
    }])
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below what a float holds exactly")]
fn rows(report: &Report, seconds: f64) -> Vec<Row> {
    let Report { starts, ends, refusals, .. } = report;
    let count = |name: &str, count: u64| Row::new(name, [count as f64]);
    let all_starts = starts.warm + starts.resumed + starts.stem + starts.cold;
    let share = |name: &str, part: u64, all: u64| {
        Row::new(name, [part as f64, 100.0 * part as f64 / all.max(1) as f64])
    };
    vec![
        count("events", report.events),
        Row::new("events per second", [report.events as f64 / seconds]),
        Row::new("virtual seconds", [report.span.as_secs_f64()]),
        count("activations accepted", report.activations),
        share("starts: warm", starts.warm, all_starts),
        share("starts: resumed", starts.resumed, all_starts),
        share("starts: stem cell", starts.stem, all_starts),
        share("starts: cold", starts.cold, all_starts),
        Row::new("wait p50 ms", [report.wait_p50.as_secs_f64() * 1e3]),
        Row::new("wait p99 ms", [report.wait_p99.as_secs_f64() * 1e3]),
        share("ended: ran", ends.ran, report.activations),
        share("ended: waited too long", ends.expired, report.activations),
        share("ended: no container started", ends.start_failed, report.activations),
        share("ended: lost with its invoker", ends.lost, report.activations),
        count("refused: no invoker", refusals.no_invoker),
        count("refused: too large", refusals.none_fits),
        count("refused: no fitting GPU", refusals.no_gpu),
        count("refused: overloaded", refusals.overloaded),
        count("containers evicted", report.evictions),
        count("invokers that died", report.deaths),
        count("invokers that drained", report.drains),
    ]
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::stop::Stop;

    #[test]
    fn a_short_run_tells_of_all_that_was_accepted() {
        let plan = Plan {
            whirl: PathBuf::new(),
            given: None,
            cluster: None,
            languages: Vec::new(),
            warm_calls: 1,
            starts: 1,
            load_time: Duration::ZERO,
            simulated: Simulated { seed: 3, events: 15_000, invokers: 4 },
            stop: Stop::default(),
        };
        let sections = measure(&plan).unwrap();
        let figure = |name: &str| {
            let row = sections[0].rows.iter().find(|row| row.name == name);
            row.and_then(|row| row.figures[0]).unwrap()
        };
        let ended: f64 = ["ran", "waited too long", "no container started", "lost with its invoker"]
            .map(|end| figure(&format!("ended: {end}")))
            .iter()
            .sum();
        assert!(figure("events") >= 15_000.0);
        assert!(ended > 0.0 && (figure("activations accepted") - ended).abs() < 0.5);
    }
}
