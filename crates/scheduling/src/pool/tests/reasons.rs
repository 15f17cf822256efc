//! Why an activation was not warm.

use super::*;

/// Has `request` run in a new container, and tells why that was.
fn reason(s: &mut Script, id: u64, request: Request) -> ColdReason {
    let activation = request.activation;
    s.arrives(request);
    match s.started(id).as_slice() {
        [Effect::Initialise(_, served, cold), ..] if *served == activation => cold.reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_the_first() {
    let mut s = Script::with_memory(1024);
    s.warm(0, of_mallory(request(1, "a")));
    assert_eq!(reason(&mut s, 1, request(2, "a")), ColdReason::First);
}

#[test]
fn the_others_are_busy() {
    let mut s = Script::with_memory(1024);
    s.cold(0, request(1, "a"));
    assert_eq!(reason(&mut s, 1, request(2, "a")), ColdReason::Busy);
}

#[test]
fn the_others_hold_another_revision_or_did() {
    let mut s = Script::with_memory(1024);
    s.warm(0, request(1, "a"));
    assert_eq!(reason(&mut s, 1, updated(request(2, "a"))), ColdReason::Updated);
    let mut s = Script::with_memory(256);
    s.warm(0, request(1, "a"));
    assert_eq!(s.arrives(updated(request(2, "a"))), [destroy(0)]);
    s.removed(0);
    assert_eq!(s.started(1), [initialise(1, 2, ColdReason::Updated)]);
}

#[test]
fn the_last_one_was_evicted() {
    let mut s = Script::with_memory(256);
    s.warm(0, request(1, "a"));
    s.arrives(request(2, "b"));
    s.removed(0);
    s.started(1);
    s.ends(1);
    s.arrives(request(3, "a"));
    s.removed(1);
    assert_eq!(s.started(2), [initialise(2, 3, ColdReason::Evicted)]);
}

#[test]
fn the_last_one_was_not_used_for_too_long() {
    let mut s = Script::with_memory(1024);
    s.warm(0, request(1, "a"));
    assert_eq!(s.at(secs(600)), [destroy(0)]);
    assert_eq!(
        reason(&mut s, 1, request(2, "a")),
        ColdReason::Expired,
        "it counts although it is not gone yet"
    );
}

#[test]
fn the_last_one_broke() {
    let mut s = Script::with_memory(1024);
    s.cold(0, request(1, "a"));
    s.breaks(0);
    s.removed(0);
    assert_eq!(reason(&mut s, 1, request(2, "a")), ColdReason::Broken);
    s.ends(1);
    s.condemned(1);
    s.removed(1);
    assert_eq!(reason(&mut s, 2, request(3, "a")), ColdReason::Broken);
}
