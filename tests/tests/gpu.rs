//! GPUs end to end on hosts that have none: the devices are settings, the containers are real, and what Docker was
//! asked for is read from a recorder in front of it. That a driver then does as it is told is not shown here.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its scenario")]

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use whirl_system_tests::{
    DockerRecorder, DockerRequest, RawRequest, Record, ServerOptions, World, docker, eventually, skip,
};

const FIRST: &str = "GPU-11111111-0000-0000-0000-000000000001";
const SECOND: &str = "GPU-22222222-0000-0000-0000-000000000002";

/// Tells which devices it was given.
const TELLS: &str = "
import os
def main(args):
    return {name: os.environ.get(name) for name in ('NVIDIA_VISIBLE_DEVICES', 'CUDA_VISIBLE_DEVICES')}
";
/// The same after two seconds, so that others come meanwhile.
const LASTS: &str = "
import os, time
def main(args):
    time.sleep(2)
    return {'NVIDIA_VISIBLE_DEVICES': os.environ.get('NVIDIA_VISIBLE_DEVICES')}
";
/// The same once it is let go from outside.
const WAITS: &str = "
import os, time
def main(args):
    open('/tmp/running', 'w').close()
    while not os.path.exists('/tmp/go'):
        time.sleep(0.01)
    return {'NVIDIA_VISIBLE_DEVICES': os.environ.get('NVIDIA_VISIBLE_DEVICES')}
";

/// A world without stem cells behind a recorder. The recorder is dropped last.
struct Watched {
    world: World,
    docker: DockerRecorder,
}

impl Watched {
    /// With these settings of `invoker.gpu`, and of `invoker` before them.
    fn start(invoker: &str, gpu: &str) -> Option<Self> {
        let options = ServerOptions::docker().without_stem_cells();
        Self::with(
            options.settings(&format!("[invoker]\n{invoker}\n[invoker.gpu]\ndiscover = false\n{gpu}\n")),
        )
    }

    fn with(options: ServerOptions) -> Option<Self> {
        let docker = DockerRecorder::start();
        let world = World::start_process(options.variable("DOCKER_HOST", &docker.host()))?;
        Some(Self { world, docker })
    }

    /// The request that made the only container so far.
    #[track_caller]
    fn only_create(&self) -> DockerRequest {
        let creates = self.docker.creates();
        assert_eq!(creates.len(), 1, "{creates:#?}");
        creates.into_iter().next().unwrap()
    }
}

fn one_device(class: &str, ways: u32) -> String {
    format!("devices = [\"{FIRST}:{class}:81559\"]\nways = {ways}")
}

fn two_devices() -> String {
    format!("devices = [\"{FIRST}:h100:81559\", \"{SECOND}:t4:15360\"]")
}

/// Whether a request asks for exactly these devices, both ways.
#[track_caller]
fn asks_for(create: &DockerRequest, devices: &[&str]) {
    if devices.is_empty() {
        assert_eq!(create.devices(), &Value::Null);
        assert_eq!(create.variable("NVIDIA_VISIBLE_DEVICES"), Some("void"));
        assert_eq!(create.variable("NVIDIA_DRIVER_CAPABILITIES"), None);
    } else {
        assert_eq!(create.devices(), &json!([{"DeviceIDs": devices, "Capabilities": [["gpu"]]}]));
        assert_eq!(create.variable("NVIDIA_VISIBLE_DEVICES"), Some(devices.join(",").as_str()));
        assert_eq!(create.variable("NVIDIA_DRIVER_CAPABILITIES"), Some("compute,utility"));
    }
}

/// When an activation began and ended, in milliseconds.
fn span(record: &Record) -> (u64, u64) {
    (record.0["start"].as_u64().unwrap(), record.0["end"].as_u64().unwrap())
}

#[test]
fn a_container_gets_exactly_the_devices_that_its_action_asks_for() {
    for (limit, devices) in [
        (Value::Null, &[][..]),
        (json!(1), &[FIRST]),
        (json!(2), &[FIRST, SECOND]),
        (json!({"count": 1, "class": "t4"}), &[SECOND]),
        (json!(0.5), &[FIRST]),
    ] {
        let Some(watched) = Watched::start("", &two_devices()) else { return };
        let action = watched.world.action("gpu").python(TELLS);
        let action = if limit.is_null() { action } else { action.limit("gpu", limit.clone()) };
        let seen = action.create().invoke_blocking(&json!({}));
        asks_for(&watched.only_create(), devices);
        let told = if devices.is_empty() { "void".to_owned() } else { devices.join(",") };
        assert_eq!(seen.succeeded()["NVIDIA_VISIBLE_DEVICES"], told, "{limit}");
    }
}

#[test]
fn stem_cells_have_no_devices() {
    let settings = format!("[invoker.gpu]\ndiscover = false\n{}\n", two_devices());
    let Some(watched) = Watched::with(ServerOptions::docker().settings(&settings)) else { return };
    let record = watched.world.action("plain").python(TELLS).create().invoke_blocking(&json!({}));
    assert_eq!(record.succeeded()["NVIDIA_VISIBLE_DEVICES"], "void");
    let creates = watched.docker.creates();
    assert!(!creates.is_empty());
    creates.iter().for_each(|create| asks_for(create, &[]));
    // A stem cell without a device does not do for an action that asks for one.
    let gpu = watched.world.action("gpu").python(TELLS).limit("gpu", 1).create();
    assert_eq!(gpu.invoke_blocking(&json!({})).succeeded()["NVIDIA_VISIBLE_DEVICES"], FIRST);
}

#[test]
fn a_manifest_can_ask_for_stem_cells_with_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("runtimes.json");
    let cell = json!({"initialCount": 1, "memory": "256 MB", "gpu": 1});
    let kind = json!({
        "kind": "python:3.11", "default": true, "stemCells": [cell],
        "image": {"prefix": "whirl", "name": "action-python-v3.11", "tag": "latest"},
    });
    fs::write(&manifest, json!({"runtimes": {"python": [kind]}}).to_string()).unwrap();
    let settings = format!(
        "manifest = \"{}\"\n[invoker.gpu]\ndiscover = false\n{}\n",
        manifest.display(),
        one_device("h100", 1)
    );
    let Some(watched) = Watched::with(ServerOptions::docker().settings(&settings)) else { return };
    eventually("a stem cell", || (!watched.docker.creates().is_empty()).then_some(()));
    asks_for(&watched.only_create(), &[FIRST]);
    let action = watched.world.action("gpu").python(TELLS).limit("gpu", 1).create();
    assert_eq!(action.invoke_blocking(&json!({})).succeeded()["NVIDIA_VISIBLE_DEVICES"], FIRST);
    watched.only_create();
}

#[test]
fn a_device_that_is_shared_runs_as_many_as_it_has_ways() {
    let Some(watched) = Watched::start("", &one_device("h100", 2)) else { return };
    let action = watched.world.action("share").python(WAITS).limit("gpu", 0.5).create();
    let ids: Vec<String> = (0..4).map(|_| action.fire(&json!({}))).collect();
    let running = || {
        let containers = watched.world.server().containers_left();
        let runs = |id: &String| docker(&["exec", id, "ls", "/tmp"]).contains("running");
        (containers.len() == 2 && containers.iter().all(runs)).then_some(containers)
    };
    for container in eventually("two that run at once", running) {
        let _ = docker(&["exec", &container, "touch", "/tmp/go"]);
    }
    let records: Vec<Record> = ids.iter().map(|id| watched.world.record(id)).collect();
    for record in &records {
        assert_eq!(record.succeeded()["NVIDIA_VISIBLE_DEVICES"], FIRST);
    }
    let creates = watched.docker.creates();
    assert_eq!(creates.len(), 2, "{creates:#?}");
    creates.iter().for_each(|create| asks_for(create, &[FIRST]));
}

#[test]
fn a_device_that_is_not_shared_has_one_container_at_a_time() {
    let Some(watched) = Watched::start("", &one_device("h100", 1)) else { return };
    let lasts = watched.world.action("lasts").python(LASTS).limit("gpu", 1).create();
    let share = watched.world.action("share").python(TELLS).limit("gpu", 0.5).create();
    let first = lasts.fire(&json!({}));
    eventually("a container of the first", || (!watched.docker.creates().is_empty()).then_some(()));
    let second = share.invoke_blocking(&json!({}));
    let first = watched.world.record(&first);
    assert_eq!(second.succeeded()["NVIDIA_VISIBLE_DEVICES"], FIRST);
    assert!(span(&second).0 >= span(&first).1, "{} {}", first.0, second.0);
    // The first container was idle, and had to go before there was another one.
    let requests = watched.docker.requests();
    let creates: Vec<_> = (0..requests.len()).filter(|at| requests[*at].is_create()).collect();
    assert_eq!(creates.len(), 2, "{requests:#?}");
    let name = requests[creates[0]].container();
    let removal = requests.iter().position(|r| r.method == "DELETE" && r.container() == name).unwrap();
    assert!(creates[0] < removal && removal < creates[1], "{requests:#?}");
}

#[test]
fn what_nobody_has_is_an_answer_and_not_a_wait() {
    for settings in [two_devices(), String::new()] {
        let Some(watched) = Watched::start("", &settings) else { return };
        for (limit, words) in [(json!({"count": 1, "class": "b200"}), "1 of class b200"), (json!(3), "3")] {
            let action = watched.world.action("none").python(TELLS).limit("gpu", limit).create();
            let record = action.invoke_blocking(&json!({}));
            let text = format!("No invoker has a fitting GPU: the action needs {words}.");
            assert_eq!((record.status(), record.error()), ("whisk internal error", text.as_str()));
            assert_eq!(watched.world.record(record.id()).error(), text);
            let id = action.fire(&json!({}));
            assert_eq!(watched.world.record(&id).error(), text);
        }
        watched.world.works();
        watched.docker.creates().iter().for_each(|create| asks_for(create, &[]));
    }
}

#[test]
fn an_idle_container_with_a_device_goes_sooner() {
    let Some(watched) = Watched::start("gpu_idle_timeout_seconds = 1", &two_devices()) else { return };
    let (plain, gpu) = (watched.world.action("plain"), watched.world.action("gpu").limit("gpu", 1));
    for action in [plain, gpu] {
        let _done = action.python(TELLS).create().invoke_blocking(&json!({}));
    }
    let creates = watched.docker.creates();
    let [plain, gpu] = &creates[..] else { panic!("{creates:#?}") };
    let is_removed = |create: &DockerRequest| {
        let requests = watched.docker.requests();
        requests.iter().any(|r| r.method == "DELETE" && r.container() == create.container())
    };
    eventually("the end of the container with a device", || is_removed(gpu).then_some(()));
    eventually("one container", || (watched.world.server().containers_left().len() == 1).then_some(()));
    assert!(!is_removed(plain));
}

#[test]
fn the_limit_shows_where_it_is_set_and_has_its_bounds() {
    let Some(watched) = Watched::start("", &two_devices()) else { return };
    let world = &watched.world;
    let limits = |path: &str| world.get(path).ok()["limits"].clone();
    let plain = world.action("plain").python(TELLS).create();
    assert!(limits(&plain.path()).get("gpu").is_none());
    for limit in [json!(1), json!(0.25), json!({"count": 2, "class": "h100"})] {
        let action = world.action("gpu").python(TELLS).limit("gpu", limit.clone()).create();
        assert_eq!(limits(&action.path())["gpu"], limit);
        let without = json!({"limits": {"gpu": 0}});
        world.put(&format!("{}?overwrite=true", action.path()), &without).ok();
        assert!(limits(&action.path()).get("gpu").is_none());
    }
    for bad in [json!(9), json!(-1), json!(1.5), json!("1"), json!({"count": 1, "class": "No Such"})] {
        let answer = world.action("bad").python(TELLS).limit("gpu", bad.clone()).put();
        assert_eq!(answer.status, 400, "{bad}: {}", answer.text());
    }
}

#[test]
fn metrics_tell_how_much_of_the_devices_is_held() {
    let Some(watched) = Watched::start("", &one_device("h100", 2)) else { return };
    let shown = |name: &str| {
        let admin = format!("127.0.0.1:{}", watched.world.server().admin_port());
        let answer = RawRequest::new(&admin, "GET", "/metrics").send();
        let text = String::from_utf8(answer.body).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse::<u32>().ok())
    };
    assert_eq!((shown("whirl_invoker_gpu_slots"), shown("whirl_invoker_gpu_slots_held")), (Some(2), Some(0)));
    let action = watched.world.action("share").python(TELLS).limit("gpu", 0.5).create();
    let _done = action.invoke_blocking(&json!({}));
    assert_eq!(shown("whirl_invoker_gpu_slots_held"), Some(1), "an idle container holds what it has");
}

#[test]
fn settings_that_cannot_be_meant_end_the_start() {
    for (name, value, words) in [
        ("WHIRL_INVOKER__GPU__DEVICES", "all", "'all' is not UUID[:CLASS[:MEBIBYTES]]"),
        ("WHIRL_INVOKER__GPU__WAYS", "0", "invoker.gpu.ways is 0"),
    ] {
        let exit = ServerOptions::process().variable(name, value).give_up();
        assert_eq!(exit.status.code(), Some(1), "{}", exit.printed);
        assert!(exit.printed.contains(words), "{}", exit.printed);
    }
}

/// NVIDIA's library as far as it is asked, with two devices of which one is lost.
const LIBRARY: &str = r#"
#include <string.h>
struct memory { unsigned version; unsigned long long total, reserved, free, used; };
static int devices[2];
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    *device = &devices[index];
    return index == 0 ? 15 : 0; /* GPU is lost */
}
int nvmlDeviceGetUUID(void *device, char *text, unsigned length) { strncpy(text, "SECOND", length); return 0; }
int nvmlDeviceGetName(void *device, char *text, unsigned length) { strncpy(text, "Tesla T4", length); return 0; }
int nvmlDeviceGetMemoryInfo_v2(void *device, struct memory *memory) { memory->total = 15360ull << 20; return 0; }
"#;

fn run(program: &mut Command) -> bool {
    program.output().is_ok_and(|output| output.status.success())
}

/// A world of processes on a host whose driver is what is in this folder.
fn with_driver(folder: &Path) -> Option<World> {
    let path = format!("{}:{}", folder.display(), env::var("PATH").unwrap());
    let options = ServerOptions::process().without_stem_cells().variable("PATH", &path);
    World::start_process(options.variable("LD_LIBRARY_PATH", &folder.display().to_string()))
}

/// Makes an `nvidia-smi` that lists one device.
fn make_program(folder: &Path) -> Option<()> {
    if Path::new("/proc/driver/nvidia").exists() {
        return skip("this host has a driver of its own");
    }
    if !run(Command::new("python3").arg("--version")) {
        return skip("there is no python3 on this host");
    }
    let program = folder.join("nvidia-smi");
    fs::write(&program, format!("#!/bin/sh\necho '{FIRST}, NVIDIA H100 80GB HBM3, 81559'\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Some(())
}

/// Makes the library.
fn make_library(folder: &Path) -> Option<()> {
    let source = folder.join("nvml.c");
    fs::write(&source, LIBRARY.replace("SECOND", SECOND)).unwrap();
    let library = folder.join("libnvidia-ml.so.1");
    if run(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(library).arg(source)) {
        return Some(());
    }
    skip("there is no C compiler on this host")
}

#[test]
fn a_host_that_tells_of_its_devices_offers_them_and_processes_see_what_they_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let Some(world) = make_program(folder.path()).and_then(|()| with_driver(folder.path())) else { return };
    let of_class = |class: &str| {
        let limit = json!({"count": 1, "class": class});
        world.action("gpu").python(TELLS).limit("gpu", limit).create().invoke_blocking(&json!({}))
    };
    assert_eq!(of_class("h100").succeeded()["CUDA_VISIBLE_DEVICES"], FIRST);
    assert!(of_class("t4").error().contains("No invoker has a fitting GPU"));
    let plain = world.action("plain").python(TELLS).create();
    assert_eq!(plain.invoke_blocking(&json!({})).succeeded()["CUDA_VISIBLE_DEVICES"], "");
}

#[test]
fn the_drivers_library_is_asked_before_its_program() {
    let folder = tempfile::tempdir().unwrap();
    let made = make_program(folder.path()).and_then(|()| make_library(folder.path()));
    let Some(world) = made.and_then(|()| with_driver(folder.path())) else { return };
    let action = world.action("gpu").python(TELLS).limit("gpu", json!({"count": 1, "class": "t4"})).create();
    assert_eq!(action.invoke_blocking(&json!({})).succeeded()["CUDA_VISIBLE_DEVICES"], SECOND);
    let printed = world.server().printed();
    assert!(printed.contains("memory=15360"), "{printed}");
    assert!(printed.contains("a GPU does not answer, and is left out"), "{printed}");
    assert!(!printed.contains(FIRST), "{printed}");
}
