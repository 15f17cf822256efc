//! Users' images: brought to the host before anything there is held for who waits for them.

use super::*;

fn users() -> Arc<Stem> {
    Arc::new(Stem {
        kind: Kind::blackbox(),
        image: "mallory/slow:1".parse().unwrap(),
        ..(*stem(256)).clone()
    })
}

fn in_image(n: u128, action: &str) -> Request {
    Request { awaits_image: true, ..request_of(n, action, &users()) }
}

fn provide(n: u128) -> Effect {
    Effect::Provide(activation(n))
}

impl Script {
    fn provided(&mut self, n: u128) -> Vec<Effect> {
        self.after(Event::Provided(activation(n)))
    }

    fn not_provided(&mut self, n: u128) -> Vec<Effect> {
        self.after(Event::NotProvided(activation(n), failure()))
    }
}

#[test]
fn who_waits_for_an_image_holds_nothing_and_keeps_nobody_waiting() {
    let mut s = Script::with_memory(256);
    s.warm(0, request(1, "a"));
    assert_eq!(s.arrives(in_image(2, "slow")), [provide(2)], "nobody goes for it yet");
    assert_eq!(s.arrives(request(3, "a")), [run(0, 3)]);
    assert_eq!(s.arrives(request(4, "b")), [], "it waits for room, in its turn");
    assert_eq!(s.ends(0), [destroy(0)]);
    assert_eq!(s.removed(0), [start(1, &stem(256))]);
    assert_eq!(s.provided(2), [], "now it waits for room too");
    assert_eq!(s.started(1), [initialise(1, 4, ColdReason::First)], "after those who did before");
    assert_eq!(s.ends(1), [destroy(1)]);
    assert_eq!(s.removed(1), [start(2, &users())]);
    assert_eq!(s.started(2), [initialise(2, 2, ColdReason::First)]);
}

#[test]
fn an_image_is_asked_for_once_and_for_each_who_needs_a_container() {
    let mut s = Script::with_memory(1024);
    assert_eq!(s.arrives(in_image(1, "slow")), [provide(1)]);
    assert_eq!(s.at(secs(1)), []);
    assert_eq!(s.arrives(in_image(2, "slow")), [provide(2)]);
    assert_eq!(s.provided(2), [start(0, &users())], "each in its time");
    assert_eq!(s.provided(2), []);
    let effects = [initialise(0, 1, ColdReason::First), start(1, &users())];
    assert_eq!(s.started(0), effects, "whoever came first gets it");
}

#[test]
fn who_waits_for_an_image_takes_a_container_that_falls_free() {
    let mut s = Script::with_memory(1024);
    s.arrives(in_image(1, "slow"));
    s.provided(1);
    s.started(0);
    s.initialised(0);
    assert_eq!(s.arrives(in_image(2, "slow")), [provide(2)]);
    assert_eq!(s.ends(0), [run(0, 2)]);
    assert_eq!(s.provided(2), [], "it is too late to be of use");
}

#[test]
fn an_image_that_cannot_be_had_ends_who_needs_it_and_nobody_else() {
    let mut s = Script::with_memory(1024);
    s.arrives(in_image(1, "slow"));
    assert_eq!(s.not_provided(1), [reject(1, Rejection::StartFailed(failure()))]);
    let shared = |n| Request { concurrency: 2, ..in_image(n, "slow") };
    s.arrives(shared(2));
    s.provided(2);
    assert_eq!(s.arrives(shared(3)), [provide(3)]);
    s.started(0);
    assert_eq!(s.not_provided(3), [], "it counts on the container of the other one");
    assert_eq!(s.initialised(0), [run(0, 3)]);
}

#[test]
fn who_waits_for_an_image_is_rejected_in_time() {
    let mut s = Script::with_memory(1024);
    s.arrives(Request { deadline: Some(secs(3)), ..in_image(1, "slow") });
    assert_eq!(s.at(secs(3)), [reject(1, Rejection::Expired)]);
    assert_eq!(s.provided(1), []);
    assert_eq!(s.count("starting"), 0);
}
