//! Compositions over HTTP; what a conductor may say and hear is tested beside the code that decides it.

use serde_json::{Value, json};
use whirl_model::Outcome;

use crate::invoker::{Script, id_in};
use crate::world::{World, annotation, wait_for};

/// Runs `a` until `n` is 2.
fn conducts(input: &Value) -> Value {
    match input["n"].as_i64().unwrap_or_default() {
        n if n < 2 => json!({"action": "a", "params": {"n": n}, "state": {"seen": n}}),
        n => json!({"params": {"n": n, "seen": input["seen"], "own": input["own"]}}),
    }
}

fn increments(input: &Value) -> Value {
    json!({"n": input["n"].as_i64().unwrap() + 1})
}

fn world() -> World {
    let world = World::start();
    world.has_action("a");
    let conductor = json!({"annotations": [{"key": "conductor", "value": true}],
                           "parameters": [{"key": "own", "value": 1}]});
    world.has_action_with("conductor", &conductor);
    world.invoker.does_with("conductor", Script::Compute(conducts));
    world.invoker.does_with("a", Script::Compute(increments));
    world
}

#[test]
fn a_composition_runs_and_leaves_one_record_for_each_step_and_one_for_all() {
    let world = world();
    let whole = world.alice().post("actions/conductor?blocking=true", &json!({"n": 0})).ok();
    assert_eq!(whole["response"]["result"], json!({"n": 2, "seen": 1, "own": 1}));
    assert_eq!(world.invoker.names(), ["conductor", "a", "conductor", "a", "conductor"]);
    let stored = world.record(whole["activationId"].as_str().unwrap());
    let ids: Vec<_> = world.invoker.seen().iter().map(|step| step.activation_id.to_string()).collect();
    assert_eq!((&stored["logs"], &stored["duration"]), (&json!(ids), &json!(5 * 42)));
    assert_eq!(whole["logs"], stored["logs"], "the steps are in the answer too");
    assert_eq!(
        (annotation(&stored, "conductor"), annotation(&stored, "topmost")),
        (&json!(true), &json!(true))
    );
    assert_eq!(world.record(&ids[0])["cause"], stored["activationId"]);
    wait_for("nothing is in flight", || world.in_flight() == 0);
}

#[test]
fn rights_and_names_are_checked_when_a_component_is_named() {
    let world = world();
    let hears = |action: &str| {
        let said = json!({"action": action});
        world.invoker.does_with("conductor", Script::Finish(Outcome::Success, said));
        let whole = world.alice().post("actions/conductor?blocking=true", &json!({}));
        assert_eq!(whole.status, 502, "it is asked until the composition is too long");
        world.invoker.last_seen().arguments.get("error").unwrap().to_text().unwrap()
    };
    assert_eq!(hears("none"), "Failed to resolve action with name 'alice/none' during composition.");
    assert_eq!(hears("/bob/x"), "Failed entitlement check for action with name 'bob/x' during composition.");
    assert_eq!(
        hears("/bob/p/x"),
        "Failed entitlement check for action with name 'bob/p/x' during composition."
    );
    assert_eq!(hears("/x"), "Failed to parse action name from json value \"/x\" during composition.");
}

#[test]
fn compositions_are_components_of_sequences_and_sequences_of_compositions() {
    let world = world();
    let sequence = json!({"exec": {"kind": "sequence", "components": ["/_/a", "/_/conductor"]}});
    world.alice().put("actions/s", &sequence).ok();
    let whole = world.alice().post("actions/s?blocking=true", &json!({"n": 0})).ok();
    assert_eq!(whole["response"]["result"]["n"], 2);
    let outer = world.record(whole["activationId"].as_str().unwrap());
    let inner = world.record(outer["logs"][1].as_str().unwrap());
    assert_eq!((&inner["name"], &inner["cause"]), (&json!("conductor"), &outer["activationId"]));
    assert_eq!(
        (annotation(&inner, "conductor"), annotation(&inner, "causedBy")),
        (&json!(true), &json!("sequence"))
    );
}

#[test]
fn a_composition_goes_on_in_another_process() {
    let world = world();
    world.invoker.does_with("a", Script::Forget);
    let id = id_in(&world.alice().post("actions/conductor", &json!({"n": 0})).json()).to_string();
    world.wait_until_seen(2);
    let first = world.invoker.seen()[0].activation_id;
    world.record(&first.to_string());
    let world = world.restarted(|invoker| {
        invoker.does_with("conductor", Script::Compute(conducts));
        invoker.does_with("a", Script::Compute(increments));
    });
    let whole = world.record(&id);
    assert_eq!(whole["response"]["result"], json!({"n": 2, "seen": 1, "own": 1}));
    assert_eq!(world.invoker.names(), ["a", "conductor", "a", "conductor"]);
    assert_eq!(whole["logs"][0], first.to_string());
}
