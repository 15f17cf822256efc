//! What the process stands on gives way: its disk, its container engine.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::json;
use whirl_cli::client::Method;
use whirl_system_tests::{
    Answer, RawRequest, ServerOptions, World, docker, eventually, is_frozen, is_full, skip,
};

use super::{each_has_one_record, in_flight, sleeper, small};

/// A small file system of its own; gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["-t", "tmpfs", "-o", "size=24m", "whirl-test"];
        match Command::new("mount").args(arguments).arg(folder.path()).status() {
            Ok(status) if status.success() => Some(Self(folder)),
            _ => skip("a small file system cannot be mounted"),
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn fill(&self) {
        let piece = vec![7; 64 << 10];
        let mut file = fs::File::create(self.path().join("ballast")).unwrap();
        while std::io::Write::write_all(&mut file, &piece).is_ok() {}
    }

    fn relieve(&self) {
        fs::remove_file(self.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let Some(disk) = SmallDisk::mount() else { return };
    let data = disk.path().join("data");
    let options = ServerOptions::docker().memory(256).without_stem_cells().data_dir(&data);
    let Some(mut world) = World::start_process(options) else { return };
    let path = sleeper(&world, "cramped").path();
    let big = json!({"exec": {"kind": "nodejs:20", "code": "//".repeat(1 << 20)}});
    let mut accepted = Vec::new();
    let mut note = |answer: &Answer| match answer.status {
        200 | 202 => accepted.push(answer.activation.clone().unwrap()),
        500 | 503 => assert!(!answer.text().is_empty()),
        _ => panic!("{} {}", answer.status, answer.text()),
    };
    note(&world.post(&format!("{path}?blocking=true"), &json!({})));
    disk.fill();
    let refusal = world.put("actions/big", &big);
    assert!(matches!(refusal.status, 500 | 503), "{} {}", refusal.status, refusal.text());
    refusal.refused(refusal.status);
    for n in 0..40 {
        // Large enough that no slack of the disk takes them all.
        let arguments = json!({"n": n, "ballast": "x".repeat(40_000)});
        note(&world.post(&path, &arguments));
        note(&world.post(&format!("{path}?blocking=true"), &arguments));
    }
    let health = world.request(Method::GET, "/namespaces", None).unwrap();
    assert_eq!(health.status, 200, "{}", health.text());
    disk.relieve();
    eventually("an accepted write", || (world.put("actions/big", &big).status == 200).then_some(()));
    eventually("an accepted activation", || (world.post(&path, &json!({})).status == 202).then_some(()));
    world.works();
    assert!(!accepted.is_empty());
    each_has_one_record(&world, &accepted);
    world.server_mut().kill9();
    world.server_mut().restart();
    each_has_one_record(&world, &accepted);
    drop(world);
}

fn is(container: &str, state: &str) -> bool {
    docker(&["inspect", "--format", "{{.State.Status}}", container]).trim() == state
}

#[test]
fn a_container_that_is_killed_from_outside_is_replaced() {
    let Some(world) = small(2) else { return };
    let action = sleeper(&world, "killed");
    action.invoke_blocking(&json!({})).succeeded();
    let idle = world.server().containers_left();
    assert_eq!(idle.len(), 1);
    let _ = docker(&["kill", &idle[0]]);
    let next = action.invoke_blocking(&json!({"n": 1}));
    assert_eq!(next.succeeded()["n"], 1);
    assert!(next.is_cold());
    let record = thread::scope(|scope| {
        let running = scope.spawn(|| action.invoke_blocking(&json!({"milliseconds": 30_000})));
        eventually("a running call", || (in_flight(&world) == 1).then_some(()));
        // Whether the run has reached the container is not seen from here, and makes no difference below.
        let container = eventually("its container", || {
            world.server().containers_left().into_iter().find(|container| is(container, "running"))
        });
        thread::sleep(Duration::from_millis(200));
        // As the kernel does for want of memory; but this is not that.
        let _ = docker(&["kill", &container]);
        running.join().unwrap()
    });
    assert_eq!(
        record.developers_error(),
        "The action did not produce a valid response and exited unexpectedly."
    );
    assert_eq!(action.invoke_blocking(&json!({"n": 2})).succeeded()["n"], 2);
    eventually("an end of the dead ones", || (world.server().containers_left().len() == 1).then_some(()));
}

#[test]
fn a_paused_container_wakes_for_work_and_goes_with_its_process() {
    let options = ServerOptions::docker().memory(256).without_stem_cells();
    let options = options.settings("[invoker]\npause_grace_seconds = 0\n");
    let Some(mut world) = World::start_process(options) else { return };
    let code = "let n = 0; function main() { console.log('awake'); return {n: ++n} }";
    let paused = {
        let action = world.action("paused").node(code).create();
        let paused = |n: u32| {
            let record = action.invoke_blocking(&json!({}));
            assert_eq!((&record.succeeded()["n"], record.is_cold()), (&json!(n), n == 1));
            assert_eq!(world.record_with_logs(record.id(), 1).printed(), ["stdout: awake"]);
            let container = world.server().containers_left().pop().unwrap();
            eventually("a paused container", || is_frozen(&container).then_some(container.clone()))
        };
        assert_eq!(paused(1), paused(2));
        paused(3)
    };
    world.server_mut().kill9();
    world.server_mut().restart();
    assert!(!world.server().containers_left().contains(&paused));
    world.works();
    world.server().terminate();
    assert_eq!(world.server_mut().wait().status.code(), Some(0));
    assert_eq!(world.server().containers_left(), [""; 0]);
}

/// The Docker engine, stopped; it goes on when this is dropped.
struct FrozenEngine(String);

impl FrozenEngine {
    fn freeze() -> Option<Self> {
        let Ok(pid) = fs::read_to_string("/var/run/docker.pid") else {
            return skip("the Docker engine's process is not of this host");
        };
        let engine = Self(pid.trim().to_owned());
        engine.signal("-STOP");
        Some(engine)
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.0]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {name} {}", self.0);
    }
}

impl Drop for FrozenEngine {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

#[test]
fn a_frozen_docker_is_told_and_recovered_from() {
    if !is_full() {
        let _: Option<()> =
            skip("it freezes this host's Docker engine for some seconds; WHIRL_TEST_FULL=1 asks for it");
        return;
    }
    let Some(world) = small(2) else { return };
    let (warm, cold) = (sleeper(&world, "warm"), sleeper(&world, "cold"));
    warm.invoke_blocking(&json!({})).succeeded();
    let still_warm = |n: u32| {
        let record = warm.invoke_blocking(&json!({"n": n}));
        assert_eq!((&record.succeeded()["n"], record.is_cold()), (&json!(n), false));
    };
    eventually("an invoker that is up", || (health(&world) == ["up"]).then_some(()));
    let Some(engine) = FrozenEngine::freeze() else { return };
    let id = cold.fire(&json!({"n": 1}));
    eventually("an invoker that says what is wrong", || {
        still_warm(2);
        (health(&world) == ["unhealthy"]).then_some(())
    });
    still_warm(3);
    assert!(world.server().printed().contains("engine"), "its log says why");
    drop(engine);
    eventually("an invoker that is up again", || (health(&world) == ["up"]).then_some(()));
    still_warm(4);
    let record = world.record(&id);
    assert!(matches!(record.status(), "success" | "whisk internal error"), "{}", record.0);
    each_has_one_record(&world, &[]);
    eventually("a container for another action", || {
        let answer = cold.invoke("blocking=true", &json!({"n": 5}));
        (answer.status == 200).then_some(())
    });
    assert!(world.server().containers_left().len() <= 2);
    world.end();
}

/// What the invokers are said to be.
fn health(world: &World) -> Vec<String> {
    let admin = format!("127.0.0.1:{}", world.server().admin_port());
    let invokers = RawRequest::new(&admin, "GET", "/invokers").send().json();
    let states = invokers.as_object().unwrap().values();
    states.map(|state| state.as_str().unwrap().to_owned()).collect()
}
