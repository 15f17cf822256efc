//! Records: read one by one, in parts, and in lists with all their filters.

use std::sync::Arc;

use serde_json::{Value, json};
use whirl_model::{
    ActivationId, ActivationRecord, ActivationResponse, Json, Outcome, Parameters, Timestamp, Version,
};

use crate::invoker::{Script, id_in};
use crate::world::{World, wait_for};

/// A record of Alice's that began at second `n`; every third is of `util/other`.
fn record(n: u64) -> Arc<ActivationRecord> {
    let (name, path) =
        if n.is_multiple_of(3) { ("other", "alice/util/other") } else { ("hello", "alice/hello") };
    let mut annotations = Parameters::default();
    annotations.set("path", Json::of(path));
    Arc::new(ActivationRecord {
        namespace: "alice".parse().unwrap(),
        name: name.parse().unwrap(),
        version: Version::FIRST,
        subject: "alice-subject".into(),
        activation_id: ActivationId::from_bits(n.into()),
        cause: None,
        start: Timestamp(n * 1000),
        end: Some(Timestamp(n * 1000 + 7)),
        duration: Some(7),
        response: ActivationResponse {
            outcome: Outcome::ApplicationError,
            result: Some(Json::of(&json!({"error": n}))),
            size: Some(11),
        },
        logs: vec![format!("line {n}")],
        annotations,
        publish: false,
    })
}

fn world_with_records(count: u64) -> World {
    let world = World::start();
    let store = world.stores.activations.clone();
    let records: Vec<_> = (1..=count).map(record).collect();
    world.run(async move { store.put_all(&records).await.unwrap() });
    world
}

#[test]
fn a_record_is_read_whole_and_in_parts() {
    let world = world_with_records(1);
    let id = ActivationId::from_bits(1);
    let whole = world.alice().get(&format!("activations/{id}")).ok();
    let expected = json!({
        "namespace": "alice", "name": "hello", "version": "0.0.1", "subject": "alice-subject",
        "activationId": id.to_string(), "start": 1000, "end": 1007, "duration": 7,
        "response": {"status": "application error", "success": false, "result": {"error": 1}, "size": 11},
        "logs": ["line 1"], "annotations": [{"key": "path", "value": "alice/hello"}], "publish": false,
    });
    assert_eq!(whole, expected);
    for (part, value) in [
        ("/", expected.clone()),
        ("/logs", json!({"logs": ["line 1"]})),
        ("/result", expected["response"].clone()),
    ] {
        assert_eq!(world.alice().get(&format!("activations/{id}{part}")).ok(), value, "{part}");
    }
}

#[test]
fn what_is_no_record_is_refused() {
    let world = world_with_records(1);
    for bad in ["x", &"a".repeat(31), &"a".repeat(33), &"A".repeat(32), &"g".repeat(32)] {
        world.alice().get(&format!("activations/{bad}")).refused(400);
        world.alice().get(&format!("activations/{bad}/logs")).refused(400);
        world.alice().get(&format!("activations/{bad}/state")).refused(400);
    }
    for part in ["", "/", "/logs", "/result", "/state"] {
        let text = world.alice().get(&format!("activations/{}{part}", "a".repeat(32))).refused(404);
        assert_eq!(text, "The requested resource does not exist.");
    }
    let alices = format!("activations/{}", ActivationId::from_bits(1));
    world.bob().get(&alices).refused(404);
    world.alice().get(&format!("{alices}/other")).refused(404);
    for part in ["", "/logs", "/state", "?docs=true"] {
        world.bob().get(&format!("/api/v1/namespaces/alice/{alices}{part}")).refused(403);
    }
    for method in ["PUT", "POST", "DELETE", "HEAD"] {
        assert_eq!(world.alice().send(method, &alices, &[], b"").status, 404, "{method}");
        assert_eq!(world.alice().send(method, "activations", &[], b"").status, 404, "{method}");
    }
}

#[test]
fn lists_are_filtered() {
    let world = world_with_records(40);
    let starts = |query: &str| -> Vec<u64> {
        let list = world.alice().get(&format!("activations{query}")).ok();
        list.as_array().unwrap().iter().map(|item| item["start"].as_u64().unwrap() / 1000).collect()
    };
    assert_eq!(starts(""), (11..=40).rev().collect::<Vec<_>>());
    assert_eq!(starts("/?limit=0").len(), 40);
    assert_eq!(starts("?limit=2&skip=1"), [39, 38]);
    assert_eq!(starts("?since=39000"), [40, 39]);
    assert_eq!(starts("?upto=2000"), [2, 1]);
    assert_eq!(starts("?since=5000&upto=6000"), [6, 5]);
    assert_eq!(starts("?name=util/other&limit=3"), [39, 36, 33]);
    assert_eq!(starts("?name=hello&upto=4000"), [4, 2, 1]);
    assert_eq!(starts("?name=other"), Vec::<u64>::new());
    assert_eq!(starts("?name=&limit=1"), [40]);
    let count = |query: &str| world.alice().get(&format!("activations?count=true{query}")).ok();
    assert_eq!(count(""), json!({"activations": 40}));
    assert_eq!(count("&skip=15&limit=1"), json!({"activations": 25}));
    assert_eq!(count("&name=util/other&since=39000"), json!({"activations": 1}));
    for bad in ["since=x", "upto=1.5", "name=a/b/c", "name=bad!", "docs=true&count=true", "limit=201"] {
        world.alice().get(&format!("activations?{bad}")).refused(400);
    }
    assert_eq!(world.bob().get("activations").ok(), json!([]));
}

#[test]
fn lists_show_summaries_or_records() {
    let world = world_with_records(1);
    let summary = &world.alice().get("activations").ok()[0];
    let members: Vec<_> = summary.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = vec!["namespace", "name", "version", "publish", "annotations", "activationId"];
    expected.extend(["start", "end", "duration", "statusCode"]);
    assert_eq!((members, &summary["statusCode"]), (expected, &json!(1)));
    let whole = &world.alice().get("activations?docs=true").ok()[0];
    assert_eq!((&whole["logs"], &whole["response"]["size"]), (&json!(["line 1"]), &json!(11)));
}

#[test]
fn who_has_the_result_can_read_the_record() {
    let world = World::start();
    world.has_action("hello");
    let invoke = |client: &crate::client::Client| -> Value {
        client.post("actions/hello?blocking=true", &json!({})).ok()
    };
    let stored = invoke(&world.alice());
    let path = |record: &Value| format!("activations/{}", id_in(record));
    let logs = format!("{}/logs", path(&stored));
    wait_for("the stored record has the logs", || {
        world.alice().get(&logs).ok()["logs"].as_array().unwrap().len() == 1
    });

    world.invoker.stores_nothing();
    let unstored = invoke(&world.alice());
    assert_eq!(world.alice().get(&path(&unstored)).ok(), unstored);
    assert_eq!(world.alice().get(&format!("{}/result", path(&unstored))).ok(), unstored["response"]);
    world.bob().get(&path(&unstored)).refused(404);
    let accepted = world.alice().post("actions/hello", &json!({})).json();
    world.alice().get(&path(&accepted)).refused(404);
}

#[test]
fn the_state_of_an_activation_is_told_before_its_end() {
    let world = World::start();
    world.has_action("hello");
    world.invoker.does(Script::Hold);
    let accepted = world.alice().post("actions/hello", &json!({})).json();
    let path = format!("activations/{}", id_in(&accepted));
    let state = || world.alice().get(&format!("{path}/state")).ok();
    let mut pending = state();
    assert!(pending["accepted"].take().as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(
        pending,
        json!({"activationId": accepted["activationId"], "state": "pending", "name": "hello",
               "path": "alice/hello", "accepted": null})
    );
    world.alice().get(&path).refused(404);
    world.bob().get(&format!("{path}/state")).refused(404);
    world.bob().get(&format!("/api/v1/namespaces/alice/{path}/state")).refused(403);
    world.invoker.starts_held();
    assert_eq!(state()["state"], "running");
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({})).await });
    wait_for("it ends", || state()["state"] == "finished");
    let (finished, record) = (state(), world.alice().get(&path).ok());
    for member in ["start", "end", "name"] {
        assert_eq!(finished[member], record[member], "{member}");
    }
}

#[test]
fn an_activation_runs_until_its_record_is_there() {
    let world = World::start();
    world.has_action("hello");
    world.invoker.stores_nothing();
    let accepted = world.alice().post("actions/hello", &json!({})).json();
    wait_for("it ends", || world.in_flight() == 0);
    let path = format!("activations/{}", id_in(&accepted));
    assert_eq!(world.alice().get(&format!("{path}/state")).ok()["state"], "running");
    world.alice().get(&path).refused(404);
}

/// What `poll` does: everything since a time, at most 200 whole records, newest first.
#[test]
fn whoever_polls_sees_what_is_stored_late() {
    let world = world_with_records(3);
    let poll = || -> Vec<u64> {
        let list = world.alice().get("activations?limit=0&skip=0&docs=true&since=2000").ok();
        list.as_array().unwrap().iter().map(|record| record["start"].as_u64().unwrap()).collect()
    };
    assert_eq!(poll(), [3000, 2000]);
    let late = ActivationRecord {
        activation_id: ActivationId::from_bits(77),
        start: Timestamp(2500),
        ..(*record(1)).clone()
    };
    let fired = ActivationRecord {
        activation_id: ActivationId::from_bits(78),
        start: Timestamp(2500),
        end: None,
        duration: None,
        ..(*record(1)).clone()
    };
    let store = world.stores.activations.clone();
    world.run(async move { store.put_all(&[Arc::new(late), Arc::new(fired)]).await.unwrap() });
    assert_eq!(poll(), [3000, 2500, 2500, 2000]);
    let list = world.alice().get("activations?since=2500&upto=2500").ok();
    let fired = list.as_array().unwrap().iter().find(|record| record.get("end").is_none()).unwrap();
    assert!(fired.get("duration").is_none() && fired.get("statusCode").is_none(), "{fired}");
}
