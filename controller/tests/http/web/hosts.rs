//! Hosts that stand for namespaces.

use serde_json::json;
use whirl_controller::ControllerConfig;

use crate::world::{World, unthrottled};

#[test]
fn a_host_stands_for_a_namespace() {
    let config = ControllerConfig { vanity_domain: Some("whirl.example".into()), ..unthrottled() };
    let world = World::start_with(config);
    world.exports("page", &json!({}));
    world.alice().put("packages/public", &json!({})).ok();
    world.has_action_with("public/index", &json!({"annotations": [{"key": "web-export", "value": true}]}));
    world.invoker.answers(whirl_model::Outcome::Success, json!({"html": "<p>"}));
    let get = |url: &str| world.anonymous().get(url);
    for (url, action, path) in [
        ("http://alice.whirl.example/default/page.json", "alice/page", ""),
        ("http://alice.WHIRL.example:80/default/page.html/x/y", "alice/page", "/x/y"),
        ("http://alice.whirl.example/", "alice/public/index", ""),
    ] {
        assert_eq!(get(url).status, 200, "{url}");
        let seen = world.invoker.last_seen();
        assert_eq!(seen.action.to_string(), action, "{url}");
        assert_eq!(seen.arguments.get("__ow_path").unwrap().to_text().as_deref(), Some(path));
    }
    for url in ["http://alice.whirl.example/ping", "http://alice.whirl.example/api/v1/namespaces"] {
        get(url).refused(404);
    }
    get("http://bob.whirl.example/").refused_on_lines(404);
    assert_eq!(get("http://whirl.example/ping").status, 200);
    assert_eq!(get("/ping").status, 200);
}

#[test]
fn no_host_stands_for_a_namespace_unless_it_is_set() {
    let world = World::start();
    world.exports("page", &json!({}));
    world.anonymous().get("http://alice.whirl.example/default/page.json").refused(404);
}
