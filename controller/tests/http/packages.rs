//! Packages and bindings come, change, are listed and go; what their actions inherit.

use serde_json::{Value, json};
use whirl_backends::store::NewDocument;
use whirl_model::{Json, Package};

use crate::client::Client;
use crate::world::World;

fn bind_to(namespace: &str, name: &str) -> Value {
    json!({"binding": {"namespace": namespace, "name": name}})
}

/// The entity without the time of its last change, which has to be there.
#[track_caller]
fn timeless(mut entity: Value) -> Value {
    let updated = entity.as_object_mut().unwrap().remove("updated");
    assert!(updated.is_some_and(|time| time.as_u64().unwrap() > 1_700_000_000_000));
    entity
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn a_new_package_comes_back_whole() {
    let world = World::start();
    let body = json!({"parameters": [{"key": "host", "value": "db1"}, {"key": "s", "value": 1, "init": true}],
                      "annotations": [{"key": "b", "value": 1}, {"key": "a", "value": null}],
                      "name": "ignored", "updated": 1, "binding": {}, "unknown": []});
    let made = world.alice().put("packages/util", &body).ok();
    let mut expected = json!({
        "namespace": "alice", "name": "util", "version": "0.0.1", "publish": false,
        "annotations": body["annotations"], "parameters": body["parameters"], "binding": {},
    });
    assert_eq!(timeless(made.clone()), expected);
    expected["actions"] = json!([]);
    expected["feeds"] = json!([]);
    for path in ["packages/util", "/api/v1/namespaces/alice/packages/util"] {
        let got = world.alice().get(path).ok();
        assert_eq!(got["updated"], made["updated"]);
        assert_eq!(timeless(got), expected);
    }
    assert_eq!(world.alice().delete("packages/util").ok(), made);
    let text = "The requested resource 'alice/util' does not exist.";
    assert_eq!(world.alice().get("packages/util").refused(404), text);
    let text = "The requested resource does not exist.";
    assert_eq!(world.alice().delete("packages/util").refused(404), text);
    assert_eq!(world.alice().put("packages/util?overwrite=true", &json!({})).ok()["version"], "0.0.1");
}

#[test]
fn overwriting_has_to_be_asked_for_and_replaces_whole_members() {
    let world = World::start();
    let body = json!({"parameters": [{"key": "p", "value": 1}], "annotations": [{"key": "a", "value": 1}]});
    world.alice().put("packages/util", &body).ok();
    for path in ["packages/util", "packages/util?overwrite=false"] {
        assert_eq!(world.alice().put(path, &body).refused(409), "resource already exists");
    }
    let write = |body: Value| world.alice().put("packages/util?overwrite=true", &body).ok();
    let shared = write(json!({"publish": true}));
    assert_eq!((&shared["version"], &shared["publish"]), (&json!("0.0.2"), &json!(true)));
    assert_eq!((&shared["parameters"], &shared["annotations"]), (&body["parameters"], &body["annotations"]));
    let changed = write(json!({"annotations": [{"key": "b", "value": 2}], "parameters": []}));
    assert_eq!(changed["annotations"], json!([{"key": "b", "value": 2}]));
    assert_eq!((&changed["parameters"], &changed["publish"]), (&json!([]), &json!(true)));
    assert_eq!(write(json!({"version": "2.1"}))["version"], "2.1.0");
}

#[test]
fn impossible_packages_are_refused() {
    let world = World::start();
    world.has_action("hello");
    let too_long = "x".repeat(1 << 20);
    for (name, body, status, text) in [
        ("default", json!({}), 400, "reserved"),
        ("bad!", json!({}), 400, "bad!"),
        ("x", json!([]), 400, "malformed"),
        ("x", json!({"publish": 1}), 400, "malformed"),
        ("x", json!({"version": "0.0.0"}), 400, "malformed"),
        ("x", json!({"parameters": {"a": 1}}), 400, "malformed"),
        ("x", json!({"binding": {"name": "y"}}), 400, "binding"),
        (
            "x",
            json!({"parameters": [{"key": "k", "value": too_long}]}),
            413,
            "1048579 of at most 1048576 bytes",
        ),
        ("x", json!({"annotations": [{"key": "k", "value": too_long}]}), 413, "annotations"),
        ("hello", json!({}), 409, "Resource by this name exists but is not in this collection."),
        ("hello?overwrite=true", json!({}), 409, "not in this collection"),
        ("x?overwrite=maybe", json!({}), 400, "overwrite"),
    ] {
        let error = world.alice().put(&format!("packages/{name}"), &body).refused(status);
        assert!(error.contains(text), "{error}");
    }
    world.alice().send("PUT", "packages/x", &[], b"").refused(400);
    world.alice().send("PUT", "packages/x", &[("Content-Type", "text/plain")], b"{}").refused(415);
    world.alice().get("packages/x").refused(404);
    for (method, path) in [
        ("POST", "packages/x"),
        ("POST", "packages/refresh"),
        ("PATCH", "packages/x"),
        ("GET", "packages/x/"),
        ("PUT", "packages/"),
        ("GET", "packages/x/y"),
    ] {
        let answer = world.alice().send(method, path, &[("Content-Type", "application/json")], b"{}");
        assert_eq!(answer.refused(404), "The requested resource does not exist.", "{method} {path}");
    }
}

#[test]
fn names_are_of_one_sort_only() {
    let world = World::start();
    world.has_action("hello");
    world.alice().put("packages/util", &json!({})).ok();
    let body = json!({"exec": {"kind": "nodejs:20", "code": "x"}});
    for answer in [
        world.alice().get("packages/hello"),
        world.alice().delete("packages/hello"),
        world.alice().get("actions/util"),
        world.alice().post("actions/util", &json!({})),
        world.alice().put("actions/util?overwrite=true", &body),
        world.alice().delete("actions/util"),
        world.alice().get("actions/hello/"),
        world.alice().get("actions/hello/x"),
        world.alice().put("actions/hello/x", &body),
    ] {
        let text = "Resource by this name exists but is not in this collection.";
        assert_eq!(answer.refused(409), text);
    }
}

#[test]
fn contents_are_actions_and_feeds() {
    let world = World::start();
    world.alice().put("packages/util", &json!({})).ok();
    let annotations = json!({"annotations": [{"key": "feed", "value": false}]});
    world.has_action_with("util/alarm", &annotations);
    world.has_action("util/hello");
    world.alice().put("actions/util/hello?overwrite=true", &json!({})).ok();
    world.has_action("util/newest");
    world.has_action("outside");
    let package = world.alice().get("packages/util").ok();
    let own = json!([{"key": "provide-api-key", "value": false}, {"key": "exec", "value": "nodejs:20"}]);
    assert_eq!(
        package["actions"],
        json!([{"name": "newest", "version": "0.0.1", "annotations": own},
               {"name": "hello", "version": "0.0.2", "annotations": own}])
    );
    assert_eq!(names(&package["feeds"]), ["alarm"]);
    assert_eq!(package["feeds"][0]["annotations"][0], annotations["annotations"][0]);
}

#[test]
fn only_empty_packages_are_deleted_unless_forced() {
    let world = World::start();
    world.alice().put("packages/util", &json!({})).ok();
    for n in 0..40 {
        world.has_action(&format!("util/a{n}"));
    }
    world.has_action("outside");
    for path in ["packages/util", "packages/util?force=false"] {
        let text = world.alice().delete(path).refused(409);
        assert!(text.contains("not empty") && text.contains("40"), "{text}");
    }
    world.alice().get("actions/util/a1").ok();
    world.alice().delete("packages/util?force=maybe").refused(400);
    assert_eq!(world.alice().delete("packages/util?force=true").ok()["name"], "util");
    let text = "The requested resource 'alice/util' does not exist.";
    assert_eq!(world.alice().get("actions/util/a1").refused(404), text);
    assert_eq!(names(&world.alice().get("actions?limit=0").ok()), ["outside"]);
    world.alice().put("packages/util", &json!({})).ok();
    let text = "The requested resource does not exist.";
    assert_eq!(world.alice().get("actions/util/a1").refused(404), text);
}

#[test]
fn lists_show_bindings_and_to_others_what_is_shared() {
    let world = World::start();
    let list =
        |client: &Client, query: &str| client.get(&format!("/api/v1/namespaces/alice/packages{query}")).ok();
    for (name, body) in [
        ("closed", json!({})),
        ("open", json!({"publish": true})),
        ("bound", json!({"publish": true, "binding": {"namespace": "_", "name": "open"}})),
        ("open2", json!({"publish": true, "annotations": [{"key": "a", "value": 1}]})),
    ] {
        world.alice().put(&format!("packages/{name}"), &body).ok();
    }
    let (alice, bob) = (world.alice(), world.bob());
    let own = list(&alice, "");
    assert_eq!(names(&own), ["open2", "bound", "open", "closed"]);
    assert_eq!(
        (&own[0]["binding"], &own[1]["binding"]),
        (&json!(false), &bind_to("alice", "open")["binding"])
    );
    let expected = json!({"namespace": "alice", "name": "open2", "version": "0.0.1", "publish": true,
                          "annotations": [{"key": "a", "value": 1}], "binding": false});
    assert_eq!(timeless(own[0].clone()), expected);
    assert_eq!(list(&alice, "?count=true"), json!({"packages": 4}));

    assert_eq!(names(&list(&bob, "/")), ["open2", "open"]);
    assert_eq!(names(&list(&bob, "?skip=1&limit=1")), ["open"]);
    assert_eq!(list(&bob, "?count=true&skip=1"), json!({"packages": 1}));
    alice.put("packages/closed?overwrite=true", &json!({"publish": true})).ok();
    alice.put("packages/open2?overwrite=true", &json!({"publish": false})).ok();
    assert_eq!(names(&list(&bob, "")), ["closed", "open"]);
    assert_eq!(bob.get("/api/v1/namespaces/nobody/packages").ok(), json!([]));
}

#[test]
fn a_binding_shows_its_own_members_and_its_providers_contents() {
    let world = World::start();
    let parameters = json!([{"key": "a", "value": 1}, {"key": "b", "value": 1}]);
    world.alice().put("packages/util", &json!({"publish": true, "parameters": parameters})).ok();
    world.has_action("util/hello");
    let mut body = bind_to("alice", "util");
    body["parameters"] = json!([{"key": "b", "value": 2}, {"key": "c", "value": 2}]);
    body["annotations"] = json!([{"key": "binding", "value": "mine"}, {"key": "note", "value": "n"}]);
    let made = world.bob().put("packages/bound", &body).ok();
    assert_eq!(made["parameters"], body["parameters"]);
    let got = world.bob().get("packages/bound").ok();
    assert_eq!(
        (&got["namespace"], &got["name"], &got["publish"]),
        (&json!("bob"), &json!("bound"), &json!(false))
    );
    assert_eq!(got["binding"], body["binding"]);
    assert_eq!(
        got["annotations"],
        json!([{"key": "note", "value": "n"}, {"key": "binding", "value": body["binding"]}])
    );
    assert_eq!(
        got["parameters"],
        json!([{"key": "a", "value": 1}, {"key": "b", "value": 2}, {"key": "c", "value": 2}])
    );
    assert_eq!((names(&got["actions"]), &got["feeds"]), (vec!["hello"], &json!([])));

    let listed = world.bob().get("actions/bound/").ok();
    assert_eq!((names(&listed), &listed[0]["namespace"]), (vec!["hello"], &json!("alice/util")));
    assert_eq!(world.bob().get("actions/bound/?count=true").ok(), json!({"actions": 1}));
    assert_eq!(world.bob().get("actions").ok(), json!([]), "what is bound is the provider's");
    assert_eq!(world.bob().delete("packages/bound").ok(), made, "a binding holds nothing itself");
    world.alice().get("actions/util/hello").ok();
}

#[test]
fn bindings_are_made_to_packages_that_can_be_read() {
    let world = World::start();
    world.has_action("hello");
    for (name, body) in [
        ("closed", json!({})),
        ("open", json!({"publish": true})),
        ("bound", json!({"publish": true, "binding": {"namespace": "alice", "name": "open"}})),
    ] {
        world.alice().put(&format!("packages/{name}"), &body).ok();
    }
    let refused = |client: &Client, target: &str, status| {
        client.put("packages/new", &bind_to("alice", target)).refused(status)
    };
    let (alice, bob) = (world.alice(), world.bob());
    assert_eq!(refused(&alice, "missing", 400), "Binding references a package that does not exist.");
    assert_eq!(refused(&alice, "new", 400), "Binding references a package that does not exist.");
    assert_eq!(refused(&alice, "hello", 409), "Cannot bind to a resource that is not a package.");
    assert_eq!(refused(&alice, "bound", 400), "Cannot bind to another package binding.");
    assert_eq!(refused(&bob, "bound", 400), "Cannot bind to another package binding.");
    for target in ["missing", "closed", "hello"] {
        let text = format!("The supplied authentication is not authorized to access 'alice/{target}'.");
        assert_eq!(refused(&bob, target, 403), text);
    }
    alice.put("packages/new", &bind_to("_", "closed")).ok();
    assert_eq!(bob.put("packages/new", &bind_to("alice", "open")).ok()["binding"]["namespace"], "alice");

    let error = alice.put("packages/open?overwrite=true", &bind_to("alice", "closed")).refused(409);
    assert!(error.contains("cannot be converted into a binding"), "{error}");
    let moved = alice.put("packages/bound?overwrite=true", &bind_to("_", "closed")).ok();
    assert_eq!(moved["binding"], bind_to("alice", "closed")["binding"]);
    assert_eq!(moved["annotations"], json!([{"key": "binding", "value": moved["binding"]}]));
    alice.put("packages/bound?overwrite=true", &bind_to("_", "missing")).refused(400);
    alice.put("packages/bound?overwrite=true", &bind_to("_", "bound")).refused(400);
    let kept = alice.put("packages/bound?overwrite=true", &json!({"binding": {}, "annotations": []})).ok();
    assert_eq!((&kept["binding"], &kept["annotations"]), (&moved["binding"], &moved["annotations"]));
}

#[test]
fn bindings_that_lead_nowhere_say_so() {
    let world = World::start();
    let alice = world.alice();
    alice.put("packages/first", &json!({"publish": true})).ok();
    alice.put("packages/second", &bind_to("_", "first")).ok();
    world.bob().put("packages/mine", &bind_to("alice", "first")).ok();
    alice.delete("packages/first").ok();
    for (client, path) in
        [(&alice, "packages/second"), (&alice, "actions/second/"), (&world.bob(), "packages/mine")]
    {
        assert_eq!(client.get(path).refused(404), "The requested resource 'alice/first' does not exist.");
    }

    // A package that others bind to comes again as a binding: they follow.
    alice.put("packages/third", &json!({"parameters": [{"key": "p", "value": 3}]})).ok();
    world.has_action("third/hello");
    alice.put("packages/first", &bind_to("_", "third")).ok();
    assert_eq!(alice.get("packages/second").ok()["parameters"], json!([{"key": "p", "value": 3}]));
    assert_eq!(alice.get("actions/second/hello").ok()["namespace"], "alice/third");
}

#[test]
fn a_binding_to_itself_has_an_end() {
    let world = World::start();
    let body = json!({"namespace": "alice", "name": "me", "version": "0.0.1", "publish": false,
                      "binding": {"namespace": "alice", "name": "me"}});
    let package = Package::from_document(&Json::of(&body)).unwrap();
    let entities = world.stores.entities.clone();
    world.run(async move { entities.put(NewDocument::from(&package), None).await.unwrap() });
    let alice = world.alice();
    for answer in
        [alice.get("packages/me"), alice.get("actions/me/x"), alice.post("actions/me/x", &json!({}))]
    {
        let error = answer.refused(422);
        assert!(error.contains("alice/me"), "{error}");
    }
    alice.delete("packages/me").ok();
}

#[test]
fn parameters_come_from_package_binding_action_and_payload() {
    let world = World::start();
    let all = |value: &str, keys: &[&str]| -> Value {
        keys.iter().map(|key| json!({"key": key, "value": value})).collect()
    };
    let mut package = json!({"publish": true, "parameters": all("package", &["a", "b", "c", "d"])});
    let secrets = [
        json!({"key": "s", "value": "package", "init": true}),
        json!({"key": "t", "value": 1, "init": true}),
    ];
    package["parameters"].as_array_mut().unwrap().extend(secrets);
    world.alice().put("packages/util", &package).ok();
    let mut own = all("action", &["c", "d"]);
    own.as_array_mut().unwrap().push(json!({"key": "s", "value": "action"}));
    world.has_action_with("util/hello", &json!({"parameters": own}));
    let mut binding = bind_to("alice", "util");
    binding["parameters"] = all("binding", &["b", "c", "d"]);
    world.bob().put("packages/bound", &binding).ok();

    let run = |client: &Client, path: &str| {
        client.post(&format!("actions/{path}?blocking=true"), &json!({"d": "payload"})).ok();
        let message = world.invoker.last_seen();
        assert_eq!(
            (message.action.to_string(), &message.init_arguments[..]),
            ("alice/util/hello".into(), &["t".to_owned()][..])
        );
        let arguments: Value = serde_json::from_str(Json::of(&message.arguments).as_str()).unwrap();
        (arguments, message)
    };
    let (arguments, message) = run(&world.alice(), "util/hello");
    let expected =
        json!({"a": "package", "b": "package", "c": "action", "d": "payload", "s": "action", "t": 1});
    assert_eq!(arguments, expected);
    assert!(message.binding.is_none());
    let (arguments, message) = run(&world.bob(), "bound/hello");
    let expected =
        json!({"a": "package", "b": "binding", "c": "action", "d": "payload", "s": "action", "t": 1});
    assert_eq!(arguments, expected);
    assert_eq!(message.binding.as_ref().map(ToString::to_string).as_deref(), Some("bob/bound"));
    assert_eq!(message.caller.namespace.as_str(), "bob");

    // What the provider changes afterwards holds at once.
    world.alice().put("packages/util?overwrite=true", &json!({"parameters": all("new", &["a", "e"]),})).ok();
    world.has_action_with("util/other", &json!({"parameters": []}));
    world.bob().post("actions/bound/other?blocking=true", &json!({})).ok();
    let arguments: Value =
        serde_json::from_str(Json::of(&world.invoker.last_seen().arguments).as_str()).unwrap();
    assert_eq!(arguments, json!({"a": "new", "e": "new", "b": "binding", "c": "binding", "d": "binding"}));
}

#[test]
fn of_writers_at_once_one_wins_and_the_others_hear_of_it() {
    let world = World::start();
    world.alice().put("packages/util", &json!({})).ok();
    let clients: Vec<_> = (0..8).map(|_| world.alice()).collect();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let write =
            |client: Client| scope.spawn(move || client.put("packages/util?overwrite=true", &json!({})));
        let writers: Vec<_> = clients.into_iter().map(write).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(lost.refused(409), "Concurrent modification to resource detected.");
    }
    assert_eq!(world.alice().get("packages/util").ok()["version"], format!("0.0.{}", won + 1));
}
