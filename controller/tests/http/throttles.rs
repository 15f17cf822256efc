//! Throttles: what is one too many is refused, and says how many there may be. Each minute of the wall clock
//! begins anew, so a test that counts tries again when the minute changed under it.

use serde_json::{Value, json};
use whirl_backends::InProcessCoordination;
use whirl_backends::coordination::Coordination;
use whirl_controller::{ClusterInvokers, MemberConfig};
use whirl_model::{ControllerId, ControllerReport, Outcome};
use whirl_service::{Metrics, Readiness};

use crate::client::Answer;
use crate::invoker::Script;
use crate::world::{Setting, World, unthrottled, wait_for, within_a_minute};

fn limit(world: &World, limits: &Value) {
    world.administrator().put("/admin/namespaces/alice/limits", limits).ok();
}

#[test]
fn requests_of_a_minute_are_counted_even_when_they_are_refused() {
    let answers = within_a_minute(|| {
        let world = World::start();
        world.has_action("hello");
        limit(&world, &json!({"invocationsPerMinute": 2}));
        let invoke = |path: &str| world.alice().post(path, &json!({}));
        let answers = ["actions/hello", "actions/missing", "actions/hello", "actions/hello"].map(invoke);
        world.has_action("written");
        world.alice().get("actions/hello").ok();
        answers
    });
    let [first, second, third, fourth] = answers;
    assert_eq!((first.status, second.status), (202, 404), "what is missing counts too");
    assert_eq!(third.refused(429), "Too many requests in the last minute (count: 3, allowed: 2).");
    assert_eq!(fourth.refused(429), "Too many requests in the last minute (count: 4, allowed: 2).");
}

#[test]
fn namespaces_do_not_count_for_each_other() {
    let answer = within_a_minute(|| {
        let world = World::start();
        limit(&world, &json!({"invocationsPerMinute": 0}));
        world.alice().post("actions/x", &json!({})).refused(429);
        world.bob().post("actions/x", &json!({}))
    });
    answer.refused(404);
}

#[test]
fn fires_are_counted_apart() {
    let answers: Vec<Answer> = within_a_minute(|| {
        let world = World::start();
        world.has_trigger("tick");
        limit(&world, &json!({"firesPerMinute": 1, "invocationsPerMinute": 0}));
        (0..2).map(|_| world.alice().post("triggers/tick", &json!({}))).collect()
    });
    assert_eq!(answers[0].status, 204, "{}", answers[0].text());
    assert_eq!(answers[1].refused(429), "Too many requests in the last minute (count: 2, allowed: 1).");
}

#[test]
fn a_limit_of_zero_lets_nothing_through() {
    let world = World::start();
    world.has_action("hello");
    world.has_trigger("tick");
    for (limits, path, text) in [
        (json!({"invocationsPerMinute": 0}), "actions/hello", "in the last minute"),
        (json!({"firesPerMinute": 0}), "triggers/tick", "in the last minute"),
        (
            json!({"concurrentInvocations": 0}),
            "actions/hello",
            "Too many concurrent requests in flight (count: 0, allowed: 0).",
        ),
    ] {
        limit(&world, &limits);
        let refused = world.alice().post(path, &json!({})).refused(429);
        assert!(refused.contains(text) && refused.contains("allowed: 0"), "{refused}");
    }
}

#[test]
fn activations_in_flight_are_limited_until_they_end() {
    let world = World::start();
    world.has_action("hello");
    limit(&world, &json!({"concurrentInvocations": 2}));
    world.invoker.does(Script::Hold);
    let invoke = || world.alice().post("actions/hello", &json!({}));
    assert_eq!((invoke().status, invoke().status), (202, 202));
    assert_eq!(invoke().refused(429), "Too many concurrent requests in flight (count: 2, allowed: 2).");
    world.bob().post("actions/missing", &json!({})).refused(404);
    world.wait_until_seen(2);
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({})).await });
    wait_for("they have ended", || world.in_flight() == 0);
    assert_eq!(invoke().status, 202);
}

#[test]
fn the_platforms_throttles_hold_where_a_namespace_has_none() {
    let mut config = unthrottled();
    config.throttles.concurrent_actions = 1;
    let world = World::start_with(config);
    assert_eq!(world.anonymous().get("/").ok()["limits"]["concurrent_actions"], 1);
    assert_eq!(world.alice().get("limits").ok()["concurrentInvocations"], 1);
    world.has_action("hello");
    world.invoker.does(Script::Hold);
    assert_eq!(world.alice().post("actions/hello", &json!({})).status, 202);
    assert!(world.alice().post("actions/hello", &json!({})).refused(429).contains("allowed: 1"));
    limit(&world, &json!({"concurrentInvocations": 2}));
    assert_eq!(world.alice().post("actions/hello", &json!({})).status, 202);
}

#[test]
fn controllers_share_what_is_allowed() {
    let invokers = ClusterInvokers::new(&MemberConfig::default(), Readiness::new(), &Metrics::new()).unwrap();
    let coordination = InProcessCoordination::new();
    let _watching = coordination.watch(invokers.clone());
    let mut config = unthrottled();
    config.throttles.triggers_per_minute = 10;
    let world = World::start_as(Setting { invokers, config, ..Setting::default() });
    let allowed = || {
        let fires = (0..50).map(|_| world.alice().post("triggers/missing", &json!({})));
        let refused = fires.filter(|answer| answer.status == 429).map(|answer| answer.refused(429)).next();
        refused.unwrap().split_once("allowed: ").unwrap().1.to_owned()
    };
    assert_eq!(allowed(), "10).", "this controller alone, not yet in sight");
    let joining = coordination.clone();
    let _members = world.run(async move {
        let join = async |name: &str| {
            let report = ControllerReport { name: name.into(), version: "1".into() };
            joining.join_controller(&report).await.unwrap()
        };
        [join("a").await, join("b").await]
    });
    assert_eq!(allowed(), "6).", "twelve among two");
    coordination.expire_controller(ControllerId(0));
    assert_eq!(allowed(), "10).");
}
