//! Sequences run at the controller that accepted them, wherever their steps do: also when it is killed in the middle,
//! or told to stop.

use serde_json::json;
use whirl_system_tests::{Action, Cluster, Part, World, eventually};

const NOT_CONTINUED: &str = "The controller stopped while it was running the sequence. What its steps did is not \
    known here, so it was not continued.";

/// An action that takes its time, whatever it is given.
fn step<'w>(world: &'w World, name: &str, milliseconds: u32) -> Action<'w> {
    let code =
        format!("function main() {{ return new Promise(r => setTimeout(() => r({{}}), {milliseconds})) }}");
    world.action(name).node(&code).limit("memory", 128).create()
}

fn chain<'w>(world: &'w World, steps: &[Action<'_>]) -> Action<'w> {
    let components: Vec<_> = steps.iter().map(|step| format!("/_/{}", step.name)).collect();
    world.action("chain").exec(json!({"kind": "sequence", "components": components})).create()
}

#[test]
fn a_sequence_that_one_controller_stored_runs_at_the_other() {
    let Some(cluster) = Cluster::start(2, 2) else { return };
    let world = cluster.world(0);
    let name = chain(&world, &["one", "two", "three"].map(|name| step(&world, name, 0))).name;
    let answer = cluster.world(1).post(&format!("actions/{name}?blocking=true"), &json!({}));
    let id = answer.finished(200).id().to_owned();
    let record = world.record(&id);
    assert_eq!(record.logs().len(), 3);
    for step in record.logs() {
        assert_eq!(world.record(step).0["cause"], id.as_str());
    }
}

#[test]
fn one_whose_controller_is_killed_ends_once_it_is_back() {
    let Some(mut cluster) = Cluster::start(2, 1) else { return };
    let worlds = [cluster.world(0), cluster.world(1)];
    let mut controllers: Vec<Part> = std::mem::take(&mut cluster.controllers);
    let steps = [("one", 0), ("two", 8000), ("three", 0)].map(|(name, time)| step(&worlds[1], name, time));
    let chain = chain(&worlds[1], &steps);
    let id = worlds[0].post(&chain.path(), &json!({})).accepted();
    eventually("the first step's record", || (steps[0].records().len() == 1).then_some(()));
    controllers[0].kill9();
    worlds[1].works();
    assert!(worlds[1].record_now(&id).is_none(), "nobody knows how it ended yet");
    // At once: its lease has not ended.
    controllers[0].restart();
    assert_eq!(controllers[0].ready()["controller"], 0, "its number, and what was accepted under it");

    let record = worlds[1].record(&id);
    assert_eq!((record.status(), record.error()), ("whisk internal error", NOT_CONTINUED));
    let given_up = "whirl_controller_sequences_given_up_total";
    assert_eq!(controllers[0].metric(given_up), Some(1.0));
    eventually("the second step's record", || (steps[1].records().len() == 1).then_some(()));
    worlds[0].works();
    let counts = steps.each_ref().map(|step| step.records().len());
    assert_eq!(counts, [1, 1, 0], "nothing ran twice, and what had not begun did not run");
    assert_eq!(chain.records().len(), 1);

    controllers[0].terminate();
    controllers[0].restart();
    worlds[0].works();
    assert_eq!(controllers[0].metric(given_up), Some(0.0), "it is done with");
    cluster.controllers = controllers;
}

#[test]
fn a_controller_that_is_told_to_stop_finishes_its_own() {
    let Some(mut cluster) = Cluster::start(2, 1) else { return };
    let worlds = [cluster.world(0), cluster.world(1)];
    let mut controllers: Vec<Part> = std::mem::take(&mut cluster.controllers);
    let steps = ["one", "two", "three"].map(|name| step(&worlds[1], name, 400));
    let chain = chain(&worlds[1], &steps);
    let ids: Vec<_> = (0..3).map(|_| worlds[0].post(&chain.path(), &json!({})).accepted()).collect();
    assert!(controllers[0].terminate().success(), "{}", controllers[0].printed());
    let records: Vec<_> = ids.iter().map(|id| worlds[1].record_now(id).expect("it is stored")).collect();
    for record in &records {
        record.succeeded();
        assert_eq!(record.logs().len(), 3);
    }
    controllers[0].restart();
    worlds[0].works();
    assert_eq!(steps.each_ref().map(|step| step.records().len()), [3, 3, 3]);
    assert_eq!(chain.records().len(), 3);
    cluster.controllers = controllers;
}
