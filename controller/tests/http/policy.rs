//! Which activations get a record, by settings, limits and requests.

use serde_json::{Value, json};
use whirl_controller::{ControllerConfig, KeepRecords};
use whirl_model::{Keep, NamespaceLimits, Outcome};

use crate::client::Answer;
use crate::invoker::{Script, id_in};
use crate::world::{World, unthrottled, wait_for};

fn invoke(world: &World, blocking: bool, headers: &[(&str, &str)]) -> Answer {
    world.alice().send("POST", &format!("actions/hello?blocking={blocking}"), headers, b"")
}

/// Checks whether there is a record, once it is certain that there is or never will be.
#[track_caller]
fn has_record(world: &World, answer: &Value, expected: bool) {
    let path = format!("activations/{}", id_in(answer));
    wait_for("the activation ends", || world.in_flight() == 0);
    if expected {
        return wait_for("the record is there", || world.alice().get(&path).status == 200);
    }
    // A record of a later activation is stored after this one's would have been.
    let marker = world.alice().send("POST", "actions/hello", &[("X-OW-EXTRA-LOGGING", "on")], b"").json();
    has_record(world, &marker, true);
    world.alice().get(&path).refused(404);
}

#[test]
fn settings_choose_for_those_who_wait_and_those_who_do_not() {
    let keep_records = KeepRecords { blocking: Keep::Failures, non_blocking: Keep::FailuresNotOfApplication };
    let world = World::start_with(ControllerConfig { keep_records, ..unthrottled() });
    world.has_action("hello");
    for (outcome, blocking, kept) in [
        (Outcome::Success, true, false),
        (Outcome::Success, false, false),
        (Outcome::ApplicationError, true, true),
        (Outcome::ApplicationError, false, false),
        (Outcome::DeveloperError, true, true),
        (Outcome::DeveloperError, false, true),
    ] {
        world.invoker.answers(outcome, json!({"error": "x"}));
        let answer = invoke(&world, blocking, &[]);
        has_record(&world, &answer.json(), kept);
    }
    world.invoker.answers(Outcome::Success, json!({"who": "waits"}));
    let answer = invoke(&world, true, &[]).ok();
    assert_eq!(
        answer["response"]["result"],
        json!({"who": "waits"}),
        "who waits has the result all the same"
    );
    let answer = invoke(&world, true, &[("X-OW-EXTRA-LOGGING", "On")]).ok();
    has_record(&world, &answer, true);
    assert_eq!(world.invoker.last_seen().keep, Keep::Always);
}

#[test]
fn a_namespace_may_keep_nothing() {
    let world = World::start();
    world.limits(NamespaceLimits { store_activations: Some(false), ..NamespaceLimits::default() });
    world.has_action("hello");
    world.has_trigger("tick");
    world.has_rule("on", "tick", "hello");
    world.invoker.does(Script::Finish(Outcome::DeveloperError, json!({"error": "x"})));
    let answers = [
        invoke(&world, true, &[("X-OW-EXTRA-LOGGING", "on")]).json(),
        invoke(&world, false, &[]).json(),
        world.alice().post("triggers/tick", &json!({})).json(),
    ];
    wait_for("all have ended", || world.invoker.seen().len() == 3 && world.in_flight() == 0);
    assert!(world.invoker.seen().iter().all(|message| message.keep == Keep::Never));
    for answer in answers {
        let path = format!("activations/{}", id_in(&answer));
        world.alice().get(&path).refused(404);
        world.alice().get(&format!("{path}/state")).refused(404);
    }
    assert_eq!(world.alice().get("activations").ok(), json!([]));
}
