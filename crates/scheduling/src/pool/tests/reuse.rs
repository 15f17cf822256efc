//! Which container a request gets.

use super::*;

#[test]
fn a_cold_start_initialises_then_the_container_is_reused_warm() {
    let mut s = Script::with_memory(512);
    assert_eq!(s.arrives(request(1, "a")), [start(0, &stem(256))]);
    assert_eq!(s.started(0), [initialise(0, 1, ColdReason::First)]);
    assert_eq!(s.initialised(0), []);
    let ended = s.raw(Event::Ended(ContainerId(0), Fate::Keep));
    assert_eq!(ended, [Effect::GrantCredit(1), Effect::WakeAt(secs(10))]);
    assert_eq!(s.arrives(request(2, "a")), [run(0, 2)]);
}

#[test]
fn runs_follow_each_other_without_a_pause_between() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    for n in 2..10 {
        assert_eq!(s.arrives(request(n, "a")), [run(0, n)]);
        assert_eq!(s.ends(0), []);
    }
}

#[test]
fn the_container_used_last_is_used_first() {
    let mut s = Script::with_memory(768);
    for n in 1..4 {
        s.arrives(request(n, "a"));
        s.started(n as u64 - 1);
        s.initialised(n as u64 - 1);
    }
    for (second, id) in [(1, 1), (2, 2), (3, 0)] {
        s.now = secs(second);
        s.ends(id);
    }
    assert_eq!(s.arrives(request(4, "a")), [run(0, 4)]);
    assert_eq!(s.arrives(request(5, "a")), [run(2, 5)]);
    assert_eq!(s.arrives(request(6, "a")), [run(1, 6)]);
}

#[test]
fn a_request_gets_a_new_container_while_those_of_its_action_are_busy() {
    let mut s = Script::with_memory(512);
    s.cold(0, request(1, "a"));
    assert_eq!(s.arrives(request(2, "a")), [start(1, &stem(256))]);
}

#[test]
fn whoever_fits_takes_the_container_that_is_free_first() {
    let mut s = Script::with_memory(512);
    s.cold(0, request(2, "a"));
    assert_eq!(s.arrives(request(3, "a")), [start(1, &stem(256))]);
    // The warm one is free before the new one is up: it serves the request, the new one stays a stem cell.
    assert_eq!(s.ends(0), [run(0, 3)]);
    assert_eq!(s.started(1), []);
    assert_eq!(s.arrives(request(4, "b")), [take_stem_cell(1, 4, ColdReason::First)]);
}

#[test]
fn namespaces_never_share_a_container() {
    let mut s = Script::with_memory(1024);
    s.warm(0, request(1, "a"));
    assert_eq!(s.arrives(of_mallory(request(2, "a"))), [start(1, &stem(256))]);
}

#[test]
fn an_updated_action_gets_a_container_of_its_own() {
    let mut s = Script::with_memory(1024);
    s.warm(0, request(1, "a"));
    assert_eq!(s.arrives(updated(request(2, "a"))), [start(1, &stem(256))]);
    assert_eq!(s.arrives(request(3, "a")), [run(0, 3)], "the old state is still served");
}

#[test]
fn bindings_never_share_a_container_nor_do_runs_with_other_arguments_for_init() {
    let mut s = Script::with_memory(2048);
    s.warm(0, request(1, "a"));
    for (id, other) in [
        (1, (|n| bound(request(n, "a"), "b1")) as fn(u128) -> Request),
        (2, |n| bound(request(n, "a"), "b2")),
        (3, |n| given(request(n, "a"), 1)),
        (4, |n| given(request(n, "a"), 2)),
    ] {
        assert_eq!(s.arrives(other(2)), [start(id, &stem(256))]);
        assert_eq!(s.started(id), [initialise(id, 2, ColdReason::Updated)]);
        s.initialised(id);
        s.ends(id);
        assert_eq!(s.arrives(other(3)), [run(id, 3)], "its own is warm");
        s.ends(id);
    }
    assert_eq!(s.arrives(request(4, "a")), [run(0, 4)]);
}

#[test]
fn one_container_runs_as_many_activations_at_once_as_its_action_allows() {
    let mut s = Script::with_memory(256);
    assert_eq!(s.arrives(shared(1, "a", 2)), [start(0, &stem(256))]);
    s.started(0);
    assert_eq!(s.arrives(shared(2, "a", 2)), [], "it awaits the room that is coming");
    assert_eq!(s.initialised(0), [run(0, 2)]);
    assert_eq!(s.arrives(shared(3, "a", 2)), []);
    assert_eq!(s.ends(0), [run(0, 3)]);
    assert_eq!(s.ends(0), [], "it goes on while another runs");
    assert_eq!(s.arrives(shared(4, "a", 2)), [run(0, 4)]);
}

#[test]
fn what_runs_at_once_is_counted_for_each_namespace_alone() {
    let mut s = Script::with_memory(512);
    s.cold(0, shared(1, "a", 2));
    assert_eq!(s.arrives(of_mallory(shared(2, "a", 2))), [start(1, &stem(256))]);
    assert_eq!(s.arrives(shared(3, "a", 2)), [run(0, 3)]);
}

#[test]
fn a_container_that_cannot_share_takes_one_at_a_time() {
    let mut s = Script::with_memory(512);
    s.arrives(shared(1, "a", 3));
    s.started(0);
    assert_eq!(s.arrives(shared(2, "a", 3)), []);
    assert_eq!(s.after(Event::Serial(ContainerId(0))), [start(1, &stem(256))]);
    assert_eq!(s.initialised(0), []);
    assert_eq!(s.ends(0), [run(0, 2)]);
}

#[test]
fn warm_goes_before_paused_before_coming_before_a_stem_cell() {
    let mut s = Script::with_memory(2048);
    s.cold(0, shared(1, "a", 2));
    s.arrives(shared(2, "a", 2));
    s.cold(1, shared(3, "a", 2));
    s.ends(1);
    assert_eq!(s.at(secs(10)), [pause(1)]);
    s.paused(1);
    s.ends(0);
    // The first runs something and has room, the second is paused, the third is a spare stem cell.
    s.after(Event::Probe(stem(256)));
    s.started(2);
    assert_eq!(s.arrives(shared(4, "a", 2)), [run(0, 4)]);
    assert_eq!(s.arrives(shared(5, "a", 2)), [resume(1, 5)]);
    assert_eq!(s.arrives(shared(6, "a", 2)), [], "the resumed one will have room");
    assert_eq!(s.arrives(shared(7, "a", 2)), [take_stem_cell(2, 7, ColdReason::Busy)]);
    assert_eq!(s.resumed(1), [run(1, 6)]);
}

#[test]
fn stem_cells_serve_their_own_kind_and_size_alone() {
    let mut s = Script::with_memory(2048);
    s.after(Event::Probe(stem(256)));
    s.started(0);
    assert_eq!(s.arrives(request_of(1, "p", &python(256))), [start(1, &python(256))]);
    assert_eq!(s.arrives(request_of(2, "b", &stem(512))), [start(2, &stem(512))]);
    assert_eq!(s.arrives(request(3, "a")), [take_stem_cell(0, 3, ColdReason::First)]);
}
