//! What the action gets of a request.

use serde_json::{Value, json};

use crate::web::Headers;
use crate::world::World;

/// The arguments of the last activation.
fn arguments(world: &World) -> Value {
    serde_json::to_value(&world.invoker.last_seen().arguments).unwrap()
}

#[test]
fn the_request_is_told() {
    let world = World::start();
    world.exports("page", &json!({}));
    let headers: Headers =
        &[("X-Mine", "1"), ("X-Mine", "2"), ("X-OW-Extra-Logging", "on"), ("X-Request-ID", "t-1")];
    let answer = world.web("GET", "page.json/some/sub%20path?x=1&y=z%20z&x=2", headers, b"");
    assert_eq!((answer.status, answer.header("x-request-id")), (200, Some("t-1")));
    let host = world.anonymous().address.to_string();
    let told = json!({
        "__ow_method": "get",
        "__ow_headers": {"host": host, "x-mine": "2", "x-request-id": "t-1"},
        "__ow_path": "/some/sub%20path",
        "x": "2",
        "y": "z z",
    });
    assert_eq!(arguments(&world), told);
    let message = world.invoker.last_seen();
    assert_eq!((message.caller.subject.as_str(), message.blocking), ("alice-subject", true));
    assert_eq!(Some(message.activation_id.to_string().as_str()), answer.header("x-openwhisk-activation-id"));
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        world.exports("page", &json!({"web-custom-options": true}));
        world.web(method, "page.json", &[], b"");
        assert_eq!(arguments(&world)["__ow_method"], method.to_lowercase());
    }
    world.web("TRACE", "page.json", &[], b"").refused(404);
}

#[test]
fn bodies_become_arguments() {
    let world = World::start();
    world.exports("page", &json!({}));
    let page = |media: &str, body: &[u8]| {
        let headers = if media.is_empty() { &[][..] } else { &[("Content-Type", media)] };
        let answer = world.web("POST", "page.json?q=1", headers, body);
        assert_eq!(answer.status, 200, "{media}: {}", answer.text());
        let mut arguments = arguments(&world);
        let members = arguments.as_object_mut().unwrap();
        let headers = members.remove("__ow_headers").unwrap();
        for name in ["__ow_method", "__ow_path"] {
            members.remove(name).unwrap();
        }
        (headers["content-type"].clone(), arguments)
    };
    for (media, body, sent, arguments) in [
        ("", &b""[..], Value::Null, json!({"q": "1"})),
        ("text/plain", b"", json!("text/plain"), json!({"q": "1"})),
        (
            "application/json",
            br#"{"q":{"deep":[1]},"b":null}"#,
            json!("application/json"),
            json!({"q": {"deep": [1]}, "b": null}),
        ),
        ("application/json", b"[1]", json!("application/json"), json!({"q": "1", "__ow_body": [1]})),
        (
            "application/x-www-form-urlencoded",
            b"p=one&q=two+words",
            json!("application/x-www-form-urlencoded"),
            json!({"q": "two words", "p": "one"}),
        ),
        ("text/html", b"key=value", json!("text/html"), json!({"q": "1", "__ow_body": "key=value"})),
        ("image/png", b"\x89", json!("image/png"), json!({"q": "1", "__ow_body": "iQ=="})),
        ("", b"\x89", json!("application/octet-stream"), json!({"q": "1", "__ow_body": "iQ=="})),
    ] {
        assert_eq!(page(media, body), (sent, arguments), "{media}");
    }
}

#[test]
fn numbers_reach_the_action_to_the_letter() {
    let world = World::start();
    world.exports("page", &json!({}));
    let body = br#"{"big":12345678901234567890123,"float":1.0}"#;
    world.web("POST", "page.json", &[("Content-Type", "application/json")], body).ok();
    let message = world.invoker.last_seen();
    assert_eq!(message.arguments.get("big").unwrap().as_str(), "12345678901234567890123");
    assert_eq!(message.arguments.get("float").unwrap().as_str(), "1.0");
}

#[test]
fn raw_actions_get_the_request_as_it_came() {
    let world = World::start();
    world.exports("page", &json!({"raw-http": true, "final": true}));
    for (media, query, body, told) in [
        ("text/plain", "k=v&l=%20", &b"plain"[..], "plain"),
        ("application/json", "__ow_user=root", b"{", "ew=="),
        ("application/x-www-form-urlencoded", "", b"a=1", "a=1"),
        ("application/octet-stream", "", b"", ""),
    ] {
        let target = format!("page.json?{query}");
        assert_eq!(world.web("POST", &target, &[("Content-Type", media)], body).status, 200);
        let mut arguments = arguments(&world);
        let members = arguments.as_object_mut().unwrap();
        for name in ["__ow_headers", "__ow_method", "__ow_path"] {
            members.remove(name).unwrap();
        }
        assert_eq!(arguments, json!({"__ow_query": query, "__ow_body": told}), "{media}");
    }
}

#[test]
fn callers_are_told_if_they_are_known() {
    let world = World::start();
    world.exports("page", &json!({}));
    let page = "/api/v1/web/alice/default/page.json";
    for (client, user) in [
        (world.bob(), json!("bob")),
        (world.alice(), json!("alice")),
        (world.anonymous(), Value::Null),
        (world.someone("Basic YTpi"), Value::Null),
        (world.someone(&format!("Bearer {}", "x".repeat(100))), Value::Null),
    ] {
        client.get(page).ok();
        assert_eq!(arguments(&world)["__ow_user"], user);
        assert_eq!(world.invoker.last_seen().caller.namespace.as_str(), "alice");
    }
}

#[test]
fn bound_parameters_lie_below_the_request() {
    let world = World::start();
    let annotations = json!([{"key": "web-export", "value": true}]);
    let parameters =
        json!([{"key": "a", "value": 1}, {"key": "b", "value": 2}, {"key": "__ow_path", "value": "x"}]);
    world.has_action_with("page", &json!({"annotations": annotations, "parameters": parameters}));
    world.web("GET", "page.json?b=3", &[], b"").ok();
    let got = arguments(&world);
    assert_eq!((&got["a"], &got["b"], &got["__ow_path"]), (&json!(1), &json!("3"), &json!("")));
}

#[test]
fn bad_requests_run_nothing() {
    let world = World::start();
    let list = json!([{"key": "web-export", "value": true}, {"key": "final", "value": true}]);
    let parameters = json!([{"key": "fixed", "value": 1}, {"key": "open", "value": null}]);
    world.has_action_with("page", &json!({"annotations": list, "parameters": parameters}));
    let json = ("Content-Type", "application/json");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let large = vec![b' '; (1 << 20) + 1];
    for (query, header, body, status) in [
        ("__ow_user=x", json, &b""[..], 400),
        ("", json, br#"{"__ow_headers":{}}"#, 400),
        ("", form, b"__ow_method=x", 400),
        ("fixed=2", json, b"", 400),
        ("", json, br#"{"fixed":2}"#, 400),
        ("", form, b"fixed=", 400),
        ("", json, b"{", 400),
        ("", json, b"\"\xff\"", 400),
        ("", json, &large, 413),
        ("", ("Content-Length", "1048577"), b"", 413),
    ] {
        let answer = world.web("POST", &format!("page.json?{query}"), &[header], body);
        answer.refused_on_lines(status);
        assert_eq!(answer.header("x-openwhisk-activation-id"), None);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    assert!(world.invoker.seen().is_empty());
    world.web("POST", "page.json?open=1&new=2", &[], b"").ok();
}
