//! What whirl adds to a warm call of a web action: beside the plain API call of the same action and a direct
//! `POST /run` to its container, one call at a time, in alternating blocks.

use serde_json::json;

use super::Plan;
use super::side::{BLOCKS, COLUMNS, FIRST_CALLS, Side, compared, percentiles};
use crate::action::Language;
use crate::error::Error;
use crate::platform::Platform;
use crate::report::{Row, Section};
use crate::server::{Options, Server};
use crate::twin::container_in_use;

const LANGUAGE: Language = Language::Node;
const ACTION: &str = "bench-web";

/// One section.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let server = Server::start(&Options::defaults(&plan.whirl), &plan.stop)?;
    let platform = Platform::of(&server)?;
    platform.create_web_action(ACTION, LANGUAGE)?;
    let mut web = Side::new(platform.connect()?, platform.web_request(ACTION));
    let mut plain = Side::new(platform.connect()?, platform.invoke_request(ACTION));
    web.calls(FIRST_CALLS, &plan.stop)?;
    plain.calls(FIRST_CALLS, &plan.stop)?;
    let (connection, request) = container_in_use(platform.address(), LANGUAGE, &mut Vec::new())?;
    let mut direct = Side::new(connection, request);
    let per_block = (plan.warm_calls / 5).div_ceil(BLOCKS);
    for _ in 0..BLOCKS {
        for side in [&mut web, &mut plain, &mut direct] {
            side.block(per_block, &plan.stop)?;
        }
    }
    server.stop()?;
    Ok(vec![section(&web, &plain, &direct)])
}

fn section(web: &Side, plain: &Side, direct: &Side) -> Section {
    let of = |whose: &'static str| move |what: &str| format!("{whose}: {what}");
    let [added, quietest, ratio] = compared(of("web action"), web, direct);
    let [plain_added, plain_quietest, plain_ratio] = compared(of("API"), plain, direct);
    let more = Row::new("web action: added to the API", [web.all().micros(50.0) - plain.all().micros(50.0)]);
    Section {
        title: "Web action, warm Node no-op, one call at a time".to_owned(),
        columns: COLUMNS.to_vec(),
        rows: vec![
            percentiles("web action".to_owned(), &web.all()),
            percentiles("API".to_owned(), &plain.all()),
            percentiles("direct POST".to_owned(), &direct.all()),
            added,
            quietest,
            ratio,
            plain_added,
            plain_quietest,
            plain_ratio,
            more,
        ],
        notes: vec![format!(
            "{BLOCKS} blocks per side in turns, default logs, all in the same container. The web action is called by \
             anybody, without a key, with a small JSON body, and answers as .json; 'API' is the blocking invocation \
             of the same action for its result."
        )],
        raw: json!({
            "web_block_p50_us": web.block_medians(),
            "plain_block_p50_us": plain.block_medians(),
            "direct_block_p50_us": direct.block_medians(),
        }),
    }
}
