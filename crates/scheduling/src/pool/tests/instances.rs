//! How many containers one action may have.

use super::*;

fn limited(n: u128, action: &str, instances: u32) -> Request {
    Request { instances: Some(instances), ..request(n, action) }
}

#[test]
fn an_action_gets_no_more_containers_than_it_may_have() {
    let mut s = Script::with_memory(2048);
    s.arrives(limited(1, "a", 2));
    assert_eq!(s.arrives(limited(2, "a", 2)), [start(1, &stem(256))]);
    assert_eq!(s.arrives(limited(3, "a", 2)), [], "those that start count");
    s.started(0);
    s.started(1);
    assert_eq!(s.initialised(0), []);
    assert_eq!(s.ends(0), [run(0, 3)]);
}

#[test]
fn a_limit_of_none_is_one() {
    let mut s = Script::with_memory(2048);
    assert_eq!(s.arrives(limited(1, "a", 0)), [start(0, &stem(256))]);
    assert_eq!(s.arrives(limited(2, "a", 0)), []);
}

#[test]
fn who_waits_for_its_own_containers_keeps_nobody_else_waiting() {
    let mut s = Script::with_memory(2048);
    s.cold(0, limited(1, "a", 1));
    s.arrives(limited(2, "a", 1));
    assert_eq!(s.arrives(request(3, "b")), [start(1, &stem(256))]);
    assert_eq!(
        s.arrives(of_mallory(limited(4, "a", 1))),
        [start(2, &stem(256))],
        "each namespace has its own"
    );
}

#[test]
fn no_stem_cell_is_taken_beyond_the_limit() {
    let mut s = Script::with_memory(2048);
    s.cold(0, limited(1, "a", 1));
    s.after(Event::Probe(stem(256)));
    s.started(1);
    assert_eq!(s.arrives(limited(2, "a", 1)), []);
    assert_eq!(s.count("stem"), 1);
}

#[test]
fn a_container_counts_until_its_removal_is_confirmed() {
    let mut s = Script::with_memory(2048);
    s.cold(0, limited(1, "a", 1));
    s.arrives(limited(2, "a", 1));
    assert_eq!(s.breaks(0), [destroy(0)]);
    assert_eq!(s.removed(0), [start(1, &stem(256))]);
}

#[test]
fn an_outdated_container_goes_for_the_updated_action() {
    let mut s = Script::with_memory(2048);
    s.cold(0, limited(1, "a", 1));
    assert_eq!(s.arrives(updated(limited(2, "a", 1))), [], "not while it runs");
    assert_eq!(s.ends(0), [destroy(0)]);
    s.removed(0);
    assert_eq!(s.started(1), [initialise(1, 2, ColdReason::Updated)]);
}

#[test]
fn a_container_with_other_arguments_for_init_goes_for_who_cannot_use_it() {
    let mut s = Script::with_memory(2048);
    s.warm(0, given(limited(1, "a", 1), 1));
    assert_eq!(s.arrives(given(limited(2, "a", 1), 2)), [destroy(0)]);
    s.removed(0);
    assert_eq!(s.started(1), [initialise(1, 2, ColdReason::Updated)]);
}

#[test]
fn only_one_outdated_container_goes_at_a_time() {
    let mut s = Script::with_memory(2048);
    for (id, n) in [(0, 1), (1, 2)] {
        s.cold(id, limited(n, "a", 2));
    }
    s.ends(0);
    s.ends(1);
    assert_eq!(s.arrives(updated(limited(3, "a", 2))), [destroy(0)]);
    assert_eq!(s.arrives(updated(limited(4, "a", 2))), []);
    assert_eq!(s.removed(0), [start(2, &stem(256)), destroy(1)]);
}

#[test]
fn who_counted_on_a_container_that_goes_for_the_update_starts_another_at_once() {
    let mut s = Script::new(PoolConfig { memory: 1024, max_bypass: 0, ..PoolConfig::default() });
    s.warm(0, request(1, "a"));
    assert_eq!(s.at(secs(10)), [pause(0)]);
    assert_eq!(s.arrives(updated(limited(2, "a", 1))), [], "not while it is being paused");
    assert_eq!(s.arrives(request(3, "a")), [], "it will have room");
    assert_eq!(s.paused(0), [destroy(0), start(1, &stem(256))]);
}

#[test]
fn who_waits_for_an_instance_notices_when_one_of_another_revision_comes_to_be() {
    let mut s = Script::with_memory(1024);
    s.cold(0, updated(request(1, "a")));
    assert_eq!(s.arrives(updated(limited(2, "a", 1))), []);
    s.cold(1, limited(3, "a", 2));
    assert_eq!(s.ends(1), [destroy(1)], "the earlier one comes first");
}
