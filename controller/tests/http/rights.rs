//! Who is let in, and how far.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use whirl_service::keys::new_credentials;

use crate::client::Client;
use crate::world::World;

const INVALID: &str = "The supplied authentication is invalid";

#[test]
fn bad_credentials_are_all_refused_alike() {
    let world = World::start();
    let alice = world.alice_key.reveal();
    let blocked = world.add_subject("mallory", true).reveal();
    let wrong_key = format!("{}:{}", world.alice_key.uuid(), "x".repeat(64));
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let cases = [
        world.anonymous(),
        world.someone(&basic(&wrong_key)),
        world.someone(&basic(&new_credentials().reveal())),
        world.someone(&basic(&blocked)),
        world.someone(&basic("user:password")),
        world.someone("Basic !!!"),
        world.someone(&format!("Bearer {alice}")),
    ];
    world.alice().get("/api/v1/namespaces").ok();
    for client in cases {
        for (method, path) in [
            ("GET", "/api/v1/namespaces"),
            ("GET", "/api/v1/no/such/path"),
            ("PATCH", "/api/v1/namespaces/_/actions"),
            ("GET", "/api/v1/namespaces/bad!/actions"),
        ] {
            let answer = client.send(method, path, &[], b"");
            assert_eq!(answer.refused(401), INVALID, "{method} {path}");
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, Some("Basic realm=\"OpenWhisk secure realm\",charset=UTF-8"));
        }
    }
}

#[test]
fn a_credential_is_one_namespace() {
    let world = World::start();
    for path in ["/api/v1/namespaces", "/api/v1/namespaces/"] {
        assert_eq!(world.alice().get(path).ok(), json!(["alice"]));
        assert_eq!(world.bob().get(path).ok(), json!(["bob"]));
    }
}

#[test]
fn foreigners_learn_nothing() {
    let world = World::start();
    world.has_action("hello");
    let bob = world.bob();
    let record = format!("activations/{}", "a".repeat(32));
    for (method, path, resource) in [
        ("GET", "actions", "alice"),
        ("GET", "triggers", "alice"),
        ("GET", "rules", "alice"),
        ("GET", "activations", "alice"),
        ("GET", record.as_str(), "alice"),
        ("GET", "actions/hello", "alice/hello"),
        ("GET", "actions/missing", "alice/missing"),
        ("POST", "actions/hello", "alice/hello"),
        ("PUT", "actions/hello", "alice/hello"),
        ("DELETE", "actions/hello", "alice/hello"),
        ("GET", "actions/package/hello", "alice/package/hello"),
        ("PUT", "actions/package/hello", "alice/package/hello"),
        ("GET", "actions/package/", "alice/package"),
        ("GET", "packages/package", "alice/package"),
        ("PUT", "packages/package", "alice/package"),
        ("DELETE", "packages/package", "alice/package"),
    ] {
        let answer = bob.send(method, &format!("/api/v1/namespaces/alice/{path}"), &[], b"");
        let text = format!("The supplied authentication is not authorized to access '{resource}'.");
        assert_eq!(answer.refused(403), text, "{method} {path}");
    }
    assert_eq!(bob.get("/api/v1/namespaces/alice/packages").ok(), json!([]), "none is shared");
    assert_eq!(bob.get("/api/v1/namespaces/nobody/packages?count=true").ok(), json!({"packages": 0}));
    assert!(world.alice().get("/api/v1/namespaces/alice/actions/hello").ok().is_object());
}

#[test]
fn names_are_checked_before_rights() {
    let world = World::start();
    let long = format!("/api/v1/namespaces/{}/actions", "n".repeat(257));
    for path in [
        "/api/v1/namespaces/bad!/actions",
        "/api/v1/namespaces/%20/actions",
        "/api/v1/namespaces/hi+there/actions",
        "/api/v1/namespaces/hi%2Bthere/actions",
        "/api/v1/namespaces/a%2Fb/actions",
        "/api/v1/namespaces/%C3%A9/actions",
        "/api/v1/namespaces/%FF/actions",
        long.as_str(),
        "/api/v1/namespaces/bob/actions/bad!",
        "/api/v1/namespaces/bob/actions/%20",
        "/api/v1/namespaces/bob/actions/hi+there",
        "/api/v1/namespaces/bob/actions/bad!/x",
        "/api/v1/namespaces/bob/activations/x",
    ] {
        world.alice().get(path).refused(400);
    }
}

/// Packages of Alice's as the owner and Bob find them.
fn has_packages(world: &World) {
    let carol = Client::with_credentials(world.alice().address, &world.add_subject("carol", false).reveal());
    carol.put("packages/box", &json!({"publish": true})).ok();
    world.has_action("hello");
    let shared = |target: &str| json!({"publish": true, "binding": {"namespace": "_", "name": target}});
    for (name, body) in [
        ("open", json!({"publish": true})),
        ("closed", json!({})),
        ("gone", json!({"publish": true})),
        ("to-open", json!({"binding": {"namespace": "alice", "name": "open"}})),
        ("shared-to-open", shared("open")),
        ("shared-to-closed", shared("closed")),
        ("to-gone", shared("gone")),
        ("to-carols", json!({"publish": true, "binding": {"namespace": "carol", "name": "box"}})),
    ] {
        world.alice().put(&format!("packages/{name}"), &body).ok();
    }
    world.has_action("open/x");
    world.has_action("closed/x");
    world.alice().delete("packages/gone").ok();
    carol.put("packages/box?overwrite=true", &json!({"publish": false})).ok();
}

#[test]
fn packages_are_for_their_owner_and_for_all_if_shared() {
    let world = World::start();
    has_packages(&world);
    let requests = |package: &str| {
        [
            ("GET", format!("packages/{package}")),
            ("GET", format!("actions/{package}/")),
            ("GET", format!("actions/{package}/x")),
            ("POST", format!("actions/{package}/x")),
            ("PUT", format!("actions/{package}/y?overwrite=true")),
            ("DELETE", format!("actions/{package}/y")),
            ("DELETE", format!("packages/{package}")),
        ]
    };
    let read_only = [200, 200, 200, 202, 403, 403, 403];
    let nothing = [403; 7];
    let binding = [200, 200, 200, 202, 400, 400, 200];
    let action = json!({"exec": {"kind": "nodejs:20", "code": "x"}}).to_string();
    for (package, bobs, owners) in [
        ("open", read_only, [200, 200, 200, 202, 200, 200, 409]),
        ("closed", nothing, [200, 200, 200, 202, 200, 200, 409]),
        ("to-open", nothing, binding),
        ("shared-to-open", read_only, binding),
        ("shared-to-closed", nothing, binding),
        ("to-gone", nothing, [404, 404, 404, 404, 400, 400, 200]),
        ("to-carols", nothing, [403, 403, 403, 403, 400, 400, 200]),
        ("missing", nothing, [404; 7]),
        ("hello", nothing, [409; 7]),
    ] {
        for (client, statuses) in [(world.bob(), bobs), (world.alice(), owners)] {
            for ((method, path), status) in requests(package).into_iter().zip(statuses) {
                let path = format!("/api/v1/namespaces/alice/{path}");
                let headers = [("Content-Type", "application/json")];
                let body = if method == "PUT" || method == "POST" { action.as_bytes() } else { b"" };
                let answer = client.send(method, &path, &headers, body);
                assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
                if status == 403 {
                    let resource = path.split(['?']).next().unwrap().replace("/api/v1/namespaces/", "");
                    let resource = resource.replace("/packages/", "/").replace("/actions/", "/");
                    let text = format!(
                        "The supplied authentication is not authorized to access '{}'.",
                        resource.trim_end_matches('/')
                    );
                    assert_eq!(answer.refused(403), text, "{method} {path}");
                }
            }
        }
    }
}

#[test]
fn a_binding_of_ones_own_gives_no_right_that_one_has_not() {
    let world = World::start();
    world.alice().put("packages/util", &json!({"publish": true})).ok();
    world.has_action("util/hello");
    let (bob, binding) = (world.bob(), json!({"binding": {"namespace": "alice", "name": "util"}}));
    bob.put("packages/mine", &binding).ok();
    let requests = |status: u16| {
        for path in ["packages/mine", "actions/mine/", "actions/mine/hello"] {
            assert_eq!(bob.get(path).status, status, "{path}");
        }
        bob.post("actions/mine/hello?blocking=true", &json!({})).status
    };
    assert_eq!(requests(200), 200);
    world.alice().get("/api/v1/namespaces/bob/packages/mine").refused(403);
    world.alice().put("packages/util?overwrite=true", &json!({"publish": false})).ok();
    assert_eq!(requests(403), 403);
    world.alice().delete("packages/util?force=true").ok();
    assert_eq!(requests(404), 404, "its owner is told what it named");
}

#[test]
fn checks_come_in_order() {
    let world = World::start();
    world.has_action("hello");
    world.alice().put("packages/util", &json!({})).ok();
    let bad = format!("{}:{}", world.alice_key.uuid(), "x".repeat(64));
    let stranger = Client::with_credentials(world.alice().address, &bad);
    let action = json!({"exec": {"kind": "nodejs:20", "code": "x"}});
    for (path, body, statuses) in [
        // No credentials before a bad name, a bad name before rights, rights before the body.
        ("packages/bad!", json!([]), [401, 400, 400]),
        ("packages/util", json!([]), [401, 403, 400]),
        ("packages/default", json!({}), [401, 403, 400]),
        ("actions/missing/x", json!([]), [401, 403, 400]),
        ("actions/missing/x", action.clone(), [401, 403, 404]),
        // What is missing or of another sort before what is there.
        ("actions/util", action.clone(), [401, 403, 409]),
        ("packages/hello", json!({}), [401, 403, 409]),
        ("packages/util", json!({}), [401, 403, 409]),
        ("packages/util?overwrite=true", json!({}), [401, 403, 200]),
    ] {
        let path = format!("/api/v1/namespaces/alice/{path}");
        for (client, status) in [stranger.clone(), world.bob(), world.alice()].iter().zip(statuses) {
            assert_eq!(client.put(&path, &body).status, status, "{path} {body}");
        }
    }
}

#[test]
fn who_owns_a_namespace_is_told_what_is_missing() {
    let world = World::start();
    let body = json!({"exec": {"kind": "nodejs:20", "code": "x"}});
    for answer in [
        world.alice().get("actions/util/x"),
        world.alice().put("actions/util/x", &body),
        world.alice().post("actions/util/x", &json!({})),
        world.alice().delete("actions/util/x"),
        world.alice().get("actions/util/"),
        world.alice().get("packages/util"),
    ] {
        assert_eq!(answer.refused(404), "The requested resource 'alice/util' does not exist.");
    }
    let deleted = world.alice().delete("packages/util");
    assert_eq!(deleted.refused(404), "The requested resource does not exist.");
    world.alice().put("packages/util", &json!({})).ok();
    for answer in [world.alice().get("actions/util/x"), world.alice().delete("actions/util/x")] {
        assert_eq!(answer.refused(404), "The requested resource does not exist.");
    }
}
