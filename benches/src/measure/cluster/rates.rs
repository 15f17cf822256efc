//! Warm calls per second through a cluster in a closed loop, beside the messages per second that its broker takes
//! and gives with as many in flight.

use std::time::Duration;

use serde_json::json;

use super::Cluster;
use super::broker::Broker;
use crate::action::Language;
use crate::error::Error;
use crate::load::{Load, Outcome};
use crate::measure::Plan;
use crate::platform::{Logs, Platform};
use crate::report::{Row, Section};

const IN_FLIGHT: [usize; 3] = [1, 16, 64];
const LANGUAGE: Language = Language::Node;
const ACTION: &str = "bench-cluster-rates";
/// Containers start under load until none has for so long.
const SETTLED: Duration = Duration::from_secs(1);
const LONGEST_SETTLING: u32 = 60;

pub(super) fn section(plan: &Plan, cluster: &Cluster, platform: &Platform) -> Result<Section, Error> {
    let mut broker = cluster.brokers.as_deref().map(Broker::connect).transpose()?;
    platform.create_action(ACTION, LANGUAGE, Logs::Default)?;
    let mut section = Section {
        title: "Throughput of the cluster, warm Node no-op".to_owned(),
        columns: vec!["per s", "p50 ms", "p99 ms"],
        rows: Vec::new(),
        notes: vec![
            "Closed loops; the clients share the cores. A call crosses the broker twice, as activation and as \
             acknowledgement. 'Confirmed' is the time until the broker has a message (acks=all), 'read' until a \
             consumer has it as well: one producer, one consumer, a topic of one partition, messages as long as an \
             activation's, the client's settings as whirl's."
                .to_owned(),
        ],
        raw: json!({}),
    };
    for in_flight in IN_FLIGHT {
        let (outcome, settled) = calls(plan, cluster, platform, in_flight)?;
        section.rows.push(row(format!("{in_flight} in flight: calls"), &outcome));
        if !settled {
            section.notes.push(format!("With {in_flight} in flight, containers started throughout."));
        }
        if let Some(broker) = &mut broker {
            let messages = broker.messages(in_flight, plan.load_time, &plan.stop)?;
            let name = |what: &str| format!("{in_flight} in flight: broker, {what}");
            section.rows.push(row(name("confirmed"), &messages.confirmed));
            section.rows.push(row(name("read"), &messages.read));
        }
    }
    platform.delete_action(ACTION)?;
    section.raw["message_bytes"] = broker.map_or(json!(null), |broker| json!(broker.message_bytes()));
    Ok(section)
}

/// Calls through the cluster, and whether no more containers were being started for them.
fn calls(
    plan: &Plan,
    cluster: &Cluster,
    platform: &Platform,
    connections: usize,
) -> Result<(Outcome, bool), Error> {
    let lines = (0..connections).map(|_| Ok((platform.connect()?, platform.invoke_request(ACTION))));
    let mut load = Load::new(lines.collect::<Result<Vec<_>, Error>>()?)?;
    let (mut errors, mut settled) = (0, false);
    for _ in 0..LONGEST_SETTLING {
        let before = cluster.look()?.container_starts();
        errors += load.run(SETTLED, &plan.stop)?.latencies.errors;
        settled = cluster.look()?.container_starts() == before;
        if settled {
            break;
        }
    }
    let mut outcome = load.run(plan.load_time, &plan.stop)?;
    outcome.latencies.errors += errors;
    Ok((outcome, settled))
}

fn row(name: String, outcome: &Outcome) -> Row {
    let Outcome { latencies, rate } = outcome;
    Row::new(name, [*rate, latencies.millis(50.0), latencies.millis(99.0)])
        .calls(latencies.count(), latencies.errors)
}
