//! What holds for every request: ids, unknown paths and methods, media types, sizes, odd targets.

use std::io::Write;

use serde_json::json;
use whirl_controller::ControllerConfig;

use crate::client::read_answer;
use crate::world::World;

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[test]
fn every_answer_carries_the_transaction() {
    let world = World::start();
    for (client, path) in [
        (world.anonymous(), "/"),
        (world.anonymous(), "/no/such/path"),
        (world.anonymous(), "/api/v1/x"),
        (world.alice(), "/api/v1/x"),
        (world.alice(), "actions?limit=x"),
    ] {
        let own = client.get(path);
        let id = own.header("x-request-id").unwrap();
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
        let given = client.send("GET", path, &[("X-Request-ID", "mine-1")], b"");
        assert_eq!(given.header("x-request-id"), Some("mine-1"), "{path}");
        for reserved in ["sid_x", "a b", "{}"] {
            let answer = client.send("GET", path, &[("X-Request-ID", reserved)], b"");
            assert_ne!(answer.header("x-request-id"), Some(reserved));
        }
    }
}

#[test]
fn what_no_route_takes_is_missing() {
    let world = World::start();
    world.has_action("hello");
    let id = "a".repeat(32);
    for (method, path) in [
        ("GET", "/no/such/path"),
        ("POST", "/"),
        ("HEAD", "/ping"),
        ("GET", "/api/v1/x"),
        ("GET", "/api/v1/namespaces/_"),
        ("HEAD", "/api/v1/namespaces"),
        ("PATCH", "actions/hello"),
        ("HEAD", "actions/hello"),
        ("PUT", "actions/"),
        ("DELETE", "actions/"),
        ("POST", "actions"),
        ("GET", "actions/hello/x/y"),
        ("PUT", "actions/hello/"),
        ("POST", "activations"),
        ("DELETE", &format!("activations/{id}")),
        ("GET", &format!("activations/{id}/other")),
        ("POST", "packages"),
    ] {
        let answer = world.alice().send(method, path, &[], b"");
        if method == "HEAD" {
            assert_eq!(answer.status, 404, "{method} {path}");
        } else {
            assert_eq!(answer.refused(404), "The requested resource does not exist.", "{method} {path}");
        }
    }
}

#[test]
fn bodies_are_json_or_empty() {
    let world = World::start();
    world.has_action("hello");
    let body = br#"{"exec":{"kind":"nodejs:20","code":"x"}}"#;
    for (method, media, body, status) in [
        ("PUT", Some("application/json; charset=utf-8"), body.as_slice(), 200),
        ("PUT", None, body, 200),
        ("PUT", Some("text/plain"), body, 415),
        ("PUT", Some("application/json"), b"", 400),
        ("PUT", None, b"", 400),
        ("PUT", Some("application/json"), b"{", 400),
        ("PUT", Some("application/json"), b"[]", 400),
        ("PUT", Some("application/json"), b"{\"exec\":1}", 400),
        ("PUT", Some("application/json"), b"\xff", 400),
        ("POST", None, b"", 202),
        ("POST", Some("application/json"), b"", 202),
        ("POST", Some("application/x-www-form-urlencoded"), b"", 415),
        ("POST", Some("text/plain"), b"{}", 415),
        ("POST", Some("application/json"), b"[]", 400),
        ("POST", Some("application/json"), b"7", 400),
        ("POST", Some("application/json"), b"{}{}", 400),
    ] {
        let headers: Vec<_> = media.iter().map(|media| ("Content-Type", *media)).collect();
        let answer = world.alice().send(method, "actions/hello?overwrite=true", &headers, body);
        assert_eq!(answer.status, status, "{method} {media:?} {body:?}: {}", answer.text());
    }
}

#[test]
fn only_json_can_be_had() {
    let world = World::start();
    let ask = |path: &str, accept: &str| world.alice().send("GET", path, &[("Accept", accept)], b"");
    for accept in ["*/*", "application/json", "text/html, application/*;q=0.5"] {
        ask("actions", accept).ok();
    }
    let text = ask("actions", "text/html").refused(406);
    assert_eq!(text, "Resource representation is only available with these types:\napplication/json");
    ask("actions/missing", "text/html").refused(404);
    assert_eq!(ask("/ping", "text/html").status, 200, "plain text is not JSON");
}

#[test]
fn what_is_too_large_is_refused_by_its_head_or_while_it_comes() {
    let config = ControllerConfig { request_body_bytes: 4 << 20, ..ControllerConfig::default() };
    let world = World::start_with(config);
    world.has_action("hello");
    let mebibyte = 1 << 20;
    for (method, length) in [("POST", mebibyte + 1), ("PUT", 4 * mebibyte + 1)] {
        let announced = length.to_string();
        let headers = [JSON, ("Content-Length", &announced)];
        let answer = world.alice().send(method, "actions/hello", &headers, b"");
        let text = answer.refused(413);
        assert!(text.contains(&announced) && text.contains(&(length - 1).to_string()), "{text}");
    }
    let sent_whole = vec![b' '; 8 * mebibyte];
    world.alice().send("PUT", "actions/hello", &[JSON], &sent_whole).refused(413);
    let exact = format!(r#"{{"a":"{}"}}"#, "x".repeat(mebibyte - 8));
    assert_eq!(world.alice().send("POST", "actions/hello", &[JSON], exact.as_bytes()).status, 202);

    let chunked = [JSON, ("Transfer-Encoding", "chunked")];
    let mut stream = world.alice().begin("POST", "actions/hello", &chunked, b"");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..17 {
        if stream.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    read_answer(&mut stream, "POST").refused(413);
    let mut stream = world.alice().begin("POST", "actions/hello?blocking=true", &chunked, b"");
    stream.write_all(b"3\r\n{\"a\r\n5\r\n\": 1}\r\n0\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut stream, "POST").status, 200);
    assert_eq!(world.invoker.last_seen().arguments.get("a").unwrap().as_str(), "1");
}

#[test]
fn targets_have_a_length() {
    let world = World::start();
    let target = |length: usize| format!("/ping?{}", "x".repeat(length - 6));
    assert_eq!(world.anonymous().get(&target(8192)).status, 200);
    world.anonymous().get(&target(8193)).refused(414);
    world.alice().get(&format!("actions/{}", "x".repeat(9000))).refused(414);
}

#[test]
fn absolute_targets_and_capital_booleans_are_understood() {
    let world = World::start();
    world.has_action("hello");
    let target = format!("http://{}/api/v1/namespaces/_/actions/hello?blocking=True", world.alice().address);
    assert_eq!(world.alice().post(&target, &json!({})).ok()["name"], "hello");
    let body = json!({"exec": {"kind": "nodejs:20", "code": "y"}});
    assert_eq!(world.alice().put("actions/hello?overwrite=True", &body).ok()["version"], "0.0.2");
    world.alice().put("actions/hello?overwrite=maybe", &body).refused(400);
}

#[test]
fn a_connection_serves_many_requests() {
    let world = World::start();
    world.has_action("hello");
    let mut stream = world.alice().begin("POST", "actions/hello?blocking=true", &[JSON], b"{}");
    assert_eq!(read_answer(&mut stream, "POST").status, 200);
    for path in ["/ping", "/nothing"] {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        read_answer(&mut stream, "GET");
    }
}
