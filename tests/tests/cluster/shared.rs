//! What controllers have in common: idempotency keys, and the limits of namespaces. What they do not: where an
//! activation in flight stands.

use std::thread;
use std::time::SystemTime;

use serde_json::{Value, json};
use whirl_system_tests::{Cluster, World, eventually};

use super::sleeper;

fn minute() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / 60
}

#[test]
fn a_key_that_comes_to_both_at_once_runs_once() {
    let Some(cluster) = Cluster::start(2, 1) else { return };
    let worlds = [cluster.world(0), cluster.world(1)];
    // A key whose request takes seconds is refused to others meanwhile, and each controller's first call may.
    worlds.iter().for_each(World::works);
    let action = sleeper(&worlds[0], "once");
    let send = |world: &World, key: &str| -> String {
        let request = world.raw_mine("POST", &action.path()).header("Idempotency-Key", key).body("{}");
        request.send().accepted()
    };
    const ROUNDS: usize = 10;
    for round in 0..ROUNDS {
        let key = format!("key-{round}");
        let ids = thread::scope(|scope| {
            let (send, key) = (&send, &key);
            let call = |world| scope.spawn(move || send(world, key));
            [&worlds[0], &worlds[1], &worlds[0], &worlds[1]].map(call).map(|call| call.join().unwrap())
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        worlds[round % 2].record(&ids[0]).succeeded();
    }
    assert_eq!(action.records().len(), ROUNDS);
}

#[test]
fn both_keep_a_limit_together() {
    let Some(cluster) = Cluster::start(2, 1) else { return };
    let administration = cluster.controllers[0].administration();
    let limits = json!({"firesPerMinute": 5, "concurrentInvocations": 2}).to_string();
    let newcomer = |name: &str| {
        administration.set_limits(name, &serde_json::from_str(&limits).unwrap()).unwrap();
        let key = administration.create_subject(name, &Default::default()).unwrap().credentials;
        [cluster.world_of(0, &key), cluster.world_of(1, &key)]
    };
    // A fifth more than the limit, divided: three each.
    let mut attempt = 0;
    eventually("a minute long enough, and each in sight of the other", || {
        attempt += 1;
        let worlds = newcomer(&format!("hasty{attempt}"));
        worlds[0].put("triggers/bell", &json!({})).ok();
        let began = minute();
        let statuses = worlds
            .each_ref()
            .map(|world| (0..5).map(|_| world.post("triggers/bell", &json!({})).status).collect::<Vec<_>>());
        (minute() == began && statuses.iter().all(|all| *all == [204, 204, 204, 429, 429])).then_some(())
    });
    let throttled = r#"whirl_controller_throttled_total{limit="firesPerMinute"}"#;
    assert!(cluster.controllers.iter().all(|part| part.metric(throttled) >= Some(2.0)));

    // One each.
    let [here, there] = newcomer("unhurried");
    let action = sleeper(&here, "slow").path();
    let invoke = |world: &World| world.post(&action, &json!({"milliseconds": 3000}));
    let first = invoke(&here).accepted();
    invoke(&here).refused(429);
    let second = invoke(&there).accepted();
    invoke(&there).refused(429);
    for id in [first, second] {
        here.record(&id).succeeded();
    }
}

#[test]
fn only_who_accepted_it_tells_the_state_before_the_end() {
    let Some(cluster) = Cluster::start(2, 1) else { return };
    let (here, there) = (cluster.world(0), cluster.world(1));
    let id = sleeper(&here, "long").fire(&json!({"milliseconds": 8000}));
    let state = |world: &World| -> Option<Value> {
        let answer = world.get(&format!("activations/{id}/state"));
        if answer.status == 404 { None } else { Some(answer.ok()["state"].clone()) }
    };
    assert_eq!(state(&here), Some(json!("pending")));
    assert_eq!(state(&there), None);
    for world in [&there, &here] {
        eventually("the end", || (state(world) == Some(json!("finished"))).then_some(()));
    }
}
