//! Sequences: what may be written, how one runs, what it leaves, and how it goes on in another process.

use serde_json::{Value, json};
use whirl_controller::MemberConfig;
use whirl_model::{Keep, Outcome};

use crate::client::read_answer;
use crate::invoker::{Script, ScriptedInvoker, id_in};
use crate::world::{Setting, World, annotation, unthrottled, wait_for, within_a_minute};

/// A body that writes a sequence of these components.
fn body(components: &[&str]) -> Value {
    json!({"exec": {"kind": "sequence", "components": components}})
}

fn increments(invoker: &ScriptedInvoker) {
    invoker.does(Script::Compute(|input| json!({"n": input["n"].as_i64().unwrap_or_default() + 1})));
}

/// Alice has the actions `a`, `b`, `c`, which add 1 to `n`, and the sequence `s` of them.
fn world() -> World {
    let world = World::start();
    increments(&world.invoker);
    for name in ["a", "b", "c"] {
        world.has_action(name);
    }
    world.alice().put("actions/s", &body(&["/_/a", "/alice/b", "_/c"])).ok();
    world
}

#[test]
fn a_sequence_is_written_and_read() {
    let world = world();
    let written = world.alice().get("actions/s").ok();
    let components = json!(["/alice/a", "/alice/b", "/alice/c"]);
    assert_eq!(written["exec"], json!({"kind": "sequence", "components": components}));
    assert_eq!(written["parameters"], json!([{"key": "_actions", "value": components}]));
    assert_eq!(annotation(&written, "exec"), "sequence");
    world.alice().put("actions/s?overwrite=true", &json!({"parameters": [{"key": "p", "value": 1}]})).ok();
    assert_eq!(world.alice().get("actions/s").ok()["parameters"], written["parameters"]);
}

#[test]
fn what_makes_no_sequence_is_refused() {
    let world = world();
    for (components, status) in [
        (json!([]), 400),
        (json!(["/_/missing"]), 400),
        (json!(["a"]), 400),
        (json!(["/_/a!"]), 400),
        (json!([1]), 400),
        (json!(["/_/x"]), 400),
        (json!(vec!["/_/a"; 51]), 400),
        (json!(["/bob/secret"]), 403),
    ] {
        let body = json!({"exec": {"kind": "sequence", "components": components}});
        world.alice().put("actions/x", &body).refused(status);
    }
    world.alice().put("actions/x", &json!({"exec": {"kind": "sequence"}})).refused(400);
    world.alice().get("actions/x").refused(404);
    world
        .alice()
        .put("actions/most", &json!({"exec": {"kind": "sequence", "components": vec!["/_/a"; 50]}}))
        .ok();
    let text = world.alice().put("actions/x", &body(&["/_/most", "/_/a"])).refused(400);
    assert_eq!(text, "Too many actions in the sequence.");
}

#[test]
fn a_sequence_does_not_refer_to_itself() {
    let world = world();
    world.alice().put("actions/outer", &body(&["/_/s", "/_/a"])).ok();
    for components in [["/_/a", "/_/s"], ["/_/a", "/_/outer"]] {
        let text = world.alice().put("actions/s?overwrite=true", &body(&components)).refused(400);
        assert_eq!(text, "Sequence may not refer to itself.");
    }
    world.alice().put("packages/p", &json!({})).ok();
    world.alice().put("packages/bound", &json!({"binding": {"namespace": "_", "name": "p"}})).ok();
    world.alice().put("actions/p/s", &body(&["/_/a"])).ok();
    let text = world.alice().put("actions/p/s?overwrite=true", &body(&["/_/bound/s"])).refused(400);
    assert_eq!(text, "Sequence may not refer to itself.");
}

#[test]
fn the_result_of_the_last_is_the_answer() {
    let world = world();
    let answer = world.alice().post("actions/s?blocking=true&result=true", &json!({"n": 1}));
    assert_eq!(answer.ok(), json!({"n": 4}));
    let whole = world.alice().post("actions/s?blocking=true", &json!({"n": 1})).ok();
    let id = whole["activationId"].as_str().unwrap();
    assert_eq!((&whole["response"]["status"], &whole["name"]), (&json!("success"), &json!("s")));

    let stored = world.record(id);
    let steps: Vec<_> = world.invoker.seen().split_off(3);
    let ids: Vec<_> = steps.iter().map(|step| step.activation_id.to_string()).collect();
    assert_eq!(stored["logs"], json!(ids));
    assert_eq!((&stored["duration"], &stored["cause"]), (&json!(126), &Value::Null));
    assert_eq!(
        (annotation(&stored, "topmost"), annotation(&stored, "kind")),
        (&json!(true), &json!("sequence"))
    );
    assert_eq!(annotation(&stored, "limits")["memory"], 256);
    for (step, id) in steps.iter().zip(&ids) {
        assert_eq!(
            (step.blocking, step.cause.unwrap().to_string()),
            (true, stored["activationId"].as_str().unwrap().to_owned())
        );
        assert_eq!(world.record(id)["cause"], stored["activationId"]);
    }
    wait_for("nothing is in flight", || world.in_flight() == 0);
}

#[test]
fn only_components_have_their_parameters_merged() {
    let world = World::start();
    let parameters = json!({"parameters": [{"key": "p", "value": 1}]});
    world.has_action_with("a", &parameters);
    world.invoker.answers(Outcome::Success, json!([1, "x"]));
    world.alice().put("actions/s", &body(&["/_/a", "/_/a"])).ok();
    let answer = world.alice().post("actions/s?blocking=true", &json!({"n": 1}));
    assert_eq!((answer.status, answer.json()), (200, json!([1, "x"])));
    let inputs = world
        .invoker
        .seen()
        .iter()
        .map(|step| serde_json::to_value(&step.arguments).unwrap())
        .collect::<Vec<_>>();
    assert_eq!(inputs, [json!({"p": 1, "n": 1}), json!([1, "x"])], "arrays go on as they are");
}

#[test]
fn components_may_be_others_and_bound() {
    let world = world();
    let shared = |yes: bool| json!({"publish": yes, "parameters": [{"key": "p", "value": 1}]});
    world.bob().put("packages/lib", &shared(true)).ok();
    world.bob().put("actions/lib/x", &json!({"exec": {"kind": "nodejs:20", "code": "x"}})).ok();
    world.alice().put("packages/bound", &json!({"binding": {"namespace": "bob", "name": "lib"}})).ok();
    world.alice().put("actions/s?overwrite=true", &body(&["/bob/lib/x", "/_/bound/x"])).ok();
    world.alice().post("actions/s?blocking=true", &json!({})).ok();
    let steps = world.invoker.seen();
    let bindings: Vec<_> = steps.iter().map(|step| step.binding.as_ref().map(ToString::to_string)).collect();
    assert_eq!(bindings, [None, Some("alice/bound".to_owned())]);
    assert!(
        steps.iter().all(|step| step.arguments.get("p").is_some() && step.caller.subject == "alice-subject")
    );

    // Bound itself, a sequence says so, and goes on by that name in another process.
    world.alice().put("packages/own", &json!({})).ok();
    world.alice().put("actions/own/t", &body(&["/_/a", "/_/b", "/_/c"])).ok();
    world.alice().put("packages/mine", &json!({"binding": {"namespace": "_", "name": "own"}})).ok();
    let whole = world.alice().post("actions/mine/t?blocking=true", &json!({})).ok();
    assert_eq!(
        (annotation(&whole, "path"), annotation(&whole, "binding")),
        (&json!("alice/own/t"), &json!("alice/mine"))
    );

    world.bob().put("packages/lib?overwrite=true", &shared(false)).ok();
    let before = world.invoker.seen().len();
    world.alice().post("actions/s?blocking=true", &json!({})).refused(403);
    assert_eq!(world.invoker.seen().len(), before);
}

#[test]
fn who_does_not_wait_finds_the_record() {
    let world = world();
    let answer = world.alice().post("actions/s", &json!({}));
    assert_eq!(answer.status, 202);
    let record = world.record(&id_in(&answer.json()).to_string());
    assert_eq!(record["response"]["result"], json!({"n": 3}));
}

#[test]
fn who_waits_too_long_is_told_the_id_and_a_client_that_goes_away_cancels_nothing() {
    let world = world();
    world.invoker.does_with("b", Script::Hold);
    let answer = world.alice().post("actions/s?blocking=true&timeout=20", &json!({}));
    assert_eq!(answer.status, 202);
    drop(world.alice().begin("POST", "actions/s?blocking=true", &[], b"{}"));
    wait_for("both wait for their second step", || world.invoker.seen().len() == 4);
    assert_eq!(world.in_flight(), 4, "each, and its step");
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({"n": 7})).await });
    let stored = world.record(&id_in(&answer.json()).to_string());
    assert_eq!(stored["response"]["result"], json!({"n": 8}));
    wait_for("both went on", || world.invoker.seen().len() == 6 && world.in_flight() == 0);
}

#[test]
fn an_error_ends_it() {
    let world = world();
    for (outcome, status) in
        [(Outcome::ApplicationError, 502), (Outcome::DeveloperError, 502), (Outcome::InternalError, 500)]
    {
        let before = world.invoker.seen().len();
        world.invoker.does_with("b", Script::Finish(outcome, json!({"error": "no"})));
        let answer = world.alice().post("actions/s?blocking=true", &json!({}));
        assert_eq!((answer.status, &answer.json()["response"]["status"]), (status, &json!(outcome.status())));
        assert_eq!(answer.json()["response"]["result"], json!({"error": "no"}));
        assert_eq!(world.invoker.seen().len(), before + 2);
    }
}

#[test]
fn components_may_have_changed_since() {
    let world = world();
    world.alice().delete("actions/b").ok();
    let answer = world.alice().post("actions/s?blocking=true", &json!({}));
    assert_eq!((answer.status, &answer.json()["response"]["status"]), (502, &json!("application error")));
    assert_eq!(
        world.record(answer.json()["activationId"].as_str().unwrap())["logs"].as_array().unwrap().len(),
        1
    );
    world.alice().delete("actions/b").refused(404);

    // By now a sequence of 51.
    let most = json!({"exec": {"kind": "sequence", "components": vec!["/_/a"; 50]}});
    world.alice().put("actions/b", &body(&["/_/a"])).ok();
    world.alice().put("actions/b?overwrite=true", &most).ok();
    let answer = world.alice().post("actions/s?blocking=true", &json!({}));
    assert_eq!(answer.json()["response"]["result"], json!({"error": "Too many actions in the sequence."}));
}

#[test]
fn sequences_in_sequences_have_records_of_their_own() {
    let world = world();
    world.alice().put("actions/outer", &body(&["/_/s", "/_/a"])).ok();
    let whole = world.alice().post("actions/outer?blocking=true", &json!({})).ok();
    assert_eq!(whole["response"]["result"], json!({"n": 4}));
    let outer = world.record(whole["activationId"].as_str().unwrap());
    let inner = world.record(outer["logs"][0].as_str().unwrap());
    assert_eq!((&inner["name"], &inner["cause"]), (&json!("s"), &outer["activationId"]));
    assert_eq!(
        (annotation(&inner, "topmost"), annotation(&inner, "causedBy")),
        (&json!(false), &json!("sequence"))
    );
    assert_eq!(inner["logs"].as_array().unwrap().len(), 3);
}

#[test]
fn the_bus_has_to_have_it() {
    let world = world();
    world.bus.is_full();
    world.alice().post("actions/s", &json!({})).refused(503);
    world.alice().post("actions/s?blocking=true", &json!({})).refused(503);
    assert_eq!((world.in_flight(), world.invoker.seen().len()), (0, 0));
}

#[test]
fn a_draining_controller_lets_sequences_end_and_begins_none() {
    let world = world();
    world.invoker.does_with("a", Script::Hold);
    let mut waiting = world.alice().begin("POST", "actions/s?blocking=true", &[], b"{}");
    world.wait_until_seen(1);
    world.drain.begin();
    world.alice().post("actions/s", &json!({})).refused(503);
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({"n": 1})).await });
    assert_eq!(read_answer(&mut waiting, "POST").ok()["response"]["result"], json!({"n": 3}));
}

#[test]
fn one_of_several_controllers_runs_sequences_and_does_not_take_up_what_had_begun() {
    let member = || Setting { member: Some(MemberConfig::default()), ..Setting::default() };
    let world = World::start_as(member());
    increments(&world.invoker);
    for name in ["a", "b"] {
        world.has_action(name);
    }
    world.alice().put("actions/s", &body(&["/_/a", "/_/b"])).ok();
    assert_eq!(world.alice().post("actions/s?blocking=true&result=true", &json!({})).ok(), json!({"n": 2}));
    world.invoker.does_with("b", Script::Forget);
    let id = id_in(&world.alice().post("actions/s", &json!({})).json()).to_string();
    world.wait_until_seen(4);
    let world = world.restarted_as(member(), increments);
    let whole = world.record(&id);
    assert_eq!(
        (&whole["response"]["status"], whole["logs"].clone()),
        (&json!("whisk internal error"), json!([]))
    );
    assert!(whole["response"]["result"]["error"].as_str().unwrap().contains("not continued"));
    assert!(!world.invoker.names().contains(&"b".to_owned()));
}

/// Fires the sequence `name`, of which `b` is dealt with so, and ends the process when `b` was reached.
fn stopped_at_b(world: World, name: &str, b: Script) -> (World, String, Vec<String>) {
    world.invoker.does_with("b", b);
    let id = id_in(&world.alice().post(&format!("actions/{name}"), &json!({})).json()).to_string();
    wait_for("b is reached", || world.invoker.names().last().is_some_and(|last| last == "b"));
    let steps: Vec<_> = world.invoker.seen().iter().map(|step| step.activation_id.to_string()).collect();
    for before_b in steps.split_last().unwrap().1 {
        world.record(before_b);
    }
    let world = world.restarted(increments);
    (world, id, steps)
}

#[test]
fn another_process_goes_on_where_one_stopped() {
    // What the invoker has is delivered to it again; what it never got is run under the id that it was to have.
    for b in [Script::Hold, Script::Forget] {
        let (world, id, before) = stopped_at_b(world(), "s", b);
        let whole = world.record(&id);
        assert_eq!(
            (&whole["response"]["result"], world.invoker.names()),
            (&json!({"n": 3}), vec!["b".to_owned(), "c".to_owned()])
        );
        assert_eq!(whole["logs"].as_array().unwrap()[..2], [json!(before[0]), json!(before[1])]);
        let records = world.alice().get("activations").ok();
        assert_eq!(records.as_array().unwrap().len(), 4, "one record each: {records}");
        wait_for("nothing is in flight", || world.in_flight() == 0);
    }
}

#[test]
fn inner_sequences_go_on_too() {
    let world = world();
    world.alice().put("actions/outer", &body(&["/_/a", "/_/s", "/_/c"])).ok();
    let (world, id, _) = stopped_at_b(world, "outer", Script::Forget);
    let whole = world.record(&id);
    assert_eq!(
        (&whole["response"]["result"], world.invoker.names()),
        (&json!({"n": 5}), vec!["b".to_owned(), "c".to_owned(), "c".to_owned()])
    );
    let inner = world.record(whole["logs"][1].as_str().unwrap());
    assert_eq!(inner["logs"].as_array().unwrap().len(), 3);
}

#[test]
fn what_had_not_begun_begins_and_what_cannot_be_run_any_more_says_so() {
    let world = world();
    world.invoker.does_with("a", Script::Hold);
    let id = id_in(&world.alice().post("actions/s", &json!({})).json()).to_string();
    world.wait_until_seen(1);
    world.alice().delete("actions/s").ok();
    let world = world.restarted(increments);
    let whole = world.record(&id);
    wait_for("nothing is in flight", || world.in_flight() == 0);
    assert_eq!(whole["response"]["status"], "whisk internal error");
    assert!(whole["response"]["result"]["error"].as_str().unwrap().contains("alice/s"), "{whole}");
    assert_eq!((&whole["name"], annotation(&whole, "kind")), (&json!("s"), &json!("sequence")));
}

#[test]
fn where_successes_have_no_record_what_had_begun_is_not_taken_up() {
    let mut config = unthrottled();
    config.keep_records.non_blocking = Keep::Failures;
    let world = World::start_with(config);
    increments(&world.invoker);
    for name in ["a", "b"] {
        world.has_action(name);
    }
    world.alice().put("actions/s", &body(&["/_/a", "/_/b"])).ok();
    world.invoker.does_with("b", Script::Forget);
    let id = id_in(&world.alice().post("actions/s", &json!({})).json()).to_string();
    world.wait_until_seen(2);
    let world = world.restarted(increments);
    let whole = world.record(&id);
    assert_eq!(
        (&whole["response"]["status"], world.invoker.seen().len()),
        (&json!("whisk internal error"), 0)
    );
    assert!(whole["response"]["result"]["error"].as_str().unwrap().contains("not continued"));
}

#[test]
fn a_sequence_whose_end_was_noted_is_not_played_again() {
    let world = world();
    world.alice().post("actions/s?blocking=true", &json!({})).ok();
    let world = world.restarted(increments);
    assert_eq!((world.invoker.seen().len(), world.in_flight()), (0, 0));
}

#[test]
fn steps_are_not_charged_to_throttles() {
    let statuses = within_a_minute(|| {
        let mut config = unthrottled();
        (config.throttles.actions_per_minute, config.throttles.concurrent_actions) = (2, 1);
        let world = World::start_as(Setting { config, ..Setting::default() });
        increments(&world.invoker);
        world.has_action("a");
        world.alice().put("actions/s", &body(&["/_/a", "/_/a", "/_/a"])).ok();
        [(); 3].map(|()| world.alice().post("actions/s?blocking=true", &json!({})).status)
    });
    assert_eq!(statuses, [200, 200, 429]);
}
