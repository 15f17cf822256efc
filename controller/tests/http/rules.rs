//! Rules come, are switched on and off, change and go, and so do their links in triggers.

use std::sync::Arc;

use serde_json::{Value, json};
use whirl_backends::store::NewDocument;
use whirl_controller::MemberConfig;
use whirl_model::{DocId, EntityPath, RuleLink, RuleStatus, Trigger};

use crate::client::Client;
use crate::world::{Setting, World};

/// A world in which Alice has the triggers `tick` and `tock` and the actions `hello` and `bye`.
fn world() -> World {
    let world = World::start();
    for action in ["hello", "bye"] {
        world.has_action(action);
    }
    for trigger in ["tick", "tock"] {
        world.has_trigger(trigger);
    }
    world
}

/// What a trigger of Alice's knows of its rules.
fn links(world: &World, trigger: &str) -> Value {
    world.alice().get(&format!("triggers/{trigger}")).ok()["rules"].clone()
}

fn link(action: &str, status: &str) -> Value {
    json!({"action": {"path": "alice", "name": action}, "status": status})
}

fn status(world: &World, rule: &str) -> Value {
    world.alice().get(&format!("rules/{rule}")).ok()["status"].clone()
}

#[track_caller]
fn switch(world: &World, rule: &str, status: &str) {
    let answer = world.alice().post(&format!("rules/{rule}"), &json!({ "status": status }));
    assert_eq!((answer.status, answer.text()), (200, "OK"));
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
}

fn update(world: &World, rule: &str, body: &Value) -> Value {
    world.alice().put(&format!("rules/{rule}?overwrite=true"), body).ok()
}

/// Activations that a fire of Alice's trigger starts.
fn starts(world: &World, trigger: &str) -> Vec<String> {
    let before = world.invoker.seen().len();
    let answer = world.alice().post(&format!("triggers/{trigger}"), &json!({}));
    assert!([202, 204].contains(&answer.status), "{}", answer.text());
    let mut seen: Vec<_> = world.invoker.seen()[before..].iter().map(|m| m.action.to_string()).collect();
    seen.sort();
    seen
}

#[test]
fn a_rule_comes_and_goes_with_its_link() {
    let world = world();
    let alice = world.alice();
    assert!(links(&world, "tick").is_null(), "it never had rules");
    let body = json!({"trigger": "/_/tick", "action": {"path": "_", "name": "hello"}, "status": "inactive"});
    let mut made = alice.put("rules/onTick", &body).ok();
    assert_eq!(alice.get("/api/v1/namespaces/alice/rules/onTick").ok(), made);
    let listed = alice.get("rules").ok();
    assert_eq!(alice.get("rules?count=true").ok(), json!({"rules": 1}));
    made.as_object_mut().unwrap().remove("updated").expect("it says when");
    let expected = json!({
        "namespace": "alice", "name": "onTick", "version": "0.0.1", "publish": false, "status": "active",
        "trigger": {"path": "alice", "name": "tick"}, "action": {"path": "alice", "name": "hello"},
        "annotations": [],
    });
    assert_eq!(made, expected);
    let in_list: Vec<_> = listed[0].as_object().unwrap().keys().map(String::as_str).collect();
    let members = ["namespace", "name", "version", "publish", "trigger", "action", "annotations", "updated"];
    assert_eq!(
        (in_list, links(&world, "tick")),
        (members.to_vec(), json!({"alice/onTick": link("hello", "active")}))
    );

    assert_eq!(alice.put("rules/onTick", &body).refused(409), "resource already exists");
    let mut deleted = alice.delete("rules/onTick").ok();
    deleted.as_object_mut().unwrap().remove("updated");
    let mut inactive = expected;
    inactive["status"] = json!("inactive");
    assert_eq!((deleted, links(&world, "tick")), (inactive, json!({})));
    for gone in [
        alice.get("rules/onTick"),
        alice.delete("rules/onTick"),
        alice.post("rules/onTick", &json!({"status": "active"})),
    ] {
        gone.refused(404);
    }
}

#[test]
fn a_rule_needs_what_it_names() {
    let world = world();
    world.bob().put("triggers/tick", &json!({})).ok();
    let refused = |body: Value, status: u16| world.alice().put("rules/r", &body).refused(status);
    for body in [
        json!({}),
        json!({"trigger": "/_/tick"}),
        json!({"action": "/_/hello"}),
        json!({"trigger": "tick", "action": "/_/hello"}),
        json!({"trigger": "/_/package/tick", "action": "/_/hello"}),
        json!({"trigger": "/_/tick", "action": 7}),
        json!({"trigger": "/_/tick", "action": "/_/hello", "annotations": {}}),
    ] {
        refused(body, 400);
    }
    for (trigger, action, text) in [
        ("/_/none", "/_/hello", "The trigger '/alice/none' does not exist."),
        ("/_/hello", "/_/hello", "The trigger '/alice/hello' does not exist."),
        ("/_/tick", "/_/none", "The action '/alice/none' does not exist."),
        ("/_/tick", "/_/none/hello", "The action '/alice/none/hello' does not exist."),
        ("/_/tick", "/_/tock", "The action '/alice/tock' does not exist."),
    ] {
        assert_eq!(refused(json!({"trigger": trigger, "action": action}), 400), text);
    }
    for (trigger, action, resource) in [
        ("/bob/tick", "/_/hello", "bob/tick"),
        ("/_/tick", "/bob/hello", "bob/hello"),
        ("/_/tick", "/bob/none/hello", "bob/none/hello"),
        ("/bob/none", "/bob/none", "bob/none, bob/none"),
    ] {
        let text = format!("The supplied authentication is not authorized to access '{resource}'.");
        assert_eq!(refused(json!({"trigger": trigger, "action": action}), 403), text);
    }
    let long = json!({"trigger": "/_/tick", "action": "/_/hello",
                      "annotations": [{"key": "k", "value": "x".repeat(1 << 20)}]});
    refused(long, 413);
    world.alice().send("PUT", "rules/r", &[], b"").refused(400);
    let good = json!({"trigger": "/_/tick", "action": "/_/hello"});
    let text = world.alice().put("rules/hello?overwrite=true", &good).refused(409);
    assert_eq!(text, "Resource by this name exists but is not in this collection.");
    assert_eq!((world.alice().get("rules").ok(), links(&world, "tick")), (json!([]), Value::Null));
}

#[test]
fn rules_are_switched_on_and_off() {
    let world = world();
    world.has_rule("onTick", "tick", "hello");
    for (wanted, starting) in [
        ("inactive", vec![]),
        ("inactive", vec![]),
        ("active", vec!["alice/hello"]),
        ("active", vec!["alice/hello"]),
    ] {
        switch(&world, "onTick", wanted);
        assert_eq!(
            (status(&world, "onTick"), starts(&world, "tick")),
            (json!(wanted), starting.iter().map(|a| (*a).to_owned()).collect())
        );
        assert_eq!(links(&world, "tick"), json!({"alice/onTick": link("hello", wanted)}));
    }
    for bad in
        [json!({}), json!({"status": "on"}), json!({"status": null}), json!({"status": "Active"}), json!([])]
    {
        world.alice().post("rules/onTick", &bad).refused(400);
    }
    world.alice().send("POST", "rules/onTick", &[], b"").refused(400);
    world.alice().post("rules/hello", &json!({"status": "active"})).refused(409);
}

#[test]
fn an_update_keeps_what_it_does_not_name() {
    let world = world();
    world.has_rule("r", "tick", "hello");
    let first = json!({"annotations": [{"key": "a", "value": 1}], "publish": true});
    let changed = update(&world, "r", &first);
    assert_eq!((&changed["version"], &changed["status"]), (&json!("0.0.2"), &json!("active")));
    assert_eq!(
        (&changed["action"]["name"], &changed["annotations"]),
        (&json!("hello"), &first["annotations"])
    );
    switch(&world, "r", "inactive");
    let changed = update(&world, "r", &json!({"action": "/alice/bye", "status": "active"}));
    assert_eq!((&changed["status"], &changed["publish"]), (&json!("inactive"), &json!(true)), "it is kept");
    assert_eq!(links(&world, "tick"), json!({"alice/r": link("bye", "inactive")}));
    let moved = update(&world, "r", &json!({"trigger": "/_/tock"}));
    assert_eq!((&moved["status"], &moved["trigger"]["name"]), (&json!("inactive"), &json!("tock")));
    assert_eq!(
        (links(&world, "tick"), links(&world, "tock")),
        (json!({}), json!({"alice/r": link("bye", "inactive")}))
    );
    switch(&world, "r", "active");
    assert_eq!(starts(&world, "tick"), Vec::<String>::new());
    assert_eq!(starts(&world, "tock"), ["alice/bye"]);
    world.alice().delete("actions/bye").ok();
    let text = world.alice().put("rules/r?overwrite=true", &json!({})).refused(400);
    assert_eq!(text, "The action '/alice/bye' does not exist.");
}

#[test]
fn a_rule_outlives_its_trigger_and_its_action() {
    let world = world();
    let alice = world.alice();
    world.has_rule("r", "tick", "hello");
    alice.delete("triggers/tick").ok();
    assert_eq!(status(&world, "r"), "inactive");
    let text = alice.post("rules/r", &json!({"status": "active"})).refused(404);
    assert_eq!(text, "The requested resource does not exist.");
    switch(&world, "r", "inactive");
    let text = alice.put("rules/r?overwrite=true", &json!({})).refused(400);
    assert_eq!(text, "The trigger '/alice/tick' does not exist.");
    assert_eq!(update(&world, "r", &json!({"trigger": "/_/tock"}))["status"], "inactive");
    assert_eq!(links(&world, "tock"), json!({"alice/r": link("hello", "inactive")}));

    world.has_rule("other", "tock", "bye");
    alice.delete("actions/bye").ok();
    assert_eq!((status(&world, "other"), starts(&world, "tock")), (json!("active"), vec![]));
    alice.delete("triggers/tock").ok();
    assert_eq!(alice.delete("rules/other").ok()["status"], "inactive");
    assert_eq!(alice.get("rules?count=true").ok(), json!({"rules": 1}));
}

#[test]
fn a_trigger_that_is_made_again_begins_without_links() {
    let world = world();
    for rule in ["put", "switched"] {
        world.has_rule(rule, "tick", "hello");
    }
    world.alice().delete("triggers/tick").ok();
    world.has_trigger("tick");
    assert!(links(&world, "tick").is_null());
    assert_eq!((status(&world, "put"), status(&world, "switched")), (json!("inactive"), json!("inactive")));
    assert_eq!(starts(&world, "tick"), Vec::<String>::new());
    switch(&world, "put", "inactive");
    assert!(links(&world, "tick").is_null(), "that is what it is");
    assert_eq!(update(&world, "put", &json!({}))["status"], "active");
    switch(&world, "switched", "active");
    assert_eq!(starts(&world, "tick"), ["alice/hello", "alice/hello"]);
}

#[test]
fn an_update_of_the_trigger_keeps_its_links() {
    let world = world();
    world.has_rule("r", "tick", "hello");
    let body = json!({"rules": {}, "parameters": [{"key": "a", "value": 1}]});
    let changed = world.alice().put("triggers/tick?overwrite=true", &body).ok();
    assert_eq!(changed["rules"], json!({"alice/r": link("hello", "active")}));
    assert_eq!(changed["version"], "0.0.2", "a link is no new version");
    assert_eq!(starts(&world, "tick"), ["alice/hello"]);
}

#[test]
fn of_rules_linked_at_once_none_is_lost() {
    let world = world();
    let clients: Vec<_> = (0..8).map(|n| (n, world.alice())).collect();
    let body = json!({"trigger": "/_/tick", "action": "/_/hello"});
    let write = |(n, client): (usize, Client)| client.put(&format!("rules/r{n}"), &body).ok();
    let write = &write;
    std::thread::scope(|scope| {
        for each in clients {
            scope.spawn(move || write(each));
        }
        scope.spawn(|| world.alice().put("triggers/tick?overwrite=true", &json!({"publish": true})).ok());
    });
    assert_eq!(links(&world, "tick").as_object().unwrap().len(), 8);
    assert_eq!(starts(&world, "tick").len(), 8);
    let delete = |n: usize| world.alice().delete(&format!("rules/r{n}")).ok();
    let delete = &delete;
    std::thread::scope(|scope| {
        for n in 0..8 {
            scope.spawn(move || delete(n));
        }
    });
    assert_eq!(links(&world, "tick"), json!({}));
}

#[test]
fn of_writers_of_one_rule_the_first_wins_and_leaves_one_link() {
    let world = world();
    for round in 0..5 {
        let name = format!("r{round}");
        let ends = [("tick", "hello"), ("tock", "bye"), ("tick", "bye"), ("tock", "hello")];
        let answers: Vec<_> = std::thread::scope(|scope| {
            let writers: Vec<_> = ends
                .iter()
                .map(|(trigger, action)| {
                    let (client, name) = (world.alice(), &name);
                    let body = json!({"trigger": format!("/_/{trigger}"), "action": format!("/_/{action}")});
                    scope.spawn(move || client.put(&format!("rules/{name}"), &body))
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        answers.iter().filter(|answer| answer.status != 200).for_each(|lost| drop(lost.refused(409)));
        let rule = world.alice().get(&format!("rules/{name}")).ok();
        let (trigger, action) = (rule["trigger"]["name"].as_str().unwrap(), &rule["action"]["name"]);
        let other = if trigger == "tick" { "tock" } else { "tick" };
        let key = format!("alice/{name}");
        assert_eq!(&links(&world, trigger)[&key]["action"]["name"], action);
        assert!(links(&world, other).get(&key).is_none());
    }
}

/// Puts a link to `r` and `hello` into a trigger, as a controller leaves it behind that dies before it writes
/// the rule.
fn leave_a_link(world: &World, trigger: &str) {
    let (entities, trigger) = (world.stores.entities.clone(), format!("alice/{trigger}"));
    world.run(async move {
        let id = DocId::from(&trigger.parse::<EntityPath>().unwrap());
        let document = entities.get(&id).await.unwrap();
        let mut trigger = Trigger::from_document(&document.body).unwrap();
        let link = RuleLink { action: "alice/hello".parse().unwrap(), status: RuleStatus::Active };
        trigger.rules = Some([("alice/r".parse().unwrap(), link)].into());
        entities.put(NewDocument::from(&trigger), Some(&document.revision)).await.unwrap();
    });
}

#[test]
fn what_was_half_written_is_healed_by_writing_it_again() {
    let world = world();
    leave_a_link(&world, "tick");
    world.alice().get("rules/r").refused(404);
    assert_eq!(starts(&world, "tick"), ["alice/hello"], "the link is what a fire follows");
    world.has_rule("r", "tick", "bye");
    assert_eq!(
        (status(&world, "r"), starts(&world, "tick")),
        (json!("active"), vec!["alice/bye".to_owned()])
    );

    leave_a_link(&world, "tock");
    assert_eq!(update(&world, "r", &json!({"trigger": "/_/tock"}))["status"], "active");
    assert_eq!((starts(&world, "tick"), starts(&world, "tock")), (vec![], vec!["alice/bye".to_owned()]));
    world.alice().delete("rules/r").ok();
    assert_eq!((links(&world, "tick"), links(&world, "tock")), (json!({}), json!({})));
}

#[test]
fn other_controllers_hear_of_links() {
    let member = || Setting { member: Some(MemberConfig::default()), ..Setting::default() };
    let world = World::start_as(member());
    let neighbour = world.neighbour(1, member());
    world.has_action("hello");
    world.has_trigger("tick");
    let fire = || neighbour.alice().post("triggers/tick", &json!({})).status;
    assert_eq!(fire(), 204, "now it remembers the trigger");
    world.has_rule("r", "tick", "hello");
    assert_eq!(fire(), 202, "it has heard of the link");
    switch(&world, "r", "inactive");
    assert_eq!(fire(), 204);
}

#[test]
fn an_action_that_is_shared_runs_for_who_fires() {
    let world = world();
    let alice = world.alice();
    alice
        .put("packages/util", &json!({"publish": true, "parameters": [{"key": "host", "value": "db1"}]}))
        .ok();
    world.has_action("util/shared");
    let bob = world.bob();
    bob.put("triggers/tick", &json!({})).ok();
    let rule = bob.put("rules/r", &json!({"trigger": "/_/tick", "action": "/alice/util/shared"})).ok();
    assert_eq!(rule["action"], json!({"path": "alice/util", "name": "shared"}));
    assert_eq!(bob.post("triggers/tick", &json!({})).status, 202);
    let message: Arc<_> = world.invoker.last_seen();
    assert_eq!(
        (message.action.to_string().as_str(), message.caller.namespace.as_str()),
        ("alice/util/shared", "bob")
    );
    assert!(message.arguments.get("host").is_some(), "the package's parameters are bound");

    alice.put("packages/util?overwrite=true", &json!({"publish": false})).ok();
    assert_eq!(bob.post("triggers/tick", &json!({})).status, 202);
    assert_eq!(world.invoker.seen().len(), 1, "it is shared no more");
    let line = bob.get("activations?name=tick&docs=true&limit=1").ok()[0]["logs"][0].clone();
    assert!(line.as_str().unwrap().contains("not authorized"), "{line}");
}
