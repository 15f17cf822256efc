//! What users hear while the store or the bus is away.

use serde_json::json;

use crate::invoker::id_in;
use crate::world::World;

#[test]
fn a_full_bus_is_told_and_leaves_nothing_behind() {
    let world = World::start();
    world.has_action("hello");
    world.bus.is_full();
    for query in ["", "?blocking=true"] {
        let answer = world.alice().post(&format!("actions/hello{query}"), &json!({}));
        answer.refused(503);
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(world.in_flight(), 0);
}

#[test]
fn without_the_store_known_actions_run_and_the_rest_waits() {
    let world = World::start();
    world.has_action("hello");
    world.has_action("unread");
    world.alice().put("packages/util", &json!({})).ok();
    world.has_action("util/hello");
    world.alice().put("packages/bound", &json!({"binding": {"namespace": "_", "name": "util"}})).ok();
    world.invoker.stores_nothing();
    let invoke = |name: &str| world.alice().post(&format!("actions/{name}?blocking=true"), &json!({}));
    invoke("hello").ok();
    invoke("bound/hello").ok();
    world.store.close();
    let record = invoke("hello").ok();
    invoke("bound/hello").ok();
    invoke("util/hello").ok();
    assert_eq!(world.alice().get(&format!("activations/{}", id_in(&record))).ok(), record);
    for answer in [
        world.alice().post("actions/unread", &json!({})),
        world.alice().get("actions"),
        world.alice().put("actions/hello?overwrite=true", &json!({})),
        world.alice().delete("actions/hello"),
        world.alice().get("activations"),
        world.alice().get(&format!("activations/{}", "a".repeat(32))),
        world.bob().get("/api/v1/namespaces"),
    ] {
        answer.refused(503);
    }
}
