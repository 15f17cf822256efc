//! The end.

use super::*;

#[test]
fn a_drain_finishes_what_runs_and_waits_then_removes_all() {
    let mut s = Script::with_memory(256);
    s.cold(0, request(2, "a"));
    s.arrives(request(3, "a"));
    assert_eq!(s.after(Event::Drain), []);
    assert_eq!(s.ends(0), [run(0, 3)]);
    assert_eq!(s.ends(0), [destroy(0)]);
    assert_eq!(s.removed(0), [Effect::Drained]);
}

#[test]
fn an_empty_pool_is_drained_at_once_and_once() {
    let mut s = Script::with_memory(256);
    assert_eq!(s.after(Event::Drain), [Effect::Drained]);
    assert_eq!(s.after(Event::Tick), []);
}

#[test]
fn a_drain_waits_for_starts_and_pauses_and_starts_no_stem_cells() {
    let rule = StemRule { stem: stem(256), initial_count: 1, reactive: None };
    let mut s = Script::new(PoolConfig { stem_cells: vec![rule], ..PoolConfig::default() });
    s.after(Event::Tick);
    s.warm(1, request_of(1, "p", &python(256)));
    assert_eq!(s.at(secs(10)), [pause(1)]);
    assert_eq!(s.after(Event::Drain), []);
    assert_eq!(s.started(0), [destroy(0)]);
    assert_eq!(s.paused(1), [destroy(1)]);
    assert_eq!(s.removed(0), []);
    assert_eq!(s.removed(1), [Effect::Drained]);
}

#[test]
fn who_comes_during_a_drain_is_still_served() {
    let mut s = Script::with_memory(256);
    assert_eq!(s.after(Event::Drain), [Effect::Drained]);
    assert_eq!(s.arrives(request(1, "a")), [start(0, &stem(256))]);
    s.started(0);
    assert_eq!(s.ends(0), [destroy(0)]);
    assert_eq!(s.removed(0), [Effect::Drained]);
}
