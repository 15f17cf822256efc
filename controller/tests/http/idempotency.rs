//! Requests that are sent again with their key.

use std::time::Duration;

use serde_json::{Value, json};
use whirl_backends::store::{Claim, Claiming};
use whirl_controller::MemberConfig;
use whirl_model::{ActivationId, ControllerId, Keep, NamespaceLimits, Outcome, Timestamp};

use crate::client::{Answer, Client};
use crate::invoker::{Script, id_in};
use crate::world::{Setting, World, wait_for};

fn post(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
    client.send("POST", path, &headers, body.to_string().as_bytes())
}

fn now() -> Timestamp {
    Timestamp::from_system(std::time::SystemTime::now())
}

/// The only claim that a key of Alice's can have: tried with one that is made elsewhere.
fn claim_of(world: &World, key: &str, instead_of: Option<Claim>, claim: Claim) -> Claiming {
    let (claims, key) = (world.stores.claims.clone(), blake3::hash(key.as_bytes()).to_hex().to_string());
    world.run(async move {
        claims.claim(&"alice".parse().unwrap(), &key, &claim, instead_of.as_ref()).await.unwrap()
    })
}

fn any_claim(made: Timestamp) -> Claim {
    Claim {
        activation: ActivationId::from_bits(7),
        fingerprint: "other".into(),
        by: ControllerId(0),
        made,
        expires: made.plus(Duration::from_secs(60)),
        accepted: false,
    }
}

#[test]
fn the_same_request_is_the_same_activation() {
    let world = World::start();
    let alice = world.alice();
    world.has_action("hello");
    world.invoker.answers(Outcome::ApplicationError, json!({"error": 1}));
    let first = post(&alice, "actions/hello?blocking=true", "k1", &json!({"a": 1}));
    assert_eq!(first.status, 502);
    let again = post(&alice, "/api/v1/namespaces/alice/actions/hello?blocking=true", "k1", &json!({"a": 1}));
    assert_eq!((again.status, again.json()), (502, first.json()));
    assert_eq!(again.header("x-openwhisk-activation-id"), first.header("x-openwhisk-activation-id"));
    let result = post(&alice, "actions/hello?blocking=true&result=true", "k1", &json!({"a": 1}));
    assert_eq!(result.json(), json!({"error": 1}));
    let accepted = post(&alice, "actions/hello", "k1", &json!({"a": 1}));
    assert_eq!((accepted.status, id_in(&accepted.json())), (202, id_in(&first.json())));
    assert_eq!(world.invoker.seen().len(), 1);

    let other = post(&alice, "actions/hello?blocking=true", "k2", &json!({"a": 1}));
    assert_ne!(id_in(&other.json()), id_in(&first.json()));
    alice.post("actions/hello", &json!({"a": 1}));
    world.wait_until_seen(3);
}

#[test]
fn another_request_with_the_same_key_is_refused() {
    let world = World::start();
    let alice = world.alice();
    world.has_action("hello");
    world.has_action("other");
    world.has_trigger("tick");
    world.has_rule("on", "tick", "other");
    assert_eq!(post(&alice, "actions/hello", "k", &json!({"a": 1})).status, 202);
    post(&alice, "actions/hello", "k", &json!({"a": 2})).refused(422);
    post(&alice, "actions/other", "k", &json!({"a": 1})).refused(422);
    post(&alice, "triggers/tick", "k", &json!({"a": 1})).refused(422);
    for bad in ["", "a b", &"x".repeat(256)] {
        post(&alice, "actions/hello", bad, &json!({})).refused(400);
        post(&alice, "triggers/tick", bad, &json!({})).refused(400);
    }
    world.wait_until_seen(1);
    assert_eq!(world.invoker.seen().len(), 1);
}

#[test]
fn a_refused_request_leaves_its_key_free() {
    let world = World::start();
    let alice = world.alice();
    post(&alice, "actions/hello", "k", &json!({})).refused(404);
    world.has_action("hello");
    world.bus.is_full();
    post(&alice, "actions/hello", "k", &json!({})).refused(503);
    assert_eq!(claim_of(&world, "k", None, any_claim(now())), Claiming::Claimed, "it was withdrawn");
    post(&alice, "triggers/tick", "t", &json!({})).refused(404);
    world.has_trigger("tick");
    assert_eq!(post(&alice, "triggers/tick", "t", &json!({})).status, 204);
    assert_eq!(claim_of(&world, "t", None, any_claim(now())), Claiming::Claimed, "nothing was fired");
}

#[test]
fn requests_that_race_run_once() {
    let world = World::start();
    world.has_action("hello");
    world.invoker.does(Script::Hold);
    let racers: Vec<_> = (0..8)
        .map(|n| {
            let alice = world.alice();
            let path = if n % 2 == 0 { "actions/hello?blocking=true" } else { "actions/hello" };
            std::thread::spawn(move || post(&alice, path, "k", &json!({})))
        })
        .collect();
    world.wait_until_seen(1);
    let (waiting, accepted): (Vec<_>, Vec<_>) = racers.into_iter().enumerate().partition(|(n, _)| n % 2 == 0);
    let mut ids: Vec<_> = accepted.into_iter().map(|(_, racer)| racer.join().unwrap()).collect();
    assert!(ids.iter().all(|answer| answer.status == 202), "{ids:?}");
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({"n": 1})).await });
    for (_, racer) in waiting {
        let answer = racer.join().unwrap();
        assert_eq!(answer.ok()["response"]["result"], json!({"n": 1}));
        ids.push(answer);
    }
    let ids: std::collections::BTreeSet<_> =
        ids.iter().map(|answer| id_in(&answer.json()).to_string()).collect();
    assert_eq!((ids.len(), world.invoker.seen().len()), (1, 1));
}

#[test]
fn a_fire_happens_once() {
    let world = World::start();
    let alice = world.alice();
    world.has_action("hello");
    world.has_trigger("tick");
    world.has_rule("on", "tick", "hello");
    let first = post(&alice, "triggers/tick", "k", &json!({"n": 1}));
    assert_eq!(first.status, 202);
    alice.delete("rules/on").ok();
    let again = post(&alice, "triggers/tick", "k", &json!({"n": 1}));
    assert_eq!((again.status, again.json()), (202, first.json()));
    assert_eq!(world.invoker.seen().len(), 1);
    let fires = alice.get("activations?name=tick").ok();
    assert_eq!(fires.as_array().unwrap().len(), 1);
}

#[test]
fn what_gets_no_record_runs_once_too() {
    let world = World::start();
    world.limits(NamespaceLimits { store_activations: Some(false), ..NamespaceLimits::default() });
    world.has_action("hello");
    let first = post(&world.alice(), "actions/hello", "k", &json!({})).json();
    wait_for("it ends", || world.invoker.seen().len() == 1 && world.in_flight() == 0);
    assert_eq!(world.invoker.last_seen().keep, Keep::Never);
    assert_eq!(post(&world.alice(), "actions/hello", "k", &json!({})).json(), first);
    let waited = post(&world.alice(), "actions/hello?blocking=true&timeout=50", "k", &json!({}));
    assert_eq!((waited.status, waited.json()), (202, first));
    assert_eq!(world.invoker.seen().len(), 1);
}

/// A process that was killed after the claim and before it published anything has left the claim behind.
#[test]
fn a_claim_that_came_to_nothing_is_taken_up_under_its_id() {
    let world = World::start();
    let alice = world.alice();
    world.has_action("hello");
    let first = post(&alice, "actions/hello", "one", &json!({})).json();
    let Claiming::Taken(known) = claim_of(&world, "one", None, any_claim(now())) else { panic!() };
    assert!(known.accepted && known.activation == id_in(&first));
    let left = Claim { activation: ActivationId::from_bits(77), accepted: false, ..known.clone() };
    assert_eq!(claim_of(&world, "two", None, left.clone()), Claiming::Claimed);
    let answer = post(&alice, "actions/hello?blocking=true", "two", &json!({})).ok();
    assert_eq!(id_in(&answer), left.activation);
    assert_eq!(world.invoker.seen().len(), 2);
    post(&alice, "actions/hello?blocking=true", "two", &json!({})).ok();
    assert_eq!(world.invoker.seen().len(), 2);

    // Where something was published, the claim may not say so yet: the record does.
    let noted_late = Claim { activation: id_in(&first), accepted: false, ..known };
    assert_eq!(claim_of(&world, "three", None, noted_late), Claiming::Claimed);
    let again = post(&alice, "actions/hello", "three", &json!({})).json();
    assert_eq!((again, world.invoker.seen().len()), (first, 2));
}

#[test]
fn a_claim_of_another_controller_is_left_alone_until_that_one_is_certainly_gone() {
    let world = World::start_as(Setting { member: Some(MemberConfig::default()), ..Setting::default() });
    let alice = world.alice();
    world.has_action("hello");
    post(&alice, "actions/hello", "one", &json!({}));
    let Claiming::Taken(known) = claim_of(&world, "one", None, any_claim(now())) else { panic!() };
    let theirs = Claim {
        activation: ActivationId::from_bits(77),
        by: ControllerId(1),
        accepted: false,
        made: now(),
        ..known
    };
    assert_eq!(claim_of(&world, "two", None, theirs.clone()), Claiming::Claimed);
    post(&alice, "actions/hello", "two", &json!({})).refused(409);
    let long_ago = Claim { made: Timestamp(now().0 - 121_000), ..theirs.clone() };
    assert_eq!(claim_of(&world, "two", Some(theirs), long_ago.clone()), Claiming::Claimed);
    let answer = post(&alice, "actions/hello", "two", &json!({}));
    assert_eq!((answer.status, id_in(&answer.json())), (202, long_ago.activation));
    world.wait_until_seen(2);
}

#[test]
fn expired_claims_are_removed_by_whichever_controller_comes() {
    let world = World::start();
    let old = any_claim(Timestamp(1));
    assert_eq!(claim_of(&world, "k", None, old.clone()), Claiming::Claimed);
    let _neighbour = world.neighbour(1, Setting::default());
    // Tried as of then: while it is there it stands.
    let then = Claim { activation: ActivationId::from_bits(8), ..old };
    wait_for("it is removed", || claim_of(&world, "k", None, then.clone()) == Claiming::Claimed);
}
