//! Nothing of a tenant is read, written or hinted at by another: every route with every method, asked for what is
//! there and for what is not, which must look alike.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use whirl_controller::routes;

use crate::client::{Answer, Client};
use crate::world::World;

const METHODS: [&str; 7] = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"];
/// What alice's entities are called, and something of the same length that is not there.
const THERE: &str = "s3cret";
const NOWHERE: &str = "nob0dy";
/// A value in everything that alice has.
const VALUE: &str = "the-value-of-alice";

/// Gives alice one of everything, all of the same name but for its sort. Her activation's id.
fn furnish(alice: &Client) -> String {
    let parameters = json!([{"key": "k", "value": VALUE}]);
    let action = json!({"exec": {"kind": "nodejs:20", "code": VALUE}, "parameters": parameters,
        "annotations": [{"key": "web-export", "value": false}]});
    alice.put(&format!("packages/{THERE}-package"), &json!({"parameters": parameters})).ok();
    alice.put(&format!("actions/{THERE}-package/{THERE}-action"), &action).ok();
    alice.put(&format!("actions/{THERE}-action"), &action).ok();
    alice.put(&format!("triggers/{THERE}-trigger"), &json!({"parameters": parameters})).ok();
    let rule = json!({"trigger": format!("/_/{THERE}-trigger"), "action": format!("/_/{THERE}-action")});
    alice.put(&format!("rules/{THERE}-rule"), &rule).ok();
    let record = alice.post(&format!("actions/{THERE}-action?blocking=true"), &json!({"p": VALUE}));
    record.ok()["activationId"].as_str().unwrap().to_owned()
}

/// All that alice has, as she sees it.
fn belongings(alice: &Client, id: &str) -> Vec<Value> {
    let paths = [
        "actions?limit=0".to_owned(),
        "packages?limit=0".to_owned(),
        "triggers?limit=0".to_owned(),
        "rules?limit=0".to_owned(),
        format!("packages/{THERE}-package"),
        format!("actions/{THERE}-package/{THERE}-action"),
        format!("actions/{THERE}-action"),
        format!("triggers/{THERE}-trigger"),
        format!("rules/{THERE}-rule"),
        format!("activations/{id}"),
        "activations?count=true".to_owned(),
    ];
    paths.iter().map(|path| alice.get(path).ok()).collect()
}

/// A route's path with alice's namespace and names of this stem.
fn filled(path: &str, stem: &str, id: &str) -> String {
    let sort = ["actions", "packages", "triggers", "rules"]
        .into_iter()
        .find(|collection| path.contains(&format!("/{collection}")))
        .map_or("action", |collection| collection.trim_end_matches('s'));
    path.replace("{namespace}", "alice")
        .replace("{name}", &format!("{stem}-{sort}"))
        .replace("{package}", &format!("{stem}-package"))
        .replace("{id}", id)
}

fn bodies() -> [&'static str; 3] {
    [
        "{}",
        r#"{"exec":{"kind":"nodejs:20","code":"x"}}"#,
        r#"{"status":"inactive","trigger":"/_/t","action":"/_/a"}"#,
    ]
}

/// What of an answer may depend on whether the thing is there: nothing, but for its own name and the
/// transaction.
fn comparable(answer: &Answer, names: &[&str]) -> (u16, String) {
    let code = answer.header("x-request-id").unwrap_or_default().to_owned();
    let mut text = String::from_utf8_lossy(&answer.body).replace(&code, "CODE");
    for name in names {
        text = text.replace(name, "NAME");
    }
    (answer.status, text)
}

#[test]
fn no_route_gives_another_tenant_anything() {
    let world = World::start();
    let (alice, bob) = (world.alice(), world.bob());
    let id = furnish(&alice);
    let other_id = "0123456789abcdef0123456789abcdef";
    let before = belongings(&alice, &id);
    let routes: BTreeSet<String> = routes::all().into_iter().map(|(_, path)| path).collect();
    let of_namespaces: Vec<&String> = routes.iter().filter(|path| path.contains("{namespace}/")).collect();
    assert!(of_namespaces.len() > 20, "{of_namespaces:?}");
    for (path, method) in of_namespaces.iter().flat_map(|path| METHODS.map(|method| (*path, method))) {
        let is_web = path.contains("/web/");
        for body in bodies() {
            let json = [("Content-Type", "application/json")];
            let there = filled(path, THERE, &id);
            let nowhere = filled(path, NOWHERE, other_id);
            let ask = |who: &Client, target: &str| who.send(method, target, &json, body.as_bytes());
            let (found, missed) = (ask(&bob, &there), ask(&bob, &nowhere));
            let names = [THERE, NOWHERE, id.as_str(), other_id];
            let context = format!("{method} {there}");
            assert_eq!(comparable(&found, &names), comparable(&missed, &names), "{context}");
            assert!(!found.text().contains(VALUE), "{context}: {}", found.text());
            let empty_list = found.status == 200 && (found.text() == "[]" || found.text().contains(r#"":0"#));
            let refused = matches!(found.status, 400 | 403 | 404 | 405 | 409 | 413);
            assert!(
                method == "OPTIONS" || refused || empty_list,
                "{context}: {} {}",
                found.status,
                found.text()
            );
            if !is_web && method != "OPTIONS" {
                assert_eq!(ask(&world.anonymous(), &there).status, 401, "{context}");
            }
        }
    }
    assert_eq!(belongings(&alice, &id), before, "nothing of alice's has changed");
}

#[test]
fn what_bodies_name_is_no_way_round() {
    let world = World::start();
    let (alice, bob) = (world.alice(), world.bob());
    let id = furnish(&alice);
    let before = belongings(&alice, &id);
    bob.put("triggers/my-trigger", &json!({})).ok();
    bob.put("actions/mine", &json!({"exec": {"kind": "nodejs:20", "code": "x"}})).ok();
    let attempts = |stem: &str| {
        let sequence = |action: String| json!({"exec": {"kind": "sequence", "components": [action]}});
        [
            bob.put("actions/s", &sequence(format!("/alice/{stem}-action"))),
            bob.put("actions/s", &sequence(format!("/alice/{stem}-package/{stem}-action"))),
            bob.put(
                "packages/b",
                &json!({"binding": {"namespace": "alice", "name": format!("{stem}-package")}}),
            ),
            bob.put("rules/r", &json!({"trigger": format!("/alice/{stem}-trigger"), "action": "/_/mine"})),
            bob.put(
                "rules/r",
                &json!({"trigger": "/_/my-trigger", "action": format!("/alice/{stem}-action")}),
            ),
        ]
    };
    for (found, missed) in attempts(THERE).iter().zip(attempts(NOWHERE)) {
        assert_eq!(comparable(found, &[THERE]), comparable(&missed, &[NOWHERE]));
        assert!(matches!(found.status, 400 | 403), "{}", found.text());
    }
    assert_eq!(belongings(&alice, &id), before);
}
