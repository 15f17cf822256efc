//! Warm calls per second in a closed loop, beside direct `POST /run`s to as many containers.

use serde_json::json;

use super::{Plan, WITHOUT_STEM_CELLS};
use crate::action::Language;
use crate::error::Error;
use crate::load::{Load, Outcome};
use crate::platform::{Logs, Platform};
use crate::report::{Row, Section};
use crate::server::{Options, Server};
use crate::twin::{Template, Twin};

const CONNECTIONS: [usize; 3] = [1, 8, 32];
const CONTAINERS: [u32; 3] = [1, 2, 4];
/// Mebibytes that an action has by default.
const CONTAINER_MEMORY: u32 = 256;
const LANGUAGE: Language = Language::Node;

/// A section per log limit.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let mut sections = Logs::BOTH.map(|logs| Section {
        title: format!("Throughput, warm Node no-op, {}", logs.label()),
        columns: vec!["calls/s", "p50 ms", "p99 ms"],
        rows: Vec::new(),
        notes: vec![
            "Closed loop; the client, one thread, shares the cores. Whirl's memory has room for as many \
             containers as named. A container takes one run at a time, so the direct row has as many \
             connections as containers, or one; whirl queues what is more."
                .to_owned(),
        ],
        raw: json!({}),
    });
    for containers in CONTAINERS {
        of_size(plan, containers, &mut sections)?;
    }
    for (section, target) in sections.iter_mut().zip([3000.0, 5600.0]) {
        judge_best(section, target);
    }
    Ok(sections.into())
}

/// All loads on a whirl that has room for so many containers.
fn of_size(plan: &Plan, containers: u32, sections: &mut [Section; 2]) -> Result<(), Error> {
    let options = Options {
        memory: Some(containers * CONTAINER_MEMORY),
        manifest: Some(WITHOUT_STEM_CELLS.to_owned()),
        ..Options::defaults(&plan.whirl)
    };
    let server = Server::start(&options, &plan.stop)?;
    let platform = Platform::of(&server)?;
    let mut template = None;
    for (section, logs) in sections.iter_mut().zip(Logs::BOTH) {
        let name = format!("bench-throughput-{logs:?}");
        platform.create_action(&name, LANGUAGE, logs)?;
        for connections in CONNECTIONS {
            let outcome = through_whirl(plan, &platform, &name, connections)?;
            let what = format!("containers {containers}, connections {connections}: whirl");
            section.rows.push(row(what, &outcome));
        }
        platform.delete_action(&name)?;
        template = Some(Template::of_whirl(platform.address(), LANGUAGE, &plan.stop)?);
    }
    let resident = server.resident()?;
    let template = template.ok_or_else(|| Error::Unsuitable("nothing was measured".to_owned()))?;
    let mut direct = vec![direct(plan, &template, containers as usize, 1)?];
    if containers > 1 {
        direct.push(self::direct(plan, &template, containers as usize, containers as usize)?);
    }
    for section in sections {
        for (outcome, connections) in direct.iter().zip([1, containers]) {
            let what = format!("containers {containers}, connections {connections}: direct");
            section.rows.push(row(what, outcome));
        }
        section.raw[format!("resident_mib_after_{containers}_containers")] = json!(resident);
    }
    server.stop()
}

fn through_whirl(plan: &Plan, platform: &Platform, name: &str, connections: usize) -> Result<Outcome, Error> {
    let lines = (0..connections).map(|_| Ok((platform.connect()?, platform.invoke_request(name))));
    let mut load = Load::new(lines.collect::<Result<Vec<_>, Error>>()?)?;
    timed(plan, &mut load)
}

fn direct(plan: &Plan, template: &Template, containers: usize, connections: usize) -> Result<Outcome, Error> {
    let ready: Result<Vec<_>, _> =
        (0..containers).map(|_| Twin::ready(template, LANGUAGE, &plan.stop)).collect();
    let (twins, lines): (Vec<_>, Vec<_>) = ready?.into_iter().unzip();
    let requests = twins.iter().map(Twin::run_request);
    let mut load = Load::new(lines.into_iter().zip(requests).take(connections))?;
    timed(plan, &mut load)
}

/// A third of the time does not count: containers start, compilers warm up.
pub(super) fn timed(plan: &Plan, load: &mut Load) -> Result<Outcome, Error> {
    let uncounted = load.run(plan.load_time / 3, &plan.stop)?;
    let mut outcome = load.run(plan.load_time, &plan.stop)?;
    outcome.latencies.errors += uncounted.latencies.errors;
    Ok(outcome)
}

fn row(name: String, outcome: &Outcome) -> Row {
    let Outcome { latencies, rate } = outcome;
    Row::new(name, [*rate, latencies.millis(50.0), latencies.millis(99.0)])
        .calls(latencies.count(), latencies.errors)
}

/// The best of whirl's rows is what the target is about.
fn judge_best(section: &mut Section, target: f64) {
    let rate = |row: &Row| row.figures[0].unwrap_or_default();
    let ours = section.rows.iter().filter(|row| row.name.ends_with("whirl")).map(rate);
    let best = ours.fold(0.0, f64::max);
    section.rows.push(Row::new("best through whirl", [best]).at_least("calls/s", 0, target));
}
