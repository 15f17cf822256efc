//! Who waits, and who is served first.

use super::*;

#[test]
fn requests_are_served_in_order_of_arrival_each_once() {
    let mut s = Script::with_memory(256);
    s.cold(0, request(1, "a"));
    for n in 2..5 {
        assert_eq!(s.arrives(request(n, "a")), []);
    }
    for n in 2..5 {
        assert_eq!(s.ends(0), [run(0, n)]);
    }
    assert_eq!(s.ends(0), []);
    assert_eq!(s.pool.status().waiting, 0);
}

#[test]
fn who_waits_goes_before_who_arrives_also_when_a_container_is_gone() {
    let mut s = Script::with_memory(256);
    s.cold(0, request(1, "a"));
    s.arrives(request(2, "b"));
    s.arrives(request(3, "c"));
    assert_eq!(s.breaks(0), [destroy(0)]);
    assert_eq!(s.arrives(request(4, "d")), []);
    assert_eq!(s.removed(0), [start(1, &stem(256))]);
    assert_eq!(s.started(1), [initialise(1, 2, ColdReason::First)]);
}

#[test]
fn only_so_many_containers_start_at_once() {
    let config = PoolConfig { memory: 4096, parallel_starts: 2, ..PoolConfig::default() };
    let mut s = Script::new(config);
    s.arrives(request(1, "a"));
    s.arrives(request(2, "b"));
    assert_eq!(s.arrives(request(3, "c")), []);
    assert_eq!(s.started(1), [initialise(1, 1, ColdReason::First), start(2, &stem(256))]);
}

#[test]
fn a_larger_request_is_not_overtaken_by_smaller_ones_that_need_new_containers() {
    let mut s = Script::with_memory(1024);
    s.cold(0, request(1, "a"));
    s.cold(1, request(2, "b"));
    s.cold(2, request_of(3, "c", &stem(512)));
    assert_eq!(s.arrives(request_of(4, "d", &stem(512))), []);
    assert_eq!(s.breaks(0), [destroy(0)]);
    s.removed(0);
    assert_eq!(s.arrives(request(5, "e")), [], "the memory is kept for who came first");
    s.breaks(1);
    assert_eq!(s.removed(1), [start(3, &stem(512))]);
}

#[test]
fn a_waiting_request_is_passed_by_warm_ones_only_so_often() {
    let config = PoolConfig { memory: 256, max_bypass: 2, ..PoolConfig::default() };
    let mut s = Script::new(config);
    s.cold(0, request(2, "a"));
    s.arrives(request(3, "b"));
    for n in 4..8 {
        s.arrives(request(n, "a"));
    }
    assert_eq!(s.ends(0), [run(0, 4)]);
    assert_eq!(s.ends(0), [run(0, 5)]);
    assert_eq!(s.ends(0), [destroy(0)]);
    assert_eq!(s.removed(0), [start(1, &stem(256))]);
    assert_eq!(s.started(1), [initialise(1, 3, ColdReason::First)]);
}

#[test]
fn who_arrives_is_kept_from_a_container_that_a_passed_by_request_needs() {
    let config = PoolConfig { memory: 768, max_bypass: 1, ..PoolConfig::default() };
    let mut s = Script::new(config);
    s.cold(0, request(1, "a"));
    s.warm(1, request(2, "b"));
    assert_eq!(s.arrives(request_of(3, "big", &stem(768))), []);
    assert_eq!(s.arrives(request(4, "b")), [run(1, 4)]);
    s.ends(1);
    assert_eq!(s.arrives(request(5, "b")), [], "once was enough");
    assert_eq!(s.ends(0), [destroy(0), destroy(1)]);
}

#[test]
fn who_was_kept_from_a_container_gets_it_when_nobody_needs_it_any_more() {
    let config = PoolConfig { memory: 1024, max_bypass: 0, parallel_starts: 1, ..PoolConfig::default() };
    let mut s = Script::new(config);
    s.cold(0, request(1, "a"));
    s.warm(1, request(2, "b"));
    s.arrives(request(3, "c"));
    assert_eq!(s.arrives(Request { deadline: Some(secs(3)), ..request_of(4, "big", &stem(1024)) }), []);
    assert_eq!(s.arrives(request(5, "d")), []);
    assert_eq!(s.arrives(request(6, "b")), [], "it is kept for the big one");
    let rejected = reject(4, Rejection::Expired);
    assert_eq!(s.at(secs(3)), [rejected, run(1, 6)], "the one before it awaits a start");
}

#[test]
fn a_start_that_fails_ends_who_counted_on_it() {
    let mut s = Script::with_memory(256);
    s.arrives(request(1, "a"));
    s.arrives(request(2, "a"));
    let rejected = reject(1, Rejection::StartFailed(failure()));
    assert_eq!(s.start_fails(0), [rejected, start(1, &stem(256))]);
}

#[test]
fn a_start_that_fails_and_nobody_counts_on_any_more_ends_nobody() {
    let mut s = Script::with_memory(512);
    s.cold(0, request(1, "a"));
    s.arrives(request(2, "a"));
    s.ends(0);
    assert_eq!(s.start_fails(1), []);
    assert_eq!(s.pool.status().memory_used, 256);
}

#[test]
fn images_that_do_not_come_keep_nobody_else_from_starting() {
    let config = PoolConfig { memory: 4096, parallel_starts: 2, ..PoolConfig::default() };
    let mut s = Script::new(config);
    let image = Arc::new(Stem { kind: Kind::blackbox(), ..Stem::clone(&stem(256)) });
    s.arrives(request_of(1, "a", &image));
    s.arrives(request_of(2, "b", &image));
    assert_eq!(s.arrives(request_of(3, "c", &image)), []);
    assert_eq!(s.arrives(request(4, "d")), [start(2, &stem(256))]);
    assert_eq!(s.started(2), [initialise(2, 4, ColdReason::First)]);
}

#[test]
fn who_waits_for_busy_cores_keeps_no_memory_from_others() {
    let mut s = Script::with_memory(768);
    let all_cores = Arc::new(Stem { cpu: Some(Cores::from_thousandths(2000)), ..Stem::clone(&stem(256)) });
    s.cold(0, request_of(1, "a", &all_cores));
    s.warm(1, request(2, "b"));
    s.warm(2, request(3, "c"));
    assert_eq!(s.arrives(request_of(4, "d", &all_cores)), [], "only the end of the first helps it");
    assert_eq!(s.arrives(request(5, "e")), [destroy(1)]);
    assert_eq!(s.removed(1), [start(3, &stem(256))]);
    assert_eq!(s.ends(0), [destroy(0)]);
}

#[test]
fn who_waits_for_busy_cores_keeps_no_warm_container_from_others() {
    let config = PoolConfig { memory: 512, max_bypass: 0, ..PoolConfig::default() };
    let mut s = Script::new(config);
    let all_cores = Arc::new(Stem { cpu: Some(Cores::from_thousandths(2000)), ..Stem::clone(&stem(256)) });
    s.cold(0, request_of(1, "a", &all_cores));
    s.warm(1, request(2, "b"));
    assert_eq!(s.arrives(request_of(3, "c", &all_cores)), []);
    assert_eq!(s.arrives(request(4, "b")), [run(1, 4)]);
    assert_eq!(s.arrives(request(5, "b")), [], "now memory will be lacking as well");
}

#[test]
fn who_may_not_start_one_waits_for_a_shared_container_rather_than_take_a_stem_cell() {
    let rule = StemRule { stem: stem(256), initial_count: 1, reactive: None };
    let config =
        PoolConfig { memory: 4096, parallel_starts: 1, stem_cells: vec![rule], ..PoolConfig::default() };
    let mut s = Script::new(config);
    s.at(secs(0));
    s.started(0);
    assert_eq!(s.arrives(shared(1, "a", 2)), [take_stem_cell(0, 1, ColdReason::First)]);
    s.at(secs(1));
    s.started(1);
    s.arrives(request_of(2, "b", &python(256)));
    assert_eq!(s.arrives(request_of(3, "c", &python(256))), [], "one starts already");
    assert_eq!(s.arrives(shared(4, "a", 2)), [], "there will be room in the first");
    assert_eq!(s.initialised(0), [run(0, 4)]);
}
