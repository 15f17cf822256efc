//! Pausing and resuming.

use super::*;

fn paused() -> Script {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    assert_eq!(s.at(secs(10)), [pause(0)]);
    s.paused(0);
    s
}

#[test]
fn idle_containers_pause_then_resume_or_go() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    assert_eq!(s.at(secs(9)), []);
    assert_eq!(s.at(secs(10)), [pause(0)]);
    assert_eq!(s.raw(Event::Paused(ContainerId(0))), [Effect::WakeAt(secs(600))]);
    assert_eq!(s.arrives(request(2, "a")), [resume(0, 2)]);
    s.resumed(0);
    s.ends(0);
    assert_eq!(s.at(secs(610)), [destroy(0)]);
}

#[test]
fn a_run_begins_the_grace_time_anew() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    s.now = secs(9);
    s.arrives(request(2, "a"));
    s.ends(0);
    assert_eq!(s.raw(Event::Tick), [Effect::WakeAt(secs(19))]);
    assert_eq!(s.at(secs(19)), [pause(0)]);
}

#[test]
fn a_request_awaits_the_end_of_a_pause_and_resumes() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    s.at(secs(10));
    assert_eq!(s.arrives(request(2, "a")), []);
    assert_eq!(s.paused(0), [resume(0, 2)]);
    assert_eq!(s.resumed(0), []);
}

#[test]
fn a_failed_resume_hands_its_request_on() {
    let mut s = paused();
    s.arrives(request(2, "a"));
    assert_eq!(s.freezer_fails(0), [destroy(0), start(1, &stem(256))]);
    assert_eq!(s.started(1), [initialise(1, 2, ColdReason::Broken)]);
}

#[test]
fn a_failed_pause_removes_the_container_and_who_awaited_it_goes_elsewhere() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    s.at(secs(10));
    s.arrives(request(2, "a"));
    assert_eq!(s.freezer_fails(0), [destroy(0), start(1, &stem(256))]);
}

#[test]
fn a_container_condemned_while_it_resumes_runs_what_it_was_resumed_for_then_goes() {
    let mut s = paused();
    s.arrives(request(2, "a"));
    assert_eq!(s.condemned(0), []);
    assert_eq!(s.resumed(0), []);
    assert_eq!(s.ends(0), [destroy(0)]);
}

#[test]
fn a_pause_that_is_confirmed_too_late_changes_nothing() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    s.at(secs(10));
    assert_eq!(s.condemned(0), [destroy(0)]);
    assert_eq!(s.raw(Event::Paused(ContainerId(0))), []);
    assert_eq!(s.count("removing"), 1);
}

#[test]
fn a_container_whose_pause_is_put_off_is_used_as_before_and_paused_later() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    s.at(secs(10));
    s.now = secs(11);
    assert_eq!(s.raw(Event::PausePutOff(ContainerId(0))), [Effect::WakeAt(secs(16))]);
    assert_eq!(s.at(secs(15)), []);
    assert_eq!(s.at(secs(16)), [pause(0)]);
    assert_eq!(s.arrives(request(2, "a")), [], "it will be frozen or not");
    assert_eq!(s.pause_put_off(0), [run(0, 2)], "it never was");
    s.ends(0);
    assert_eq!(s.at(secs(25)), []);
    assert_eq!(s.at(secs(26)), [pause(0)], "the grace time has begun anew");
}

#[test]
fn a_container_whose_pause_is_put_off_again_and_again_goes_in_time() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    for n in 0..118 {
        assert_eq!(s.at(secs(10 + 5 * n)), [pause(0)]);
        assert_eq!(s.pause_put_off(0), []);
    }
    assert_eq!(s.at(secs(600)), [destroy(0)]);
}

#[test]
fn a_pause_that_is_put_off_too_late_changes_nothing() {
    let mut s = Script::with_memory(512);
    s.warm(0, request(1, "a"));
    s.at(secs(10));
    assert_eq!(s.condemned(0), [destroy(0)]);
    assert_eq!(s.raw(Event::PausePutOff(ContainerId(0))), []);
    assert_eq!(s.count("removing"), 1);
}
