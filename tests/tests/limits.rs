//! Every limit of an action, on real containers: what stays within it works, what goes beyond ends with an error that
//! names it, and the next call works. Deeds that go far beyond, beside a neighbour, are in `bombs.rs`; actions that
//! are broken rather than too large in `bad_actions.rs`; too large requests in `bad_input.rs`.

use std::sync::Arc;

use serde_json::{Value, json};
use whirl_system_tests::{Action, Image, ServerOptions, Shared, World, docker, skip};

static WORLD: Shared = Shared::new();

const OUT_OF_MEMORY: &str = "The action exhausted its memory and was aborted.";
const MEGABYTE: usize = 1 << 20;

fn world() -> Option<Arc<World>> {
    WORLD.join(World::start)
}

// ---- memory ----------------------------------------------------------------------------------------------------

/// A child takes the memory, not the process that the action runs in.
const GREEDY_CHILD: &str = r#"
import os, subprocess, sys
def main(p):
    if p.get("fail"): os._exit(1)
    if not p.get("do"): return {"fine": True}
    hog = "a = []\nwhile True: a.append(b'x' * (4 << 20))"
    status = subprocess.run([sys.executable, "-c", hog]).returncode
    if p.get("follow"): os._exit(1)
    return {"child": status}
"#;

#[test]
fn memory_that_a_child_used_up_is_named_if_the_action_fails_by_it() {
    let Some(world) = world() else { return };
    let action = world.action("greedy").python(GREEDY_CHILD).limit("memory", 128).create();
    let copes = action.invoke_blocking(&json!({"do": true}));
    assert_eq!(copes.succeeded(), &json!({"child": -9}), "only the child is killed");
    // Whatever a later call fails by is its own affair.
    let later = action.invoke_blocking(&json!({"fail": true}));
    assert!(!later.is_cold(), "{}", later.0);
    let exited = "The action did not produce a valid response and exited unexpectedly.";
    assert_eq!(later.developers_error(), exited);
    let fails = action.invoke_blocking(&json!({"do": true, "follow": true}));
    assert_eq!(fails.developers_error(), OUT_OF_MEMORY);
    assert_eq!(action.invoke_blocking(&json!({})).succeeded(), &json!({"fine": true}));
}

/// A server that is the container's first process. It hoards, or a child of it does; and it may end.
const FIRST_PROCESS: &str = r#"
import http.server, json, os, subprocess, sys
HOG = "a = []\nwhile True: a.append(b'x' * (4 << 20))"
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        value = body["value"] if self.path == "/run" else {}
        if value.get("hoard"): exec(HOG)
        if value.get("child"): subprocess.run([sys.executable, "-c", HOG])
        if value.get("end"): os._exit(1)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"#;

#[test]
fn memory_that_a_containers_first_process_used_up_is_named() {
    let Some(world) = world() else { return };
    let image = Image::running("first-process", FIRST_PROCESS);
    let exec = json!({"kind": "blackbox", "image": image.name});
    let action = world.action("first").exec(exec).limit("memory", 128).create();
    for deed in [json!({"hoard": true}), json!({"child": true, "end": true})] {
        assert_eq!(action.invoke_blocking(&deed).developers_error(), OUT_OF_MEMORY, "{deed}");
    }
    action.invoke_blocking(&json!({"child": true})).succeeded();
    let later = action.invoke_blocking(&json!({"end": true}));
    assert!(!later.is_cold(), "{}", later.0);
    let exited = "The action did not produce a valid response and exited unexpectedly.";
    assert_eq!(later.developers_error(), exited, "what another call survived is not its affair");
}

#[test]
fn memory_that_an_initialisation_uses_up_is_named() {
    let Some(world) = world() else { return };
    let python = "hoard = []\nwhile True: hoard.append(b'x' * (4 << 20))\ndef main(p): return {}\n";
    let node =
        "const hoard = []; for (;;) hoard.push(Buffer.alloc(4 << 20, 1)); function main() { return {} }";
    for action in [
        world.action("hoard").python(python).limit("memory", 128).create(),
        world.action("hoard").node(node).limit("memory", 128).create(),
    ] {
        assert_eq!(action.invoke_blocking(&json!({})).developers_error(), OUT_OF_MEMORY);
    }
}

#[test]
fn memory_that_is_given_back_is_no_memory_used() {
    let Some(world) = world() else { return };
    let python = "def main(p):\n for _ in range(40): bytearray(48 << 20)\n return {'fine': True}\n";
    let node = "function main() { for (let i = 0; i < 40; i++) { Buffer.alloc(48 << 20, 1); global.gc() } \
                return {fine: true} }";
    for action in [
        world.action("freed").python(python).limit("memory", 128).create(),
        world.action("freed").node(node).limit("memory", 128).create(),
    ] {
        for cold in [true, false] {
            let record = action.invoke_blocking(&json!({}));
            assert_eq!(record.succeeded(), &json!({"fine": true}));
            assert_eq!(record.is_cold(), cold);
        }
    }
}

// ---- CPU -------------------------------------------------------------------------------------------------------

/// Spins until so many seconds of CPU time are used, and tells what the control groups, whichever version they are of,
/// allow the container, and how often it was held back.
const SPINNER: &str = r#"
import os, time
def group(*paths):
    for path in paths:
        if os.path.exists("/sys/fs/cgroup/" + path):
            return open("/sys/fs/cgroup/" + path).read().split()
def main(p):
    end = time.process_time() + p.get("seconds", 0)
    while time.process_time() < end: pass
    quota = group("cpu/cpu.cfs_quota_us", "cpu.max")
    period = group("cpu/cpu.cfs_period_us") or quota[1:]
    throttled = dict(zip(*[iter(group("cpu/cpu.stat", "cpu.stat"))] * 2))["nr_throttled"]
    part = None if quota[0] in ("max", "-1") else int(quota[0]) / int(period[0])
    return {"cores": part, "throttled": int(throttled)}
"#;

#[test]
fn an_action_has_the_cores_that_it_asked_for() {
    let Some(world) = world() else { return };
    let half = world.action("half").python(SPINNER).limit("cpu", 0.5).create();
    let record = half.invoke_blocking(&json!({"seconds": 1}));
    assert_eq!(record.succeeded()["cores"], 0.5);
    assert!(record.succeeded()["throttled"].as_u64().unwrap() > 0, "{}", record.0);
    assert_eq!(record.annotation("limits").unwrap()["cpu"], 0.5);
    let used = record.annotation("receipt").unwrap()["cpuMs"].as_f64().unwrap();
    assert!((950.0..5_000.0).contains(&used), "a second of CPU time is {used} ms");
    let rest = half.invoke_blocking(&json!({}));
    let used = rest.annotation("receipt").unwrap()["cpuMs"].as_f64().unwrap();
    assert!(used < 500.0, "each run has its own: {}", rest.0);

    let free = world.action("free").python(SPINNER).create();
    let record = free.invoke_blocking(&json!({}));
    assert_eq!(record.succeeded()["cores"], Value::Null, "who asks for none has a weight and no bound");
    assert_eq!(record.annotation("limits").unwrap().get("cpu"), None);
}

#[test]
fn who_asks_for_more_cores_than_there_are_is_told() {
    let Some(world) = world() else { return };
    let action = world.action("giant").python("def main(p): return {}\n").limit("cpu", 64).create();
    let record = action.invoke_blocking(&json!({}));
    assert_eq!(record.status(), "whisk internal error");
    let error = record.error();
    assert!(error.starts_with("The action needs 64 CPU cores, and there are "), "{error}");
}

// ---- logs ------------------------------------------------------------------------------------------------------

#[test]
fn logs_are_cut_where_their_limit_is() {
    let Some(world) = world() else { return };
    // 1024 lines of 1024 bytes, line end included, and one byte more.
    let node = "function main(p) { const line = 'x'.repeat(1023); \
                for (let i = 0; i < 1024; i++) console.log(line); if (p.more) console.log(''); return {} }";
    let python =
        "def main(p):\n for i in range(1024): print('x' * 1023)\n if p.get('more'): print('')\n return {}\n";
    for action in [
        world.action("full").node(node).limit("logs", 1).create(),
        world.action("full").python(python).limit("logs", 1).create(),
    ] {
        let whole = action.invoke_blocking(&json!({})).id().to_owned();
        let record = world.record_with_logs(&whole, 1024);
        assert_eq!(record.logs().len(), 1024);
        assert!(record.printed().iter().all(|line| line.len() == "stdout: ".len() + 1023));
        let over = action.invoke_blocking(&json!({"more": true}));
        over.succeeded();
        let record = world.record_with_logs(over.id(), 1025);
        assert_eq!(record.logs().len(), 1025);
        let warning =
            "stderr: Logs were truncated because the total bytes size exceeds the limit of 1048576 bytes.";
        assert_eq!(record.printed().pop(), Some(warning));
    }
}

#[test]
fn who_logs_for_ever_ends_at_the_time_limit_with_a_warning() {
    let Some(world) = world() else { return };
    let node = "function main() { for (;;) console.log('and on and on') }";
    let python = "def main(p):\n while True: print('and on and on')\n";
    for action in [
        world.action("endless").node(node).limit("timeout", 2000).limit("logs", 1).create(),
        world.action("endless").python(python).limit("timeout", 2000).limit("logs", 1).create(),
    ] {
        let record = action.invoke_blocking(&json!({}));
        assert_eq!(record.developers_error(), "The action exceeded its time limits of 2000 milliseconds.");
        let stored = world.record_with_logs(record.id(), 1);
        let last = stored.printed().pop().unwrap();
        assert_eq!(
            last,
            "stderr: The action did not initialize or run as expected. Log data might be missing."
        );
    }
}

// ---- results ---------------------------------------------------------------------------------------------------

#[test]
fn a_result_of_a_megabyte_passes_and_no_more() {
    let Some(world) = world() else { return };
    let node = "function main(p) { return {r: 'x'.repeat(p.n)} }";
    let python = "def main(p):\n return {'r': 'x' * p['n']}\n";
    let room = MEGABYTE - r#"{"r":""}"#.len();
    for action in [world.action("exact").node(node).create(), world.action("exact").python(python).create()] {
        let record = action.invoke_blocking(&json!({ "n": room }));
        assert_eq!(record.succeeded()["r"].as_str().unwrap().len(), room);
        assert_eq!(world.record(record.id()).result(), record.result());
        for bytes in [MEGABYTE + 1, 2 * MEGABYTE] {
            let record = action.invoke_blocking(&json!({ "n": room + bytes - MEGABYTE }));
            assert_eq!(record.status(), "application error");
            let begin = format!(
                "The action produced a response that exceeded the allowed length: {bytes} > 1048576 bytes. \
                 The truncated response was: {{\"r\":\"xxx"
            );
            let error = record.error();
            assert!(
                error.starts_with(&begin) && error.trim_end_matches('"').ends_with("xxx"),
                "{error:.300}"
            );
            assert!(error.len() <= MEGABYTE + 300, "{} bytes", error.len());
            assert_eq!(world.record(record.id()).result(), record.result());
        }
        assert_eq!(action.invoke_blocking(&json!({"n": 1})).succeeded(), &json!({"r": "x"}));
    }
}

// ---- processes and files ---------------------------------------------------------------------------------------

const THREADS: &str = r#"
import threading
def main(p):
    stop, started = threading.Event(), []
    threading.stack_size(1 << 16)
    try:
        for _ in range(p["most"]):
            started.append(threading.Thread(target=stop.wait))
            started[-1].start()
        refused = None
    except RuntimeError as error:
        refused = str(error)
        started.pop()
    stop.set()
    for thread in started: thread.join()
    return {"threads": len(started), "refused": refused}
"#;

const FILES: &str = r#"
import errno
def main(p):
    files = []
    try:
        for _ in range(p["most"]): files.append(open("/dev/null"))
        refused = None
    except OSError as error:
        refused = errno.errorcode[error.errno]
    count = len(files)
    for file in files: file.close()
    return {"files": count, "refused": refused}
"#;

#[test]
fn threads_and_open_files_end_at_1024_and_come_back() {
    let Some(world) = world() else { return };
    for (name, code, refused) in [("threads", THREADS, "can't start new thread"), ("files", FILES, "EMFILE")]
    {
        let action = world.action(name).python(code).create();
        for _ in 0..2 {
            let record = action.invoke_blocking(&json!({"most": 2000}));
            let result = record.succeeded();
            assert_eq!(result["refused"], refused, "{result}");
            let most = result[name].as_u64().unwrap();
            assert!((900..1024).contains(&most), "some are the runtime's own: {result}");
        }
        let few = action.invoke_blocking(&json!({"most": 500}));
        assert_eq!(few.succeeded(), &json!({name: 500, "refused": null}));
        assert!(!few.is_cold());
    }
}

// ---- disk ------------------------------------------------------------------------------------------------------

const WRITER: &str = r#"
import errno, os
def main(p):
    try:
        with open(p["path"], "wb") as file:
            for _ in range(p["megabytes"]): file.write(b"x" * (1 << 20))
        refused = None
    except OSError as error:
        refused = errno.errorcode[error.errno]
    if os.path.exists(p["path"]): os.unlink(p["path"])
    return {"refused": refused}
"#;

/// What came of writing a file.
#[track_caller]
fn written(action: &Action<'_>, path: &str, megabytes: u32) -> Value {
    action.invoke_blocking(&json!({"path": path, "megabytes": megabytes})).succeeded()["refused"].clone()
}

#[test]
fn a_read_only_root_leaves_a_bounded_tmp() {
    let options = ServerOptions::docker().settings("[docker]\nread_only_root_tmp = 16\n");
    let Some(world) = World::start_process(options) else { return };
    let action = world.action("writer").python(WRITER).create();
    for _ in 0..2 {
        assert_eq!(written(&action, "/tmp/x", 12), Value::Null);
        assert_eq!(written(&action, "/tmp/x", 32), "ENOSPC");
        assert_eq!(written(&action, "/var/tmp/x", 1), "EROFS");
        assert_eq!(written(&action, "/dev/shm/x", 100), "ENOSPC");
    }
    world.end();
}

#[test]
fn a_disk_limit_that_the_engine_cannot_keep_is_refused_at_the_start() {
    let format = "{{.Driver}} {{json .DriverStatus}}";
    let storage = docker(&["info", "--format", format]);
    if !storage.starts_with("overlay2") || storage.contains("xfs") {
        let _: Option<()> = skip("there is no engine whose storage certainly has no quotas");
        return;
    }
    let options = ServerOptions::docker().settings("[docker]\ndisk = 64\n");
    let exit = options.give_up();
    assert!(!exit.status.success());
    for words in ["cannot limit a container's disk to 64 MiB", "docker.disk", "docker.read_only_root_tmp"] {
        assert!(exit.printed.contains(words), "{}", exit.printed);
    }
    assert_eq!(docker(&["ps", "-aq", "--filter", "ancestor=whirl/trial"]), "");
}

#[test]
fn no_limit_of_a_container_can_be_set_to_none_by_a_0() {
    for limit in ["read_only_root_tmp", "disk", "processes"] {
        let exit = ServerOptions::process().settings(&format!("[docker]\n{limit} = 0\n")).give_up();
        assert!(!exit.status.success());
        for words in [limit, "nonzero"] {
            assert!(exit.printed.contains(words), "{}", exit.printed);
        }
    }
}
