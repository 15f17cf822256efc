//! What anyone may ask of the host, cross-origin questions, and the admin port.

use serde_json::json;

use crate::invoker::Script;
use crate::world::World;

#[test]
fn the_host_tells_what_it_is() {
    let world = World::start();
    let anyone = world.anonymous();
    let info = anyone.get("/");
    assert_eq!(info.header("content-type"), Some("application/json"));
    assert_eq!(info.header("access-control-allow-origin"), None);
    let info = info.ok();
    assert_eq!(info["api_paths"], json!(["/api/v1"]));
    assert_eq!(info["limits"]["max_action_memory"], 536_870_912);
    assert_eq!(info["runtimes"]["nodejs"].as_array().unwrap().len(), 2);
    let ping = anyone.get("/ping");
    assert_eq!((ping.status, ping.text()), (200, "pong"));
    for path in ["/api/v1", "/api/v1/"] {
        let api = anyone.get(path).ok();
        assert_eq!(api["api_version_path"], "v1");
        assert!(api["build"].as_str().unwrap().starts_with("20") && api["buildno"].is_string());
    }
}

#[test]
fn options_is_answered_everywhere() {
    let world = World::start();
    for (path, methods) in [
        ("/api/v1/namespaces/_/actions/x", "GET, DELETE, POST, PUT, HEAD"),
        ("/api/v1/no/such/path", "GET, DELETE, POST, PUT, HEAD"),
        ("/", "OPTIONS, GET, POST"),
        ("/nothing", "OPTIONS, GET, POST"),
    ] {
        let answer = world.anonymous().send("OPTIONS", path, &[], b"");
        assert_eq!((answer.status, answer.text()), (200, "OK"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-methods"), Some(methods));
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent")
        );
        assert!(answer.header("x-request-id").is_some());
    }
}

#[test]
fn the_admin_port_tells_invokers_and_activations() {
    let world = World::start();
    let admin = world.admin();
    for (path, answer) in [
        ("/invokers", json!({"invoker0": "up"})),
        ("/invokers/", json!({"invoker0": "up"})),
        ("/invokers/healthy/count", json!(1)),
        ("/invokers/ready", json!({"healthy": "1/1"})),
        ("/invokers/resources", json!({})),
        ("/activation", json!([])),
        ("/activation/count", json!(0)),
        ("/ready", json!({"ready": true, "reasons": {}})),
    ] {
        assert_eq!(admin.get(path).ok(), answer, "{path}");
        assert_eq!(world.alice().get(path).status, 404, "users do not reach {path}");
    }
    world.has_action("hello");
    world.invoker.does(Script::Hold);
    let accepted = world.alice().post("actions/hello", &json!({})).json();
    let expected = json!([[accepted["activationId"], "alice/hello"]]);
    assert_eq!(admin.get("/activation").ok(), expected);
    let metrics = admin.get("/metrics");
    assert!(metrics.text().contains("whirl_controller_activations_in_flight 1"), "{}", metrics.text());
}
