//! What it costs to thaw a paused container for a call, beside a call of one that was never paused, and beside what
//! the engine's own pause and unpause take.

use std::time::{Duration, Instant};

use serde_json::json;

use super::side::{BLOCKS, COLUMNS, FIRST_CALLS, percentiles};
use super::{Plan, WITHOUT_STEM_CELLS, timed_call};
use crate::action::Language;
use crate::docker::Engine;
use crate::error::Error;
use crate::http::{Connection, Request};
use crate::latencies::Latencies;
use crate::platform::{Logs, Platform};
use crate::report::{Row, Section};
use crate::server::{Options, Server};
use crate::twin::{Template, Twin};

const LANGUAGE: Language = Language::Node;
const ACTION: &str = "bench-pause";
/// Between two calls: long enough for a container to be frozen meanwhile.
const GAP: Duration = Duration::from_millis(20);

/// One section.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let mut warm = Place::start(plan, None)?;
    let mut paused = Place::start(plan, Some(0))?;
    let before = paused.server.placed_resumed()?;
    let per_block = (plan.warm_calls / 20).div_ceil(BLOCKS);
    let (mut of_warm, mut of_paused) = (Latencies::default(), Latencies::default());
    for _ in 0..BLOCKS {
        warm.block(per_block, plan, &mut of_warm)?;
        paused.block(per_block, plan, &mut of_paused)?;
    }
    let resumed = paused.server.placed_resumed()? - before;
    let (freeze, thaw) = by_the_engine(plan, &warm.platform)?;
    warm.server.stop()?;
    paused.server.stop()?;
    let added = of_paused.micros(50.0) - of_warm.micros(50.0);
    Ok(vec![Section {
        title: "Pause and resume, Node no-op".to_owned(),
        columns: COLUMNS.to_vec(),
        rows: vec![
            percentiles("call of a container that is not paused".to_owned(), &of_warm),
            percentiles("call of a paused container".to_owned(), &of_paused),
            Row::new("added by the resume", [added]).at_most("p50", 0, 300.0),
            percentiles("the engine's pause".to_owned(), &freeze),
            percentiles("the engine's unpause".to_owned(), &thaw),
        ],
        notes: vec![format!(
            "{BLOCKS} blocks per side in turns, a call each {} ms. The one whirl has its default settings, the other \
             pauses at once what idles. {resumed} calls found their container paused.",
            GAP.as_millis()
        )],
        raw: json!({ "resumed": resumed }),
    }])
}

/// A whirl with one warm action, and a connection to it.
struct Place {
    server: Server,
    platform: Platform,
    connection: Connection,
    request: Request,
}

impl Place {
    fn start(plan: &Plan, pause_grace: Option<u32>) -> Result<Self, Error> {
        let options = Options {
            manifest: Some(WITHOUT_STEM_CELLS.to_owned()),
            pause_grace,
            ..Options::defaults(&plan.whirl)
        };
        let server = Server::start(&options, &plan.stop)?;
        let platform = Platform::of(&server)?;
        platform.create_action(ACTION, LANGUAGE, Logs::Default)?;
        let (connection, request) = (platform.connect()?, platform.invoke_request(ACTION));
        let mut place = Self { server, platform, connection, request };
        for _ in 0..FIRST_CALLS {
            plan.stop.check()?;
            place.call(&mut Latencies::default())?;
        }
        Ok(place)
    }

    fn call(&mut self, into: &mut Latencies) -> Result<(), Error> {
        timed_call(&mut self.connection, &self.request, into).map_err(Error::io("make a call"))
    }

    fn block(&mut self, calls: u32, plan: &Plan, into: &mut Latencies) -> Result<(), Error> {
        for _ in 0..calls {
            plan.stop.sleep(GAP)?;
            self.call(into)?;
        }
        Ok(())
    }
}

/// How long the engine takes to pause, and to unpause, a container like whirl's.
fn by_the_engine(plan: &Plan, platform: &Platform) -> Result<(Latencies, Latencies), Error> {
    let template = Template::of_whirl(platform.address(), LANGUAGE, &plan.stop)?;
    let (twin, _connection) = Twin::ready(&template, LANGUAGE, &plan.stop)?;
    let (mut freeze, mut thaw) = (Latencies::default(), Latencies::default());
    for _ in 0..plan.starts * 5 {
        plan.stop.sleep(GAP)?;
        let began = Instant::now();
        Engine.pause(twin.id())?;
        freeze.record(began.elapsed());
        let began = Instant::now();
        Engine.unpause(twin.id())?;
        thaw.record(began.elapsed());
    }
    Ok((freeze, thaw))
}
