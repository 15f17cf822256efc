//! What a cluster adds to a warm call: a blocking invocation of a no-op beside a direct `POST /run` to the very
//! container that runs it, one call at a time, in alternating blocks.

use serde_json::json;

use super::{Cluster, stages};
use crate::action::Language;
use crate::error::Error;
use crate::measure::Plan;
use crate::measure::side::{BLOCKS, COLUMNS, FIRST_CALLS, Side, UNCOUNTED, compared, percentiles};
use crate::platform::{Logs, Platform};
use crate::report::Section;
use crate::twin::container_in_use;

/// The latencies, and where the time of the calls went.
pub(super) fn sections(
    plan: &Plan,
    cluster: &Cluster,
    platform: &Platform,
    language: Language,
) -> Result<[Section; 2], Error> {
    let name = format!("bench-cluster-{}", language.label());
    platform.create_action(&name, language, Logs::Default)?;
    let mut through = Side::new(platform.connect()?, platform.invoke_request(&name));
    through.calls(FIRST_CALLS, &plan.stop)?;
    let (connection, request) = container_in_use(platform.address(), language, &mut Vec::new())?;
    let mut direct = Side::new(connection, request);
    let per_block = plan.warm_calls.div_ceil(BLOCKS);
    let before = cluster.look()?;
    for _ in 0..BLOCKS {
        through.block(per_block, &plan.stop)?;
        direct.block(per_block, &plan.stop)?;
    }
    let after = cluster.look()?;
    platform.delete_action(&name)?;
    let made = u64::from(BLOCKS * (UNCOUNTED + per_block));
    let not_warm = made.saturating_sub(after.placed_warm() - before.placed_warm());
    let of_stages = format!("Where the time of these calls goes, {} no-op", language.label());
    let stages = stages::section(of_stages, &before, &after, &through.all())?;
    Ok([latencies(language, &through, &direct, not_warm), stages])
}

fn latencies(language: Language, through: &Side, direct: &Side, not_warm: u64) -> Section {
    let [added, quietest, ratio] = compared(str::to_owned, through, direct);
    let mut section = Section {
        title: format!("Warm call through the cluster, {} no-op, one at a time", language.label()),
        columns: COLUMNS.to_vec(),
        rows: vec![
            percentiles("through the cluster".to_owned(), &through.all()),
            percentiles("direct POST".to_owned(), &direct.all()),
            added.at_most("p50", 0, 2000.0).at_most("p50", 0, 1500.0).at_most("p99", 2, 10_000.0),
            quietest,
            ratio,
        ],
        notes: vec![format!(
            "{BLOCKS} blocks per side in turns, default logs. 'Direct' calls the container that the cluster uses \
             for the action. 'Added' and 'ratio' compare the percentiles of all blocks."
        )],
        raw: json!({
            "through_block_p50_us": through.block_medians(),
            "direct_block_p50_us": direct.block_medians(),
            "calls_that_were_not_warm": not_warm,
        }),
    };
    if not_warm > 0 {
        section.notes.push(format!("{not_warm} calls found no warm container."));
    }
    section
}
