//! Logs that are followed: what comes while an activation runs, what when it has ended, and what is left when a
//! client goes away. The invokers' side of it is a script here.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

use futures::{StreamExt, stream};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use whirl_controller::{LiveLog, LiveLogs, MemberConfig, Opening, Unreachable, Wanted};
use whirl_model::{ActivationId, Outcome};

use crate::client::Client;
use crate::invoker::{Script, id_in};
use crate::world::{Setting, World, wait_for};

/// The only line of the records that the scripted invoker writes.
const LINE: &str = "2026-02-01T00:00:01.010203000Z stdout: hi";

/// The logs of activations of Alice's that a test says are running.
#[derive(Default)]
pub(crate) struct ScriptedLogs(Mutex<State>);

#[derive(Default)]
struct State {
    open: HashMap<ActivationId, Open>,
    silent: bool,
}

#[derive(Default)]
struct Open {
    lines: Vec<String>,
    followers: Vec<UnboundedSender<String>>,
}

impl ScriptedLogs {
    fn begin(&self, id: ActivationId) {
        self.0.lock().open.insert(id, Open::default());
    }

    /// Whether anyone hears it.
    fn say(&self, id: ActivationId, line: &str) -> bool {
        let mut state = self.0.lock();
        let open = state.open.get_mut(&id).unwrap();
        open.lines.push(line.to_owned());
        open.followers.retain(|follower| follower.send(line.to_owned()).is_ok());
        !open.followers.is_empty()
    }

    /// All who follow it lose it, and may open it again.
    fn break_off(&self, id: ActivationId) {
        self.0.lock().open.get_mut(&id).unwrap().followers.clear();
    }

    fn end(&self, id: ActivationId) {
        self.0.lock().open.remove(&id);
    }
}

impl LiveLogs for ScriptedLogs {
    fn open(&self, wanted: Wanted) -> Opening<'_> {
        let mut state = self.0.lock();
        let silent = state.silent;
        let open = state.open.get_mut(&wanted.activation).filter(|_| wanted.namespace.as_str() == "alice");
        let log = open.map(|open| -> LiveLog {
            let (sender, more) = unbounded_channel();
            open.followers.push(sender);
            let more = stream::unfold(more, async |mut more| Some((more.recv().await?, more)));
            Box::pin(stream::iter(open.lines.clone()).skip(wanted.from).chain(more))
        });
        Box::pin(std::future::ready(if silent { Err(Unreachable) } else { Ok(log) }))
    }
}

/// An answer that is read while it comes.
struct Following {
    reader: BufReader<TcpStream>,
    read: Vec<u8>,
}

impl Following {
    /// The head has to be that of a log.
    #[track_caller]
    fn begin(client: &Client, id: ActivationId) -> Self {
        let path = format!("activations/{id}/logs/follow");
        let mut reader = BufReader::new(client.begin("GET", &path, &[], b""));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
        }
        let head = head.to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("content-type: application/x-ndjson"), "{head}");
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        Self { reader, read: Vec::new() }
    }

    /// The next line of the answer; none after its end.
    fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let mut length = String::new();
            self.reader.read_line(&mut length).unwrap();
            let length = usize::from_str_radix(length.trim(), 16).unwrap();
            if length == 0 {
                return None;
            }
            let mut chunk = vec![0; length + 2];
            self.reader.read_exact(&mut chunk).unwrap();
            self.read.extend_from_slice(&chunk[..length]);
        }
    }

    fn rest(mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.next()).collect()
    }
}

fn line(text: &str) -> Value {
    json!({ "line": text })
}

fn ended() -> Value {
    json!({ "ended": true })
}

/// Starts an action that runs on until [`finish`].
fn start(world: &World) -> ActivationId {
    world.has_action("hello");
    world.invoker.does(Script::Hold);
    let id = id_in(&world.alice().post("actions/hello", &json!({})).json());
    world.wait_until_seen(1);
    id
}

/// The same, followed by its owner, who has its first line.
#[track_caller]
fn followed(world: &World) -> (ActivationId, Following) {
    let id = start(world);
    world.logs.begin(id);
    world.logs.say(id, LINE);
    let mut following = Following::begin(&world.alice(), id);
    assert_eq!(following.next(), Some(line(LINE)));
    (id, following)
}

fn finish(world: &World) {
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({})).await });
}

#[test]
fn lines_come_while_it_runs_and_then_the_end() {
    let world = World::start();
    let (id, mut following) = followed(&world);
    assert_eq!(world.in_flight(), 1, "it runs");
    world.logs.say(id, "later");
    assert_eq!(following.next(), Some(line("later")));
    world.logs.end(id);
    finish(&world);
    assert_eq!(following.rest(), [ended()]);
    assert_eq!(world.record(&id.to_string())["logs"], json!([LINE]));
}

#[test]
fn who_comes_before_the_log_waits_for_it() {
    let world = World::start();
    let id = start(&world);
    let mut following = Following::begin(&world.alice(), id);
    world.logs.begin(id);
    wait_for("the log is opened", || world.logs.say(id, "x"));
    assert_eq!(following.next(), Some(line("x")));
}

#[test]
fn what_has_ended_is_told_from_its_record() {
    let world = World::start();
    world.has_action("hello");
    let id = id_in(&world.alice().post("actions/hello?blocking=true", &json!({})).ok());
    world.record(&id.to_string());
    assert_eq!(Following::begin(&world.alice(), id).rest(), [line(LINE), ended()]);
    let neighbour = world.neighbour(1, Setting::default());
    assert_eq!(Following::begin(&neighbour.alice(), id).rest(), [line(LINE), ended()]);
}

#[test]
fn what_could_not_be_heard_comes_with_the_record() {
    let world = World::start();
    let id = start(&world);
    let following = Following::begin(&world.alice(), id);
    finish(&world);
    assert_eq!(following.rest(), [line(LINE), ended()]);
}

#[test]
fn a_log_that_breaks_off_goes_on_without_repeating_itself() {
    let world = World::start();
    let (id, mut following) = followed(&world);
    world.logs.break_off(id);
    wait_for("it is opened again", || world.logs.say(id, "next"));
    let mut text = following.next();
    assert_eq!(text, Some(line("next")));
    world.logs.end(id);
    finish(&world);
    while text != Some(ended()) {
        text = following.next();
        assert!(text == Some(ended()) || text == Some(line("next")), "{text:?}");
    }
}

#[test]
fn without_a_record_the_log_ends_all_the_same() {
    let world = World::start();
    world.limits(serde_json::from_value(json!({"storeActivations": false})).unwrap());
    let id = start(&world);
    world.logs.begin(id);
    world.logs.say(id, "x");
    let mut following = Following::begin(&world.alice(), id);
    assert_eq!(following.next(), Some(line("x")));
    world.logs.end(id);
    finish(&world);
    assert_eq!(following.rest(), [ended()]);
    world.alice().get(&format!("activations/{id}/logs/follow")).refused(404);
}

#[test]
fn a_sequence_tells_its_log_when_it_has_ended() {
    let world = World::start();
    world.has_action("hello");
    let sequence = json!({"exec": {"kind": "sequence", "components": ["/_/hello", "/_/hello"]}});
    world.alice().put("actions/both", &sequence).ok();
    world.invoker.does(Script::Hold);
    let id = id_in(&world.alice().post("actions/both", &json!({})).json());
    world.wait_until_seen(1);
    let following = Following::begin(&world.alice(), id);
    finish(&world);
    world.wait_until_seen(2);
    finish(&world);
    let logs = world.record(&id.to_string())["logs"].clone();
    assert_eq!(logs.as_array().unwrap().len(), 2, "the ids of its parts");
    let told: Vec<Value> = logs.as_array().unwrap().iter().map(|id| line(id.as_str().unwrap())).collect();
    assert_eq!(following.rest(), [told, vec![ended()]].concat());
}

#[test]
fn strangers_get_what_they_get_for_an_unknown_activation() {
    let world = World::start();
    let id = start(&world);
    world.logs.begin(id);
    let follow = |client: &Client, path: &str| client.get(path);
    let path = format!("activations/{id}/logs/follow");
    let unknown = "activations/0123456789abcdef0123456789abcdef/logs/follow";
    assert_eq!(follow(&world.bob(), &path).refused(404), follow(&world.bob(), unknown).refused(404));
    follow(&world.alice(), unknown).refused(404);
    follow(&world.alice(), "activations/xyz/logs/follow").refused(400);
    follow(&world.bob(), &format!("/api/v1/namespaces/alice/{path}")).refused(403);
    assert_eq!(follow(&world.anonymous(), &path).status, 401);
}

#[test]
fn another_controller_finds_it_at_its_invoker() {
    let world = World::start();
    let id = start(&world);
    world.logs.begin(id);
    world.logs.say(id, LINE);
    let setting = Setting { member: Some(MemberConfig::default()), ..Setting::default() };
    let neighbour = world.neighbour(1, setting);
    let mut following = Following::begin(&neighbour.alice(), id);
    assert_eq!(following.next(), Some(line(LINE)));
    world.logs.end(id);
    finish(&world);
    assert_eq!(following.rest(), [ended()]);
    world.logs.0.lock().silent = true;
    let unknown = "activations/0123456789abcdef0123456789abcdef/logs/follow";
    let answer = neighbour.alice().get(unknown);
    assert!(answer.refused(503).contains("does not answer"));
    assert_eq!(Following::begin(&neighbour.alice(), id).rest(), [line(LINE), ended()], "the store knows it");
}

#[test]
fn nothing_is_left_of_a_client_that_has_gone() {
    let world = World::start();
    let id = start(&world);
    world.logs.begin(id);
    let following = Following::begin(&world.alice(), id);
    wait_for("it is heard", || world.logs.say(id, "x"));
    let followed =
        |number| world.metrics.render().contains(&format!("whirl_controller_logs_followed {number}"));
    assert!(followed(1));
    drop(following);
    wait_for("nobody hears it", || !world.logs.say(id, "x"));
    wait_for("nobody is counted", || followed(0));
}

#[test]
fn a_namespace_follows_only_so_many_at_once() {
    let world = World::start();
    let id = start(&world);
    let mut all: Vec<_> = (0..16).map(|_| Following::begin(&world.alice(), id)).collect();
    let path = format!("activations/{id}/logs/follow");
    assert!(world.alice().get(&path).refused(429).contains("count: 17, allowed: 16"));
    all.pop();
    finish(&world);
    all.into_iter().for_each(|following| assert_eq!(following.rest(), [line(LINE), ended()]));
    assert_eq!(Following::begin(&world.alice(), id).rest(), [line(LINE), ended()]);
}

#[test]
fn a_drain_ends_the_answer_and_not_the_log() {
    let world = World::start();
    let id = start(&world);
    world.logs.begin(id);
    world.logs.say(id, "x");
    let following = Following::begin(&world.alice(), id);
    world.drain.begin();
    assert_eq!(following.rest(), [line("x")]);
    finish(&world);
}
