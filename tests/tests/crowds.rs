//! Too much of everything: a thousand slow clients, ten thousand headers, JSON ten thousand levels deep, one byte
//! over each bound. Every request gets its status, memory stays bounded, and others are served meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use whirl_system_tests::{RawRequest, ServerOptions, Shared, World};

const MEGABYTE: usize = 1 << 20;
const CLIENTS: usize = 1_000;
/// Kibibytes that a thousand clients may cost the server, their connections included.
const CROWD_KIBIBYTES: u64 = 96 << 10;

static WORLD: Shared = Shared::new();

fn world() -> Option<Arc<World>> {
    WORLD.join(|| World::start_process(ServerOptions::process()))
}

fn json_body(request: RawRequest, body: &str) -> RawRequest {
    request.header("Content-Type", "application/json").body(body)
}

/// Kibibytes of the server's memory that are its own.
fn memory(world: &World) -> u64 {
    world.server().resident_kibibytes().0
}

fn address(world: &World) -> &str {
    world.host().split_once("://").map_or(world.host(), |(_, address)| address)
}

#[test]
fn a_thousand_slow_clients_hold_up_nobody() {
    // Its own, as what others send meanwhile would count too.
    let Some(world) = World::start_process(ServerOptions::process()) else { return };
    world.works();
    let before = memory(&world);
    let credentials = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(world.auth())
    };
    let beginnings = [
        "G".to_owned(),
        "GET /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_owned(),
        format!(
            "POST /api/v1/namespaces/_/actions/none HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credentials}\r\n\
             Content-Type: application/json\r\nContent-Length: {MEGABYTE}\r\n\r\n{{\"a\":\""
        ),
        "POST /api/v1/web/guest/default/none.json HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"
            .to_owned(),
    ];
    let connect = |number: usize| {
        let mut stream = TcpStream::connect(address(&world)).unwrap();
        stream.write_all(beginnings[number % beginnings.len()].as_bytes()).unwrap();
        stream
    };
    let mut crowd: Vec<TcpStream> = (0..CLIENTS).map(connect).collect();
    world.works();
    for stream in &mut crowd {
        // One that was refused already may be closed.
        let _ = stream.write_all(b"x");
    }
    world.works();
    let with_crowd = memory(&world);
    assert!(with_crowd < before + CROWD_KIBIBYTES, "{before} KiB, then {with_crowd} KiB");
    drop(crowd);
    world.works();
}

#[test]
fn ten_thousand_headers_are_refused() {
    let Some(world) = world() else { return };
    let many = |request: RawRequest| (0..10_000).fold(request, |r, n| r.header(&format!("X-{n}"), "1"));
    for request in [
        world.raw("GET", "/"),
        world.raw_mine("GET", "actions"),
        world.raw("GET", "/api/v1/web/guest/default/none.json"),
    ] {
        let answer = many(request).send();
        assert!(matches!(answer.status, 400 | 431), "{}: {}", answer.status, answer.text());
    }
    let ninety = (0..90).fold(world.raw_mine("GET", "actions"), |r, n| r.header(&format!("X-{n}"), "1"));
    assert_eq!(ninety.send().status, 200);
    world.works();
}

/// Every place where a client's JSON comes in.
fn writing_routes() -> [(&'static str, &'static str); 6] {
    [
        ("PUT", "actions/deep-action"),
        ("PUT", "packages/deep-package"),
        ("PUT", "triggers/deep-trigger"),
        ("PUT", "rules/deep-rule"),
        ("POST", "triggers/deep-trigger"),
        ("POST", "rules/deep-rule"),
    ]
}

#[test]
fn json_of_any_depth_gets_an_answer() {
    let Some(world) = world() else { return };
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    for (method, path) in writing_routes() {
        for body in [
            nested("[", "]"),
            nested("{\"a\":", "1}").replace("1}1}", "}}"),
            format!("{{\"parameters\":[{{\"key\":\"a\",\"value\":{}}}]}}", nested("[", "]")),
            format!("{{\"a\":{}}}", "[".repeat(10_000)),
            format!("{{\"trigger\":{},\"action\":{}}}", nested("[", "]"), nested("[", "]")),
        ] {
            let target = if method == "PUT" { format!("{path}?overwrite=true") } else { path.to_owned() };
            let answer = json_body(world.raw_mine(method, &target), &body).send();
            let fine = matches!(answer.status, 200 | 202 | 204 | 400 | 404);
            assert!(fine, "{method} {path}: {} {}", answer.status, answer.text());
        }
    }
    for path in ["triggers/deep-trigger", "packages/deep-package", "actions/deep-action"] {
        world.delete(path);
    }
    world.works();
}

fn key_values(bytes: usize) -> Value {
    // Key and quotes count.
    json!([{"key": "k", "value": "v".repeat(bytes - 3)}])
}

#[test]
fn one_byte_over_a_bound_is_too_much() {
    let Some(world) = world() else { return };
    let exec = json!({"kind": "nodejs:20", "code": "x"});
    world.put("triggers/bound", &json!({})).ok();
    for (path, base) in [
        ("actions/sized", json!({ "exec": exec })),
        ("packages/sized", json!({})),
        ("triggers/sized", json!({})),
    ] {
        for list in ["parameters", "annotations"] {
            // An action's own annotations count too.
            let own = if path.starts_with("actions") && list == "annotations" { 512 } else { 0 };
            for (bytes, status) in [(MEGABYTE - own, 200), (MEGABYTE + 1, 413)] {
                let mut body = base.clone();
                body[list] = key_values(bytes);
                let answer = world.put(&format!("{path}?overwrite=true"), &body);
                assert_eq!(answer.status, status, "{path} {list} {bytes}: {:.200}", answer.text());
                let empty = json!([]);
                body[list] = empty;
                world.put(&format!("{path}?overwrite=true"), &body).ok();
            }
        }
        world.delete(path).ok();
    }
    let payload = |bytes: usize| format!("{{\"p\":\"{}\"}}", "x".repeat(bytes - 8));
    for (bytes, status) in [(MEGABYTE, 204), (MEGABYTE + 1, 413)] {
        let answer = json_body(world.raw_mine("POST", "triggers/bound"), &payload(bytes)).send();
        assert_eq!(answer.status, status, "{bytes}: {:.200}", answer.text());
    }
    world.delete("triggers/bound").ok();
    for (length, status) in [(256, 200), (257, 400)] {
        for (collection, letter) in [("packages", "p"), ("triggers", "t")] {
            let path = format!("{collection}/{}", letter.repeat(length));
            assert_eq!(world.put(&path, &json!({})).status, status);
            world.delete(&path);
        }
    }
    world.works();
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let Some(world) = world() else { return };
    let mut stream = TcpStream::connect(address(&world)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let credentials = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(world.auth())
    };
    let head = format!(
        "PUT /api/v1/namespaces/_/packages/never HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credentials}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    world.works();
}
