//! Triggers come, change, fire and go.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use whirl_model::{Json, NamespaceLimits};

use crate::client::Answer;
use crate::invoker::id_in;
use crate::world::{World, wait_for};

/// Fires a trigger of Alice's that starts something, and gives its record.
#[track_caller]
fn fire(world: &World, trigger: &str, payload: &Value) -> Value {
    let answer = world.alice().post(&format!("triggers/{trigger}"), payload);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = id_in(&answer.json()).to_string();
    assert_eq!(answer.header("x-openwhisk-activation-id"), Some(id.as_str()));
    world.record(&id)
}

/// The log of a trigger's record, line by line.
fn lines(record: &Value) -> Vec<Value> {
    let lines = record["logs"].as_array().unwrap().iter();
    lines.map(|line| serde_json::from_str(line.as_str().unwrap()).unwrap()).collect()
}

/// Which actions the invoker got, and for which activation.
fn started(world: &World) -> BTreeSet<(String, String)> {
    let seen = world.invoker.seen().into_iter();
    seen.map(|message| (message.action.to_string(), message.activation_id.to_string())).collect()
}

fn told(lines: &[Value]) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    lines.iter().map(|line| (text(&line["action"]), text(&line["activationId"]))).collect()
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_trigger_comes_and_changes_and_goes() {
    let world = World::start();
    let alice = world.alice();
    let body = json!({"parameters": [{"key": "city", "value": "Oslo"}], "limits": {}, "rules": {"x": 1},
                      "annotations": [{"key": "feed", "value": "/whisk.system/alarms/alarm"}]});
    let mut made = alice.put("triggers/tick", &body).ok();
    assert_eq!(alice.get("/api/v1/namespaces/alice/triggers/tick").ok(), made);
    made.as_object_mut().unwrap().remove("updated").expect("it says when");
    let expected = json!({
        "namespace": "alice", "name": "tick", "version": "0.0.1", "publish": false,
        "annotations": [{"key": "feed", "value": "/whisk.system/alarms/alarm"}],
        "parameters": [{"key": "city", "value": "Oslo"}], "limits": {},
    });
    assert_eq!(made, expected);

    assert_eq!(alice.put("triggers/tick", &body).refused(409), "resource already exists");
    let change = json!({"annotations": [{"key": "feed", "value": 7}], "publish": true});
    let changed = alice.put("triggers/tick?overwrite=true", &change).ok();
    assert_eq!((&changed["version"], &changed["publish"]), (&json!("0.0.2"), &json!(true)));
    assert_eq!(changed["annotations"], change["annotations"], "they are replaced");
    assert_eq!(changed["parameters"], expected["parameters"], "they are kept");

    alice.put("triggers/other?overwrite=true", &json!({})).ok();
    let list = alice.get("triggers/?limit=1").ok();
    assert_eq!(members(&list[0]), ["namespace", "name", "version", "publish", "annotations", "updated"]);
    assert_eq!(
        (&list[0]["name"], alice.get("triggers?count=true").ok()),
        (&json!("other"), json!({"triggers": 2}))
    );

    assert_eq!(alice.delete("triggers/tick").ok(), changed);
    for gone in [
        alice.get("triggers/tick"),
        alice.delete("triggers/tick"),
        alice.post("triggers/tick", &json!({})),
        alice.get("triggers/other/"),
        alice.send("PATCH", "triggers/other", &[], b""),
    ] {
        assert_eq!(gone.refused(404), "The requested resource does not exist.");
    }
    assert_eq!(alice.put("triggers/tick", &json!({})).ok()["version"], "0.0.1");
}

#[test]
fn impossible_triggers_are_refused() {
    let world = World::start();
    let alice = world.alice();
    let too_long = "x".repeat(1 << 20);
    for (body, status) in [
        (json!({"annotations": [{"key": "feed", "value": true}]}), 400),
        (json!({"annotations": [{"key": "feed", "value": "no!"}]}), 400),
        (json!({"parameters": {"a": 1}}), 400),
        (json!({"version": "0.0.0"}), 400),
        (json!([]), 400),
        (json!({"parameters": [{"key": "k", "value": too_long}]}), 413),
        (json!({"annotations": [{"key": "k", "value": too_long}]}), 413),
    ] {
        alice.put("triggers/tick", &body).refused(status);
    }
    alice.send("PUT", "triggers/tick", &[], b"").refused(400);
    alice.put("triggers/bad!", &json!({})).refused(400);
    world.has_action("hello");
    for answer in [
        alice.get("triggers/hello"),
        alice.put("triggers/hello?overwrite=true", &json!({})),
        alice.delete("triggers/hello"),
        alice.post("triggers/hello", &json!({})),
    ] {
        assert_eq!(answer.refused(409), "Resource by this name exists but is not in this collection.");
    }
    assert_eq!(alice.get("triggers").ok(), json!([]));
}

#[test]
fn without_an_active_rule_a_fire_does_nothing() {
    let world = World::start();
    let alice = world.alice();
    world.has_action("hello");
    world.has_trigger("tick");
    let does_nothing = |answer: Answer| {
        assert_eq!((answer.status, answer.body.as_slice()), (204, b"".as_slice()));
        assert_eq!(answer.header("x-openwhisk-activation-id"), None);
    };
    does_nothing(alice.post("triggers/tick", &json!({"a": 1})));
    world.has_rule("onTick", "tick", "hello");
    alice.post("rules/onTick", &json!({"status": "inactive"}));
    does_nothing(alice.send("POST", "triggers/tick", &[], b""));
    assert!(world.invoker.seen().is_empty());
    assert_eq!(alice.get("activations").ok(), json!([]));
}

#[test]
fn a_fire_starts_its_rules_actions_and_is_recorded() {
    let world = World::start();
    let alice = world.alice();
    world.has_action_with("hello", &json!({"parameters": [{"key": "own", "value": 0}]}));
    let parameters = json!([{"key": "city", "value": "Oslo"}, {"key": "n", "value": 1}]);
    alice.put("triggers/tick?overwrite=true", &json!({ "parameters": parameters })).ok();
    world.has_rule("onTick", "tick", "hello");
    let headers = [
        ("Content-Type", "application/json"),
        ("X-Request-ID", "tx-1"),
        ("X-Mine", "a"),
        ("Cookie", "secret=1"),
        ("X-OW-EXTRA-LOGGING", "on"),
    ];
    let answer = alice.send("POST", "triggers/tick", &headers, br#"{"n":123456789012345678901234567890}"#);
    assert_eq!((answer.status, members(&answer.json())), (202, vec!["activationId"]));
    let id = id_in(&answer.json());
    wait_for("the action starts", || world.invoker.seen().len() == 1);
    let message = world.invoker.last_seen();
    assert_eq!((message.blocking, message.cause), (false, None));
    assert_eq!((message.transaction.as_str(), message.caller.subject.as_str()), ("tx-1", "alice-subject"));
    let mut arguments: Value = serde_json::from_str(Json::of(&message.arguments).as_str()).unwrap();
    let handed_on = arguments["__ow_headers"].take();
    assert_eq!((&handed_on["x-mine"], &handed_on["content-type"]), (&json!("a"), &json!("application/json")));
    for secret in ["authorization", "cookie", "x-ow-extra-logging"] {
        assert!(handed_on.get(secret).is_none(), "{secret}");
    }
    let arguments = Json::of(&message.arguments).as_str().to_owned();
    assert!(arguments.contains(r#""own":0"#) && arguments.contains(r#""city":"Oslo""#), "{arguments}");
    assert!(arguments.contains(r#""n":123456789012345678901234567890"#), "{arguments}");

    let record = world.record(&id.to_string());
    let expected = [
        "namespace",
        "name",
        "version",
        "subject",
        "activationId",
        "start",
        "response",
        "logs",
        "annotations",
        "publish",
    ];
    assert_eq!(members(&record), expected);
    assert_eq!((&record["name"], &record["version"]), (&json!("tick"), &json!("0.0.1")));
    assert_eq!((&record["annotations"], &record["publish"]), (&json!([]), &json!(false)));
    assert_eq!(
        (&record["response"]["status"], &record["response"]["success"]),
        (&json!("success"), &json!(true))
    );
    let result = alice.get(&format!("activations/{id}/result"));
    assert!(result.text().contains(r#""result":{"n":123456789012345678901234567890}"#), "{}", result.text());
    let line = json!({"statusCode": 0, "success": true, "activationId": message.activation_id.to_string(),
                      "rule": "alice/onTick", "action": "alice/hello"});
    assert_eq!(lines(&record), [line]);
    let listed = alice.get("activations?name=tick").ok();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["activationId"]), (1, &json!(id.to_string())));
    assert_eq!(listed[0].get("statusCode"), None);
}

#[test]
fn an_empty_body_is_an_empty_payload() {
    let world = World::start();
    world.has_action("hello");
    world.has_trigger("tick");
    world.has_rule("onTick", "tick", "hello");
    let answer = world.alice().send("POST", "triggers/tick", &[], b"");
    let record = world.record(&id_in(&answer.json()).to_string());
    assert_eq!(record["response"]["result"], json!({}));
    for (body, status) in [(json!([]), 400), (json!("x"), 400), (json!({"a": "x".repeat(1 << 20)}), 413)] {
        world.alice().post("triggers/tick", &body).refused(status);
    }
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    world.alice().send("POST", "triggers/tick", &form, b"a=b").refused(415);
    assert_eq!(world.invoker.seen().len(), 1);
}

#[test]
fn triggers_and_actions_may_be_wired_in_any_way() {
    let world = World::start();
    for action in ["a", "b"] {
        world.has_action(action);
    }
    for trigger in ["one", "many", "left", "right"] {
        world.has_trigger(trigger);
    }
    for (rule, trigger, action) in [
        ("r1", "one", "a"),
        ("r2", "many", "a"),
        ("r3", "many", "b"),
        ("r4", "left", "a"),
        ("r5", "left", "b"),
        ("r6", "right", "a"),
        ("r7", "right", "b"),
        ("r8", "right", "b"),
    ] {
        world.has_rule(rule, trigger, action);
    }
    let mut so_far = BTreeSet::new();
    for (trigger, rules) in [
        ("one", vec!["r1"]),
        ("many", vec!["r2", "r3"]),
        ("left", vec!["r4", "r5"]),
        ("right", vec!["r6", "r7", "r8"]),
        ("one", vec!["r1"]),
    ] {
        let lines = lines(&fire(&world, trigger, &json!({})));
        let in_log: Vec<_> = lines.iter().map(|line| line["rule"].as_str().unwrap().to_owned()).collect();
        let linked: Vec<_> = rules.iter().map(|rule| format!("alice/{rule}")).collect();
        assert_eq!(in_log, linked, "in the order in which they were linked");
        so_far.extend(told(&lines));
        assert_eq!(started(&world), so_far);
    }
    assert_eq!(so_far.len(), 9);
}

#[test]
fn a_rule_that_cannot_start_its_action_stops_no_other() {
    let world = World::start();
    let alice = world.alice();
    let fixed =
        json!({"annotations": [{"key": "final", "value": true}], "parameters": [{"key": "a", "value": 1}]});
    world.has_action_with("fixed", &fixed);
    for action in ["hello", "gone", "off"] {
        world.has_action(action);
    }
    world.has_trigger("tick");
    for action in ["gone", "off", "fixed", "hello"] {
        world.has_rule(&format!("on-{action}"), "tick", action);
    }
    alice.delete("actions/gone").ok();
    alice.post("rules/on-off", &json!({"status": "inactive"}));
    let record = fire(&world, "tick", &json!({"a": 2}));
    let lines = lines(&record);
    let codes: Vec<_> = lines.iter().map(|line| (&line["statusCode"], &line["success"])).collect();
    let (started, refused) = ((&json!(0), &json!(true)), (&json!(1), &json!(false)));
    assert_eq!(codes, [refused, refused, refused, started]);
    assert_eq!(lines[0]["error"], "The requested resource does not exist.");
    assert_eq!(lines[1]["error"], "Rule 'alice/on-off' is inactive, action 'alice/off' was not activated.");
    assert!(lines[2]["error"].as_str().unwrap().contains("not allowed"), "{}", lines[2]);
    assert!(lines[..3].iter().all(|line| line.get("activationId").is_none()));
    assert_eq!(record["response"]["success"], true);
    assert_eq!(world.invoker.seen().len(), 1);
}

#[test]
fn what_the_platform_fails_to_start_is_told_in_the_log() {
    let world = World::start();
    world.has_action("hello");
    world.has_trigger("tick");
    world.has_rule("onTick", "tick", "hello");
    world.bus.is_full();
    let lines = lines(&fire(&world, "tick", &json!({})));
    assert_eq!((&lines[0]["statusCode"], &lines[0]["success"]), (&json!(3), &json!(false)));
    assert!(lines[0]["error"].as_str().unwrap().contains("not accepted"), "{}", lines[0]);
    assert_eq!(world.in_flight(), 0);
}

#[test]
fn what_rules_start_counts_as_invoked() {
    let world = World::start();
    world.limits(NamespaceLimits { invocations_per_minute: Some(0), ..NamespaceLimits::default() });
    world.has_action("hello");
    world.has_trigger("tick");
    world.has_rule("onTick", "tick", "hello");
    let lines = lines(&fire(&world, "tick", &json!({})));
    let error = "Too many requests in the last minute (count: 1, allowed: 0).";
    assert_eq!((&lines[0]["statusCode"], &lines[0]["error"]), (&json!(1), &json!(error)));
    assert!(world.invoker.seen().is_empty());
}

#[test]
fn fires_are_throttled_before_rights_are_asked_and_after_names() {
    let world = World::start();
    world.limits(NamespaceLimits { fires_per_minute: Some(0), ..NamespaceLimits::default() });
    let fire = |path: &str| world.alice().post(path, &json!({}));
    fire("/api/v1/namespaces/bob/triggers/tick").refused(429);
    fire("triggers/missing").refused(429);
    fire("triggers/bad!").refused(400);
}

#[test]
fn a_rule_may_start_a_sequence() {
    let world = World::start();
    world.has_action("hello");
    let steps = json!({"exec": {"kind": "sequence", "components": ["/_/hello", "/_/hello"]}});
    world.alice().put("actions/twice", &steps).ok();
    world.has_trigger("tick");
    world.has_rule("onTick", "tick", "twice");
    let lines = lines(&fire(&world, "tick", &json!({})));
    assert_eq!(lines[0]["action"], "alice/twice");
    let path = format!("activations/{}", lines[0]["activationId"].as_str().unwrap());
    wait_for("the sequence is recorded", || world.alice().get(&path).status == 200);
    let record = world.alice().get(&path).ok();
    assert_eq!((&record["name"], record["logs"].as_array().unwrap().len()), (&json!("twice"), 2));
    assert!(record.get("cause").is_none());
}

#[test]
fn a_fire_needs_no_store() {
    let world = World::start();
    world.has_action("hello");
    world.has_trigger("tick");
    world.has_rule("onTick", "tick", "hello");
    world.invoker.stores_nothing();
    fire(&world, "tick", &json!({}));
    world.store.close();
    assert_eq!(world.alice().post("triggers/tick", &json!({})).status, 202);
    assert_eq!(world.invoker.seen().len(), 2);
    world.alice().post("triggers/unread", &json!({})).refused(503);
}

#[test]
fn a_draining_controller_fires_nothing() {
    let world = World::start();
    world.has_action("hello");
    for trigger in ["tick", "idle"] {
        world.has_trigger(trigger);
    }
    world.has_rule("onTick", "tick", "hello");
    world.drain.begin();
    let refused = world.alice().post("triggers/tick", &json!({}));
    refused.refused(503);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(world.alice().post("triggers/idle", &json!({})).status, 204);
    assert_eq!(world.alice().get("activations").ok(), json!([]));
}

#[test]
fn a_client_that_goes_away_stops_no_fire() {
    let world = World::start();
    world.has_action("hello");
    world.has_trigger("tick");
    for rule in 0..5 {
        world.has_rule(&format!("r{rule}"), "tick", "hello");
    }
    drop(world.alice().begin("POST", "triggers/tick", &[], b"{}"));
    world.wait_until_seen(5);
    let recorded = || world.alice().get("activations?name=tick&docs=true").ok();
    wait_for("the fire is recorded", || recorded() != json!([]));
    assert_eq!(told(&lines(&recorded()[0])), started(&world));
}

#[test]
fn foreigners_learn_nothing_of_triggers_and_rules() {
    let world = World::start();
    world.has_action("hello");
    world.has_trigger("tick");
    world.has_rule("onTick", "tick", "hello");
    for method in ["GET", "PUT", "POST", "DELETE"] {
        for entity in ["triggers/tick", "triggers/missing", "rules/onTick", "rules/missing"] {
            let answer = world.bob().send(method, &format!("/api/v1/namespaces/alice/{entity}"), &[], b"{}");
            let name = entity.split_once('/').unwrap().1;
            let text = format!("The supplied authentication is not authorized to access 'alice/{name}'.");
            assert_eq!(answer.refused(403), text, "{method} {entity}");
        }
    }
    assert_eq!(lines(&fire(&world, "tick", &json!({}))).len(), 1, "all is as it was");
}
