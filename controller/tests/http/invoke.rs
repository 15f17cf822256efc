//! Invocations: how they are asked for, what the invoker gets, and how each ending is answered.

use serde_json::json;
use whirl_model::{Json, Outcome, Timestamp};

use crate::client::read_answer;
use crate::invoker::{Script, id_in};
use crate::world::{World, wait_for};

const BLOCKING: &str = "actions/hello?blocking=true";

#[test]
fn non_blocking_is_accepted() {
    let world = World::start();
    world.has_action("hello");
    for query in ["", "?blocking=false", "?result=true", "?blocking=", "?blocking"] {
        let answer = world.alice().post(&format!("actions/hello{query}"), &json!({}));
        assert_eq!(answer.status, 202, "{query}");
        assert_eq!(answer.json().as_object().unwrap().len(), 1);
        let id = id_in(&answer.json()).to_string();
        assert_eq!(answer.header("x-openwhisk-activation-id"), Some(id.as_str()));
        assert!(!world.invoker.last_seen().blocking);
    }
    wait_for("all end", || world.in_flight() == 0);
}

#[test]
fn each_ending_has_its_status_and_body() {
    let world = World::start();
    world.has_action("hello");
    for (outcome, status, words) in [
        (Outcome::Success, 200, "success"),
        (Outcome::ApplicationError, 502, "application error"),
        (Outcome::DeveloperError, 502, "action developer error"),
        (Outcome::InternalError, 500, "whisk internal error"),
    ] {
        world.invoker.answers(outcome, json!({"hi": "you"}));
        let answer = world.alice().post(BLOCKING, &json!({}));
        assert_eq!(answer.status, status, "{words}");
        let record = answer.json();
        let id = id_in(&record).to_string();
        assert_eq!(answer.header("x-openwhisk-activation-id"), Some(id.as_str()));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let success = outcome == Outcome::Success;
        let response = json!({"status": words, "success": success, "result": {"hi": "you"}});
        assert_eq!(record["response"], response);
        assert_eq!((&record["logs"], &record["namespace"]), (&json!([]), &json!("alice")));
        assert!(record.get("code").is_none(), "clients take a code for a failed request");

        let bare = world.alice().post("actions/hello?blocking=true&result=true", &json!({}));
        assert_eq!((bare.status, bare.json()), (status, json!({"hi": "you"})));
        assert!(bare.header("x-openwhisk-activation-id").is_some());
    }
    world.invoker.answers(Outcome::Success, json!([1, 2]));
    assert_eq!(world.alice().post(BLOCKING, &json!({})).ok(), json!([1, 2]));
}

#[test]
fn the_invoker_gets_everything() {
    let world = World::start();
    let parameters = json!({"parameters": [{"key": "a", "value": 1}, {"key": "b", "value": 2},
                                           {"key": "env", "value": "x", "init": true}]});
    let action = world.has_action_with("hello", &parameters);
    let trace = format!("00-{}-{}-01", "a".repeat(32), "b".repeat(16));
    let headers = [("X-Request-ID", "tx-1"), ("traceparent", trace.as_str())];
    let body = br#"{"b":12345678901234567890123,"c":1.0}"#;
    let answer = world.alice().send("POST", BLOCKING, &headers, body).ok();
    let message = world.invoker.last_seen();
    assert_eq!(message.activation_id, id_in(&answer));
    assert_eq!(
        Json::of(&message.arguments).as_str(),
        r#"{"a":1,"b":12345678901234567890123,"env":"x","c":1.0}"#
    );
    assert_eq!(message.init_arguments, ["env"]);
    assert_eq!(message.action.to_string(), "alice/hello");
    assert_eq!(message.version.to_string(), action["version"].as_str().unwrap());
    assert_eq!((message.transaction.as_str(), message.blocking), ("tx-1", true));
    assert_eq!(message.trace_parent.as_deref(), Some(trace.as_str()));
    assert_eq!(message.caller.subject, "alice-subject");
    assert!(message.arrived > Timestamp(1_700_000_000_000) && message.cause.is_none());
}

#[test]
fn the_newest_code_runs() {
    let world = World::start();
    world.has_action("hello");
    let mut revisions = Vec::new();
    for n in 2..5 {
        world.alice().post(BLOCKING, &json!({})).ok();
        revisions.push(world.invoker.last_seen().revision.clone());
        world.alice().put("actions/hello?overwrite=true", &json!({})).ok();
        world.alice().post(BLOCKING, &json!({})).ok();
        assert_eq!(world.invoker.last_seen().version.to_string(), format!("0.0.{n}"));
    }
    revisions.dedup();
    assert_eq!(revisions.len(), 3, "each version has a revision of its own");
}

#[test]
fn bad_invocations_are_refused_and_run_nothing() {
    let world = World::start();
    world.has_action("hello");
    let fixed = json!({"annotations": [{"key": "final", "value": true}],
                       "parameters": [{"key": "a", "value": 1}, {"key": "open", "value": null}]});
    world.has_action_with("fixed", &fixed);
    for (path, body, status) in [
        ("actions/missing", json!({}), 404),
        ("actions/hello", json!([]), 400),
        ("actions/hello", json!("x"), 400),
        ("actions/hello?blocking=maybe", json!({}), 400),
        ("actions/hello?timeout=0", json!({}), 400),
        ("actions/hello?timeout=60001", json!({}), 400),
        ("actions/hello?timeout=1.5", json!({}), 400),
        ("actions/fixed", json!({"a": 2}), 400),
        ("actions/fixed", json!({"b": 2, "a": null}), 400),
        ("actions/hello", json!({"a": "x".repeat(1 << 20)}), 413),
    ] {
        let answer = world.alice().post(path, &body);
        answer.refused(status);
        assert!(answer.header("x-openwhisk-activation-id").is_none());
    }
    assert!(world.invoker.seen().is_empty());
    assert_eq!(world.alice().post("actions/fixed", &json!({"open": 1, "new": 2})).status, 202);
}

#[test]
fn who_waits_too_long_is_told_the_id() {
    let world = World::start();
    world.has_action("hello");
    world.invoker.does(Script::Hold);
    let answer = world.alice().post("actions/hello?blocking=true&timeout=20", &json!({}));
    assert_eq!(answer.status, 202);
    let id = id_in(&answer.json());
    assert_eq!((world.in_flight(), world.invoker.last_seen().activation_id), (1, id));
    let record = format!("activations/{id}");
    world.alice().get(&record).refused(404);
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({})).await });
    assert_eq!(world.alice().get(&record).ok()["activationId"], id.to_string());
    assert_eq!(world.in_flight(), 0);
}

#[test]
fn a_client_that_goes_away_cancels_nothing() {
    let world = World::start();
    world.has_action("hello");
    world.invoker.does(Script::Hold);
    drop(world.alice().begin("POST", BLOCKING, &[], b"{}"));
    world.wait_until_seen(1);
    assert_eq!(world.in_flight(), 1);
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({})).await });
    let id = world.invoker.last_seen().activation_id;
    assert_eq!(world.alice().get(&format!("activations/{id}")).ok()["response"]["success"], true);
    assert_eq!(world.in_flight(), 0);
}

#[test]
fn many_callers_get_each_their_own_answer() {
    let world = World::start();
    world.has_action("hello");
    world.invoker.does(Script::Hold);
    let waiting: Vec<_> = (0..20).map(|_| world.alice().begin("POST", BLOCKING, &[], b"{}")).collect();
    world.wait_until_seen(20);
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({})).await });
    let mut ids: Vec<_> =
        waiting.into_iter().map(|mut stream| id_in(&read_answer(&mut stream, "POST").ok())).collect();
    let mut seen: Vec<_> = world.invoker.seen().iter().map(|message| message.activation_id).collect();
    ids.sort_unstable();
    seen.sort_unstable();
    assert_eq!(ids, seen);
}

#[test]
fn a_draining_controller_answers_who_waits_and_takes_no_more() {
    let world = World::start();
    world.has_action("hello");
    world.invoker.does(Script::Hold);
    let mut waiting = world.alice().begin("POST", BLOCKING, &[], b"{}");
    world.wait_until_seen(1);
    world.drain.begin();
    let refused = world.alice().post(BLOCKING, &json!({}));
    refused.refused(503);
    assert!(refused.header("retry-after").is_some());
    world.alice().get("actions/hello").ok();
    assert_eq!(world.admin().get("/ready").status, 503);
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({})).await });
    read_answer(&mut waiting, "POST").ok();
}

#[test]
fn a_stopping_controller_answers_who_waits_and_leaves_who_is_idle() {
    let world = World::start();
    world.has_action("hello");
    let mut idle = world.alice().begin("GET", "/ping", &[], b"");
    read_answer(&mut idle, "GET");
    world.invoker.does(Script::Hold);
    let mut waiting = world.alice().begin("POST", BLOCKING, &[], b"{}");
    world.wait_until_seen(1);
    world.stop_gracefully();
    wait_for("idle connections are closed", || matches!(idle.peek(&mut [0]), Ok(0)));
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({})).await });
    let answer = read_answer(&mut waiting, "POST");
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
}
