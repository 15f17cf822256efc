//! What whirl adds to a cold start: a new action's first blocking invocation without stem cells, beside Docker's
//! own create, start and first answer, asked for through the engine's API with the same configuration.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Plan, WITHOUT_STEM_CELLS, timed_call};
use crate::action::Language;
use crate::docker::Engine;
use crate::error::Error;
use crate::latencies::Latencies;
use crate::platform::{Logs, Platform};
use crate::report::{Row, Section};
use crate::server::{Options, Server};
use crate::twin::{Template, Twin};

const LONGEST_REMOVAL: Duration = Duration::from_secs(60);
/// Whirl's container is gone before the other side's turn.
const IDLE_SECONDS: u32 = 1;
/// Before each side's turn, so that nothing of the other's is left to do.
const PAUSE: Duration = Duration::from_millis(300);

/// One section per language.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let options = Options {
        manifest: Some(WITHOUT_STEM_CELLS.to_owned()),
        idle_timeout: Some(IDLE_SECONDS),
        ..Options::defaults(&plan.whirl)
    };
    let server = Server::start(&options, &plan.stop)?;
    let sections = plan.languages.iter().map(|&language| section(plan, &server, language)).collect();
    server.stop()?;
    sections
}

fn section(plan: &Plan, server: &Server, language: Language) -> Result<Section, Error> {
    let platform = Platform::of(server)?;
    let mut connection = platform.connect()?;
    let (mut whirl, mut docker) = (Latencies::default(), Latencies::default());
    let template = first_start(plan, &platform, language)?;
    for number in 0..plan.starts {
        wait_until_removed(plan, &template)?;
        let name = format!("bench-cold-{}-{number}", language.label());
        platform.create_action(&name, language, Logs::Default)?;
        timed_call(&mut connection, &platform.invoke_request(&name), &mut whirl)
            .map_err(Error::io("make a cold call"))?;
        platform.delete_action(&name)?;
        wait_until_removed(plan, &template)?;
        let began = Instant::now();
        let (twin, mut first) = Twin::ready(&template, language, &plan.stop)?;
        first.expect_ok("a container's /run", &twin.run_request())?;
        docker.record(began.elapsed());
    }
    let rows = vec![
        row("through whirl", &|p| whirl.millis(p)).calls(whirl.count(), whirl.errors),
        row("Docker by hand", &|p| docker.millis(p)).calls(docker.count(), docker.errors),
        row("ratio", &|p| whirl.millis(p) / docker.millis(p)).at_most("p50", 0, 1.15),
    ];
    Ok(Section {
        title: format!("Cold start, {} no-op", language.label()),
        columns: vec!["p50 ms", "p95 ms"],
        rows,
        notes: vec![format!(
            "No stem cells, and no container of the other side at either side's turn. By hand: create, start and \
             inspect through the engine's API with the configuration of whirl's container ({}), connect as soon \
             as it listens, /init, /run. Nothing is subtracted.",
            template.image()
        )],
        raw: json!({ "whirl_ms": whirl.all_millis(), "docker_ms": docker.all_millis() }),
    })
}

fn row(name: &str, figure: &dyn Fn(f64) -> f64) -> Row {
    Row::new(name, [50.0, 95.0].map(figure))
}

/// A start that does not count: it warms the caches, and shows how whirl configures its containers.
fn first_start(plan: &Plan, platform: &Platform, language: Language) -> Result<Template, Error> {
    let name = format!("bench-cold-{}", language.label());
    platform.create_action(&name, language, Logs::Default)?;
    platform.connect()?.expect_ok("whirl", &platform.invoke_request(&name))?;
    let template = Template::of_whirl(platform.address(), language, &plan.stop)?;
    platform.delete_action(&name)?;
    Ok(template)
}

fn wait_until_removed(plan: &Plan, template: &Template) -> Result<(), Error> {
    plan.stop.wait_for("idle containers were not removed", LONGEST_REMOVAL, || {
        Ok(Engine.has_none_of(&template.owner())?.then_some(()))
    })?;
    plan.stop.sleep(PAUSE)
}
