//! Logs of real containers, followed while they are written.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its scenario")]

use std::sync::Arc;

use serde_json::{Value, json};
use whirl_cli::client::LogEvent;
use whirl_system_tests::{RawRequest, ServerOptions, Shared, World, eventually};

/// Says fifteen things, for three seconds.
const TALKER: &str = "function main(p) { return new Promise(done => { let n = 0; const timer = setInterval(() => { \
     console.log(`line ${++n}`); if (n == 15) { clearInterval(timer); done({n}) } }, 200) }) }";

static WORLD: Shared = Shared::new();

fn world() -> Option<Arc<World>> {
    WORLD.join(World::start)
}

fn lines_of(logs: &Value) -> Vec<String> {
    logs.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

#[test]
fn lines_come_while_the_action_runs_and_are_those_of_the_record() {
    let Some(world) = world() else { return };
    let action = world.action("talker").node(TALKER).create();
    // Cold: it is followed before there is a container. Warm: the log begins at once.
    for _ in 0..2 {
        let id = action.fire(&json!({}));
        let mut events = world.client().activations().follow("_", &id).unwrap().map(Result::unwrap);
        let Some(LogEvent::Line(first)) = events.next() else { panic!("no line") };
        assert!(first.ends_with(" stdout: line 1"), "{first}");
        assert!(world.record_now(&id).is_none(), "it runs on");
        let mut told = vec![first];
        loop {
            match events.next().expect("the end is told") {
                LogEvent::Line(line) => told.push(line),
                LogEvent::Waiting => {}
                LogEvent::Ended => break,
            }
        }
        assert_eq!(events.next(), None);
        assert_eq!(told.len(), 15, "{told:?}");
        let record = world.record(&id);
        assert_eq!(record.succeeded(), &json!({"n": 15}));
        assert_eq!(lines_of(&record.0["logs"]), told);
        let again: Vec<LogEvent> =
            world.client().activations().follow("_", &id).unwrap().map(Result::unwrap).collect();
        let expected: Vec<LogEvent> = told.into_iter().map(LogEvent::Line).chain([LogEvent::Ended]).collect();
        assert_eq!(again, expected, "what has ended is told from its record");
    }
}

#[test]
fn what_an_endless_action_says_is_heard_too() {
    let Some(world) = world() else { return };
    let endless =
        "function main() { console.log('begun'); return new Promise(() => setInterval(() => {}, 50)) }";
    let action = world.action("endless").node(endless).limit("timeout", 2000).create();
    let id = action.fire(&json!({}));
    let events: Vec<LogEvent> =
        world.client().activations().follow("_", &id).unwrap().map(Result::unwrap).collect();
    assert_eq!(events.last(), Some(&LogEvent::Ended));
    let record = world.record(&id);
    assert_eq!(record.status(), "action developer error");
    let lines: Vec<LogEvent> = lines_of(&record.0["logs"]).into_iter().map(LogEvent::Line).collect();
    assert!(!lines.is_empty());
    assert_eq!(events[..events.len() - 1], lines);
}

#[test]
fn a_listener_who_goes_away_leaves_nothing_behind() {
    let Some(world) = World::start_process(ServerOptions::docker()) else { return };
    let server = world.server();
    let action = world.action("talker").node(TALKER).create();
    let id = action.fire(&json!({}));
    let mut events = world.client().activations().follow("_", &id).unwrap();
    assert!(matches!(events.next(), Some(Ok(LogEvent::Line(_)))));
    let admin = format!("127.0.0.1:{}", server.admin_port());
    let followed = |number: u32| {
        let metrics = RawRequest::new(&admin, "GET", "/metrics").send();
        String::from_utf8(metrics.body)
            .unwrap()
            .contains(&format!("whirl_controller_logs_followed {number}\n"))
    };
    assert!(followed(1));
    drop(events);
    eventually("nobody listens", || followed(0).then_some(()));
    world.record(&id).succeeded();
}
