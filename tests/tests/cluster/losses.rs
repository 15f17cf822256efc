//! Killed without a warning, or frozen for longer than a lease.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use whirl_system_tests::{Cluster, Part, World, eventually};

use super::{Told, call_until, sleeper};

/// The two controllers' clients call while something happens.
fn under_load(worlds: &[World; 2], happening: impl FnOnce()) -> Vec<Told> {
    let actions: Vec<String> =
        ["a", "b", "c", "d"].iter().map(|name| sleeper(&worlds[0], name).path()).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let callers: Vec<_> = actions
            .iter()
            .enumerate()
            .map(|(i, action)| {
                let (done, world) = (&done, &worlds[i % 2]);
                scope.spawn(move || call_until(done, world, action, 30))
            })
            .collect();
        happening();
        done.store(true, Ordering::SeqCst);
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    })
}

/// Every activation that was accepted has one record, a good one or one that says that it was lost.
#[track_caller]
fn each_accepted_has_a_record(world: &World, told: &[Told]) {
    let accepted: Vec<_> = told.iter().flat_map(|told| &told.accepted).collect();
    assert!(!accepted.is_empty());
    for id in accepted {
        let record = world.record(id);
        assert!(matches!(record.status(), "success" | "whisk internal error"), "{}", record.0);
    }
}

#[test]
fn the_rest_goes_on_when_an_invoker_is_killed() {
    let Some(mut cluster) = Cluster::start(2, 2) else { return };
    let worlds = [cluster.world(0), cluster.world(1)];
    let long = sleeper(&worlds[0], "long");
    let long_calls: Vec<_> = (0..6).map(|_| long.fire(&json!({"milliseconds": 4000}))).collect();
    let mut invokers = std::mem::take(&mut cluster.invokers);
    let told = under_load(&worlds, || {
        eventually("work at the first invoker", || (!invokers[0].containers_left().is_empty()).then_some(()));
        invokers[0].kill9();
        cluster.await_state(0, 0, "down");
        cluster.await_state(1, 0, "down");
        worlds.iter().for_each(World::works);
    });
    for told in &told {
        assert_eq!(told.broken, 0, "every call is answered: {told:?}");
        let known = told.statuses.keys().all(|status| matches!(status, 200 | 202 | 500 | 503));
        assert!(known, "{told:?}");
    }
    each_accepted_has_a_record(&worlds[1], &told);
    for id in &long_calls {
        let record = worlds[0].record(id);
        assert!(matches!(record.status(), "success" | "whisk internal error"), "{}", record.0);
    }
    worlds[0].works();
    invokers[0].restart();
    cluster.invokers = invokers;
    assert_eq!(cluster.invokers[0].ready()["invoker"], 0, "the number stays with the name");
    cluster.await_invokers();
    cluster.world(1).works();
}

#[test]
fn the_rest_goes_on_when_a_controller_is_killed() {
    let Some(mut cluster) = Cluster::start(2, 1) else { return };
    let worlds = [cluster.world(0), cluster.world(1)];
    let mut controllers: Vec<Part> = std::mem::take(&mut cluster.controllers);
    let action = sleeper(&worlds[0], "orphan");
    let orphans: Vec<_> = (0..4).map(|_| action.fire(&json!({"milliseconds": 1000}))).collect();
    let told = under_load(&worlds, || {
        controllers[0].kill9();
        for _ in 0..3 {
            worlds[1].works();
        }
    });
    for (caller, told) in told.iter().enumerate() {
        assert_eq!(told.broken > 0, caller % 2 == 0, "only the callers of the dead one notice: {told:?}");
    }
    each_accepted_has_a_record(&worlds[1], &told);
    for id in &orphans {
        worlds[1].record(id).succeeded();
    }
    controllers[0].restart();
    cluster.controllers = controllers;
    cluster.await_invokers();
    cluster.world(0).works();
}

#[test]
fn a_frozen_invoker_is_given_up_and_joins_again() {
    let Some(cluster) = Cluster::start(1, 2) else { return };
    let world = cluster.world(0);
    let action = sleeper(&world, "frozen");
    action.invoke_blocking(&json!({})).succeeded();
    let home = usize::from(cluster.invokers[0].containers_left().is_empty());
    let epoch = |invoker: &Part| invoker.admin("/status")["epoch"].as_u64().unwrap();
    let before = epoch(&cluster.invokers[home]);
    thread::scope(|scope| {
        let call = scope.spawn(|| action.invoke_blocking(&json!({"milliseconds": 8000})));
        eventually("the call in flight", || {
            (cluster.controllers[0].admin("/activation/count") == 1).then_some(())
        });
        cluster.invokers[home].freeze();
        let record = call.join().unwrap();
        assert_eq!(record.status(), "whisk internal error", "{}", record.0);
    });
    cluster.await_state(0, home, "down");
    world.works();
    cluster.invokers[home].thaw();
    cluster.await_state(0, home, "up");
    assert!(epoch(&cluster.invokers[home]) > before, "a new life");
    world.works();
    let records = action.records();
    assert_eq!(records.len(), 2, "one record each: {records:?}");
}
