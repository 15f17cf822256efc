//! Logs of running activations, through controllers that did not accept them.

use std::iter;

use serde_json::json;
use whirl_cli::client::LogEvent;
use whirl_system_tests::{Cluster, RawRequest, World};

/// Says ten things, for two seconds.
const TALKER: &str = "function main(p) { return new Promise(done => { let n = 0; const timer = setInterval(() => { \
     console.log(`line ${++n}`); if (n == 10) { clearInterval(timer); done({n}) } }, 200) }) }";

fn follow(world: &World, id: &str) -> impl Iterator<Item = LogEvent> {
    world.client().activations().follow("_", id).unwrap().map(Result::unwrap)
}

#[test]
fn any_controller_tells_what_is_said_at_any_invoker() {
    let Some(cluster) = Cluster::start(2, 2) else { return };
    let (here, there) = (cluster.world(0), cluster.world(1));
    let action = here.action("talker").node(TALKER).limit("memory", 128).create();
    for _ in 0..2 {
        let id = action.fire(&json!({}));
        let mut heard_here = follow(&here, &id);
        let first = heard_here.next();
        assert!(
            matches!(&first, Some(LogEvent::Line(line)) if line.ends_with(" stdout: line 1")),
            "{first:?}"
        );
        let mut heard_there = follow(&there, &id);
        assert_eq!(heard_there.next(), first, "from the first line on");
        assert!(here.record_now(&id).is_none(), "it runs on");
        let events: Vec<LogEvent> = iter::once(first.unwrap()).chain(heard_here).collect();
        assert_eq!(events[1..], heard_there.collect::<Vec<_>>());
        let record = here.record(&id);
        let logs = record.logs().into_iter().map(str::to_owned);
        let told: Vec<LogEvent> = logs.map(LogEvent::Line).chain([LogEvent::Ended]).collect();
        assert_eq!(events, told);
    }
}

#[test]
fn an_invoker_tells_nobody_but_controllers() {
    let Some(cluster) = Cluster::start(1, 1) else { return };
    let world = cluster.world(0);
    let id = world.action("talker").node(TALKER).limit("memory", 128).create().fire(&json!({}));
    let mut heard = follow(&world, &id);
    assert!(matches!(heard.next(), Some(LogEvent::Line(_))));
    let invoker = cluster.invokers[0].ready()["admin"].as_str().unwrap().replace("http://", "");
    let path = format!("/activations/{id}/logs?namespace=guest&from=0");
    for token in ["Bearer x", "Bearer ", &format!("Bearer {}", "0".repeat(64))] {
        let answer = RawRequest::new(&invoker, "GET", &path).header("Authorization", token).send();
        assert_eq!(answer.status, 401);
    }
    assert_eq!(RawRequest::new(&invoker, "GET", &path).send().status, 401);
}

#[test]
fn a_lost_invoker_ends_the_log() {
    let Some(mut cluster) = Cluster::start(2, 1) else { return };
    let (here, there) = (cluster.world(0), cluster.world(1));
    let id = here.action("talker").node(TALKER).limit("memory", 128).create().fire(&json!({}));
    let mut heard = [follow(&here, &id), follow(&there, &id)];
    assert!(heard.iter_mut().all(|heard| matches!(heard.next(), Some(LogEvent::Line(_)))));
    cluster.invokers[0].kill9();
    for heard in heard {
        assert_eq!(heard.last(), Some(LogEvent::Ended));
    }
}
