//! What whirl adds to a first call that finds a stem cell: a new action's first blocking invocation beside the
//! runtime's own `/init` and `/run` in a container that was started by hand a moment before.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Plan, timed_call};
use crate::action::Language;
use crate::error::Error;
use crate::latencies::Latencies;
use crate::platform::{Logs, Platform};
use crate::report::{Row, Section};
use crate::server::{Options, Server};
use crate::twin::{Template, Twin};

const LONGEST_REFILL: Duration = Duration::from_secs(60);
/// Stem cells of the built-in manifest: two for Node, one for Python.
const STEM_CELLS: u64 = 3;
/// Used containers go soon, so that they do not crowd out the next stem cells.
const IDLE_SECONDS: u32 = 2;
/// Both sides' containers have listened this long: the interpreter behind the proxy is up.
const AGE: Duration = Duration::from_secs(1);

/// One section per language.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let options = Options { idle_timeout: Some(IDLE_SECONDS), ..Options::defaults(&plan.whirl) };
    let server = Server::start(&options, &plan.stop)?;
    let sections = plan.languages.iter().map(|&language| section(plan, &server, language)).collect();
    server.stop()?;
    sections
}

fn section(plan: &Plan, server: &Server, language: Language) -> Result<Section, Error> {
    let platform = Platform::of(server)?;
    let template = Template::of_whirl(platform.address(), language, &plan.stop)?;
    let (mut whirl, mut direct) = (Latencies::default(), Latencies::default());
    let mut connection = platform.connect()?;
    for number in 0..plan.starts {
        wait_for_stem_cells(plan, server)?;
        let name = format!("bench-stem-{}-{number}", language.label());
        platform.create_action(&name, language, Logs::Default)?;
        timed_call(&mut connection, &platform.invoke_request(&name), &mut whirl)
            .map_err(Error::io("make a first call"))?;
        platform.delete_action(&name)?;
        wait_for_stem_cells(plan, server)?;
        direct_start(plan, &template, language, &mut direct)?;
    }
    let rows = vec![
        row("through whirl", &|p| whirl.millis(p)).calls(whirl.count(), whirl.errors),
        row("direct /init and /run", &|p| direct.millis(p)).calls(direct.count(), direct.errors),
        row("added", &|p| whirl.millis(p) - direct.millis(p)).at_most("p50", 0, 5.0),
    ];
    Ok(Section {
        title: format!("First call with a stem cell, {} no-op", language.label()),
        columns: vec!["p50 ms", "p95 ms"],
        rows,
        notes: vec![format!(
            "A new action each time, in turns with a new container each time ({}); every container has \
             listened for a second. Both sides have a connection to the container open already. Idle containers are removed \
             after {IDLE_SECONDS} s.",
            template.image()
        )],
        raw: json!({ "whirl_ms": whirl.all_millis(), "direct_ms": direct.all_millis() }),
    })
}

fn row(name: &str, figure: &dyn Fn(f64) -> f64) -> Row {
    Row::new(name, [50.0, 95.0].map(figure))
}

/// Every action took one stem cell, so as many successors have to have come up beside the first ones.
fn wait_for_stem_cells(plan: &Plan, server: &Server) -> Result<(), Error> {
    plan.stop.wait_for("the stem cells were not refilled", LONGEST_REFILL, || {
        let expected = STEM_CELLS + server.placed_in_stem_cells()?;
        Ok((server.containers_started()? >= expected).then_some(()))
    })?;
    plan.stop.sleep(AGE)
}

/// Times `/init` and `/run` in a new container that listens already.
fn direct_start(
    plan: &Plan,
    template: &Template,
    language: Language,
    into: &mut Latencies,
) -> Result<(), Error> {
    let twin = Twin::start(template)?;
    let mut connection = twin.connect(&plan.stop)?;
    plan.stop.sleep(AGE)?;
    let began = Instant::now();
    twin.init(&mut connection, language)?;
    connection.expect_ok("a container's /run", &twin.run_request())?;
    into.record(began.elapsed());
    Ok(())
}
