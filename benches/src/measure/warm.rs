//! What whirl adds to a warm call: a blocking invocation of a no-op beside a direct `POST /run`, both on
//! kept-alive connections, one call at a time, in alternating blocks.

use serde_json::json;

use super::Plan;
use super::side::{BLOCKS, COLUMNS, FIRST_CALLS, Side, UNCOUNTED, compared, percentiles};
use crate::action::Language;
use crate::error::Error;
use crate::platform::{Logs, Platform};
use crate::report::{Row, Section};
use crate::server::{Options, Server};
use crate::twin::{Template, Twin, container_in_use};

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
        columns: COLUMNS.to_vec(),
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
        equal.begin_anew();
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

fn rows(logs: Logs, whirl: &Side, direct: &Side, equal: &Side) -> Vec<Row> {
    let name = |what: &str| format!("{}: {what}", logs.label());
    let [added, quietest, ratio] = compared(name, whirl, direct);
    let added = added
        .at_most("p50", 0, 150.0)
        .at_most("p50", 0, 60.0)
        .at_most("p99", 2, 1000.0)
        .at_most("p99", 2, 250.0);
    vec![
        percentiles(name("through whirl"), &whirl.all()),
        percentiles(name("direct POST"), &direct.all()),
        percentiles(name("direct POST, equal container"), &equal.all()),
        added,
        quietest,
        ratio,
    ]
}
