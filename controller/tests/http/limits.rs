//! Limits of a namespace: how they show, what they narrow, and how administrators set them.

use serde_json::{Value, json};

use crate::world::World;

#[track_caller]
fn limit(world: &World, limits: &Value) {
    let answer = world.administrator().put("/admin/namespaces/alice/limits", limits);
    assert_eq!(answer.ok(), *limits);
}

#[test]
fn a_namespace_tells_its_owner_what_applies() {
    let world = World::start();
    let shown = world.alice().get("limits").ok();
    assert_eq!(world.alice().get("limits/").ok(), shown);
    assert_eq!((&shown["maxActionMemory"], &shown["maxParameterSize"]), (&json!(512), &json!("1048576 B")));
    assert_eq!(shown.get("allowedKinds"), None);

    limit(&world, &json!({"invocationsPerMinute": 7, "maxActionMemory": 256, "storeActivations": true}));
    let narrowed = world.alice().get("limits").ok();
    assert_eq!((&narrowed["invocationsPerMinute"], &narrowed["maxActionMemory"]), (&json!(7), &json!(256)));
    assert_eq!(narrowed["storeActivations"], true);
    assert_eq!(world.bob().get("limits").ok(), shown, "others have none of it");

    let forbidden = world.bob().get("/api/v1/namespaces/alice/limits").refused(403);
    assert!(forbidden.contains("not authorized") && forbidden.contains("'alice'"), "{forbidden}");
    for path in ["limits/x", "limits/x/y"] {
        world.alice().get(path).refused(400);
    }
    for path in ["limits", "limits/", "limits/x"] {
        world.alice().put(path, &json!({})).refused(404);
        world.alice().delete(path).refused(404);
    }
    world.anonymous().get("limits").refused(401);
}

#[test]
fn bounds_are_narrowed_but_never_widened() {
    let world = World::start();
    limit(
        &world,
        &json!({"minActionMemory": 256, "maxActionMemory": 4096, "maxActionTimeout": 60_000,
                "maxActionLogs": 10, "maxParameterSize": "1 KB", "maxPayloadSize": "1 KB"}),
    );
    let put = |members: Value| {
        let mut body = json!({"exec": {"kind": "nodejs:20", "code": "x"}});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        world.alice().put("actions/hello?overwrite=true", &body)
    };
    put(json!({})).ok();
    put(json!({"limits": {"memory": 512, "timeout": 60_000}})).ok();
    for limits in [json!({"memory": 128}), json!({"memory": 513}), json!({"timeout": 60_001})] {
        let refused = put(json!({"limits": limits})).refused(400);
        assert!(refused.contains("allowed threshold"), "{refused}");
    }
    let long = "x".repeat(1024);
    put(json!({"parameters": [{"key": "k", "value": long}]})).refused(413);
    world.alice().post("actions/hello", &json!({"k": long})).refused(413);
    world.alice().post("actions/hello?blocking=true", &json!({"k": 1})).ok();

    limit(&world, &json!({"maxActionMemory": 128}));
    let refused = world.alice().put("actions/new", &json!({"exec": {"kind": "nodejs:20", "code": "x"}}));
    assert!(refused.refused(400).contains("allowed threshold"), "the default does not fit either");
    world.alice().get("actions/hello").ok();
}

#[test]
fn only_the_kinds_of_the_list_are_written_and_invoked() {
    let world = World::start();
    world.has_action("hello");
    limit(&world, &json!({"allowedKinds": ["java:8"]}));
    let body = json!({"exec": {"kind": "nodejs:20", "code": "x"}});
    for answer in [
        world.alice().put("actions/new", &body),
        world.alice().put("actions/image", &json!({"exec": {"kind": "blackbox", "image": "me/mine"}})),
        world.alice().post("actions/hello?blocking=true", &json!({})),
    ] {
        let text = answer.refused(403);
        assert!(text.contains("not authorized") && text.contains("kind"), "{text}");
    }
    let java = json!({"exec": {"kind": "java:8", "code": "x", "main": "A"}});
    world.alice().put("actions/java", &java).ok();
    world.alice().post("actions/java?blocking=true", &json!({})).ok();
    world.alice().delete("actions/hello").ok();
}

#[test]
fn administrators_set_read_and_take_limits() {
    let world = World::start();
    let (admin, path) = (world.administrator(), "/admin/namespaces/alice/limits");
    admin.get(path).refused(404);
    admin.delete(path).refused(404);
    let limits = json!({"firesPerMinute": 3, "allowedKinds": ["nodejs:20"], "maxPayloadSize": "2 MB"});
    assert_eq!(admin.put(path, &limits).ok(), limits);
    assert_eq!(admin.get(path).ok(), limits);
    let others = json!({"invocationsPerMinute": 0});
    assert_eq!(admin.put(path, &others).ok(), others);
    assert_eq!(admin.get(path).ok(), others, "they are replaced");
    for bad in
        [json!({"fires": 1}), json!({"firesPerMinute": "3"}), json!([]), json!({"firesPerMinute": null})]
    {
        admin.put(path, &bad).refused(400);
    }
    admin.put("/admin/namespaces/_/limits", &others).refused(400);
    admin.send("PUT", path, &[("Content-Type", "text/plain")], b"{}").refused(415);
    let large = json!({"allowedKinds": ["x".repeat(70_000)]});
    admin.put(path, &large).refused(413);
    assert_eq!(admin.get(path).ok(), others);
    assert_eq!(admin.delete(path).ok(), others);
    admin.get(path).refused(404);
    assert_eq!(world.alice().get("limits").ok(), world.bob().get("limits").ok());
}
