//! How soon `whirl` answers after its start, and what memory it takes while nothing happens.

use std::time::Duration;

use serde_json::json;

use super::Plan;
use crate::error::Error;
use crate::latencies::Latencies;
use crate::report::{Row, Section};
use crate::server::{Options, Server};

/// Memory is read once it has stayed the same for this long.
const SETTLED: Duration = Duration::from_secs(2);
const LONGEST_SETTLING: Duration = Duration::from_secs(30);

/// One section.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let options = Options::defaults(&plan.whirl);
    let mut pings = Latencies::default();
    let mut idle = f64::NAN;
    for number in 0..plan.starts {
        let mut server = Server::spawn(&options)?;
        pings.record(server.first_ping(&plan.stop)?);
        server.wait_until_ready(&plan.stop)?;
        if number == 0 {
            idle = settled_memory(plan, &server)?;
        }
        server.stop()?;
    }
    let rows = vec![
        Row::new("start to first answer of GET /ping, ms", [pings.millis(50.0), pings.millis(95.0)])
            .calls(pings.count(), pings.errors)
            .at_most("p50", 0, 50.0),
        Row::new("resident memory while idle, MiB", [idle]).at_most("memory", 0, 30.0),
    ];
    Ok(vec![Section {
        title: "Start and idle memory of whirl".to_owned(),
        columns: vec!["p50", "p95"],
        rows,
        notes: vec![
            "Each start has a new data directory, default settings and Docker. Memory is VmRSS of the process \
             once its stem cells are up and it has stayed the same for two seconds."
                .to_owned(),
        ],
        raw: json!({ "first_answer_ms": pings.all_millis() }),
    }])
}

fn settled_memory(plan: &Plan, server: &Server) -> Result<f64, Error> {
    let what = "the first stem cell did not come up";
    plan.stop.wait_for(what, LONGEST_SETTLING, || Ok((server.containers_started()? > 0).then_some(())))?;
    let mut last = server.resident()?;
    plan.stop.wait_for("the memory of whirl did not settle", LONGEST_SETTLING, || {
        plan.stop.sleep(SETTLED)?;
        let now = server.resident()?;
        let same = (now - last).abs() < 0.1;
        last = now;
        Ok(same.then_some(now))
    })
}
