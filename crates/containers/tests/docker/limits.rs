//! What a container may use up, and what is told of what it used.

use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{KillContainerOptions, WaitContainerOptions};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::ready;
use serde_json::json;
use whirl_containers::ActionClient;
use whirl_containers::contract::{PATIENCE, answer, initialise, limits, read_all};
use whirl_containers::docker::{DockerFactory, DockerOptions, SetupError};
use whirl_containers::factory::{ContainerFactory as _, ContainerName, ContainerState};
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
async fn kills_for_want_of_memory_are_told_until_a_run_ends_well() {
    let Some(factory) = support::factory(DockerOptions::new("test-child-oom")).await else { return };
    let mut spec = support::spec("whirl-test-child-oom", support::python());
    spec.memory = 128;
    let action = Action::start_as(&factory, &spec, HOARDING_CHILD).await;
    assert_eq!(factory.state(&action.name).await.unwrap(), ContainerState::Running);
    for time in ["first", "second"] {
        assert_eq!(action.run(json!({"hoard": true})).await["signal"], 9, "{time}");
        // All that ran at once and failed are told.
        for _ in 0..2 {
            assert_eq!(factory.state(&action.name).await.unwrap(), ContainerState::OutOfMemory, "{time}");
        }
        factory.run_ended(&action.name);
        let body = Bytes::from_static(b"{\"value\":{\"hoard\":false}}");
        let failure = answer(action.client.run(body, limits(PATIENCE)).await);
        assert_ne!(failure.body, "");
        assert_eq!(factory.state(&action.name).await.unwrap(), ContainerState::Running, "after the {time}");
    }
    // What was before a pause has nothing to do with a later run.
    action.run(json!({"hoard": true})).await;
    factory.pause(&action.name).await.unwrap();
    factory.resume(&action.name).await.unwrap();
    assert_eq!(factory.state(&action.name).await.unwrap(), ContainerState::Running);
    // Nor with an end that somebody else makes, though the engine goes on to tell of it.
    kill(&action.name).await;
    assert_eq!(state_in_the_end(&factory, &action.name).await, ContainerState::Ended);
    factory.destroy(&action.name).await.unwrap();
    factory.close().await.unwrap();
}

#[tokio::test]
async fn who_kills_a_container_is_not_taken_for_want_of_memory() {
    let Some(factory) = support::factory(DockerOptions::new("test-killed")).await else { return };
    let at_once = Action::start(&factory, "whirl-test-killed", HOARDING_CHILD).await;
    let later = Action::start(&factory, "whirl-test-killed-later", HOARDING_CHILD).await;
    kill(&at_once.name).await;
    assert_eq!(state_in_the_end(&factory, &at_once.name).await, ContainerState::Ended);
    // Nobody looked before its groups were gone.
    kill(&later.name).await;
    docker().wait_container(later.name.as_str(), None::<WaitContainerOptions>).for_each(|_| ready(())).await;
    assert_eq!(factory.state(&later.name).await.unwrap(), ContainerState::Ended);
    for action in [at_once, later] {
        factory.destroy(&action.name).await.unwrap();
    }
    factory.close().await.unwrap();
}

fn docker() -> Docker {
    Docker::connect_with_defaults().unwrap()
}

async fn kill(name: &ContainerName) {
    docker().kill_container(name.as_str(), None::<KillContainerOptions>).await.unwrap();
}

async fn state_in_the_end(factory: &DockerFactory, name: &ContainerName) -> ContainerState {
    let end = async {
        loop {
            match factory.state(name).await.unwrap() {
                ContainerState::Running => tokio::time::sleep(Duration::from_millis(5)).await,
                state => return state,
            }
        }
    };
    tokio::time::timeout(PATIENCE, end).await.unwrap()
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
    let options = DockerOptions { disk: std::num::NonZeroU32::new(256), ..DockerOptions::new("test-disk") };
    let Some(without) = support::factory(DockerOptions::new("test-disk")).await else { return };
    let factory = match DockerFactory::connect(&options).await {
        Ok(factory) => factory,
        Err(error) => {
            assert!(
                matches!(error, SetupError::NoDiskLimit { mebibytes, .. } if mebibytes.get() == 256),
                "{error:?}"
            );
            assert!(error.to_string().contains("docker.read_only_root_tmp"), "{error}");
            assert_eq!(without.remove_leftovers().await.unwrap(), 0);
            return without.close().await.unwrap();
        }
    };
    let action = Action::start(&factory, "whirl-test-disk", WRITE).await;
    assert_eq!(action.run(json!({"path": "/var/tmp/x", "mebibytes": 32})).await, json!({}));
    // In pieces, as each file by itself is limited, too.
    let mut failures = 0;
    for piece in 0..4 {
        let seen = action.run(json!({"path": format!("/var/tmp/{piece}"), "mebibytes": 128})).await;
        failures += usize::from(!seen["failed"].is_null());
    }
    assert!(failures > 0, "512 mebibytes fit in");
    factory.destroy(&action.name).await.unwrap();
    assert_eq!(factory.remove_leftovers().await.unwrap(), 0);
    factory.close().await.unwrap();
}
