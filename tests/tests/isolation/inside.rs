//! What the probes see of their own rights, of the kernel, of files and of sockets.

use std::sync::Arc;

use serde_json::{Value, json};
use whirl_system_tests::{ServerOptions, Shared, World};

use super::compare;
use super::expected::{
    FILES, IMAGE, IMAGE_OF_NODE, IMAGE_READ_ONLY, KERNEL, KERNEL_IN_PYTHON, RIGHTS, RIGHTS_IN_NODE,
    RIGHTS_IN_PYTHON, SOCKETS,
};

static WORLD: Shared = Shared::new();

const PYTHON: &str = include_str!("probe.py");
const NODE: &str = include_str!("probe.js");
/// Variables that are the image's or the engine's own; those of the platform begin with `__OW_`.
const VARIABLES: [&str; 8] = [
    "HOME",
    "HOSTNAME",
    "LC_CTYPE",
    "NODE_ENV",
    "NVIDIA_VISIBLE_DEVICES",
    "PATH",
    "PYTHONDONTWRITEBYTECODE",
    "PWD",
];

fn world() -> Option<Arc<World>> {
    WORLD.join(World::start)
}

/// Takes a member out of a section.
fn take(seen: &mut Value, section: &str, name: &str) -> String {
    let taken = seen[section].as_object_mut().unwrap().remove(name);
    taken.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_else(|| panic!("no {name} in {seen}"))
}

/// The environment has nothing but names that are known and no key that nobody asked for.
#[track_caller]
fn has_no_secrets(names: &str) {
    for name in names.split(' ') {
        assert!(VARIABLES.contains(&name) || name.starts_with("__OW_"), "{name} in {names}");
        assert_ne!(name, "__OW_API_KEY");
    }
}

#[test]
fn python_finds_no_way_out() {
    let Some(world) = world() else { return };
    let action = world.action("probe").python(PYTHON).create();
    let record = action.invoke_blocking(&json!({}));
    let mut seen = record.succeeded().clone();
    has_no_secrets(&take(&mut seen, "files", "environment"));
    let open = take(&mut seen, "files", "open files");
    assert!(open.split(' ').all(|file| matches!(file, "/dev/null" | "pipe" | "anon_inode")), "{open}");
    let probes = compare(&seen, "rights", &[RIGHTS, RIGHTS_IN_PYTHON])
        + compare(&seen, "kernel", &[KERNEL, KERNEL_IN_PYTHON])
        + compare(&seen, "files", &[FILES, IMAGE])
        + compare(&seen, "sockets", &[SOCKETS]);
    assert!(probes >= 100, "{probes} probes");
}

#[test]
fn node_finds_no_way_out() {
    let Some(world) = world() else { return };
    let action = world.action("probe").node(NODE).create();
    let record = action.invoke_blocking(&json!({}));
    let mut seen = record.succeeded().clone();
    has_no_secrets(&take(&mut seen, "files", "environment"));
    let probes = compare(&seen, "rights", &[RIGHTS, RIGHTS_IN_NODE])
        + compare(&seen, "kernel", &[KERNEL])
        + compare(&seen, "files", &[FILES, IMAGE, IMAGE_OF_NODE]);
    assert!(probes >= 60, "{probes} probes");
}

#[test]
fn nothing_but_tmp_can_be_written_to_where_the_root_is_read_only() {
    let options = ServerOptions::docker().settings("[docker]\nread_only_root_tmp = 16\n");
    let Some(world) = World::start_process(options) else { return };
    let python = world.action("probe").python(PYTHON).create();
    let mut seen = python.invoke_blocking(&json!({})).succeeded().clone();
    take(&mut seen, "files", "environment");
    take(&mut seen, "files", "open files");
    compare(&seen, "files", &[FILES, IMAGE_READ_ONLY]);
    let node = world.action("probe").node(NODE).create();
    let mut seen = node.invoke_blocking(&json!({})).succeeded().clone();
    take(&mut seen, "files", "environment");
    compare(&seen, "files", &[FILES, IMAGE_READ_ONLY, &[("modules", "EROFS")]]);
    world.end();
}

const INIT_AGAIN_PYTHON: &str = r#"
import http.client, json
def main(p):
    if not p.get("do"): return {"fine": True}
    body = json.dumps({"value": {"name": "x", "main": "main", "code": "def main(p): return {'evil': True}", "binary": False}})
    seen = []
    for _ in range(2):
        connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=5)
        connection.request("POST", "/init", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        seen.append([answer.status, json.loads(answer.read())["error"]])
    return {"seen": seen}
"#;

const INIT_AGAIN_NODE: &str = r"
const code = 'function main() { return {evil: true} }';
async function again() {
    const body = JSON.stringify({value: {name: 'x', main: 'main', code, binary: false}});
    const headers = {'content-type': 'application/json'};
    const answer = await fetch('http://127.0.0.1:8080/init', {method: 'POST', headers, body});
    return [answer.status, (await answer.json()).error];
}
async function main(p) { return p.do ? {seen: [await again(), await again()]} : {fine: true} }
";

#[test]
fn a_second_init_is_refused_and_changes_nothing() {
    let Some(world) = world() else { return };
    for action in [
        world.action("again").python(INIT_AGAIN_PYTHON).create(),
        world.action("again").node(INIT_AGAIN_NODE).create(),
    ] {
        let record = action.invoke_blocking(&json!({"do": true}));
        let refusal = json!([403, "Cannot initialize the action more than once."]);
        assert_eq!(record.succeeded()["seen"], json!([refusal, refusal]));
        let next = action.invoke_blocking(&json!({}));
        assert_eq!((next.succeeded(), next.is_cold()), (&json!({"fine": true}), false));
    }
}
