//! What whirl adds to a warm call: a blocking invocation of a no-op beside a direct `POST /run`, both on
//! kept-alive connections, one call at a time, in alternating blocks.

use std::time::Duration;

use serde_json::json;

use super::{Plan, timed_call};
use crate::action::Language;
use crate::error::Error;
use crate::http::{Connection, Request};
use crate::latencies::Latencies;
use crate::platform::{Logs, Platform};
use crate::report::{Row, Section};
use crate::server::{Options, Server};
use crate::stop::Stop;
use crate::twin::{Template, Twin, container_in_use};

/// Blocks per side.
const BLOCKS: u32 = 20;
/// Calls at the start of each block that do not count: the caches are the other side's.
const UNCOUNTED: u32 = 20;
const FIRST_CALLS: u32 = 300;
/// Between blocks, so that what one side left to do is not done in the other's time.
const PAUSE: Duration = Duration::from_millis(60);

/// One connection, and what is sent on it.
struct Side {
    connection: Connection,
    request: Request,
    /// One histogram per block.
    blocks: Vec<Latencies>,
}

impl Side {
    fn new(connection: Connection, request: Request) -> Self {
        Self { connection, request, blocks: Vec::new() }
    }

    fn calls(&mut self, number: u32, stop: &Stop) -> Result<Latencies, Error> {
        let mut latencies = Latencies::default();
        for _ in 0..number {
            stop.check()?;
            timed_call(&mut self.connection, &self.request, &mut latencies)
                .map_err(Error::io("make a warm call"))?;
        }
        Ok(latencies)
    }

    fn block(&mut self, calls: u32, stop: &Stop) -> Result<(), Error> {
        stop.sleep(PAUSE)?;
        let uncounted = self.calls(UNCOUNTED, stop)?;
        let mut counted = self.calls(calls, stop)?;
        counted.errors += uncounted.errors;
        self.blocks.push(counted);
        Ok(())
    }

    fn all(&self) -> Latencies {
        let mut all = Latencies::default();
        self.blocks.iter().for_each(|block| all.add(block));
        all
    }

    fn block_medians(&self) -> Vec<f64> {
        self.blocks.iter().map(|block| block.micros(50.0)).collect()
    }

    /// The lowest of them.
    fn quietest(&self) -> f64 {
        self.block_medians().into_iter().fold(f64::INFINITY, f64::min)
    }
}

/// One section per language.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let server = match &plan.given {
        Some(_) => None,
        None => Some(Server::start(&Options::defaults(&plan.whirl), &plan.stop)?),
    };
    let platform = match (&plan.given, &server) {
        (Some((host, auth)), _) => Platform::at(host, auth)?,
        (None, Some(server)) => Platform::of(server)?,
        (None, None) => return Err(Error::Unsuitable("there is no whirl to measure".to_owned())),
    };
    platform.connect()?;
    let sections: Result<Vec<_>, _> =
        plan.languages.iter().map(|&language| section(plan, &platform, server.as_ref(), language)).collect();
    server.map_or(Ok(()), Server::stop)?;
    sections
}

fn section(
    plan: &Plan,
    platform: &Platform,
    server: Option<&Server>,
    language: Language,
) -> Result<Section, Error> {
    let mut section = Section {
        title: format!("Warm call, {} no-op, one at a time", language.label()),
        columns: vec!["p50 µs", "p95 µs", "p99 µs"],
        rows: Vec::new(),
        notes: Vec::new(),
        raw: json!({}),
    };
    let template = Template::of_whirl(platform.address(), language, &plan.stop)?;
    let (twin, connection) = Twin::ready(&template, language, &plan.stop)?;
    let mut equal = Side::new(connection, twin.run_request());
    equal.calls(FIRST_CALLS, &plan.stop)?;
    let mut known = Vec::new();
    for logs in Logs::BOTH {
        let name = format!("bench-warm-{}-{logs:?}", language.label());
        platform.create_action(&name, language, logs)?;
        let mut whirl = Side::new(platform.connect()?, platform.invoke_request(&name));
        whirl.calls(FIRST_CALLS, &plan.stop)?;
        let (connection, request) = container_in_use(platform.address(), language, &mut known)?;
        let mut direct = Side::new(connection, request);
        equal.blocks.clear();
        let warm_before = server.map(Server::placed_warm).transpose()?;
        let per_block = plan.warm_calls.div_ceil(BLOCKS);
        for _ in 0..BLOCKS {
            for side in [&mut whirl, &mut direct, &mut equal] {
                side.block(per_block, &plan.stop)?;
            }
        }
        let warm_after = server.map(Server::placed_warm).transpose()?;
        platform.delete_action(&name)?;
        let not_warm = warm_before.zip(warm_after).map(|(before, after)| {
            u64::from(BLOCKS * (UNCOUNTED + per_block)).saturating_sub(after - before)
        });
        section.rows.extend(rows(logs, &whirl, &direct, &equal));
        section.raw[logs.label()] = json!({
            "whirl_block_p50_us": whirl.block_medians(),
            "direct_block_p50_us": direct.block_medians(),
            "equal_block_p50_us": equal.block_medians(),
            "whirl_calls_that_were_not_warm": not_warm,
        });
        if let Some(cold @ 1..) = not_warm {
            section.notes.push(format!("{}: {cold} calls found no warm container.", logs.label()));
        }
    }
    section.notes.push(format!(
        "{BLOCKS} blocks per side in turns. 'Direct' calls the container that whirl uses for the action, 'equal' \
         one that was started by hand with its configuration ({}). 'Added' and 'ratio' compare the percentiles \
         of all blocks through whirl and direct.",
        template.image()
    ));
    Ok(section)
}

const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];

fn rows(logs: Logs, whirl_side: &Side, direct_side: &Side, equal_side: &Side) -> Vec<Row> {
    let [whirl, direct, equal] = [whirl_side, direct_side, equal_side].map(Side::all);
    let name = |what: &str| format!("{}: {what}", logs.label());
    let row = |what: &str, figure: &dyn Fn(f64) -> f64| Row::new(name(what), PERCENTILES.map(figure));
    vec![
        row("through whirl", &|p| whirl.micros(p)).calls(whirl.count(), whirl.errors),
        row("direct POST", &|p| direct.micros(p)).calls(direct.count(), direct.errors),
        row("direct POST, equal container", &|p| equal.micros(p)).calls(equal.count(), equal.errors),
        row("added", &|p| whirl.micros(p) - direct.micros(p))
            .at_most("p50", 0, 150.0)
            .at_most("p50", 0, 60.0)
            .at_most("p99", 2, 1000.0)
            .at_most("p99", 2, 250.0),
        Row::new(
            name("added, quietest block of each side"),
            [whirl_side.quietest() - direct_side.quietest()],
        ),
        row("ratio", &|p| whirl.micros(p) / direct.micros(p)),
    ]
}
