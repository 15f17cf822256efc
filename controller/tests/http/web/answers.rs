//! What an activation's end makes of the answer.

use serde_json::{Value, json};
use whirl_controller::ControllerConfig;
use whirl_model::Outcome;

use crate::invoker::Script;
use crate::world::{World, unthrottled};

fn exporting() -> World {
    let world = World::start();
    world.exports("page", &json!({}));
    world
}

#[test]
fn each_extension_has_its_type() {
    let world = exporting();
    for (extension, result, media, body) in [
        (".json", json!({"a": [1, "<&>"]}), "application/json", "{\n  \"a\": [\n    1,\n    \"<&>\"\n  ]\n}"),
        (".json", json!([1]), "application/json", "[\n  1\n]"),
        (".html", json!({"html": "<p>"}), "text/html; charset=UTF-8", "<p>"),
        (".svg", json!({"svg": "<svg/>"}), "image/svg+xml", "<svg/>"),
        (".text", json!({"text": "words"}), "text/plain; charset=UTF-8", "words"),
        (".text", json!({"body": 5}), "text/plain; charset=UTF-8", "5"),
        (".http", json!({"body": "<b>"}), "text/html; charset=UTF-8", "<b>"),
        ("", json!({"body": {"a": 1}}), "application/json", "{\n  \"a\": 1\n}"),
    ] {
        let answer = world.shows(extension, result);
        assert_eq!((answer.status, answer.text()), (200, body), "{extension}");
        assert_eq!(answer.header("content-type"), Some(media), "{extension}");
        assert!(answer.header("x-openwhisk-activation-id").is_some());
    }
}

#[test]
fn what_an_extension_cannot_show_is_refused() {
    let world = exporting();
    for (extension, result, status) in [
        (".html", json!({"text": "x"}), 400),
        (".svg", json!({"svg": 1}), 400),
        (".text", json!({"html": "x"}), 404),
        (".http", json!([1]), 400),
        (".http", json!({"statusCode": 99}), 400),
        (".http", json!({"statusCode": "x"}), 400),
        (".http", json!({"headers": {"content-type": "nonsense"}, "body": "x"}), 400),
        (".http", json!({"headers": {"content-type": "image/png"}, "body": "!"}), 400),
        (".http", json!({"headers": {"content-type": "text/plain"}, "body": {}}), 400),
        (".http", json!({"headers": {"x": null}, "body": "x"}), 400),
    ] {
        let answer = world.shows(extension, result.clone());
        answer.refused_on_lines(status);
        assert!(answer.header("x-openwhisk-activation-id").is_some(), "{result}");
    }
}

#[test]
fn the_action_says_status_headers_and_body() {
    let world = exporting();
    let made = world.shows(
        ".http",
        json!({"statusCode": 201, "headers": {"X-One": "uno", "content-type": "text/plain"}, "body": "made"}),
    );
    assert_eq!((made.status, made.text(), made.header("x-one")), (201, "made", Some("uno")));
    assert_eq!(made.header("content-type"), Some("text/plain; charset=UTF-8"));

    let cookies = json!({"statusCode": "302", "headers": {"location": "http://x.example/", "Set-Cookie": ["a=b", "c=d"]}});
    let moved = world.shows("", cookies);
    assert_eq!((moved.status, moved.header("location")), (302, Some("http://x.example/")));
    assert_eq!(moved.all("set-cookie"), ["a=b", "c=d"]);
    assert_eq!((moved.body.len(), moved.header("content-type")), (0, None));

    let image = json!({"headers": {"Content-Type": "image/png"}, "body": "iVBORwD/"});
    assert_eq!(world.shows(".http", image).body, b"\x89PNG\x00\xff");
    assert_eq!(world.shows(".http", json!({})).status, 204);
    assert_eq!(world.shows(".http", json!({"statusCode": 444, "body": "x"})).status, 444);
    let unchanged =
        json!({"headers": {"content-type": "application/json"}, "body": "{\"status\":\"success\"}"});
    assert_eq!(world.shows(".http", unchanged).text(), "{\"status\":\"success\"}");
}

/// Nothing that an action gives may end the head early, lie about the body, or pass for the platform's own.
#[test]
fn headers_are_not_believed() {
    let world = exporting();
    for headers in [
        json!({"x": "a\r\nSet-Cookie: stolen=1"}),
        json!({"x": "a\nb"}),
        json!({"x\r\nSet-Cookie: stolen=1\r\ny": "a"}),
        json!({"x": "\u{0}"}),
        json!({"": "a"}),
        json!({"content-type": "text/html\r\nSet-Cookie: stolen=1"}),
    ] {
        let answer = world.shows(".http", json!({"headers": headers, "body": "x"}));
        answer.refused_on_lines(400);
        assert_eq!(answer.header("set-cookie"), None);
    }
    let own = json!({"Content-Length": 99, "Transfer-Encoding": "chunked", "Connection": "upgrade", "Upgrade": "x",
                     "Keep-Alive": "timeout=1", "X-Request-ID": "forged", "x-openwhisk-activation-id": "forged"});
    let answer = world.shows(".http", json!({"headers": own, "body": "four"}));
    assert_eq!((answer.status, answer.text(), answer.header("content-length")), (200, "four", Some("4")));
    for name in ["transfer-encoding", "connection", "upgrade", "keep-alive"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    for name in ["x-request-id", "x-openwhisk-activation-id"] {
        assert!(answer.all(name).len() == 1 && answer.header(name) != Some("forged"), "{name}");
    }
}

#[test]
fn errors_of_the_action_are_shown_like_results() {
    let world = exporting();
    let fails = |extension: &str, outcome: Outcome, result: Value| {
        world.invoker.answers(outcome, result);
        world.web("GET", &format!("page{extension}"), &[], b"")
    };
    let application = Outcome::ApplicationError;
    let answer = fails(".http", application, json!({"error": {"statusCode": 404, "body": "nope"}}));
    assert_eq!((answer.status, answer.text()), (404, "nope"));
    let answer = fails(".json", application, json!({"error": {"why": 1}}));
    assert_eq!(answer.ok(), json!({"why": 1}));
    assert_eq!(fails(".html", application, json!({"error": "<p>"})).text(), "<p>");
    fails(".json", application, json!({"error": "words"})).refused_on_lines(400);
    fails(".http", application, json!({"error": "words"})).refused_on_lines(400);
    fails(".http", application, json!({"other": 1})).refused_on_lines(404);
    for outcome in [Outcome::DeveloperError, Outcome::InternalError] {
        let answer = fails(".json", outcome, json!({"error": "a secret"}));
        assert!(!answer.refused_on_lines(400).contains("secret"));
        assert!(answer.header("x-openwhisk-activation-id").is_some());
    }
}

#[test]
fn heads_have_everything_but_the_body() {
    let world = exporting();
    world
        .invoker
        .answers(Outcome::Success, json!({"statusCode": 203, "headers": {"x-one": "1"}, "body": "four"}));
    let answer = world.web("HEAD", "page", &[], b"");
    assert_eq!((answer.status, answer.header("x-one"), answer.body.len()), (203, Some("1"), 0));
    assert_eq!(answer.header("content-type"), Some("text/html; charset=UTF-8"));
    let arguments = &world.invoker.last_seen().arguments;
    assert_eq!(arguments.get("__ow_method").unwrap().as_str(), "\"head\"");
}

#[test]
fn what_the_client_does_not_take_is_not_sent() {
    let world = exporting();
    let get = |name: &str, accept: &str| world.web("GET", name, &[("Accept", accept)], b"");
    let only = "Resource representation is only available with these types:\n";
    world.invoker.answers(Outcome::Success, json!({"html": "<p>", "body": "<p>"}));
    for (name, accept, media) in [
        ("page.http", "application/json", "text/html; charset=UTF-8"),
        ("page.html", "text/plain, text/html;q=0", "text/html; charset=UTF-8"),
        ("page.json", "text/html", "application/json"),
        ("page.svg", "image/png", "image/svg+xml"),
    ] {
        let answer = get(name, accept);
        assert_eq!(answer.refused_on_lines(406), format!("{only}{media}"));
        assert!(answer.header("x-openwhisk-activation-id").is_some());
    }
    for (name, accept) in [("page.http", "text/*"), ("page.json", "*/*;q=0.1"), ("page.svg", "image/svg+xml")]
    {
        assert_eq!(get(name, accept).status, 200, "{name} {accept}");
    }
    world.invoker.answers(Outcome::Success, json!({"statusCode": 204}));
    assert_eq!(get("page.http", "application/json").status, 204, "nothing is of no type");
}

#[test]
fn who_waits_too_long_is_told_so() {
    let config = ControllerConfig { blocking_wait_milliseconds: 20, ..unthrottled() };
    let world = World::start_with(config);
    world.exports("page", &json!({}));
    world.invoker.does(Script::Hold);
    for accept in ["*/*", "text/html"] {
        let answer = world.web("GET", "page.html", &[("Accept", accept)], b"");
        answer.refused_on_lines(202);
        let id = world.invoker.last_seen().activation_id.to_string();
        assert_eq!(answer.header("x-openwhisk-activation-id"), Some(id.as_str()));
    }
}

#[test]
fn a_platform_in_trouble_says_so() {
    let world = exporting();
    world.bus.is_full();
    let answer = world.web("GET", "page.json", &[], b"");
    answer.refused_on_lines(503);
    assert!(answer.header("retry-after").is_some() && answer.header("x-openwhisk-activation-id").is_none());
}

#[test]
fn known_web_actions_need_no_store() {
    let world = exporting();
    world.exports("unread", &json!({}));
    world.invoker.stores_nothing();
    world.shows(".json", json!({})).ok();
    world.store.close();
    world.shows(".json", json!({})).ok();
    world.web("GET", "unread.json", &[], b"").refused_on_lines(503);
}
