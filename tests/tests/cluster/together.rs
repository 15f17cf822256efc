//! Nothing fails: what one part does, the others see.

use serde_json::json;
use whirl_system_tests::{Cluster, eventually};

use super::sleeper;

#[test]
fn any_controller_serves_what_another_one_stored() {
    let Some(cluster) = Cluster::start(2, 2) else { return };
    let (here, there) = (cluster.world(0), cluster.world(1));
    let action = here.action("shared").node("function main() { return {version: 1} }").create();
    let run = || there.post(&format!("actions/{}?blocking=true", action.name), &json!({})).finished(200);
    let record = run();
    assert_eq!(record.result()["version"], 1);
    assert_eq!(here.record(record.id()).result()["version"], 1, "both read the same records");
    action.update_node("function main() { return {version: 2} }");
    eventually("the new code at the other controller", || (run().result()["version"] == 2).then_some(()));
    action.delete();
    eventually("no action at the other controller", || {
        (there.post(&format!("actions/{}?blocking=true", action.name), &json!({})).status == 404)
            .then_some(())
    });
}

#[test]
fn all_invokers_get_work_when_one_is_not_enough() {
    let Some(cluster) = Cluster::start(1, 2) else { return };
    let world = cluster.world(0);
    // Room for four in each invoker.
    let action = world
        .action("wide")
        .node("function main() { return new Promise(r => setTimeout(() => r({}), 3000)) }")
        .limit("memory", 256)
        .create();
    let ids: Vec<String> = (0..8).map(|_| action.fire(&json!({}))).collect();
    eventually("containers at both", || {
        cluster.invokers.iter().all(|invoker| !invoker.containers_left().is_empty()).then_some(())
    });
    for id in &ids {
        world.record(id).succeeded();
    }
}

#[test]
fn parts_leave_without_a_trace_and_join_again() {
    let Some(mut cluster) = Cluster::start(2, 2) else { return };
    let action = sleeper(&cluster.world(0), "leaving").name;
    let id = cluster.world(0).post(&format!("actions/{action}"), &json!({"milliseconds": 1500})).accepted();
    for invoker in 0..2 {
        let status = cluster.invokers[invoker].terminate();
        assert!(status.success(), "{status}: {}", cluster.invokers[invoker].printed());
        assert_eq!(cluster.invokers[invoker].containers_left(), Vec::<String>::new());
        cluster.await_state(0, invoker, "down");
    }
    cluster.world(1).record(&id).succeeded();
    let refused = cluster.world(0).post(&format!("actions/{action}?blocking=true"), &json!({}));
    refused.refused(503);
    assert!(cluster.controllers[0].terminate().success(), "{}", cluster.controllers[0].printed());
    cluster.invokers[1].restart();
    cluster.await_state(1, 1, "up");
    assert_eq!(cluster.state(1, 0).as_deref(), Some("down"), "it has not come back");
    cluster.world(1).works();
    cluster.controllers[0].restart();
    assert_eq!(cluster.controllers[0].ready()["controller"], 0, "the lowest free number");
    cluster.await_state(0, 1, "up");
    cluster.world(0).works();
}
