//! How many containers without code stand ready.

use super::*;

fn plain(initial_count: u32) -> StemRule {
    StemRule { stem: stem(256), initial_count, reactive: None }
}

fn reactive(initial_count: u32, min_count: u32, max_count: u32) -> StemRule {
    let reactive = ReactiveRule { min_count, max_count, ttl: secs(120), threshold: 2, increment: 2 };
    StemRule { reactive: Some(reactive), ..plain(initial_count) }
}

/// A pool with its stem cells up: the first containers.
fn with(rules: &[StemRule]) -> Script {
    with_memory(4096, rules)
}

fn with_memory(memory: u32, rules: &[StemRule]) -> Script {
    let config =
        PoolConfig { memory, parallel_starts: 8, stem_cells: rules.to_vec(), ..PoolConfig::default() };
    let mut s = Script::new(config);
    for effect in s.after(Event::Tick) {
        let Effect::Start(id, ..) = effect else { panic!("{effect:?}") };
        s.after(Event::Started(id));
    }
    s
}

const REFILL: Moment = Moment::from_millis(200);
const CHECK: Moment = secs(600);

#[test]
fn they_start_at_once_are_taken_and_replaced_a_little_later() {
    let mut s = with(&[plain(1)]);
    let effects = s.raw(Event::Arrived(request(1, "a")));
    assert_eq!(effects, [take_stem_cell(0, 1, ColdReason::First), Effect::WakeAt(REFILL)]);
    assert_eq!(s.at(REFILL), [start(1, &stem(256))]);
}

#[test]
fn the_oldest_is_taken_first() {
    let mut s = with(&[plain(2)]);
    s.condemned(0);
    s.removed(0);
    s.at(secs(2));
    s.started(2);
    assert_eq!(s.arrives(request(1, "a")), [take_stem_cell(1, 1, ColdReason::First)]);
    assert_eq!(s.arrives(request(2, "a")), [take_stem_cell(2, 2, ColdReason::Busy)]);
}

#[test]
fn one_kind_may_have_several_sizes() {
    let mut s = with(&[plain(1), StemRule { stem: stem(512), initial_count: 1, reactive: None }]);
    assert_eq!(s.arrives(request_of(1, "a", &stem(512))), [take_stem_cell(1, 1, ColdReason::First)]);
    assert_eq!(s.arrives(request(2, "b")), [take_stem_cell(0, 2, ColdReason::First)]);
    assert_eq!(s.at(REFILL), [start(2, &stem(256)), start(3, &stem(512))]);
}

#[test]
fn they_take_no_memory_that_is_not_free() {
    let mut s = with_memory(600, &[plain(4)]);
    assert_eq!(s.count("stem"), 2);
    s.arrives(request_of(1, "p", &python(256)));
    assert_eq!(s.at(REFILL), [], "none is removed for another");
}

#[test]
fn they_take_nothing_that_who_waits_will_need() {
    let mut s = with_memory(1024, &[plain(1)]);
    s.cold(1, request_of(1, "p", &python(512)));
    s.arrives(request(2, "a"));
    s.initialised(0);
    assert_eq!(s.arrives(request_of(3, "q", &python(512))), [], "it lacks 256 MB");
    assert_eq!(s.at(REFILL), []);
}

#[test]
fn they_may_have_gpus_and_others_are_given_none() {
    let stem = gpu_stem(GpuAmount::Devices(1), None);
    let rule = StemRule { stem: Arc::clone(&stem), initial_count: 1, reactive: None };
    let gpus = vec![device("0", "a10", 1)];
    let mut s = Script::new(PoolConfig { gpus, stem_cells: vec![rule], ..PoolConfig::default() });
    assert_eq!(s.after(Event::Tick), [start_with(0, &stem, &["0"])]);
    s.started(0);
    assert_eq!(s.arrives(request(1, "a")), [start(1, &super::stem(256))]);
    assert_eq!(s.arrives(request_of(2, "b", &stem)), [take_stem_cell(0, 2, ColdReason::First)]);
}

#[test]
fn one_that_dies_is_replaced_after_a_while() {
    let mut s = with(&[plain(1)]);
    let effects = s.raw(Event::Condemned(ContainerId(0)));
    assert_eq!(effects, [destroy(0), Effect::WakeAt(secs(1))]);
    assert_eq!(s.at(secs(1)), [start(1, &stem(256))]);
}

#[test]
fn one_that_will_not_start_is_tried_again_later_and_later() {
    let mut s = Script::new(PoolConfig { stem_cells: vec![plain(1)], ..PoolConfig::default() });
    s.after(Event::Tick);
    let mut pauses = Vec::new();
    for id in 0..8 {
        s.start_fails(id);
        let failed = s.now;
        while s.count("starting") == 0 {
            s.now += secs(1);
            s.after(Event::Tick);
        }
        pauses.push((s.now - failed).as_secs());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    s.started(8);
    s.arrives(request(1, "a"));
    s.now += secs(1);
    s.after(Event::Tick);
    assert_eq!(s.raw(Event::StartFailed(ContainerId(9), failure())), [Effect::WakeAt(s.now + secs(1))]);
}

#[test]
fn a_failed_start_that_a_request_counted_on_does_not_make_the_rule_wait() {
    let mut s = with(&[plain(1)]);
    s.arrives(request(1, "a"));
    s.arrives(request(2, "b"));
    s.start_fails(1);
    assert_eq!(s.at(REFILL), [start(2, &stem(256))]);
}

#[test]
fn reactive_ones_are_replaced_down_to_the_minimum_only() {
    let mut s = with(&[reactive(3, 1, 4)]);
    s.arrives(request(1, "a"));
    s.arrives(request(2, "b"));
    assert_eq!(s.at(REFILL), []);
    s.arrives(request(3, "c"));
    assert_eq!(s.at(REFILL * 2), [start(3, &stem(256))]);
}

#[test]
fn reactive_ones_follow_the_cold_starts_of_the_interval() {
    for (cold_starts, wanted) in [(0, 1), (1, 1), (2, 2), (5, 4), (9, 5)] {
        let mut s = with(&[reactive(1, 1, 5)]);
        s.arrives(request(1, "taken"));
        for n in 0..cold_starts {
            s.arrives(request(10 + n, "a"));
        }
        for id in 1..=cold_starts {
            s.started(id as u64);
            s.initialised(id as u64);
            s.breaks(id as u64);
            s.removed(id as u64);
        }
        s.at(CHECK);
        assert_eq!(s.count("starting"), wanted, "after {cold_starts} cold starts");
    }
}

#[test]
fn an_interval_counts_its_own_cold_starts_alone() {
    let mut s = with(&[reactive(1, 1, 5)]);
    s.arrives(request(1, "taken"));
    for id in 1..3 {
        s.cold(id, request(10 + u128::from(id), "a"));
    }
    s.at(CHECK);
    assert_eq!(s.count("starting"), 2);
    s.start_fails(3);
    s.start_fails(4);
    s.at(CHECK * 2);
    assert_eq!(s.count("starting"), 1, "the minimum");
}

#[test]
fn a_check_is_asked_for_where_a_rule_is_reactive() {
    let config = |rule| PoolConfig { stem_cells: vec![rule], ..PoolConfig::default() };
    let mut s = Script::new(config(reactive(1, 1, 4)));
    assert!(s.raw(Event::Tick).contains(&Effect::WakeAt(CHECK)));
    let mut s = Script::new(config(plain(1)));
    assert!(!s.raw(Event::Tick).contains(&Effect::WakeAt(CHECK)));
}

#[test]
fn they_expire_the_oldest_first_whatever_the_minimum_and_are_replaced() {
    let mut s = with(&[reactive(3, 2, 4)]);
    s.now = secs(500);
    s.condemned(0);
    s.removed(0);
    s.arrives(request(1, "a"));
    s.at(secs(502));
    s.started(3);
    // One is 600 s old, one 98 s.
    assert_eq!(s.at(CHECK), [destroy(2), start(4, &stem(256))]);
}

#[test]
fn only_so_many_expire_at_once() {
    let mut s = Script::new(PoolConfig {
        memory: 256 * 120,
        parallel_starts: 120,
        stem_cells: vec![reactive(120, 0, 120)],
        ..PoolConfig::default()
    });
    for effect in s.after(Event::Tick) {
        let Effect::Start(id, ..) = effect else { panic!("{effect:?}") };
        s.after(Event::Started(id));
    }
    let first: Vec<_> = (0..100).map(destroy).collect();
    assert_eq!(s.at(CHECK), first);
    let rest: Vec<_> = (100..120).map(destroy).collect();
    assert_eq!(s.at(CHECK * 2), rest);
}

#[test]
fn a_spare_container_that_no_rule_asks_for_goes_like_an_idle_one() {
    let mut s = Script::with_memory(512);
    s.cold(0, request(1, "a"));
    s.arrives(request(2, "a"));
    s.ends(0);
    assert!(s.raw(Event::Started(ContainerId(1))).contains(&Effect::WakeAt(secs(600))));
    assert_eq!(s.at(secs(600)), [destroy(1)]);
}
