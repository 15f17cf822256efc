//! Requests for paths of APIs reach web actions, or are told why not.

use serde_json::{Value, json};
use whirl_controller::MemberConfig;
use whirl_model::Outcome;

use super::{ALICE, operation};
use crate::client::{Answer, Client};
use crate::world::{Setting, World, wait_for};

/// Someone asks the gateway for something below alice's APIs.
fn ask(client: &Client, method: &str, path: &str) -> Answer {
    client.send(method, &format!("/api/{ALICE}{path}"), &[], b"")
}

/// What the web action was told last.
fn told(world: &World) -> Value {
    serde_json::to_value(&world.invoker.last_seen().arguments).unwrap()
}

#[test]
fn a_request_reaches_the_web_action_and_its_answer_the_client() {
    let world = World::start();
    world.has_web_action("hello", &[]);
    world.has_api("/shop", "/item/{id}", "post");
    world.invoker.answers(Outcome::Success, json!({"hi": "you"}));
    let headers = [("Content-Type", "application/json"), ("X-Mine", "m"), ("X-Request-ID", "mine")];
    let path = format!("/api/{ALICE}/shop/item/a%20b?id=other&q=1");
    let answer = world.gateway().send("POST", &path, &headers, br#"{"body":2.50}"#);
    assert_eq!(answer.ok(), json!({"hi": "you"}));
    assert_eq!(answer.header("x-request-id"), Some("mine"));
    assert!(answer.header("x-openwhisk-activation-id").is_some());
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let told = told(&world);
    for (name, value) in [
        ("id", json!("a b")),
        ("q", json!("1")),
        ("body", json!(2.5)),
        ("__ow_method", json!("post")),
        ("__ow_path", json!("/shop/item/a%20b")),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    assert_eq!(told["__ow_headers"]["x-mine"], "m");
}

#[test]
fn the_response_type_is_the_operations() {
    let world = World::start();
    world.has_web_action("hello", &[]);
    let url = "/api/v1/web/whisk.system/apimgmt/createApi?responsetype=http";
    world.alice().post(url, &json!({"apidoc": operation("/", "/", "get", "hello")})).ok();
    world
        .invoker
        .answers(Outcome::Success, json!({"statusCode": 418, "headers": {"x-a": "b"}, "body": "tea"}));
    for path in ["", "/"] {
        let answer = ask(&world.gateway(), "GET", path);
        assert_eq!((answer.status, answer.text(), answer.header("x-a")), (418, "tea", Some("b")), "{path}");
    }
    assert_eq!(told(&world)["__ow_path"], "", "without parameters there is no path to tell");
}

#[test]
fn a_secured_web_action_hears_the_gateways_secret_alone() {
    let world = World::start();
    world.has_web_action("hello", &[("require-whisk-auth", json!("s3"))]);
    world.has_api("/open", "/x", "get");
    let mut wanted = operation("/secured", "/x", "get", "hello");
    wanted["action"]["secureKey"] = json!("s3");
    world.alice().create_api(&wanted).ok();
    assert_eq!(ask(&world.gateway(), "GET", "/secured/x").status, 200);
    for path in ["/open/x", "/secured/x"] {
        let secret = [("X-Require-Whisk-Auth", if path == "/open/x" { "s3" } else { "wrong" })];
        let answer = world.gateway().send("GET", &format!("/api/{ALICE}{path}"), &secret, b"");
        assert_eq!(answer.status, if path == "/open/x" { 401 } else { 200 }, "{path}");
    }
}

#[test]
fn what_is_not_there_is_told() {
    let world = World::start();
    world.has_web_action("hello", &[]);
    world.has_api("/shop", "/item", "get");
    world.has_api("/shop", "/item", "put");
    for path in [
        "/",
        "/api",
        "/api/",
        "/ping",
        "/api/v1/namespaces",
        "/api/616c6963/shop/item",
        "/api/ALICE/shop/item",
        "/api/616c696365/shop",
        "/api/616c696365/shop/item/x",
        "/api/616c696365/shop//item",
        "/api/616c696365/shop/../shop/item",
        "/api/616c696365/shop/%2e%2e/shop/item",
        "/api/616c696365/shop%2Fitem",
        "/api/616c696365/shop/%ff",
        "/api/616c696365/shop/%zz",
        "//api/616c696365/shop/item",
    ] {
        assert_eq!(world.gateway().get(path).refused(404), "No API has this path.", "{path}");
    }
    let answer = ask(&world.gateway(), "POST", "/shop/item");
    answer.refused(405);
    assert_eq!(answer.header("allow"), Some("GET, PUT"));
    let long = format!("/api/{ALICE}/{}", "x".repeat(8 << 10));
    world.gateway().get(&long).refused(414);
    // As text, as what is encoded stays so.
    assert_eq!(ask(&world.gateway(), "GET", "/%73hop/item/").status, 200);
    assert_eq!(ask(&world.gateway(), "HEAD", "/shop/item").status, 200);
    assert_eq!(world.invoker.seen().len(), 2);
    world.alice().delete("actions/hello").ok();
    ask(&world.gateway(), "GET", "/shop/item").refused(404);
}

#[test]
fn pages_of_other_origins_may_call_if_the_api_says_so() {
    let world = World::start();
    world.has_web_action("hello", &[]);
    world.has_api("/open", "/x", "get");
    world.has_api("/open", "/x", "post");
    let closed = json!({
        "swagger": "2.0", "basePath": "/closed", "info": {},
        "paths": {"/x": {"get": {"x-openwhisk": {"action": "hello"}}}},
        "x-ibm-configuration": {"cors": {"enabled": false}},
    });
    world.alice().create_api(&json!({"namespace": "_", "swagger": closed})).ok();
    let question = [("Access-Control-Request-Headers", "x-one"), ("Origin", "https://page")];
    let answer = world.gateway().send("OPTIONS", &format!("/api/{ALICE}/open/x"), &question, b"");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, OPTIONS, POST"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("x-one"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert!(world.invoker.seen().is_empty());
    ask(&world.gateway(), "OPTIONS", "/closed/x").refused(405);
    let answer = ask(&world.gateway(), "GET", "/closed/x");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, None));
}

#[test]
fn a_change_counts_at_once_at_all_controllers() {
    let member = || Setting { member: Some(MemberConfig::default()), ..Setting::default() };
    let world = World::start_as(member());
    let neighbour = world.neighbour(1, member());
    world.has_web_action("hello", &[]);
    ask(&neighbour.gateway(), "GET", "/b/x").refused(404);
    world.has_api("/b", "/x", "post");
    // 405 tells that the path is known, and needs no invoker.
    assert_eq!(ask(&world.gateway(), "GET", "/b/x").status, 405);
    wait_for("the neighbour knows the API", || ask(&neighbour.gateway(), "GET", "/b/x").status == 405);
    neighbour.alice().delete_api("?basepath=/b").ok();
    assert_eq!(ask(&neighbour.gateway(), "GET", "/b/x").status, 404);
    wait_for("the API is gone", || ask(&world.gateway(), "GET", "/b/x").status == 404);
}
