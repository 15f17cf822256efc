//! What a step of a sequence costs beyond its own run: sequences of no-ops beside a single warm call and a direct
//! `POST /run`, one call at a time, in alternating blocks.

use serde_json::json;

use super::Plan;
use super::side::{BLOCKS, COLUMNS, FIRST_CALLS, Side, percentiles};
use crate::action::Language;
use crate::error::Error;
use crate::platform::{Logs, Platform};
use crate::report::{Row, Section};
use crate::server::{Options, Server};
use crate::twin::container_in_use;

const LANGUAGE: Language = Language::Node;
const STEP: &str = "bench-step";
/// Steps of each sequence.
const LENGTHS: [u32; 3] = [2, 5, 10];
/// Microseconds that a hop may take at the median.
const TARGET: f64 = 100.0;

/// One section.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let server = Server::start(&Options::defaults(&plan.whirl), &plan.stop)?;
    let platform = Platform::of(&server)?;
    platform.create_action(STEP, LANGUAGE, Logs::Default)?;
    let mut single = Side::new(platform.connect()?, platform.invoke_request(STEP));
    single.calls(FIRST_CALLS, &plan.stop)?;
    let (connection, request) = container_in_use(platform.address(), LANGUAGE, &mut Vec::new())?;
    let mut direct = Side::new(connection, request);
    let mut sequences = Vec::new();
    for length in LENGTHS {
        let name = format!("bench-sequence-{length}");
        platform.create_sequence(&name, STEP, length)?;
        sequences.push((length, Side::new(platform.connect()?, platform.invoke_request(&name))));
    }
    let per_block = (plan.warm_calls / 5).div_ceil(BLOCKS);
    for _ in 0..BLOCKS {
        for side in sequences.iter_mut().map(|(_, side)| side).chain([&mut single, &mut direct]) {
            side.block(per_block, &plan.stop)?;
        }
    }
    server.stop()?;
    Ok(vec![section(&single, &direct, &sequences)])
}

fn section(single: &Side, direct: &Side, sequences: &[(u32, Side)]) -> Section {
    let mut rows = vec![
        percentiles("single warm call".to_owned(), &single.all()),
        percentiles("direct POST".to_owned(), &direct.all()),
    ];
    let mut raw = json!({});
    for (length, side) in sequences {
        rows.push(percentiles(format!("sequence of {length}"), &side.all()));
        raw[format!("{length}_block_p50_us")] = json!(side.block_medians());
    }
    rows.extend(sequences.iter().map(|(length, side)| {
        let steps = f64::from(length - 1);
        let hop = (side.all().micros(50.0) - single.all().micros(50.0)) / steps - direct.all().micros(50.0);
        Row::new(format!("hop in a sequence of {length}"), [hop]).at_most("p50", 0, TARGET)
    }));
    Section {
        title: "Sequences of no-ops, Node, one at a time".to_owned(),
        columns: COLUMNS.to_vec(),
        rows,
        notes: vec![format!(
            "{BLOCKS} blocks per side in turns. A hop is what each step after the first adds to a single warm call, \
             less a direct POST to the same container; what the sequence itself costs is shared among its hops."
        )],
        raw,
    }
}
