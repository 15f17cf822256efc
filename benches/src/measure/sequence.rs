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
    let mut raw = json!({
        "single_block_p50_us": single.block_medians(),
        "direct_block_p50_us": direct.block_medians(),
    });
    for (length, side) in sequences {
        rows.push(percentiles(format!("sequence of {length}"), &side.all()));
        raw[format!("{length}_block_p50_us")] = json!(side.block_medians());
    }
    let [single, direct] = [single, direct].map(|side| side.all().micros(50.0));
    rows.extend(
        sequences
            .iter()
            .flat_map(|(length, side)| compared(*length, side.all().micros(50.0), single, direct)),
    );
    Section {
        title: "Sequences of no-ops, Node, one at a time".to_owned(),
        columns: COLUMNS.to_vec(),
        rows,
        notes: vec![format!(
            "{BLOCKS} blocks per side in turns, all in the same container. A hop is one of the steps after the first. \
             'Beyond its run' is what a sequence takes longer than a single warm call, shared among its hops, each \
             less a direct POST. 'Beyond warm calls' is what it takes longer than as many single warm calls, shared \
             among its hops: negative where a sequence is quicker than a client that makes the calls itself. What \
             the sequence itself costs, its own acceptance and record, is in the hops."
        )],
        raw,
    }
}

/// A sequence beside what it is made of, in microseconds.
fn compared(length: u32, sequence: f64, single: f64, direct: f64) -> [Row; 4] {
    let (steps, hops) = (f64::from(length), f64::from(length - 1));
    let hop = |beyond: &str| format!("hop in a sequence of {length}, beyond {beyond}");
    [
        Row::new(format!("{length} single warm calls, the sum"), [steps * single]),
        Row::new(format!("{length} direct POSTs, the sum"), [steps * direct]),
        Row::new(hop("its run"), [(sequence - single) / hops - direct]).at_most("p50", 0, TARGET),
        Row::new(hop("warm calls"), [(sequence - steps * single) / hops]).at_most("p50", 0, TARGET),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_compared_with_runs_and_with_calls() {
        let rows = compared(3, 800.0, 300.0, 150.0);
        assert_eq!(rows.each_ref().map(|row| row.figures[0]), [900.0, 450.0, 100.0, -50.0].map(Some));
        assert!(rows.iter().flat_map(|row| &row.verdicts).all(|verdict| verdict.met));
        assert!(!compared(3, 801.0, 300.0, 150.0)[2].verdicts[0].met);
    }
}
