//! The process factory with the real action proxy and a launcher: the contract, what a killed Whirl leaves
//! behind, and requests that cannot be met.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use whirl_containers::ActionClient;
use whirl_containers::action_client::Reply;
use whirl_containers::contract::{self, PATIENCE, Subject};
use whirl_containers::factory::{
    ContainerError, ContainerFactory as _, ContainerImage, ContainerName, ContainerSpec, ContainerState,
};
use whirl_containers::process::{ProcessFactory, ProcessOptions};
use whirl_model::{GpuId, Kind, RuntimeManifest};

const ECHO: &str = r#"
import sys
def main(args):
    print("to stdout")
    print("to stderr", file=sys.stderr)
    return args
"#;

/// Builds the proxy and tells where it is.
fn proxy() -> PathBuf {
    let built =
        Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "whirl-action-proxy"]).status().unwrap();
    assert!(built.success(), "the action proxy cannot be built");
    let tests = std::env::current_exe().unwrap();
    tests.ancestors().nth(2).unwrap().join("whirl-action-proxy")
}

fn factory(state: &Path) -> ProcessFactory {
    let runtimes_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../runtimes");
    let manifest = std::fs::read_to_string(runtimes_dir.join("runtimes.json")).unwrap();
    let runtimes = RuntimeManifest::parse(&manifest).unwrap();
    let state_dir = state.join("state");
    ProcessFactory::new(ProcessOptions { proxy: proxy(), runtimes, runtimes_dir, state_dir }).unwrap()
}

fn runtime(kind: &str) -> ContainerImage {
    ContainerImage::Runtime { kind: Kind::new(kind), image: "whirl/any".parse().unwrap() }
}

fn spec(image: ContainerImage) -> ContainerSpec {
    let env = [("GREETING".to_owned(), "hello".to_owned())].into();
    ContainerSpec { name: ContainerName::new("one"), image, memory: 256, cpu: None, gpus: vec![], env }
}

#[tokio::test]
async fn processes_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let factory = factory(folder.path());
    let (image, missing) = (runtime("python:3.11"), runtime("no:1"));
    Subject { factory: &factory, image, code: ECHO, missing, prefix: "test" }.keeps_the_contract().await;
    assert_eq!(std::fs::read_dir(folder.path().join("state")).unwrap().count(), 0, "folders were left");
}

#[tokio::test]
async fn a_process_has_an_environment_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let factory = factory(folder.path());
    let started = factory.create(&spec(runtime("python:3.11"))).await.unwrap();
    let client = ActionClient::new(started.address);
    contract::initialise(&client, "import os\ndef main(args):\n    return dict(os.environ)\n").await;
    let answer = contract::answer(client.run(Bytes::from_static(b"{}"), contract::limits(PATIENCE)).await);
    let env: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(env["GREETING"], "hello");
    assert!(env["HOME"].as_str().unwrap().ends_with("state/container-one"), "{env}");
    assert!(env["CARGO_MANIFEST_DIR"].is_null(), "the environment of Whirl itself shows: {env}");
    factory.destroy(&ContainerName::new("one")).await.unwrap();
}

#[tokio::test]
async fn a_process_sees_the_gpus_that_it_is_given_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let factory = factory(folder.path());
    let code = "import os\ndef main(args):\n    return {'seen': os.environ.get('CUDA_VISIBLE_DEVICES')}\n";
    for (gpus, seen) in [(vec![], ""), (vec![GpuId::new("GPU-1"), GpuId::new("GPU-2")], "GPU-1,GPU-2")] {
        let spec = ContainerSpec { gpus, ..spec(runtime("python:3.11")) };
        let client = ActionClient::new(factory.create(&spec).await.unwrap().address);
        contract::initialise(&client, code).await;
        let answer =
            contract::answer(client.run(Bytes::from_static(b"{}"), contract::limits(PATIENCE)).await);
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer["seen"], seen);
        factory.destroy(&spec.name).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_killed_whirl_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let killed = factory(folder.path());
    let started = killed.create(&spec(runtime("python:3.11"))).await.unwrap();
    // Like SIGKILL, this gives the factory no chance to end its processes.
    std::mem::forget(killed);

    let next = factory(folder.path());
    assert_eq!(next.remove_leftovers().await.unwrap(), 1);
    let after = ActionClient::new(started.address);
    let exchange = after.run(Bytes::new(), contract::limits(PATIENCE)).await;
    assert!(!matches!(exchange.reply, Reply::Answered(_)), "it still runs");
    assert_eq!(next.remove_leftovers().await.unwrap(), 0);
}

#[tokio::test]
async fn what_cannot_be_removed_stops_nothing_and_is_given_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (next, state) = (factory(folder.path()), folder.path().join("state"));
    std::fs::create_dir(state.join("container-two")).unwrap();
    // No folder, and so not removed as one.
    std::fs::write(state.join("container-one"), "").unwrap();
    assert_eq!(next.remove_leftovers().await.unwrap(), 1);
    let started = next.create(&spec(runtime("python:3.11"))).await.unwrap();
    let client = ActionClient::new(started.address);
    contract::initialise(&client, "import os\ndef main(args):\n    return {'home': os.environ['HOME']}\n")
        .await;
    let answer = contract::answer(client.run(Bytes::from_static(b"{}"), contract::limits(PATIENCE)).await);
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let home = PathBuf::from(answer["home"].as_str().unwrap());
    assert!(home.is_dir() && home.starts_with(&state), "{answer}");
    // Gone meanwhile, and as little a folder as the other.
    std::fs::remove_dir_all(&home).unwrap();
    std::fs::write(&home, "").unwrap();
    next.destroy(&ContainerName::new("one")).await.unwrap();
    assert_eq!(next.state(&ContainerName::new("one")).await.unwrap(), ContainerState::Ended);
}

#[tokio::test]
async fn images_of_users_are_refused_and_failures_explained() {
    let folder = tempfile::tempdir().unwrap();
    let good = factory(folder.path());
    let image = ContainerImage::User { image: "a/b:1".parse().unwrap() };
    let error = good.create(&spec(image)).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ContainerError::Unsupported(_)), "{error}");

    let text =
        r#"{"runtimes":{"x":[{"kind":"x:1","image":{"name":"x"},"process":{"command":["no-such-x"]}}]}}"#;
    let options = ProcessOptions {
        proxy: proxy(),
        runtimes: RuntimeManifest::parse(text).unwrap(),
        runtimes_dir: folder.path().to_owned(),
        state_dir: folder.path().join("other"),
    };
    let lacking = ProcessFactory::new(options.clone()).unwrap();
    let error = lacking.create(&spec(runtime("x:1"))).await.map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "'x:1' needs 'no-such-x' on this host");

    let runtimes = RuntimeManifest::parse(&text.replace("no-such-x", "true")).unwrap();
    let broken = ProcessOptions { proxy: "/bin/false".into(), runtimes, ..options };
    let broken = ProcessFactory::new(broken).unwrap();
    let error = broken.create(&spec(runtime("x:1"))).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ContainerError::Engine { operation: "start", .. }), "{error}");
    assert_eq!(broken.state(&ContainerName::new("one")).await.unwrap(), ContainerState::Ended);
    assert_eq!(std::fs::read_dir(folder.path().join("other")).unwrap().count(), 0);
}
