//! Who has to go so that another can come.

use super::*;

#[test]
fn the_container_not_used_for_longest_goes_and_counts_until_it_is_gone() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    s.now = secs(1);
    s.warm(1, request(2, "b"));
    assert_eq!(s.arrives(request(3, "c")), [destroy(0)]);
    assert_eq!(s.pool.status().memory_used, 512);
    assert_eq!(s.removed(0), [start(2, &stem(256))]);
}

#[test]
fn several_go_if_that_takes_several_and_no_more_than_needed() {
    let mut s = Script::with_memory(1024);
    for (id, action) in [(0, "a"), (1, "b"), (2, "c"), (3, "d")] {
        s.now = secs(id);
        s.warm(id, request(u128::from(id), action));
    }
    assert_eq!(s.arrives(request_of(9, "e", &stem(512))), [destroy(0), destroy(1)]);
    s.removed(0);
    assert_eq!(s.removed(1), [start(4, &stem(512))]);
}

#[test]
fn what_one_larger_container_makes_superfluous_stays() {
    let mut s = Script::with_memory(1024);
    s.warm(0, request(1, "small"));
    s.now = secs(1);
    s.warm(1, request_of(2, "large", &stem(768)));
    assert_eq!(s.arrives(request_of(3, "b", &stem(768))), [destroy(1)]);
}

#[test]
fn nobody_goes_while_there_is_room() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    assert_eq!(s.arrives(request(2, "b")), [start(1, &stem(256))]);
}

#[test]
fn nobody_goes_where_that_would_not_make_enough_room() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    s.arrives(request(2, "b"));
    assert_eq!(s.arrives(request_of(3, "big", &stem(512))), []);
    assert_eq!(s.count("idle"), 1);
}

#[test]
fn nobody_goes_where_enough_is_about_to_be_free() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    s.warm(1, request(2, "b"));
    assert_eq!(s.condemned(0), [destroy(0)]);
    assert_eq!(s.arrives(request(3, "c")), []);
    assert_eq!(s.removed(0), [start(2, &stem(256))]);
}

#[test]
fn a_container_of_another_namespace_goes_too() {
    let mut s = Script::with_memory(256);
    s.warm(0, request(1, "a"));
    assert_eq!(s.arrives(of_mallory(request(2, "a"))), [destroy(0)]);
}

#[test]
fn a_busy_container_does_not_go_and_goes_once_it_is_idle() {
    let mut s = Script::with_memory(256);
    s.cold(0, request(1, "a"));
    assert_eq!(s.arrives(request(2, "b")), []);
    assert_eq!(s.ends(0), [destroy(0)]);
}

#[test]
fn a_paused_container_goes_without_being_resumed() {
    let mut s = Script::with_memory(256);
    s.warm(0, request(1, "a"));
    s.at(secs(10));
    assert_eq!(s.arrives(request(2, "b")), [], "not while it is being paused");
    assert_eq!(s.paused(0), [destroy(0)]);
}

#[test]
fn a_removal_that_fails_is_tried_again_and_keeps_its_memory() {
    let mut s = Script::with_memory(256);
    s.warm(0, request(1, "a"));
    s.arrives(request(2, "b"));
    assert_eq!(s.raw(Event::RemoveFailed(ContainerId(0))), [Effect::WakeAt(secs(5))]);
    assert_eq!(s.pool.status().memory_used, 256);
    assert_eq!(s.at(secs(5)), [destroy(0)]);
    assert_eq!(s.removed(0), [start(1, &stem(256))]);
}

#[test]
fn stem_cells_give_way_to_requests_after_containers_with_code() {
    let mut s = Script::with_memory(512);
    s.after(Event::Probe(stem(256)));
    s.started(0);
    s.now = secs(1);
    s.warm(1, request_of(1, "p", &python(256)));
    assert_eq!(s.arrives(request_of(2, "q", &python(256))), [destroy(1)]);
    s.removed(1);
    s.started(2);
    assert_eq!(s.arrives(request_of(3, "r", &python(256))), [destroy(0)]);
}

#[test]
fn cores_are_reserved_and_made_room_for_by_those_who_have_some() {
    let cores = |n, action: &str, thousandths| {
        let cpu = Some(Cores::from_thousandths(thousandths));
        request_of(n, action, &Arc::new(Stem { cpu, ..(*stem(256)).clone() }))
    };
    let mut s = Script::with_memory(2048);
    s.warm(0, request(1, "none"));
    s.now = secs(1);
    s.warm(1, cores(2, "a", 1500));
    assert_eq!(s.arrives(cores(3, "b", 1000)), [destroy(1)], "the older one has no cores to give");
    assert_eq!(s.pool.status().cpu_used.thousandths(), 1500);
    assert_eq!(
        s.arrives(request(4, "c")),
        [start(2, &stem(256))],
        "who needs no cores does not wait for any"
    );
    assert_eq!(s.removed(1), [start(3, &cores(3, "b", 1000).stem)]);
}

#[test]
fn a_probe_starts_a_container_and_makes_room_for_it_first() {
    let mut s = Script::with_memory(256);
    s.warm(0, request(1, "a"));
    assert_eq!(s.after(Event::Probe(stem(256))), [destroy(0)]);
    assert_eq!(s.after(Event::Probe(stem(256))), []);
    s.removed(0);
    assert_eq!(s.after(Event::Probe(stem(256))), [start(1, &stem(256))]);
    assert_eq!(s.after(Event::Probe(stem(256))), [], "one at a time");
    s.started(1);
    assert_eq!(s.arrives(request(2, "b")), [take_stem_cell(1, 2, ColdReason::First)]);
}

#[test]
fn a_probe_waits_neither_for_users_images_nor_for_who_waits_for_something_else() {
    let users = Arc::new(Stem { kind: Kind::blackbox(), ..(*stem(256)).clone() });
    let mut s = Script::with_memory(1024);
    assert_eq!(s.arrives(request_of(1, "slow", &users)), [start(0, &users)]);
    s.cold(1, Request { instances: Some(1), ..request(2, "a") });
    assert_eq!(s.arrives(Request { instances: Some(1), ..request(3, "a") }), []);
    assert_eq!(s.arrives(request_of(4, "big", &stem(768))), []);
    assert_eq!(s.after(Event::Probe(stem(256))), [start(2, &stem(256))]);
}

#[test]
fn a_probe_takes_nothing_that_somebody_counts_on() {
    let mut s = Script::with_memory(512);
    s.cold(0, request(1, "a"));
    s.warm(1, request(2, "b"));
    assert_eq!(s.arrives(request_of(3, "p", &python(256))), [destroy(1)]);
    assert_eq!(s.after(Event::Probe(stem(256))), []);
    assert_eq!(s.removed(1), [start(2, &python(256))]);
}

#[test]
fn what_a_probe_left_goes_for_the_next_one() {
    let mut s = Script::with_memory(1024);
    s.after(Event::Probe(stem(256)));
    s.started(0);
    assert_eq!(s.after(Event::Probe(stem(256))), [destroy(0), start(1, &stem(256))]);
    let rule = StemRule { stem: stem(256), initial_count: 1, reactive: None };
    let mut s = Script::new(PoolConfig { memory: 1024, stem_cells: vec![rule], ..PoolConfig::default() });
    s.at(secs(0));
    s.started(0);
    assert_eq!(s.after(Event::Probe(stem(256))), [start(1, &stem(256))], "the other one is to be there");
    s.started(1);
    assert_eq!(s.after(Event::Probe(stem(256))), [destroy(0), start(2, &stem(256))]);
}

#[test]
fn room_is_made_for_several_at_once_and_given_in_order() {
    let mut s = Script::with_memory(768);
    for (id, action) in [(0, "a"), (1, "b"), (2, "c")] {
        s.now = secs(id);
        s.warm(id, request(u128::from(id), action));
    }
    assert_eq!(s.arrives(request(4, "d")), [destroy(0)]);
    assert_eq!(s.arrives(request_of(5, "e", &stem(512))), [destroy(1), destroy(2)]);
    assert_eq!(s.arrives(request(6, "f")), [], "nothing is left for it");
    assert_eq!(s.removed(2), [start(3, &stem(256))]);
    assert_eq!(s.removed(1), []);
    assert_eq!(s.removed(0), [start(4, &stem(512))]);
}

#[test]
fn who_comes_later_does_not_take_what_is_kept_for_who_came_before() {
    let mut s = Script::with_memory(1024);
    s.warm(0, request_of(1, "a", &stem(512)));
    s.warm(1, request(2, "b"));
    assert_eq!(s.arrives(request_of(3, "c", &stem(512))), [destroy(0)], "256 are free, 512 go");
    assert_eq!(s.arrives(request(4, "d")), [], "there will be enough for both");
    assert_eq!(s.removed(0), [start(2, &stem(512)), start(3, &stem(256))]);
}

#[test]
fn room_is_made_for_no_more_than_may_start_at_once() {
    let config = PoolConfig { memory: 768, parallel_starts: 1, ..PoolConfig::default() };
    let mut s = Script::new(config);
    for (id, action) in [(0, "a"), (1, "b"), (2, "c")] {
        s.now = secs(id);
        s.warm(id, request(u128::from(id), action));
    }
    assert_eq!(s.arrives(request(4, "d")), [destroy(0)]);
    assert_eq!(s.arrives(request(5, "e")), []);
    assert_eq!(
        s.removed(0),
        [start(3, &stem(256)), destroy(1)],
        "while the one starts, the other's room is made"
    );
}

#[test]
fn no_room_is_made_beyond_the_instances_of_an_action() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    s.warm(1, request(2, "b"));
    let alone = |n| Request { instances: Some(1), ..request(n, "c") };
    assert_eq!(s.arrives(alone(3)), [destroy(0)]);
    assert_eq!(s.arrives(alone(4)), []);
}
