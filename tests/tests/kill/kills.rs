//! Killed without a warning.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::json;
use whirl_cli::client::Method;
use whirl_system_tests::{Action, ActionBuilder, World, eventually, is_full};

use super::{LOST, each_has_one_record, sleeper, small};

/// Tells the platform that it has started, then sleeps.
const NOTED_SLEEPER: &str = "const openwhisk = require('openwhisk'); \
    async function main(p) { await openwhisk().actions.invoke({name: p.note, params: {n: p.n}}); \
    await new Promise(r => setTimeout(r, p.milliseconds)); return {n: p.n} }";

fn noted_sleeper<'w>(world: &'w World, name: &str) -> ActionBuilder<'w> {
    world.action(name).node(NOTED_SLEEPER).annotation("provide-api-key", true)
}

/// Waits until so many activations of the action have started, by what they noted.
fn await_notes(note: &Action<'_>, count: usize) {
    eventually("a started activation", || (note.records().len() >= count).then_some(()));
}

#[test]
fn what_was_queued_runs_and_what_ran_is_told() {
    // Room for the note and for one container of the other action.
    let Some(mut world) = small(3) else { return };
    let (ids, old) = {
        let note = sleeper(&world, "note");
        let action = noted_sleeper(&world, "queued").limit("memory", 256).create();
        let fire = |n: u32, milliseconds: u32| {
            action.fire(&json!({"note": note.name, "n": n, "milliseconds": milliseconds}))
        };
        let running = fire(0, 30_000);
        await_notes(&note, 1);
        let queued: Vec<String> = (1..5).map(|n| fire(n, 0)).collect();
        ([vec![running], queued].concat(), world.server().containers_left())
    };
    world.server_mut().kill9();
    world.server_mut().restart();
    let left = world.server().containers_left();
    assert!(!old.iter().any(|id| left.contains(id)), "a container of the old process is left");
    assert_eq!(world.record(&ids[0]).error(), LOST);
    for (n, id) in ids.iter().enumerate().skip(1) {
        assert_eq!(world.record(id).succeeded()["n"], n, "it had not started, so it runs");
    }
    each_has_one_record(&world, &ids);
    world.works();
}

#[test]
fn a_started_activation_runs_again_only_if_it_asked_to() {
    let Some(mut world) = small(4) else { return };
    let (lost, again, note) = {
        let note = sleeper(&world, "note");
        let noted = |name: &str, retry: bool| {
            noted_sleeper(&world, name).limit("memory", 128).annotation("retry-on-loss", retry).create()
        };
        let arguments =
            |n: u32, milliseconds: u32| json!({"note": note.name, "n": n, "milliseconds": milliseconds});
        let lost = noted("once", false).fire(&arguments(1, 30_000));
        await_notes(&note, 1);
        let again = noted("again", true).fire(&arguments(2, 8_000));
        await_notes(&note, 2);
        (lost, again, note.name)
    };
    world.server_mut().kill9();
    world.server_mut().restart();
    assert_eq!(world.record(&lost).error(), LOST);
    assert_eq!(world.record(&lost).status(), "whisk internal error");
    assert_eq!(world.record(&again).succeeded()["n"], 2);
    let notes = world.get(&format!("activations?docs=true&limit=200&name={note}")).ok();
    let starts =
        |n: u32| notes.as_array().unwrap().iter().filter(|r| r["response"]["result"]["n"] == n).count();
    assert_eq!((starts(1), starts(2)), (1, 2));
    each_has_one_record(&world, &[lost, again]);
}

/// What callers were told before the process died.
#[derive(Default)]
struct Told {
    accepted: Vec<String>,
    answered: Vec<String>,
}

/// Calls until the process is gone.
fn call_until_dead(world: &World, path: &str, query: &str, milliseconds: u64) -> Told {
    let mut told = Told::default();
    let body = json!({"milliseconds": milliseconds}).to_string();
    let call = || world.request(Method::POST, &format!("{path}?{query}"), Some(body.as_bytes()));
    while let Ok(answer) = call() {
        match answer.status {
            200 => told.answered.push(answer.activation.unwrap()),
            202 => told.accepted.push(answer.activation.unwrap()),
            503 => thread::sleep(Duration::from_millis(5)),
            _ => panic!("{} {}", answer.status, answer.text()),
        }
        if told.accepted.len() >= 400 {
            thread::sleep(Duration::from_millis(10));
        }
    }
    told
}

#[test]
fn nothing_accepted_is_lost_at_any_kill_point() {
    let Some(mut world) = small(4) else { return };
    let paths: Vec<String> =
        ["quick", "busy", "slow"].iter().map(|name| sleeper(&world, name).path()).collect();
    let rounds = if is_full() { 50 } else { 4 };
    let (mut accepted, mut answered) = (0, 0);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..rounds {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let point = Duration::from_millis((seed >> 33) % 1800);
        let old = world.server().containers_left();
        let told = thread::scope(|scope| {
            let calls = [
                (&paths[0], "blocking=true", 0),
                (&paths[0], "blocking=true", 0),
                (&paths[1], "", 3),
                (&paths[2], "blocking=true&timeout=50", 400),
            ];
            let world = &world;
            let callers: Vec<_> = calls
                .into_iter()
                .map(|(path, query, time)| scope.spawn(move || call_until_dead(world, path, query, time)))
                .collect();
            // Whatever the host's speed, somebody has got an answer before the last kill.
            let first = (round + 1 == rounds).then(|| {
                let answer = world.post(&format!("{}?blocking=true", paths[0]), &json!({}));
                Told { answered: vec![answer.finished(200).id().to_owned()], ..Told::default() }
            });
            thread::sleep(point);
            world.server().kill9_from_afar();
            let told = callers.into_iter().map(|caller| caller.join().unwrap());
            told.chain(first).collect::<Vec<_>>()
        });
        world.server_mut().kill9();
        world.server_mut().restart();
        let left = world.server().containers_left();
        assert!(
            !old.iter().any(|id| left.contains(id)),
            "round {round}: a container of the old process is left"
        );
        let ids: Vec<String> =
            told.iter().flat_map(|t| t.accepted.iter().chain(&t.answered).cloned()).collect();
        each_has_one_record(&world, &ids);
        for id in told.iter().flat_map(|told| &told.answered) {
            assert_eq!(world.record(id).status(), "success", "round {round}: the caller had the result");
        }
        accepted += told.iter().map(|told| told.accepted.len()).sum::<usize>();
        answered += told.iter().map(|told| told.answered.len()).sum::<usize>();
    }
    assert!(accepted > 0 && answered > 0, "{accepted} accepted, {answered} answered: nothing was at stake");
    world.works();
}

#[test]
fn entities_and_their_code_survive() {
    let Some(mut world) = small(2) else { return };
    let archive = archive_of_a_megabyte();
    let (path, before) = {
        let action = world.action("archive").archive("nodejs:20", &archive).limit("memory", 128);
        let action = action.parameter("who", "☃").create();
        (action.path(), world.get(&action.path()).ok())
    };
    assert!(before["exec"]["code"].as_str().unwrap().len() > 1 << 20);
    world.server_mut().kill9();
    world.server_mut().restart();
    assert_eq!(world.get(&path).ok(), before);
    let result = world.post(&format!("{path}?blocking=true&result=true"), &json!({})).ok();
    assert_eq!(result, json!({"who": "☃", "bytes": 1 << 20}));
    world.delete(&path).ok();
    world.server_mut().kill9();
    world.server_mut().restart();
    world.get(&path).refused(404);
}

/// A zip of an action and a file that does not shrink.
fn archive_of_a_megabyte() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut state = 1_u32;
    let noise: Vec<u8> = (0..1 << 20)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    fs::write(folder.path().join("noise"), noise).unwrap();
    let code = "const fs = require('fs'); \
                exports.main = p => ({who: p.who, bytes: fs.statSync(__dirname + '/noise').size})";
    fs::write(folder.path().join("index.js"), code).unwrap();
    let zipped = Command::new("python3")
        .args(["-m", "zipfile", "-c", "action.zip", "index.js", "noise"])
        .current_dir(folder.path())
        .status();
    assert!(zipped.unwrap().success());
    fs::read(folder.path().join("action.zip")).unwrap()
}
