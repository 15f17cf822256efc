//! Web actions run on behalf of their owner: the owner's limits count, whoever asks.

use serde_json::{Value, json};
use whirl_controller::{ControllerConfig, KeepRecords};
use whirl_model::Keep;

use crate::world::{World, unthrottled, within_a_minute};

/// Alice exports an action to who has the secret `x`, and has these limits.
fn limited(limits: &Value) -> World {
    let world = World::start();
    world.exports("page", &json!({"require-whisk-auth": "x"}));
    world.administrator().put("/admin/namespaces/alice/limits", limits).ok();
    world
}

const SECRET: (&str, &str) = ("X-Require-Whisk-Auth", "x");

#[test]
fn the_owners_throttle_counts_who_comes_in() {
    let (coming_in, owners) = within_a_minute(|| {
        let world = limited(&json!({"invocationsPerMinute": 2}));
        for _ in 0..5 {
            world.web("GET", "page.json", &[], b"").refused_on_lines(401);
            assert_eq!(world.web("OPTIONS", "page.json", &[], b"").status, 200);
        }
        let come_in = || world.bob().send("GET", "/api/v1/web/alice/default/page.json", &[SECRET], b"");
        ([(); 3].map(|()| come_in()), world.alice().post("actions/page", &json!({})))
    });
    assert_eq!(coming_in.each_ref().map(|answer| answer.status), [200, 200, 429]);
    let text = coming_in[2].refused_on_lines(429);
    assert_eq!(text, "Too many requests in the last minute (count: 3, allowed: 2).");
    assert_eq!(coming_in[2].header("access-control-allow-origin"), Some("*"));
    owners.refused(429);
}

#[test]
fn the_owners_limits_bound_the_request() {
    let world = limited(&json!({"maxPayloadSize": "10 B", "allowedKinds": ["nodejs:20"]}));
    let post = |body: &[u8]| world.web("POST", "page.json", &[SECRET, ("Content-Type", "text/plain")], body);
    assert_eq!(post(b"ten bytes!").status, 200);
    post(b"ten bytes!!").refused_on_lines(413);
    world.administrator().put("/admin/namespaces/alice/limits", &json!({"allowedKinds": ["java:8"]})).ok();
    let text = post(b"").refused_on_lines(403);
    assert!(text.contains("nodejs:20"), "{text}");
}

#[test]
fn records_are_kept_as_the_owner_and_the_settings_say() {
    let keep_records = KeepRecords { blocking: Keep::Failures, ..KeepRecords::default() };
    let world = World::start_with(ControllerConfig { keep_records, ..unthrottled() });
    world.exports("page", &json!({}));
    for (headers, keep) in [(&[][..], Keep::Failures), (&[("X-OW-EXTRA-LOGGING", "On")], Keep::Always)] {
        world.web("GET", "page.json", headers, b"").ok();
        assert_eq!(world.invoker.last_seen().keep, keep);
    }
}
