//! Who may ask for what: which actions there are over the web, their gates, and what pages of other origins may do.

use serde_json::json;

use crate::web::Headers;
use crate::world::World;

const METHODS: &str = "OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH";
const HEADERS: &str = "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent";

#[test]
fn what_is_not_exported_is_not_there() {
    let world = World::start();
    world.add_subject("carol", true);
    world.has_action("plain");
    world.exports("page", &json!({}));
    world.has_action_with("text", &json!({"annotations": [{"key": "web-export", "value": "true"}]}));
    world.alice().put("triggers/trigger", &json!({})).ok();
    for path in [
        "alice/default/plain.json",
        "alice/default/text",
        "alice/default/missing",
        "alice/default/page.xyz",
        "alice/default/trigger",
        "alice/missing/page.json",
        "alice/page/page.json",
        "alice/de%21fault/page.json",
        "alice/default/p%2Fage.json",
        "alice/default/.json",
        "carol/default/page.json",
        "nobody/default/page.json",
        "no%21body/default/page.json",
        "_/default/page.json",
    ] {
        for client in [world.anonymous(), world.alice()] {
            let text = client.get(&format!("/api/v1/web/{path}")).refused_on_lines(404);
            assert_eq!(text, "The requested resource does not exist.", "{path}");
        }
    }
    for path in ["/api/v1/web", "/api/v1/web/", "/api/v1/web/alice", "/api/v1/web/alice/default"] {
        world.anonymous().get(path).refused(401);
        world.alice().get(path).refused(404);
    }
    assert!(world.invoker.seen().is_empty());
    for name in ["page", "page.json", "page.http/", "page.text/x/y", "p%61ge"] {
        assert_ne!(world.web("GET", name, &[], b"").header("x-openwhisk-activation-id"), None, "{name}");
    }
}

#[test]
fn packages_need_not_be_shared() {
    let world = World::start();
    world
        .alice()
        .put("packages/shop", &json!({"parameters": [{"key": "a", "value": 1}, {"key": "b", "value": 1}]}))
        .ok();
    let list = json!([{"key": "web-export", "value": true}]);
    world.has_action_with(
        "shop/page",
        &json!({"annotations": list, "parameters": [{"key": "b", "value": 2}]}),
    );
    world.anonymous().get("/api/v1/web/alice/shop/page.json").ok();
    let seen = world.invoker.last_seen();
    let argument = |name: &str| seen.arguments.get(name).unwrap().as_str().to_owned();
    assert_eq!(
        (seen.action.to_string(), argument("a"), argument("b")),
        ("alice/shop/page".into(), "1".into(), "2".into())
    );
    world.anonymous().get("/api/v1/web/alice/shop").refused(401);
}

#[test]
fn bindings_lead_to_what_their_owner_may_use() {
    let world = World::start();
    let shared = |publish: bool| json!({"publish": publish, "parameters": [{"key": "a", "value": 1}, {"key": "b", "value": 1}]});
    world.alice().put("packages/shop", &shared(true)).ok();
    world.has_action_with("shop/page", &json!({"annotations": [{"key": "web-export", "value": true}]}));
    world.has_action("shop/plain");
    let binding = json!({"binding": {"namespace": "alice", "name": "shop"}, "parameters": [{"key": "b", "value": 2}],
                         "annotations": [{"key": "web-export", "value": true}]});
    world.bob().put("packages/bound", &binding).ok();
    world.anonymous().get("/api/v1/web/bob/bound/page.json").ok();
    let seen = world.invoker.last_seen();
    let argument = |name: &str| seen.arguments.get(name).unwrap().as_str().to_owned();
    assert_eq!((argument("a"), argument("b")), ("1".into(), "2".into()));
    assert_eq!((seen.caller.namespace.as_str(), seen.action.to_string()), ("bob", "alice/shop/page".into()));
    world.anonymous().get("/api/v1/web/bob/bound/plain.json").refused_on_lines(404);
    world.anonymous().get("/api/v1/web/bob/bound/missing.json").refused_on_lines(404);
    world.alice().put("packages/shop?overwrite=true", &shared(false)).ok();
    world.anonymous().get("/api/v1/web/bob/bound/page.json").refused_on_lines(403);
    world.alice().get("/api/v1/web/bob/bound/page.json").refused_on_lines(403);
    world.alice().delete("actions/shop/page").ok();
    world.alice().delete("actions/shop/plain").ok();
    world.alice().delete("packages/shop").ok();
    world.anonymous().get("/api/v1/web/bob/bound/page.json").refused_on_lines(404);
}

#[test]
fn gates_open_for_whom_they_are_made() {
    let world = World::start();
    let secret = |value: &'static str| [("X-Require-Whisk-Auth", value)];
    for (gate, client, headers, status) in [
        (json!(false), world.anonymous(), &[][..], 200),
        (json!(true), world.anonymous(), &[], 401),
        (json!(true), world.someone("Basic YTpi"), &secret("true"), 401),
        (json!(true), world.bob(), &[], 200),
        (json!("s3cret"), world.anonymous(), &[], 401),
        (json!("s3cret"), world.alice(), &secret("wrong"), 401),
        (json!("s3cret"), world.anonymous(), &secret("s3cret"), 200),
        (json!(7), world.anonymous(), &secret("7"), 200),
        (json!({}), world.alice(), &secret("{}"), 401),
    ] {
        world.exports("page", &json!({"require-whisk-auth": gate}));
        let runs = world.invoker.seen().len();
        let answer = client.send("GET", "/api/v1/web/alice/default/page.json", headers, b"");
        assert_eq!(answer.status, status, "{gate}: {}", answer.text());
        if status == 401 {
            answer.refused_on_lines(401);
            assert_eq!(answer.header("access-control-allow-methods"), Some(METHODS));
        }
        assert_eq!(world.invoker.seen().len() - runs, usize::from(status == 200));
    }
}

#[test]
fn pages_of_other_origins_may_do_everything() {
    let world = World::start();
    world.exports("page", &json!({"require-whisk-auth": true}));
    let asks: Headers = &[("Access-Control-Request-Headers", "x-one, x-two")];
    for (method, headers, status, allowed) in [
        ("OPTIONS", &[][..], 200, HEADERS),
        ("OPTIONS", asks, 200, "x-one, x-two"),
        ("GET", &[], 401, HEADERS),
        ("DELETE", asks, 401, "x-one, x-two"),
    ] {
        let answer = world.web(method, "page.http", headers, b"");
        assert_eq!(answer.status, status);
        assert_eq!(answer.all("access-control-allow-origin"), ["*"]);
        assert_eq!(answer.all("access-control-allow-methods"), [METHODS]);
        assert_eq!(answer.all("access-control-allow-headers"), [allowed]);
        if method == "OPTIONS" {
            assert_eq!((answer.body.len(), answer.header("x-openwhisk-activation-id")), (0, None));
        }
    }
    assert!(world.invoker.seen().is_empty());
    world.exports("page", &json!({"require-whisk-auth": false}));
    let own = json!({"headers": {"access-control-allow-origin": "https://one.example"}, "body": "x"});
    let answer = world.shows(".http", own);
    assert_eq!(answer.all("access-control-allow-origin"), ["https://one.example"]);
    assert_eq!(answer.all("access-control-allow-methods"), [METHODS]);
}

#[test]
fn actions_may_say_themselves_what_other_origins_may_do() {
    let world = World::start();
    world.exports("page", &json!({"web-custom-options": true, "require-whisk-auth": true}));
    let own = json!({"statusCode": 200, "headers": {"Access-Control-Allow-Methods": "OPTIONS, GET", "location": "/x",
                                                    "Set-Cookie": ["a=b", "c=d"]}});
    world.invoker.answers(whirl_model::Outcome::Success, own);
    let answer = world.web("OPTIONS", "page.http", &[], b"");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.all("access-control-allow-methods"), ["OPTIONS, GET"]);
    assert_eq!((answer.header("location"), answer.all("set-cookie")), (Some("/x"), vec!["a=b", "c=d"]));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let refused = world.web("GET", "page.http", &[], b"");
    refused.refused_on_lines(401);
    assert_eq!(refused.header("access-control-allow-origin"), None);
}
