//! What a container may use up, and what is told of what it used.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use whirl_containers::ActionClient;
use whirl_containers::contract::{PATIENCE, answer, initialise, limits, read_all};
use whirl_containers::docker::{DockerFactory, DockerOptions, SetupError};
use whirl_containers::factory::{ContainerFactory as _, ContainerState};
use whirl_model::Cores;

use crate::support::{self, Action, READ, WRITE};

/// A child uses up all memory and is killed; what started it lives on.
const HOARDING_CHILD: &str = r#"
import subprocess, sys
HOARD = "hoard = []\nwhile True: hoard.append(bytearray(16 << 20))"
def main(args):
    if not args["hoard"]:
        raise Exception("for another reason")
    child = subprocess.run([sys.executable, "-c", HOARD], stderr=subprocess.DEVNULL)
    return {"signal": -child.returncode}
"#;

/// Computes for a time, and looks at its limits.
const COMPUTE: &str = r#"
import time
def main(args):
    end = time.process_time() + args["seconds"]
    while time.process_time() < end:
        pass
    group = "/sys/fs/cgroup"
    quota = read(group + "/cpu/cpu.cfs_quota_us", group + "/cpu.max").split()
    return {"quota": quota[0], "of": quota[1:] or read(group + "/cpu/cpu.cfs_period_us").split()}
"#;

#[tokio::test]
async fn each_kill_for_want_of_memory_is_told_once_while_the_container_lives() {
    let Some(factory) = support::factory(DockerOptions::new("test-child-oom")).await else { return };
    let mut spec = support::spec("whirl-test-child-oom", support::python());
    spec.memory = 128;
    let action = Action::start_as(&factory, &spec, HOARDING_CHILD).await;
    assert_eq!(factory.state(&action.name).await.unwrap(), ContainerState::Running);
    for time in ["first", "second"] {
        assert_eq!(action.run(json!({"hoard": true})).await["signal"], 9, "{time}");
        assert_eq!(factory.state(&action.name).await.unwrap(), ContainerState::OutOfMemory, "{time}");
        let body = Bytes::from_static(b"{\"value\":{\"hoard\":false}}");
        let failure = answer(action.client.run(body, limits(PATIENCE)).await);
        assert_ne!(failure.body, "");
        assert_eq!(factory.state(&action.name).await.unwrap(), ContainerState::Running, "after the {time}");
    }
    // What a run survived, or was before a pause, has nothing to do with a later run.
    action.run(json!({"hoard": true})).await;
    factory.run_ended(&action.name);
    assert_eq!(factory.state(&action.name).await.unwrap(), ContainerState::Running);
    action.run(json!({"hoard": true})).await;
    factory.pause(&action.name).await.unwrap();
    factory.resume(&action.name).await.unwrap();
    assert_eq!(factory.state(&action.name).await.unwrap(), ContainerState::Running);
    factory.destroy(&action.name).await.unwrap();
    factory.close().await.unwrap();
}

#[tokio::test]
async fn cpu_time_is_limited_and_told() {
    let Some(factory) = support::factory(DockerOptions::new("test-cpu")).await else { return };
    let mut spec = support::spec("whirl-test-cpu", support::python());
    spec.cpu = Some(Cores::from_thousandths(500));
    let started = factory.create(&spec).await.unwrap();
    tokio::spawn(read_all(started.output));
    let action = Action { name: spec.name, client: ActionClient::new(started.address) };
    initialise(&action.client, &format!("{READ}{COMPUTE}")).await;
    let meter = started.meter.expect("the control groups of this host can be read");
    let before = meter.used().unwrap();
    let seen = action.run(json!({"seconds": 0.3})).await;
    assert_eq!(seen, json!({"quota": "50000", "of": ["100000"]}));
    assert!(meter.used().unwrap() - before >= Duration::from_millis(300), "{before:?} {:?}", meter.used());
    factory.destroy(&action.name).await.unwrap();
    assert_eq!(meter.used(), None, "it is gone");
    factory.close().await.unwrap();
}

#[tokio::test]
async fn a_disk_limit_holds_or_the_engine_is_refused() {
    let options = DockerOptions { disk: Some(256), ..DockerOptions::new("test-disk") };
    let Some(without) = support::factory(DockerOptions::new("test-disk")).await else { return };
    let factory = match DockerFactory::connect(&options).await {
        Ok(factory) => factory,
        Err(error) => {
            assert!(matches!(error, SetupError::NoDiskLimit { mebibytes: 256, .. }), "{error:?}");
            assert!(error.to_string().contains("docker.read_only_root_tmp"), "{error}");
            assert_eq!(without.remove_leftovers().await.unwrap(), 0);
            return without.close().await.unwrap();
        }
    };
    let action = Action::start(&factory, "whirl-test-disk", WRITE).await;
    assert_eq!(action.run(json!({"path": "/var/tmp/x", "mebibytes": 32})).await, json!({}));
    assert_ne!(action.run(json!({"path": "/var/tmp/x", "mebibytes": 512})).await["failed"], json!(null));
    factory.destroy(&action.name).await.unwrap();
    assert_eq!(factory.remove_leftovers().await.unwrap(), 0);
    factory.close().await.unwrap();
}
