//! Everything in a namespace, in one answer.

use serde_json::{Value, json};

use crate::world::World;

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn all_sorts_come_in_one_answer_and_rules_with_their_status() {
    let world = World::start();
    let alice = world.alice();
    assert_eq!(
        alice.get("contents").ok(),
        json!({"actions": [], "packages": [], "triggers": [], "rules": []})
    );
    for action in ["one", "two"] {
        world.has_action(action);
    }
    alice.put("packages/util", &json!({})).ok();
    alice.put("actions/util/three", &json!({"exec": {"kind": "nodejs:20", "code": "x"}})).ok();
    world.has_trigger("tick");
    for rule in ["on", "off"] {
        world.has_rule(rule, "tick", "one");
    }
    assert_eq!(alice.post("rules/off", &json!({"status": "inactive"})).status, 200);

    let contents = alice.get("/api/v1/namespaces/alice/contents").ok();
    for (sort, path) in [("actions", "actions"), ("packages", "packages"), ("triggers", "triggers")] {
        assert_eq!(contents[sort], alice.get(path).ok(), "{sort}");
    }
    assert_eq!(names(&contents["actions"]).len(), 3);
    let rules = contents["rules"].as_array().unwrap();
    for rule in rules {
        let name = rule["name"].as_str().unwrap();
        assert_eq!(*rule, alice.get(&format!("rules/{name}")).ok());
        assert_eq!(rule["status"], if name == "on" { "active" } else { "inactive" });
    }
    assert_eq!(rules.len(), 2);

    assert_eq!(alice.delete("triggers/tick").status, 200);
    let rules = &alice.get("contents").ok()["rules"];
    assert!(rules.as_array().unwrap().iter().all(|rule| rule["status"] == "inactive"), "{rules}");
}

#[test]
fn each_sort_is_paged_as_its_list_is() {
    let world = World::start();
    for action in ["one", "two", "three"] {
        world.has_action(action);
    }
    world.has_trigger("tick");
    let page = world.alice().get("contents?limit=1&skip=1").ok();
    assert_eq!((names(&page["actions"]), names(&page["triggers"])), (vec!["two"], vec![]));
    assert_eq!(names(&world.alice().get("contents?limit=0").ok()["actions"]).len(), 3);
    let counts = world.alice().get("contents?count=true&skip=1").ok();
    assert_eq!(counts, json!({"actions": 2, "packages": 0, "triggers": 0, "rules": 0}));
    world.alice().get("contents?limit=201").refused(400);
}

#[test]
fn contents_are_their_owners() {
    let world = World::start();
    world.bob().get("/api/v1/namespaces/alice/contents").refused(403);
    world.anonymous().get("/api/v1/namespaces/alice/contents").refused(401);
    world.alice().get("/api/v1/namespaces/alice").refused(404);
    world.alice().put("contents", &json!({})).refused(404);
}
