//! The life of actions where they run as plain processes of the host: the same promises but isolation.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its scenario")]

use std::fs;
use std::process::Command;

use serde_json::json;
use whirl_system_tests::{ServerOptions, World, eventually, skip};

fn world() -> Option<World> {
    let runs = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !runs("node") || !runs("python3") {
        return skip("there is no node or no python3 on this host");
    }
    World::start_process(ServerOptions::process())
}

/// The processes whose command line or working directory lies in the data directory, or that were told of it.
fn processes_of(world: &World) -> Vec<String> {
    let data = world.server().data().display().to_string();
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let belongs = |folder: &std::path::Path| {
        let told = fs::read(folder.join("environ")).unwrap_or_default();
        let cwd = fs::read_link(folder.join("cwd")).unwrap_or_default();
        cwd.starts_with(&data) || String::from_utf8_lossy(&told).contains(&data)
    };
    entries
        .map(|entry| entry.path())
        .filter(|path| belongs(path))
        .map(|path| path.display().to_string())
        .collect()
}

#[test]
fn actions_live_and_die_as_processes() {
    let Some(mut world) = world() else { return };
    for (kind, counter, changed) in [
        (
            "nodejs:20",
            "let n = 0; function main(p) { console.log('hi', p.who); return {n: ++n} }",
            "function main() { return {n: 100} }",
        ),
        (
            "python:3.11",
            "n = 0\ndef main(p):\n global n\n n += 1\n print('hi', p['who'])\n return {'n': n}\n",
            "def main(p):\n return {'n': 100}\n",
        ),
    ] {
        let action = world.action("process").exec(json!({"kind": kind, "code": counter})).create();
        for n in 1..4 {
            let record = action.invoke_blocking(&json!({"who": "you"}));
            assert_eq!(record.succeeded(), &json!({ "n": n }));
            assert_eq!(record.is_cold(), n == 1);
            assert_eq!(world.record_with_logs(record.id(), 1).printed(), ["stdout: hi you"]);
        }
        let update = json!({"exec": {"kind": kind, "code": changed}});
        world.put(&format!("{}?overwrite=true", action.path()), &update).ok();
        assert_eq!(action.invoke_blocking(&json!({})).succeeded(), &json!({"n": 100}));
        let id = action.fire(&json!({}));
        assert_eq!(world.record(&id).succeeded(), &json!({"n": 100}));
    }
    let hangs = "function main(p) { if (p.do === 'hang') for (;;) {} if (p.do === 'exit') process.exit(1); return {fine: true} }";
    let action = world.action("bad").node(hangs).limit("timeout", 5_000).create();
    for (deed, text) in
        [("hang", "The action exceeded its time limits of 5000 milliseconds."), ("exit", "exited")]
    {
        let record = action.invoke_blocking(&json!({"do": deed}));
        assert!(record.developers_error().contains(text), "{}", record.0);
        assert_eq!(action.invoke_blocking(&json!({})).succeeded(), &json!({"fine": true}));
    }
    drop(action);

    let old = processes_of(&world);
    assert!(!old.is_empty(), "there are warm processes");
    world.server_mut().kill9();
    world.server_mut().restart();
    eventually("an end of the old server's processes", || {
        let now = processes_of(&world);
        (!old.iter().any(|process| now.contains(process))).then_some(())
    });
    world.works();
    world.server().terminate();
    assert_eq!(world.server_mut().wait().status.code(), Some(0));
    eventually("an end of all processes", || processes_of(&world).is_empty().then_some(()));
}
