//! A sequence goes on where it was when the process was killed; a told end lets it finish.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use whirl_system_tests::{Action, ServerOptions, World, eventually, skip};

use super::{each_has_one_record, in_flight};

/// Notes its name in a file, and takes its time.
const NOTED: &str = "const fs = require('fs'); \
    function main(p) { fs.appendFileSync(p.trace, p.me + '\\n'); \
    return new Promise(r => setTimeout(() => r({trace: p.trace, milliseconds: p.milliseconds}), p.milliseconds)) }";

/// A process with room for one container, which is a process of the host: it can write to a file of the test.
fn cramped() -> Option<World> {
    if Command::new("node").arg("--version").output().is_err() {
        return skip("there is no node on this host");
    }
    World::start_process(ServerOptions::process().memory(128).without_stem_cells())
}

fn noted<'w>(world: &'w World, name: &str) -> Action<'w> {
    world.action(name).node(NOTED).parameter("me", name).limit("memory", 128).create()
}

/// A sequence of the actions `one`, `two` and `three`.
fn chain(world: &World) -> Action<'_> {
    let steps = ["one", "two", "three"].map(|name| format!("/_/{}", noted(world, name).name));
    world.action("chain").exec(json!({"kind": "sequence", "components": steps})).create()
}

fn trace(folder: &Path) -> (PathBuf, impl Fn() -> Vec<String>) {
    let path = folder.join("trace");
    let file = path.clone();
    let lines = move || fs::read_to_string(&file).unwrap_or_default().lines().map(str::to_owned).collect();
    (path, lines)
}

fn arguments(trace: &Path, milliseconds: u32) -> Value {
    json!({"trace": trace, "milliseconds": milliseconds})
}

#[test]
fn a_killed_sequence_goes_on_and_runs_nothing_twice() {
    let Some(mut world) = cramped() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, lines) = trace(folder.path());
    let (chain, hog) = {
        let (chain, hog) = (chain(&world), noted(&world, "hog"));
        let chain = chain.fire(&arguments(&file, 3000));
        eventually("the first step", || (lines() == ["one"]).then_some(()));
        let hog = hog.fire(&arguments(&file, 60_000));
        eventually("the next one in the only container", || (lines() == ["one", "hog"]).then_some(()));
        eventually("the second step behind it", || (in_flight(&world) == 3).then_some(()));
        (chain, hog)
    };
    world.server_mut().kill9();
    world.server_mut().restart();
    let record = world.record(&chain);
    record.succeeded();
    assert_eq!(lines(), ["one", "hog", "two", "three"]);
    let steps: Vec<String> = record.logs().iter().map(ToString::to_string).collect();
    assert_eq!(steps.len(), 3);
    each_has_one_record(&world, &[steps, vec![chain, hog]].concat());
}

#[test]
fn a_told_end_lets_a_sequence_finish() {
    let Some(mut world) = cramped() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, lines) = trace(folder.path());
    let id = chain(&world).fire(&arguments(&file, 300));
    eventually("the first step", || (!lines().is_empty()).then_some(()));
    world.server().terminate();
    let exit = world.server_mut().wait();
    assert_eq!(exit.status.code(), Some(0), "{}", exit.printed);
    assert_eq!(lines(), ["one", "two", "three"]);
    world.server_mut().restart();
    assert_eq!(world.record(&id).logs().len(), 3);
    assert_eq!(lines().len(), 3);
}
