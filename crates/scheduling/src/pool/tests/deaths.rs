//! Containers that break, end by themselves, or are found dead.

use super::*;

#[test]
fn a_broken_container_is_destroyed_and_not_used_again() {
    let mut s = Script::with_memory(512);
    s.cold(0, request(1, "a"));
    assert_eq!(s.breaks(0), [destroy(0)]);
    assert_eq!(s.arrives(request(2, "a")), [start(1, &stem(256))]);
}

#[test]
fn an_activation_that_fails_alone_leaves_its_container_in_use() {
    let mut s = Script::with_memory(512);
    s.cold(0, request(1, "a"));
    assert_eq!(s.ends(0), []);
    assert_eq!(s.arrives(request(2, "a")), [run(0, 2)]);
}

#[test]
fn an_initialisation_that_fails_ends_its_own_activation_alone() {
    let mut s = Script::with_memory(512);
    s.arrives(shared(1, "a", 2));
    s.started(0);
    s.arrives(shared(2, "a", 2));
    assert_eq!(s.breaks(0), [destroy(0), start(1, &stem(256))]);
    assert_eq!(s.started(1), [initialise(1, 2, ColdReason::Broken)]);
}

#[test]
fn a_bounced_request_goes_first_to_another_container_and_is_no_end() {
    let mut s = Script::with_memory(512);
    s.cold(0, request(2, "a"));
    s.arrives(of_mallory(request(3, "b")));
    let effects = s.raw(Event::Bounced(ContainerId(0), request(2, "a")));
    assert!(!effects.contains(&Effect::GrantCredit(1)));
    assert!(effects.contains(&destroy(0)));
    s.removed(0);
    assert_eq!(s.started(1), [initialise(1, 2, ColdReason::Broken)], "it had its turn before");
}

#[test]
fn a_broken_container_goes_when_the_last_of_its_runs_has_ended() {
    let mut s = Script::with_memory(512);
    s.cold(0, shared(1, "a", 3));
    s.arrives(shared(2, "a", 3));
    s.arrives(shared(3, "a", 3));
    assert_eq!(s.breaks(0), []);
    assert_eq!(s.arrives(shared(4, "a", 3)), [start(1, &stem(256))], "nothing more is given to it");
    let bounced = s.after(Event::Bounced(ContainerId(0), shared(2, "a", 3)));
    assert_eq!(bounced, [], "the one who started it for another shares");
    assert_eq!(s.ends(0), [destroy(0)]);
}

#[test]
fn a_condemned_container_finishes_its_run_then_goes() {
    let mut s = Script::with_memory(512);
    s.cold(0, request(2, "a"));
    assert_eq!(s.condemned(0), []);
    assert_eq!(s.ends(0), [destroy(0)]);
}

#[test]
fn a_container_that_is_going_gets_nothing_more() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    assert_eq!(s.condemned(0), [destroy(0)]);
    assert_eq!(s.condemned(0), [], "it is going already");
    assert_eq!(s.arrives(request(2, "a")), [start(1, &stem(256))]);
}

#[test]
fn what_is_told_of_a_container_that_is_gone_changes_nothing() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    s.condemned(0);
    s.removed(0);
    let (id, before) = (ContainerId(0), s.pool.status());
    for event in [
        Event::Started(id),
        Event::StartFailed(id, failure()),
        Event::Initialised(id),
        Event::Serial(id),
        Event::Ended(id, Fate::Keep),
        Event::Bounced(id, request(1, "a")),
        Event::Paused(id),
        Event::Resumed(id),
        Event::FreezerFailed(id),
        Event::Condemned(id),
        Event::Removed(id),
    ] {
        assert_eq!(s.after(event), []);
        assert_eq!(s.pool.status(), before);
    }
}
