//! Whose time is over while it waits.

use super::*;

fn until(n: u128, action: &str, deadline: Moment) -> Request {
    Request { deadline: Some(deadline), ..request(n, action) }
}

#[test]
fn who_waits_beyond_its_deadline_is_rejected_not_run() {
    let mut s = Script::with_memory(256);
    s.cold(0, request(1, "a"));
    assert_eq!(s.raw(Event::Arrived(until(2, "a", secs(3)))), [Effect::WakeAt(secs(3))]);
    s.now = secs(3);
    let rejected = [reject(2, Rejection::Expired), Effect::GrantCredit(1)];
    assert_eq!(s.raw(Event::Tick), rejected);
    assert_eq!(s.ends(0), []);
}

#[test]
fn a_late_tick_runs_nobody_too_late() {
    let mut s = Script::with_memory(256);
    s.cold(0, request(1, "a"));
    s.arrives(until(2, "a", secs(3)));
    s.arrives(until(3, "a", secs(9)));
    s.now = secs(4);
    assert_eq!(s.ends(0), [reject(2, Rejection::Expired), run(0, 3)]);
}

#[test]
fn who_comes_too_late_is_rejected_at_once() {
    let mut s = Script::with_memory(256);
    s.warm(0, request(1, "a"));
    s.now = secs(5);
    assert_eq!(s.arrives(until(2, "a", secs(5))), [reject(2, Rejection::Expired)]);
    assert_eq!(s.arrives(until(3, "a", secs(6))), [run(0, 3)]);
}

#[test]
fn who_comes_back_too_late_is_rejected() {
    let mut s = Script::with_memory(512);
    let request = until(1, "a", secs(5));
    s.cold(0, request.clone());
    s.now = secs(6);
    let effects = s.raw(Event::Bounced(ContainerId(0), request));
    assert_eq!(effects, [destroy(0), reject(1, Rejection::Expired), Effect::GrantCredit(1)]);
}

#[test]
fn the_room_that_an_expired_request_was_first_for_goes_to_the_next() {
    let mut s = Script::with_memory(512);
    s.cold(0, request(1, "a"));
    s.arrives(Request { deadline: Some(secs(3)), ..request_of(2, "big", &stem(512)) });
    assert_eq!(s.arrives(request(3, "b")), []);
    assert_eq!(s.at(secs(3)), [reject(2, Rejection::Expired), start(1, &stem(256))]);
}

#[test]
fn the_next_deadline_is_asked_for_when_one_has_passed() {
    let mut s = Script::with_memory(256);
    s.cold(0, request(1, "a"));
    s.arrives(until(2, "a", secs(3)));
    assert_eq!(s.raw(Event::Arrived(until(3, "a", secs(7)))), []);
    s.now = secs(3);
    assert!(s.raw(Event::Tick).contains(&Effect::WakeAt(secs(7))));
}

#[test]
fn who_arrives_as_another_expires_gets_what_nobody_before_can_use() {
    let mut s = Script::with_memory(768);
    s.cold(0, request(1, "a"));
    s.warm(1, request(2, "b"));
    assert_eq!(s.arrives(request_of(3, "big", &stem(768))), [], "it awaits the end of the first");
    assert_eq!(s.arrives(until(4, "c", secs(3))), [], "what memory is left is kept for the big one");
    s.now = secs(3);
    assert_eq!(s.arrives(request(5, "b")), [reject(4, Rejection::Expired), run(1, 5)]);
}

#[test]
fn nobody_is_kept_from_a_container_for_one_who_has_just_expired() {
    let config = PoolConfig { memory: 1024, max_bypass: 0, ..PoolConfig::default() };
    let mut s = Script::new(config);
    s.cold(0, shared(1, "a", 2));
    let update = updated(Request { instances: Some(1), ..until(2, "a", secs(3)) });
    assert_eq!(s.arrives(update), [], "the outdated container is busy");
    s.now = secs(3);
    assert_eq!(
        s.arrives(shared(3, "a", 2)),
        [reject(2, Rejection::Expired), run(0, 3)],
        "and starts no other"
    );
}
