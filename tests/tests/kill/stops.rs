//! Told to stop, or told not to start.

use std::thread;

use serde_json::{Value, json};
use whirl_system_tests::{World, eventually};

use super::{each_has_one_record, in_flight, sleeper, small};

#[test]
fn a_told_end_lets_running_work_finish() {
    let Some(mut world) = small(2) else { return };
    let path = sleeper(&world, "drained").path();
    let call = |body: Value| world.post(&format!("{path}?blocking=true"), &body);
    call(json!({})).finished(200);
    let answer = thread::scope(|scope| {
        let running = scope.spawn(|| call(json!({"n": 5, "milliseconds": 2000})));
        eventually("a running call", || (in_flight(&world) == 1).then_some(()));
        world.server().terminate();
        running.join().unwrap()
    });
    let record = answer.finished(200);
    assert_eq!(record.succeeded()["n"], 5);
    let exit = world.server_mut().wait();
    assert_eq!(exit.status.code(), Some(0), "{}", exit.printed);
    nothing_is_left(&world);
    world.server_mut().restart();
    assert_eq!(world.record(record.id()).succeeded()["n"], 5);
    world.works();
}

#[track_caller]
fn nothing_is_left(world: &World) {
    assert_eq!(world.server().containers_left(), [""; 0]);
    assert_eq!(world.server().network_left(), [""; 0]);
}

#[test]
fn a_told_end_loses_no_queue() {
    let Some(mut world) = small(1) else { return };
    let ids: Vec<String> = {
        let action = sleeper(&world, "queue");
        (0..6).map(|n| action.fire(&json!({"n": n, "milliseconds": 700}))).collect()
    };
    world.server().terminate();
    let exit = world.server_mut().wait();
    assert_eq!(exit.status.code(), Some(0), "{}", exit.printed);
    nothing_is_left(&world);
    world.server_mut().restart();
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(world.record(id).succeeded()["n"], n);
    }
    each_has_one_record(&world, &ids);
}

#[test]
fn a_second_process_is_refused() {
    let Some(world) = small(2) else { return };
    let action = world.action("undisturbed").node("let n = 0; function main() { return {n: ++n} }").create();
    assert_eq!(action.invoke_blocking(&json!({})).succeeded()["n"], 1);
    let same_data = world.server().rival(true, false);
    assert_eq!(same_data.status.code(), Some(1), "{}", same_data.printed);
    let data = world.server().data().display().to_string();
    let told = format!("is another whirl using '{data}'?");
    assert!(same_data.printed.contains(&told), "{}", same_data.printed);
    let same_port = world.server().rival(false, true);
    assert_eq!(same_port.status.code(), Some(1), "{}", same_port.printed);
    let told = format!("cannot listen on 127.0.0.1:{}", world.server().port());
    assert!(same_port.printed.contains(&told), "{}", same_port.printed);
    let again = action.invoke_blocking(&json!({}));
    assert_eq!(again.succeeded()["n"], 2, "the container is still there");
}
