//! Sequences run at the controller that accepted them, wherever their steps do.

use serde_json::json;
use whirl_system_tests::{Cluster, World, eventually};

use super::sleeper;

/// A sequence of three sleepers.
fn chain(world: &World) -> String {
    let steps = ["one", "two", "three"].map(|name| format!("/_/{}", sleeper(world, name).name));
    world.action("chain").exec(json!({"kind": "sequence", "components": steps})).create().name
}

#[test]
fn a_sequence_that_one_controller_stored_runs_at_the_other() {
    let Some(cluster) = Cluster::start(2, 2) else { return };
    let name = chain(&cluster.world(0));
    let answer = cluster.world(1).post(&format!("actions/{name}?blocking=true"), &json!({"n": 1}));
    let id = answer.finished(200).id().to_owned();
    let record = cluster.world(0).record(&id);
    assert_eq!(record.logs().len(), 3);
    for step in record.logs() {
        assert_eq!(cluster.world(0).record(step).0["cause"], id.as_str());
    }
}

#[test]
fn a_killed_controllers_sequence_has_a_record_once_its_number_is_taken_again() {
    let Some(mut cluster) = Cluster::start(1, 1) else { return };
    let (name, id) = {
        let world = cluster.world(0);
        let name = chain(&world);
        let id = world.post(&format!("actions/{name}"), &json!({"milliseconds": 5000})).accepted();
        (name, id)
    };
    let controller = &mut cluster.controllers[0];
    eventually("its first step", || (controller.admin("/activation/count") == 2).then_some(()));
    controller.kill9();
    eventually("the end of its lease", || {
        controller.restart();
        let same = controller.ready()["controller"] == 0;
        if !same {
            controller.terminate();
        }
        same.then_some(())
    });
    let record = cluster.world(0).record(&id);
    assert_eq!((record.status(), &record.0["name"]), ("whisk internal error", &json!(name)));
    assert!(record.error().contains("not continued"), "{}", record.0);
}
