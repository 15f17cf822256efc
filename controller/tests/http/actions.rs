//! Actions come, change, are listed and go.

use serde_json::{Value, json};

use crate::world::World;

fn hello() -> Value {
    json!({"exec": {"kind": "nodejs:default", "code": "function main(p){return {hi:p.who}}"},
           "parameters": [{"key": "who", "value": "you"}, {"key": "secret", "value": null, "init": true}],
           "annotations": [{"key": "web-export", "value": true}],
           "limits": {"timeout": 20000, "logs": 1},
           "name": "ignored", "updated": 1, "unknown": {}})
}

#[test]
fn a_new_action_comes_back_whole() {
    let world = World::start();
    let mut made = world.alice().put("actions/hello", &hello()).ok();
    assert!(made["updated"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(world.alice().get("actions/hello").ok(), made);
    assert_eq!(world.alice().get("/api/v1/namespaces/alice/actions/hello").ok(), made);
    made.as_object_mut().unwrap().remove("updated");
    let expected = json!({
        "namespace": "alice", "name": "hello", "version": "0.0.1", "publish": false,
        "exec": {"kind": "nodejs:20", "code": "function main(p){return {hi:p.who}}", "binary": false},
        "parameters": [{"key": "who", "value": "you"}, {"key": "secret", "value": null, "init": true}],
        "annotations": [{"key": "web-export", "value": true}, {"key": "provide-api-key", "value": false},
                        {"key": "exec", "value": "nodejs:20"}],
        "limits": {"timeout": 20000, "memory": 256, "logs": 1, "concurrency": 1},
    });
    assert_eq!(made, expected);
    let without_code = world.alice().get("actions/hello?code=false").ok();
    assert_eq!(without_code["exec"], json!({"kind": "nodejs:20", "binary": false}));
}

#[test]
fn overwriting_has_to_be_asked_for() {
    let world = World::start();
    world.alice().put("actions/hello", &hello()).ok();
    for path in ["actions/hello", "actions/hello?overwrite=false", "actions/hello?overwrite="] {
        assert_eq!(world.alice().put(path, &hello()).refused(409), "resource already exists");
    }
    let changed = world.alice().put("actions/hello?overwrite=true", &json!({"limits": {"memory": 128}})).ok();
    assert_eq!(changed["version"], "0.0.2");
    assert_eq!(changed["exec"]["code"], hello()["exec"]["code"], "the code stays");
    assert_eq!(changed["limits"], json!({"timeout": 20000, "memory": 128, "logs": 1, "concurrency": 1}));
    let new = json!({"exec": {"kind": "nodejs:20", "code": "new"}});
    world.alice().put("actions/hello?overwrite=true", &new).ok();
    assert_eq!(world.alice().get("actions/hello").ok()["exec"]["code"], "new");
    assert_eq!(world.alice().put("actions/other?overwrite=true", &hello()).ok()["version"], "0.0.1");
}

#[test]
fn impossible_actions_are_refused() {
    let world = World::start();
    let too_long = "x".repeat(1 << 20);
    for (body, status, text) in [
        (json!({}), 400, "needs 'exec'"),
        (json!({"exec": {"kind": "cobol:60", "code": "x"}}), 400, "The specified runtime 'cobol:60' is not"),
        (json!({"exec": {"kind": "nodejs:12", "code": "x"}}), 400, "deprecated"),
        (json!({"exec": {"kind": "nodejs:20"}}), 400, "needs 'code'"),
        (json!({"exec": {"kind": "java:8", "code": "x"}}), 400, "needs 'main'"),
        (json!({"exec": {"kind": "sequence", "components": ["/_/a"]}}), 400, "does not exist"),
        (json!({"exec": {"kind": "blackbox", "image": "NO"}}), 400, "container image"),
        (json!({"limits": {"timeout": 99}}), 400, "allowed threshold"),
        (json!({"limits": {"memory": 513}}), 400, "allowed threshold"),
        (json!({"limits": {"logs": 11}}), 400, "allowed threshold"),
        (json!({"limits": {"concurrency": 2}}), 400, "allowed threshold"),
        (json!({"limits": {"timeout": "x"}}), 400, "malformed"),
        (json!({"parameters": {"a": 1}}), 400, "malformed"),
        (json!({"version": "x"}), 400, "malformed"),
        (json!({"parameters": [{"key": "k", "value": too_long}]}), 413, "1048579 of at most 1048576 bytes"),
        (json!({"annotations": [{"key": "k", "value": too_long}]}), 413, "annotations"),
    ] {
        let error = world.alice().put("actions/x", &body).refused(status);
        assert!(error.contains(text), "{error}");
    }
    world.alice().get("actions/x").refused(404);
}

#[test]
fn code_may_be_large_but_not_too_large() {
    let world = World::start();
    let with_code = |bytes: usize| {
        let code = format!("//{}", "é".repeat((bytes - 2) / 2));
        json!({"exec": {"kind": "nodejs:20", "code": code}})
    };
    let made = world.alice().put("actions/large", &with_code(48 << 20));
    assert!(made.status == 200 && made.body.len() > 48 << 20);
    assert!(world.alice().get("actions/large").body == made.body, "the code comes back to the letter");
    let error = world.alice().put("actions/huge", &with_code((48 << 20) + 2)).refused(413);
    assert!(error.contains("code") && error.contains("50331650") && error.contains("50331648"), "{error}");
}

#[test]
fn exec_keeps_what_it_needs() {
    let world = World::start();
    for (exec, expected) in [
        (
            json!({"kind": "java:8", "jar": "YWJj", "main": "Hello"}),
            json!({"kind": "java:8", "code": "YWJj", "binary": true, "main": "Hello"}),
        ),
        (
            json!({"kind": "blackbox", "image": "me/mine", "code": ""}),
            json!({"kind": "blackbox", "image": "me/mine", "binary": false}),
        ),
        (
            json!({"kind": "blackbox", "image": "me/mine:1", "code": "a b", "main": "m"}),
            json!({"kind": "blackbox", "image": "me/mine:1", "code": "a b", "binary": false, "main": "m"}),
        ),
        (json!({"kind": "nodejs:20", "code": ""}), json!({"kind": "nodejs:20", "code": "", "binary": false})),
        (
            json!({"kind": "nodejs:20", "code": "abcd", "binary": false}),
            json!({"kind": "nodejs:20", "code": "abcd", "binary": true}),
        ),
    ] {
        world.alice().put("actions/x?overwrite=true", &json!({ "exec": exec })).ok();
        assert_eq!(world.alice().get("actions/x").ok()["exec"], expected);
    }
}

#[test]
fn numbers_and_signs_survive() {
    let world = World::start();
    let body = r#"{"exec":{"kind":"nodejs:20","code":"a<b && \"c\""},
        "parameters":[{"key":"k","value":{"big":123456789012345678901234567890,"float":1.0,"s":"<&>é"}}]}"#;
    let answer = world.alice().send("PUT", "actions/x", &[], body.as_bytes());
    let kept = r#""value":{"big":123456789012345678901234567890,"float":1.0,"s":"<&>é"}"#;
    assert!(answer.text().contains(kept) && answer.text().contains(r#"a<b && \"c\""#), "{}", answer.text());
    assert!(world.alice().get("actions/x").text().contains(kept));
}

#[test]
fn odd_names_work() {
    let world = World::start();
    for (path, name) in
        [("a%20b", "a b"), ("odd_a.b@c-d%26e", "odd_a.b@c-d&e"), ("Case", "Case"), ("case", "case")]
    {
        let made = world.alice().put(&format!("actions/{path}"), &hello()).ok();
        assert_eq!(made["name"], name);
        assert_eq!(world.alice().get(&format!("actions/{path}")).ok(), made);
    }
    assert_eq!(world.alice().get("actions?count=true").ok(), json!({"actions": 4}));
}

#[test]
fn actions_in_packages_come_change_and_go() {
    let world = World::start();
    world.alice().put("packages/util", &json!({"parameters": [{"key": "who", "value": "all"}]})).ok();
    let made = world.alice().put("actions/util/hello", &hello()).ok();
    assert_eq!((&made["namespace"], &made["name"]), (&json!("alice/util"), &json!("hello")));
    assert_eq!(world.alice().put("actions/util/hello", &hello()).refused(409), "resource already exists");
    world.has_action("hello");
    let changed = world.alice().put("actions/util/hello?overwrite=true", &json!({"parameters": []})).ok();
    assert_eq!((&changed["version"], &changed["parameters"]), (&json!("0.0.2"), &json!([])));
    let listed = world.alice().get("actions/util/").ok();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["version"]), (1, &json!("0.0.2")));
    assert_eq!(world.alice().get("actions/util/?count=true&skip=1").ok(), json!({"actions": 0}));
    world.alice().get("actions/util/?limit=201").refused(400);
    assert_eq!(world.alice().get("actions?count=true").ok(), json!({"actions": 2}));
    assert_eq!(world.alice().delete("actions/util/hello").ok(), changed, "what is inherited is not its own");
    world.alice().get("actions/util/hello").refused(404);
    world.alice().get("actions/hello").ok();
    for path in ["actions/util/hello/deep", "actions/util/hello/"] {
        assert_eq!(world.alice().get(path).refused(404), "The requested resource does not exist.", "{path}");
    }
}

#[test]
fn actions_show_what_they_inherit() {
    let world = World::start();
    let list = |text: &str| -> Value {
        text.split(' ').map(|pair| json!({"key": &pair[..1], "value": &pair[1..]})).collect()
    };
    let annotations = json!([{"key": "note", "value": "package"}]);
    let package = json!({"parameters": list("ap bp cp"), "annotations": annotations, "publish": true});
    world.alice().put("packages/util", &package).ok();
    world.has_action_with("util/hello", &json!({"parameters": list("ca da")}));
    let binding = json!({"binding": {"namespace": "alice", "name": "util"}, "parameters": list("bb cb eb")});
    world.bob().put("packages/bound", &binding).ok();

    let whole = world.alice().get("actions/util/hello").ok();
    assert_eq!(whole["parameters"], list("ap bp ca da"));
    assert_eq!(whole["annotations"].as_array().unwrap().len(), 2, "annotations are not inherited");
    let mut bound = world.bob().get("actions/bound/hello").ok();
    assert_eq!(bound["parameters"], list("ap bb ca eb da"));
    bound["parameters"] = whole["parameters"].clone();
    assert_eq!(bound, whole, "it is the provider's");

    let short = world.bob().get("actions/bound/hello?code=false").ok();
    assert_eq!((&short["binding"], &short["namespace"]), (&json!("bob/bound"), &json!("alice/util")));
    assert!(short["exec"].get("code").is_none());
    assert!(world.alice().get("actions/util/hello?code=false").ok().get("binding").is_none());
}

#[test]
fn nothing_is_written_through_a_binding() {
    let world = World::start();
    world.alice().put("packages/util", &json!({})).ok();
    world.has_action("util/hello");
    world.alice().put("packages/bound", &json!({"binding": {"namespace": "_", "name": "util"}})).ok();
    for answer in [
        world.alice().put("actions/bound/hello?overwrite=true", &hello()),
        world.alice().put("actions/bound/new", &hello()),
        world.alice().delete("actions/bound/hello"),
    ] {
        assert_eq!(answer.refused(400), "Operation not permitted on package binding.");
    }
    assert_eq!(world.alice().get("actions/util/?count=true").ok(), json!({"actions": 1}));
}

#[test]
fn deleted_actions_are_gone() {
    let world = World::start();
    let made = world.alice().put("actions/hello", &hello()).ok();
    assert_eq!(world.alice().delete("actions/hello").ok(), made);
    for answer in [
        world.alice().get("actions/hello"),
        world.alice().delete("actions/hello"),
        world.alice().post("actions/hello", &json!({})),
    ] {
        assert_eq!(answer.refused(404), "The requested resource does not exist.");
    }
    assert_eq!(world.alice().put("actions/hello", &hello()).ok()["version"], "0.0.1");
}

#[test]
fn lists_are_paged_and_newest_first() {
    let world = World::start();
    for n in 0..35 {
        world.has_action(&format!("a{n}"));
    }
    world.bob().put("actions/foreign", &hello()).ok();
    let names = |query: &str| -> Vec<String> {
        let list = world.alice().get(&format!("actions{query}")).ok();
        list.as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("").len(), 30);
    assert_eq!(names("/?limit=0").len(), 35);
    assert_eq!(names("?limit=2&skip=33").len(), 2);
    assert_eq!(names("?skip=40"), Vec::<String>::new());
    for (query, count) in
        [("?count=true", 35), ("?count=true&skip=5", 30), ("?count=true&skip=50&limit=1", 0)]
    {
        assert_eq!(world.alice().get(&format!("actions{query}")).ok(), json!({ "actions": count }));
    }
    world.alice().put("actions/a0?overwrite=true", &json!({})).ok();
    let newest = &world.alice().get("actions?limit=1").ok()[0];
    let members: Vec<_> = newest.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["namespace", "name", "version", "publish", "annotations", "limits", "exec", "updated"];
    assert_eq!((newest["name"].as_str(), members), (Some("a0"), expected.to_vec()));
    assert_eq!(newest["exec"], json!({"binary": false}));
    for bad in ["limit=201", "limit=-1", "skip=-1", "skip=x", "count=maybe"] {
        world.alice().get(&format!("actions?{bad}")).refused(400);
    }
}

#[test]
fn other_collections_are_empty_lists() {
    let world = World::start();
    for collection in ["packages", "triggers", "rules"] {
        for slash in ["", "/"] {
            assert_eq!(world.alice().get(&format!("{collection}{slash}")).ok(), json!([]));
        }
        let count = world.alice().get(&format!("{collection}?count=true")).ok();
        assert_eq!(count, json!({ collection: 0 }));
        world.alice().get(&format!("{collection}?limit=x")).refused(400);
    }
}

#[test]
fn of_writers_at_once_one_wins_and_the_others_hear_of_it() {
    let world = World::start();
    world.has_action("hello");
    let clients: Vec<_> = (0..8).map(|_| world.alice()).collect();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let write = |client: crate::client::Client| {
            scope.spawn(move || client.put("actions/hello?overwrite=true", &json!({})))
        };
        let writers: Vec<_> = clients.into_iter().map(write).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(lost.refused(409), "Concurrent modification to resource detected.");
    }
    let version = world.alice().get("actions/hello").ok()["version"].clone();
    assert_eq!(version, format!("0.0.{}", won + 1));
}
