//! APIs come operation by operation, are listed, and go piece by piece.

use serde_json::{Value, json};
use whirl_controller::ControllerConfig;

use super::{ALICE, MANAGEMENT, operation};
use crate::client::Answer;
use crate::world::{Setting, World, unthrottled};

fn paths(value: &Value) -> Vec<String> {
    let paths = value["apidoc"]["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let verbs = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
        verbs.map(|verb| format!("{verb} {path}")).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn an_operation_makes_an_api() {
    let world = World::start();
    let mut wanted = operation("/shop", "/item/{id}", "GET", "util/hello");
    wanted["apiName"] = json!("Shop");
    wanted["action"]["secureKey"] = json!("s3");
    let made = world.alice().create_api(&wanted).ok();
    let url = format!("http://{}/api/{ALICE}/shop", world.gateway().address);
    assert_eq!(made["gwApiUrl"], url);
    assert_eq!((&made["gwApiActivated"], &made["tenantId"]), (&json!(true), &json!(ALICE)));
    assert_eq!(made["namespace"], "alice");
    let doc = &made["apidoc"];
    assert_eq!((&doc["swagger"], &doc["basePath"]), (&json!("2.0"), &json!("/shop")));
    assert_eq!(doc["info"]["title"], "Shop");
    let backend = "https://h/api/v1/web/alice/util/hello.json";
    let operation = &doc["paths"]["/item/{id}"]["get"];
    assert_eq!(operation["operationId"], "getItemId");
    assert_eq!(
        operation["x-openwhisk"],
        json!({"action": "hello", "namespace": "alice", "package": "util", "url": backend})
    );
    let text = doc["x-ibm-configuration"].to_string();
    assert!(text.contains(&format!(r#""target-url":"{backend}$(request.path)""#)), "{text}");
    assert!(text.contains(r#""cors":{"enabled":true}"#) && !text.contains("uuid:key"), "{text}");
    let id = "API:alice:/shop";
    assert_eq!(world.alice().apis(""), [json!({"id": id, "key": id, "value": made})]);
    assert_eq!(world.bob().apis(""), [] as [Value; 0]);
}

#[test]
fn all_forms_of_the_urls_work() {
    let world = World::start();
    let body = json!({"apidoc": operation("/b", "/p", "get", "hello")});
    for extension in ["", ".http", ".json"] {
        let token = format!("accesstoken=DUMMY%20TOKEN&spaceguid={}", world.alice_key.uuid());
        let url = |name: &str, more: &str| format!("{MANAGEMENT}/{name}{extension}?{token}{more}");
        world.alice().post(&url("createApi", "&responsetype=http"), &body).ok();
        assert_eq!(world.alice().get(&url("getApi", "")).ok()["apis"].as_array().unwrap().len(), 1);
        assert_eq!(world.alice().delete(&url("deleteApi", "&basepath=/b&force=true")).ok(), json!({}));
    }
    for (method, path) in [("GET", "createApi"), ("PUT", "getApi"), ("PUT", "createApi.http")] {
        world.alice().send(method, &format!("{MANAGEMENT}/{path}"), &[], b"").refused(404);
    }
}

#[test]
fn operations_are_merged_and_taken_out() {
    merge_and_take_out(&World::start());
}

#[test]
fn parameters_may_come_in_a_body() {
    let world = World::start();
    world.has_api("/shop", "/a", "get");
    world.has_api("/shop", "/b", "get");
    let post = |name: &str, body: &Value| world.alice().post(&format!("{MANAGEMENT}/{name}.http"), body);
    post("deleteApi", &json!({"basepath": "/shop", "relpath": "/a", "accesstoken": {}})).ok();
    post("deleteApi", &json!({"basepath": "/shop", "spaceguid": "another"})).refused(403);
    let list = post("getApi", &json!({"basepath": "/shop", "limit": 1})).ok();
    assert_eq!(paths(&list["apis"][0]["value"]), ["get /b"]);
    assert_eq!(post("getApi", &json!({"operation": "put"})).ok(), json!({"apis": []}));
    post("getApi", &json!("text")).refused(400);
}

#[test]
fn couchdb_keeps_apis_too() {
    let Some(couchdb) = crate::couchdb::scratch() else { return };
    merge_and_take_out(&World::start_as(Setting { stores: Some(couchdb.stores()), ..Setting::default() }));
}

fn merge_and_take_out(world: &World) {
    for (path, verb) in [("/a", "get"), ("/a", "post"), ("/a", "GET"), ("/b/{x}", "put")] {
        world.has_api("/shop", path, verb);
    }
    world.has_api("/", "/", "get");
    let shop = || paths(&world.alice().apis("?basepath=/shop")[0]["value"]);
    assert_eq!(shop(), ["post /a", "get /a", "put /b/{x}"]);
    for (query, found) in [
        ("", vec!["get /", "get /a", "post /a", "put /b/{x}"]),
        ("?limit=0&skip=2", vec![]),
        ("?basepath=/shop/&relpath=/a", vec!["get /a", "post /a", "put /b/{x}"]),
        ("?relpath=/&operation=GET", vec!["get /"]),
        ("?operation=put", vec!["get /a", "post /a", "put /b/{x}"]),
        ("?relpath=/a&operation=put", vec![]),
        ("?basepath=/nope", vec![]),
        ("?basepath=/shop&relpath=/nope", vec![]),
        ("?operation=brew", vec![]),
    ] {
        let shown = world.alice().apis(query);
        let mut shown: Vec<_> = shown.iter().flat_map(|api| paths(&api["value"])).collect();
        shown.sort();
        assert_eq!(shown, found, "{query}");
    }
    let [first, rest] = ["?limit=1", "?skip=1"].map(|query| world.alice().apis(query));
    assert_eq!([first, rest].concat(), world.alice().apis(""));
    world.alice().delete_api("?basepath=/shop&relpath=/a&operation=POST").ok();
    world.alice().delete_api("?basepath=/shop&relpath=/b/%7Bx%7D").ok();
    assert_eq!(shop(), ["get /a"]);
    for (query, what) in [
        ("?basepath=/nope", "API '/nope'"),
        ("?basepath=Nope", "API 'Nope'"),
        ("?basepath=/shop&relpath=/b", "path '/b'"),
        ("?basepath=/shop&relpath=/a&operation=put", "PUT '/a'"),
    ] {
        let error = world.alice().delete_api(query).refused(404);
        assert!(error.contains(what) && error.contains("does not exist"), "{error}");
    }
    world.alice().delete_api("?basepath=/shop&relpath=/a").ok();
    assert_eq!(world.alice().apis("?basepath=/shop"), [] as [Value; 0], "with its last operation it goes");
    world.alice().delete_api("?basepath=/").ok();
    assert_eq!(world.alice().apis(""), [] as [Value; 0]);
}

#[test]
fn apis_have_names() {
    let world = World::start();
    for base in ["/a", "/b", "/c"] {
        let mut wanted = operation(base, "/x", "get", "hello");
        wanted["apiName"] = json!(if base == "/c" { "One" } else { "Two" });
        world.alice().create_api(&wanted).ok();
    }
    assert_eq!(world.alice().apis("?basepath=Two").len(), 2);
    let error = world.alice().delete_api("?basepath=Two").refused(400);
    assert!(error.contains("Several APIs"), "{error}");
    world.alice().delete_api("?basepath=One").ok();
    assert_eq!(world.alice().apis("").len(), 2);
}

#[test]
fn all_operations_that_come_at_once_are_there() {
    let world = World::start();
    std::thread::scope(|scope| {
        for n in 0..6 {
            let client = world.alice();
            scope.spawn(move || client.create_api(&operation("/b", &format!("/p{n}"), "get", "hello")).ok());
        }
    });
    assert_eq!(paths(&world.alice().apis("")[0]["value"]).len(), 6);
}

#[test]
fn only_the_own_namespace_can_be_managed() {
    let world = World::start();
    world.has_api("/b", "/p", "get");
    let mut wanted = operation("/b", "/p", "get", "hello");
    wanted["namespace"] = json!("alice");
    world.bob().create_api(&wanted).refused(403);
    wanted["namespace"] = json!("bob");
    world.bob().create_api(&wanted).ok();
    let space = format!("spaceguid={}", world.alice_key.uuid());
    world.bob().get(&format!("{MANAGEMENT}/getApi?{space}")).refused(403);
    world.bob().delete_api(&format!("?basepath=/b&{space}")).refused(403);
    let of_alice = json!({"apidoc": wanted, "spaceguid": world.alice_key.uuid()});
    world.bob().post(&format!("{MANAGEMENT}/createApi"), &of_alice).refused(403);
    for (method, path) in [("POST", "createApi"), ("GET", "getApi.http"), ("DELETE", "deleteApi.json")] {
        world.anonymous().send(method, &format!("{MANAGEMENT}/{path}"), &[], b"").refused(401);
    }
    world.bob().delete_api("?basepath=/b").ok();
    assert_eq!(world.alice().apis("").len(), 1);
}

#[test]
fn impossible_operations_are_refused() {
    let world = World::start();
    let with = |pointer: &str, value: Value| {
        let mut wanted = operation("/b", "/p", "get", "hello");
        *wanted.pointer_mut(pointer).unwrap() = value;
        world.alice().create_api(&wanted)
    };
    let refused = |answer: Answer, why: &str| {
        let error = answer.refused(400);
        assert!(error.contains(why), "{why}: {error}");
    };
    refused(with("/gatewayBasePath", json!("b")), "does not begin with '/'");
    refused(with("/gatewayBasePath", json!("/{b}")), "cannot have parameters");
    refused(with("/gatewayBasePath", json!("/../x")), "segment");
    refused(with("/gatewayBasePath", json!(null)), "needs 'apidoc.gatewayBasePath'");
    refused(with("/gatewayPath", json!("")), "needs 'apidoc.gatewayPath'");
    refused(with("/gatewayPath", json!("/a{b")), "parameter");
    refused(with("/gatewayPath", json!(7)), "malformed");
    refused(with("/gatewayMethod", json!("brew")), "'brew' not supported");
    refused(with("/action/name", json!("a/b/c")), "not a name");
    refused(with("/action", json!(null)), "needs 'apidoc.action'");
    let create = |query: &str, body: &str| {
        let headers = [("Content-Type", "application/json")];
        world.alice().send("POST", &format!("{MANAGEMENT}/createApi{query}"), &headers, body.as_bytes())
    };
    let good = json!({"apidoc": operation("/b", "/p", "get", "hello")}).to_string();
    refused(create("?responsetype=yaml", &good), "'yaml' is not a response type");
    refused(create("", ""), "needs a body");
    refused(create("", "{}"), "needs 'apidoc'");
    refused(create("", r#"{"apidoc":"{"}"#), "'apidoc' is malformed");
    refused(create("", "[1"), "malformed");
    world.alice().delete_api("").refused(400);
    world.alice().delete_api("?basepath=/../x").refused(400);
    world.alice().get(&format!("{MANAGEMENT}/getApi?limit=201")).refused(400);
    assert_eq!(world.alice().apis(""), [] as [Value; 0]);
}

#[test]
fn the_url_may_be_another_servers() {
    let url = Some("https://apis.example.org/".to_owned());
    let world = World::start_with(ControllerConfig { gateway_url: url, ..unthrottled() });
    let made = world.alice().create_api(&operation("/", "/p", "get", "hello")).ok();
    assert_eq!(made["gwApiUrl"], format!("https://apis.example.org/api/{ALICE}"));
}

#[test]
fn pages_may_ask_without_credentials() {
    let world = World::start();
    let answer = world.anonymous().send("OPTIONS", &format!("{MANAGEMENT}/getApi.http"), &[], b"");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
}

#[test]
fn what_every_operation_repeats_is_short() {
    let world = World::start();
    let body = json!({"apidoc": operation("/b", "/p", "get", "hello")}).to_string();
    let url = format!("{MANAGEMENT}/createApi");
    let json = ("Content-Type", "application/json");
    for (host, status) in [("h".repeat(5000), 400), ("h".repeat(200), 200)] {
        let headers = [json, ("X-Forwarded-Host", host.as_str())];
        assert_eq!(world.alice().send("POST", &url, &headers, body.as_bytes()).status, status);
    }
    for secret in ["x".repeat(2000), "a\nb".to_owned()] {
        let mut wanted = operation("/b", "/p", "get", "hello");
        wanted["action"]["secureKey"] = json!(secret);
        world.alice().create_api(&wanted).refused(400);
    }
}

#[test]
fn all_apis_together_have_a_bound() {
    let world = World::start();
    let api = |base: &str| {
        let paths = json!({"/p": {"get": {"description": "x".repeat(1_000_000)}}});
        json!({"swagger": {"swagger": "2.0", "basePath": base, "info": {}, "paths": paths}})
    };
    for n in 0..8 {
        world.alice().create_api(&api(&format!("/b{n}"))).ok();
    }
    world.alice().create_api(&api("/more")).refused(400);
    world.alice().create_api(&api("/b1")).ok();
    world.bob().create_api(&api("/more")).ok();
}
