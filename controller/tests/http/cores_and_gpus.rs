//! The limits `cpu` and `gpu` of actions: shown only where they are set, taken away with 0, and refused with
//! words that say what is allowed.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::World;

fn put(world: &World, limits: &Value) -> Answer {
    let body = json!({"exec": {"kind": "nodejs:20", "code": "x"}, "limits": limits});
    world.alice().put("actions/hello?overwrite=true", &body)
}

#[test]
fn they_are_shown_where_they_are_set() {
    let world = World::start();
    let plain = json!({"timeout": 60_000, "memory": 256, "logs": 10, "concurrency": 1});
    assert_eq!(put(&world, &json!({})).ok()["limits"], plain);
    for (given, shown) in [
        (json!({"cpu": 0.5}), json!({"cpu": 0.5})),
        (json!({"gpu": 2}), json!({"cpu": 0.5, "gpu": 2})),
        (json!({"cpu": 2.0, "gpu": 0.25}), json!({"cpu": 2, "gpu": 0.25})),
        (
            json!({"gpu": {"count": 1, "class": "h100"}}),
            json!({"cpu": 2, "gpu": {"count": 1, "class": "h100"}}),
        ),
        (json!({"cpu": null}), json!({"cpu": 2, "gpu": {"count": 1, "class": "h100"}})),
        (json!({"cpu": 0}), json!({"gpu": {"count": 1, "class": "h100"}})),
        (json!({"gpu": 0}), json!({})),
    ] {
        let mut expected = plain.clone();
        expected.as_object_mut().unwrap().extend(shown.as_object().unwrap().clone());
        assert_eq!(put(&world, &given).ok()["limits"], expected, "{given}");
        assert_eq!(world.alice().get("actions/hello").ok()["limits"], expected, "{given}");
        assert_eq!(world.alice().get("actions").ok()[0]["limits"], expected, "{given}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_what_can() {
    let world = World::start();
    let cores = "a number of CPU cores such as 2 or 0.5";
    let amount = "use a whole number, or a share of one such as 0.5 or 0.25 (one divided by 2 to 64)";
    let class = "is no GPU class: use 1 to 64 lower-case letters";
    for (limits, why) in [
        (json!({"cpu": "1"}), cores),
        (json!({"cpu": -1}), cores),
        (json!({"cpu": true}), cores),
        (json!({"cpu": {}}), cores),
        (json!({"cpu": 0.001}), "allowed threshold"),
        (json!({"cpu": 65}), "allowed threshold"),
        (json!({"gpu": "1"}), "a number of GPUs, or an object with 'count' and 'class'"),
        (json!({"gpu": 1.5}), amount),
        (json!({"gpu": -1}), amount),
        (json!({"gpu": 0.001}), amount),
        (json!({"gpu": {"count": 1.5}}), amount),
        (json!({"gpu": {"class": "h100"}}), "missing field `count`"),
        (json!({"gpu": {"count": 1, "class": "A B"}}), class),
        (json!({"gpu": {"count": 1, "class": ""}}), class),
        (json!({"gpu": {"count": 1, "kind": "x"}}), "unknown field `kind`"),
        (json!({"gpu": 9}), "allowed threshold"),
    ] {
        let text = put(&world, &limits).refused(400);
        assert!(text.contains(why), "{limits}: {text}");
    }
    world.alice().get("actions/hello").refused(404);
}

#[test]
fn a_sequence_may_have_them_and_has_nothing_of_it() {
    let world = World::start();
    world.has_action("part");
    let sequence = json!({"exec": {"kind": "sequence", "components": ["/_/part"]}, "limits": {"gpu": 8}});
    world.alice().put("actions/whole", &sequence).ok();
    world.alice().post("actions/whole?blocking=true", &json!({})).ok();
}

#[test]
fn the_descriptions_tell_of_them() {
    let world = World::start();
    for (path, place) in
        [("/api/v1/openapi.json", "/components/schemas"), ("/api/v1/api-docs", "/definitions")]
    {
        let document = world.anonymous().get(path).ok();
        let limits = document.pointer(place).unwrap()["ActionLimits"]["properties"].clone();
        assert_eq!(limits["cpu"]["type"], "number", "{path}");
        assert!(limits["gpu"]["description"].as_str().unwrap().contains("class"), "{path}");
    }
}
