//! Bad input is an answer, not an accident: every malformed, oversize or forbidden request gets its status and a
//! clear `{error, code}`, and the platform works on. What bad *actions* do is in `bad_actions.rs`.

use std::sync::Arc;

use serde_json::{Value, json};
use whirl_cli::client::Page;
use whirl_cli::name::Place;
use whirl_system_tests::{RawRequest, Shared, World};

const MEGABYTE: usize = 1 << 20;
const ECHO: &str = "function main(p) { return p }";

static WORLD: Shared = Shared::new();

fn world() -> Option<Arc<World>> {
    WORLD.join(World::start)
}

fn node(code: &str) -> Value {
    json!({"exec": {"kind": "nodejs:20", "code": code}})
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn json_body(request: RawRequest, body: &str) -> RawRequest {
    request.header("Content-Type", "application/json").body(body)
}

#[test]
fn credentials_are_needed_and_have_to_be_right() {
    let Some(world) = world() else { return };
    let (uuid, key) = world.auth().split_once(':').unwrap();
    let other = format!("{}{}", &key[1..], &key[..1]);
    let base64 = |pair: &str| format!("Basic {}", base64_of(pair));
    for credentials in [
        base64(&format!("{uuid}:{other}")),
        base64(&format!("{uuid}:")),
        base64(&format!(":{key}")),
        base64(uuid),
        base64(&format!("00000000-0000-0000-0000-000000000000:{key}")),
        "Basic ?".to_owned(),
        "Basic".to_owned(),
        format!("Bearer {key}"),
        world.auth().to_owned(),
    ] {
        for path in ["/api/v1/namespaces/_/actions", "/api/v1/namespaces", "/api/v1/no/such/path"] {
            let answer = world.raw("GET", path).header("Authorization", &credentials).send();
            let error = answer.refused(401);
            assert_eq!(error, "The supplied authentication is invalid", "{credentials}");
        }
    }
    world.raw("GET", "/api/v1/no/such/path").send().refused(401);
    world.works();
}

fn base64_of(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn unknown_things_are_not_there() {
    let Some(world) = world() else { return };
    let missing = "The requested resource does not exist.";
    for (method, path) in [
        ("GET", "actions/no-such-action"),
        ("DELETE", "actions/no-such-action"),
        ("POST", "actions/no-such-action"),
        ("GET", "activations/0123456789abcdef0123456789abcdef"),
        ("GET", "activations/0123456789abcdef0123456789abcdef/logs"),
        ("GET", "activations/0123456789abcdef0123456789abcdef/result"),
        ("GET", "nothing"),
        ("GET", "actions/a/b/c"),
        ("GET", "activations/0123456789abcdef0123456789abcdef/other"),
        ("PATCH", "actions/x"),
        ("PUT", "actions/"),
        ("POST", "activations"),
        ("DELETE", "activations/0123456789abcdef0123456789abcdef"),
    ] {
        let answer = json_body(world.raw_mine(method, path), "{}").send();
        let error = answer.refused(404);
        assert!(
            error == missing || error.starts_with("The requested resource '"),
            "{method} {path}: {error}"
        );
    }
    for id in ["x", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdefg", "%00"] {
        world.get(&format!("activations/{id}")).refused(400);
    }
    world.works();
}

#[test]
fn bodies_have_to_be_json_objects() {
    let Some(world) = world() else { return };
    let action = world.action("bodies").node(ECHO).create();
    for body in ["{", "[]", "[1]", "1", "null", "\"x\"", "{}{}", "{\"a\":}", "\u{0}", "{\"a\":1,}", " "] {
        json_body(world.raw_mine("POST", &action.path()), body).send().refused(400);
        json_body(world.raw_mine("PUT", "actions/never"), body).send().refused(400);
    }
    json_body(world.raw_mine("PUT", "actions/never"), "").send().refused(400);
    let no_text = [b'{', b'"', 0xff, 0xfe, b'"', b':', b'1', b'}'];
    world
        .raw_mine("POST", &action.path())
        .header("Content-Type", "application/json")
        .body(no_text)
        .send()
        .refused(400);
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "nonsense"] {
        for (method, path) in [("POST", action.path()), ("PUT", "actions/never".to_owned())] {
            world.raw_mine(method, &path).header("Content-Type", media).body("{}").send().refused(415);
        }
    }
    let with_charset = world.raw_mine("POST", &format!("{}?blocking=true&result=true", action.path()));
    let answer =
        with_charset.header("Content-Type", "application/json; charset=utf-8").body("{\"a\":1}").send();
    assert_eq!(answer.ok(), json!({"a": 1}));
    world.get("actions/never").refused(404);
    world.works();
}

#[test]
fn deep_json_does_no_harm() {
    let Some(world) = world() else { return };
    let action = world.action("deep").node("function main(p) { return {ok: Array.isArray(p.a)} }").create();
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let path = format!("{}?blocking=true", action.path());
    let answer = json_body(world.raw_mine("POST", &path), &deep).send();
    // The runtime's own parser may have a bound; then it is the action's failure.
    assert!(matches!(answer.status, 200 | 400 | 502), "{}", answer.text());
    let broken = json_body(world.raw_mine("POST", &path), &"[{\"a\":".repeat(10_000)).send();
    broken.refused(400);
    let annotation = format!(
        "{{\"exec\":{{\"kind\":\"nodejs:20\",\"code\":\"x\"}},\"annotations\":[{{\"key\":\"a\",\"value\":{}{}}}]}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let put = json_body(world.raw_mine("PUT", "actions/deep-annotation"), &annotation).send();
    if put.status == 200 {
        let place = Place { namespace: "_".to_owned(), package: None };
        let listed = world.client().actions().list(&place, Page::ALL).unwrap();
        assert!(listed.iter().any(|row| row.name == "deep-annotation"), "our own client can read it");
        assert_eq!(world.delete("actions/deep-annotation").status, 200);
    } else {
        put.refused(400);
    }
    world.works();
}

#[test]
fn arguments_have_a_size() {
    let Some(world) = world() else { return };
    let action = world.action("sizes").node("function main(p) { return {n: p.a.length} }").create();
    let path = format!("{}?blocking=true&result=true", action.path());
    let of_size = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    let error = json_body(world.raw_mine("POST", &path), &of_size(MEGABYTE + 1)).send().refused(413);
    assert!(error.contains("1048577") && error.contains("1048576"), "both sizes are named: {error}");
    let in_chunks = |size| {
        let request = world.raw_mine("POST", &path).header("Content-Type", "application/json");
        request.chunked(of_size(size)).send()
    };
    in_chunks(MEGABYTE + 1).refused(413);
    // The announced length decides, before anything is sent.
    let announced = world.raw_mine("POST", &path).header("Content-Type", "application/json");
    announced.header("Content-Length", "99999999999").send().refused(413);
    assert_eq!(in_chunks(MEGABYTE - 4096).ok()["n"], MEGABYTE - 4096 - 8);
    assert_eq!(json_body(world.raw_mine("POST", &path), &of_size(MEGABYTE)).send().ok()["n"], MEGABYTE - 8);
    world.works();
}

#[test]
fn code_and_parameters_have_a_size() {
    let Some(world) = world() else { return };
    let mut code = String::from("function main() { return {big: true} } //");
    code.push_str(&"x".repeat(48 * MEGABYTE + 1 - code.len()));
    let error = world.put("actions/too-much-code", &node(&code)).refused(413);
    assert!(error.contains("50331649") && error.contains("50331648"), "{error}");
    world.get("actions/too-much-code").refused(404);
    code.pop();
    assert_eq!(world.put("actions/most-code", &node(&code)).ok()["exec"]["binary"], false);
    world.delete("actions/most-code").ok();
    for (member, size) in [("parameters", MEGABYTE), ("annotations", MEGABYTE)] {
        let mut body = node(ECHO);
        // Key, quotes and value together are one byte too many.
        body[member] = json!([{"key": "k", "value": "x".repeat(size - 2)}]);
        let error = world.put("actions/too-many-parameters", &body).refused(413);
        assert!(error.contains("1048577") && error.contains("1048576"), "{member}: {error}");
    }
    let huge = vec![b' '; 51 * MEGABYTE];
    world
        .raw_mine("PUT", "actions/huge")
        .header("Content-Type", "application/json")
        .body(huge)
        .send()
        .refused(413);
    world.works();
}

#[test]
fn limits_have_bounds() {
    let Some(world) = world() else { return };
    let put = |limits: Value| {
        let mut body = node(ECHO);
        body["limits"] = limits;
        world.put("actions/bounds?overwrite=true", &body)
    };
    for (name, values) in [
        ("timeout", [99_i64, 300_001, -1, 0, i64::MAX]),
        ("memory", [127, 513, -1, 0, i64::MIN]),
        ("logs", [-1, 11, i64::MAX, i64::MIN, 4_294_967_296]),
        ("concurrency", [0, 501, -1, i64::MAX, 4_294_967_297]),
    ] {
        for value in values {
            let error = put(json!({name: value})).refused(400);
            assert!(error.contains("allowed threshold"), "{name} {value}: {error}");
        }
        for value in [json!(1.5), json!("128"), json!([]), json!({}), json!(true), json!(1e300)] {
            put(json!({name: value})).refused(400);
        }
    }
    put(json!([])).refused(400);
    put(json!("all")).refused(400);
    world.get("actions/bounds").refused(404);
    for limits in [
        json!({"timeout": 100, "memory": 128, "logs": 0, "concurrency": 1}),
        json!({"timeout": 300_000, "memory": 512, "logs": 10, "concurrency": 1}),
    ] {
        assert_eq!(put(limits.clone()).ok()["limits"], limits);
    }
    world.delete("actions/bounds").ok();
    world.works();
}

#[test]
fn code_has_to_be_runnable() {
    let Some(world) = world() else { return };
    for exec in [
        json!({"kind": "cobol:85", "code": "x"}),
        json!({"kind": "nodejs:99", "code": "x"}),
        json!({"kind": "", "code": "x"}),
    ] {
        let error = world.put("actions/kinds", &json!({ "exec": exec })).refused(400);
        let kind = text(&exec["kind"]);
        let begins = format!("The specified runtime '{kind}' is not supported by this platform");
        assert!(error.starts_with(&begins), "{error}");
    }
    for body in [
        json!({}),
        json!({"exec": null}),
        json!({"exec": {}}),
        json!({"exec": {"code": "x"}}),
        json!({"exec": {"kind": "nodejs:20"}}),
        json!({"exec": {"kind": "nodejs:20", "code": 7}}),
        json!({"exec": {"kind": 7, "code": "x"}}),
        json!({"exec": "code"}),
        json!({"exec": {"kind": "blackbox"}}),
        json!({"exec": {"kind": "blackbox", "image": "NOT A:VALID::IMAGE"}}),
        json!({"exec": {"kind": "nodejs:20", "code": "x"}, "parameters": {"a": 1}}),
        json!({"exec": {"kind": "nodejs:20", "code": "x"}, "parameters": [{"value": 1}]}),
        json!({"exec": {"kind": "nodejs:20", "code": "x"}, "annotations": 1}),
        json!({"exec": {"kind": "nodejs:20", "code": "x"}, "version": "one"}),
        json!({"exec": {"kind": "nodejs:20", "code": "x"}, "publish": "yes"}),
    ] {
        let answer = world.put("actions/kinds", &body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        answer.refused(400);
    }
    world.get("actions/kinds").refused(404);
    world.works();
}

#[test]
fn a_corrupt_archive_fails_when_it_is_run() {
    let Some(world) = world() else { return };
    for kind in ["nodejs:20", "python:3.11"] {
        let mut archive = b"PK\x03\x04".to_vec();
        archive.extend((0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8));
        let action = world.action("corrupt").archive(kind, &archive).create();
        let record = action.invoke_blocking(&json!({}));
        assert!(!record.developers_error().is_empty(), "{kind}: {}", record.0);
        assert_eq!(world.record(record.id()).status(), "action developer error");
    }
    world.works();
}

#[test]
fn names_are_checked() {
    let Some(world) = world() else { return };
    let long = "n".repeat(257);
    for name in ["-a", "a%20", ".a", "a!", "a%00b", "%C3%A9", "a%2Fb%2Fc", "a%3Fb", "%20", "%", &long] {
        let answer =
            json_body(world.raw_mine("PUT", &format!("actions/{name}")), &node("x").to_string()).send();
        assert!(matches!(answer.status, 400 | 404), "{name}: {} {}", answer.status, answer.text());
        answer.refused(answer.status);
    }
    let longest = "n".repeat(256);
    for name in ["a.b@c d&e-f_g".replace(' ', "%20"), longest] {
        world.put(&format!("actions/{name}"), &node(ECHO)).ok();
        world.delete(&format!("actions/{name}")).ok();
    }
    world.works();
}

#[test]
fn queries_are_checked() {
    let Some(world) = world() else { return };
    let action = world.action("queries").node(ECHO).create();
    for list in ["actions", "activations", "packages", "rules", "triggers"] {
        for query in
            ["limit=201", "limit=-1", "limit=x", "limit=1.5", "skip=-1", "skip=x", "skip=99999999999"]
        {
            world.get(&format!("{list}?{query}")).refused(400);
        }
        world.get(&format!("{list}?limit=0")).ok();
        world.get(&format!("{list}?limit=200&skip=2147483647")).ok();
    }
    for query in ["since=x", "upto=1.5", "docs=2", "docs=true&count=true", "name=a/b/c", "count=many"] {
        world.get(&format!("activations?{query}")).refused(400);
    }
    for query in ["blocking=2", "result=maybe", "blocking=true&timeout=0", "timeout=60001", "timeout=x"] {
        action.invoke(query, &json!({})).refused(400);
    }
    world.put(&format!("{}?overwrite=perhaps", action.path()), &node(ECHO)).refused(400);
    world.put(&action.path(), &node(ECHO)).refused(409);
    world.works();
}

#[test]
fn a_long_target_is_refused() {
    let Some(world) = world() else { return };
    world.raw_mine("GET", &format!("actions?limit=1&x={}", "y".repeat(8 << 10))).send().refused(414);
    world.raw("GET", &format!("/{}", "z".repeat(9000))).send().refused(414);
    let answer = world.raw("GET", &format!("/{}", "z".repeat(2 << 20))).send();
    assert!((400..500).contains(&answer.status), "{}", answer.text());
    let answer = world.raw("GET", "/api/v1/namespaces").header("X-Long", &"z".repeat(2 << 20)).send();
    assert!((400..500).contains(&answer.status), "{}", answer.text());
    world.works();
}

#[test]
fn foreign_namespaces_are_closed() {
    let Some(world) = world() else { return };
    let action = world.action("mine").node(ECHO).create();
    let id = action.invoke_blocking(&json!({})).id().to_owned();
    let foreign = "/api/v1/namespaces/somebody-else";
    for (method, path) in [
        ("GET", "actions"),
        ("GET", "actions/x"),
        ("PUT", "actions/x"),
        ("POST", "actions/x"),
        ("DELETE", "actions/x"),
        ("GET", "activations"),
        ("GET", &format!("activations/{id}")),
        ("GET", &format!("activations/{id}/logs")),
        ("GET", &format!("activations/{id}/result")),
    ] {
        let request = world.raw(method, &format!("{foreign}/{path}"));
        let request = request.header("Authorization", &format!("Basic {}", base64_of(world.auth())));
        let answer = json_body(request, &node("x").to_string()).send();
        let error = answer.refused(403);
        assert!(error.contains("not authorized"), "{method} {path}: {error}");
        assert!(!answer.text().contains(&action.name), "nothing is told");
    }
    world.works();
}
