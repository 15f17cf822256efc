//! Who is let in, and how far.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use whirl_service::keys::new_credentials;

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

#[test]
fn packages_are_missing_and_other_entities_are_none() {
    let world = World::start();
    world.has_action("hello");
    let body = json!({"exec": {"kind": "nodejs:20", "code": "x"}});
    for answer in [
        world.alice().get("actions/util/x"),
        world.alice().put("actions/util/x", &body),
        world.alice().post("actions/util/x", &json!({})),
        world.alice().delete("actions/util/x"),
        world.alice().get("actions/util/"),
    ] {
        assert_eq!(answer.refused(404), "The requested resource 'alice/util' does not exist.");
    }
    for path in ["actions/hello/x", "actions/hello/"] {
        let text = world.alice().get(path).refused(409);
        assert_eq!(text, "Resource by this name exists but is not in this collection.");
    }
}
