//! Calls of a hundred actions beside calls of one, all warm; and what whirl's own memory grows by with each warm
//! container that idles.

use serde_json::json;

use super::throughput::timed;
use super::{Plan, WITHOUT_STEM_CELLS};
use crate::action::Language;
use crate::error::Error;
use crate::load::{Load, Outcome};
use crate::platform::Platform;
use crate::report::{Row, Section};
use crate::server::{Options, Server};

const LANGUAGE: Language = Language::Node;
const ACTIONS: usize = 100;
const CONNECTIONS: usize = 8;
/// Mebibytes of an action.
const MEMORY: u32 = 128;

/// Two sections.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let options = Options {
        memory: Some((ACTIONS + CONNECTIONS) as u32 * MEMORY),
        manifest: Some(WITHOUT_STEM_CELLS.to_owned()),
        ..Options::defaults(&plan.whirl)
    };
    let server = Server::start(&options, &plan.stop)?;
    let platform = Platform::of(&server)?;
    let names: Vec<_> = (0..ACTIONS).map(|n| format!("bench-many-{n}")).collect();
    for name in &names {
        platform.put_action(name, &json!({ "exec": LANGUAGE.exec(), "limits": { "memory": MEMORY } }))?;
    }
    let one = of_actions(plan, &platform, &names[..1])?;
    let (started, before) = (server.containers_started()?, server.resident()?);
    warm_up(plan, &platform, &names)?;
    let (more, after) = (server.containers_started()? - started, server.resident()?);
    let all = of_actions(plan, &platform, &names)?;
    let cold = server.containers_started()? - started - more;
    server.stop()?;
    Ok(vec![throughput(&one, &all, cold), memory(before, after, more)])
}

/// Calls each action once.
fn warm_up(plan: &Plan, platform: &Platform, names: &[String]) -> Result<(), Error> {
    let mut connection = platform.connect()?;
    for name in names {
        plan.stop.check()?;
        connection.expect_ok("a first call", &platform.invoke_request(name))?;
    }
    Ok(())
}

/// A load over all the connections. Each has its own of the actions, if there are enough, and calls them in turns.
fn of_actions(plan: &Plan, platform: &Platform, names: &[String]) -> Result<Outcome, Error> {
    let lines = (0..CONNECTIONS).map(|line| {
        let own = names.iter().skip(line % names.len()).step_by(CONNECTIONS);
        Ok((platform.connect()?, own.map(|name| platform.invoke_request(name)).collect::<Vec<_>>()))
    });
    let mut load = Load::of_many(lines.collect::<Result<Vec<_>, Error>>()?)?;
    timed(plan, &mut load)
}

fn throughput(one: &Outcome, all: &Outcome, cold: u64) -> Section {
    let row = |name: String, Outcome { latencies, rate }: &Outcome| {
        Row::new(name, [*rate, latencies.millis(50.0), latencies.millis(99.0)])
            .calls(latencies.count(), latencies.errors)
    };
    Section {
        title: format!("{ACTIONS} distinct actions, warm Node no-op, {CONNECTIONS} connections"),
        columns: vec!["calls/s", "p50 ms", "p99 ms"],
        rows: vec![
            row("one action".to_owned(), one),
            row(format!("{ACTIONS} actions in turns"), all),
            Row::new("ratio", [all.rate / one.rate]).at_least("calls/s", 0, 0.8),
        ],
        notes: vec![format!(
            "Closed loop, default logs, containers of {MEMORY} MB with room for all. {cold} containers were started \
             while the {ACTIONS} actions were called."
        )],
        raw: json!({ "containers_started_meanwhile": cold }),
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are a hundred")]
fn memory(before: f64, after: f64, containers: u64) -> Section {
    let each = (after - before) * 1024.0 / containers.max(1) as f64;
    Section {
        title: "Whirl's own memory, by warm containers that idle".to_owned(),
        columns: vec!["MiB resident"],
        rows: vec![
            Row::new("after calls of one action".to_owned(), [before]),
            Row::new(format!("with {containers} warm containers more"), [after]),
        ],
        notes: vec![format!(
            "That is {each:.0} KiB for each: its connections, its log book, its place in the pool."
        )],
        raw: json!({ "kibibytes_each": each }),
    }
}
