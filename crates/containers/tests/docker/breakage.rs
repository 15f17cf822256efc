//! Images that cannot be had or started, output that floods, and containers that die.

use std::time::Duration;

use bollard::query_parameters::{CreateImageOptionsBuilder, RemoveImageOptions};
use bollard::{Docker, body_full};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use whirl_containers::ActionClient;
use whirl_containers::action_client::Reply;
use whirl_containers::contract::{PATIENCE, answer, initialise, limits};
use whirl_containers::docker::DockerOptions;
use whirl_containers::factory::{
    ContainerError, ContainerFactory as _, ContainerImage, ContainerState, Stream,
};

use crate::support::{self, Action};

const FLOOD: &str = r#"
import sys
def main(args):
    for _ in range(args["lines"]):
        sys.stdout.write("x" * 1023 + "\n")
    return {}
"#;

const DIE: &str = r#"
import os, signal
def main(args):
    os.kill(1, signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGKILL)
"#;

#[tokio::test]
async fn images_that_cannot_be_had_or_started_are_the_developers_to_mend() {
    let Some(factory) = support::factory(DockerOptions::new("test-images")).await else { return };
    let docker = Docker::connect_with_defaults().unwrap();
    let name = "whirl/test-without-program";
    let options = CreateImageOptionsBuilder::default()
        .from_src("-")
        .repo(name)
        .tag("1")
        .changes(vec!["CMD [\"/no/such/program\"]".to_owned()])
        .build();
    let empty_archive = Bytes::from(vec![0; 1024]);
    let made: Vec<_> =
        docker.create_image(Some(options), Some(body_full(empty_archive)), None).try_collect().await.unwrap();
    assert!(!made.is_empty());

    let image = |text: &str| ContainerImage::User { image: text.parse().unwrap() };
    let create = async |image| factory.create(&support::spec("whirl-test-images", image)).await.map(|_| ());
    let error = create(image(&format!("{name}:1"))).await.unwrap_err();
    assert!(matches!(error, ContainerError::NotExecutable { .. }) && error.is_developers(), "{error:?}");
    // Nobody listens at port 1. What says "latest" is pulled although it is there.
    for unreachable in ["localhost:1/a:1", "localhost:1/a"] {
        let image = unreachable.parse().unwrap();
        let (one, other) = tokio::join!(factory.provide(&image), factory.provide(&image));
        for error in [one.unwrap_err(), other.unwrap_err()] {
            assert!(matches!(error, ContainerError::Pull { .. }) && error.is_developers(), "{error:?}");
        }
    }
    assert_eq!(factory.remove_leftovers().await.unwrap(), 0);
    docker.remove_image(&format!("{name}:1"), None::<RemoveImageOptions>, None).await.unwrap();
    factory.close().await.unwrap();
}

#[tokio::test]
async fn a_flood_waits_for_its_reader_and_nothing_is_lost() {
    const LINES: usize = 20_000;
    let Some(factory) = support::factory(DockerOptions::new("test-flood")).await else { return };
    let spec = support::spec("whirl-test-flood", support::python());
    let mut started = factory.create(&spec).await.unwrap();
    let client = ActionClient::new(started.address);
    initialise(&client, FLOOD).await;
    let body = Bytes::from(json!({"value": {"lines": LINES}}).to_string());
    let run = tokio::spawn(async move { client.run(body, limits(PATIENCE)).await });

    let mut written = 0;
    while written < LINES * 1024 {
        let chunk = tokio::time::timeout(PATIENCE, started.output.next()).await.unwrap().unwrap().unwrap();
        if chunk.stream == Stream::Stdout {
            written += chunk.bytes.len();
        }
    }
    assert_eq!(answer(run.await.unwrap()).status, 200);
    factory.destroy(&spec.name).await.unwrap();
    factory.close().await.unwrap();
}

#[tokio::test]
async fn output_that_nobody_reads_stops_the_container_but_not_its_removal() {
    let Some(factory) = support::factory(DockerOptions::new("test-unread")).await else { return };
    let spec = support::spec("whirl-test-unread", support::python());
    let started = factory.create(&spec).await.unwrap();
    let client = ActionClient::new(started.address);
    initialise(&client, FLOOD).await;
    let body = Bytes::from(json!({"value": {"lines": 100_000}}).to_string());
    let exchange = client.run(body, limits(Duration::from_secs(2))).await;
    assert_eq!(exchange.reply, Reply::TimedOut);
    tokio::time::timeout(PATIENCE, factory.destroy(&spec.name)).await.unwrap().unwrap();
    assert_eq!(factory.state(&spec.name).await.unwrap(), ContainerState::Ended);
    drop(started.output);
    factory.close().await.unwrap();
}

#[tokio::test]
async fn a_container_that_dies_is_found_ended_not_out_of_memory() {
    let Some(factory) = support::factory(DockerOptions::new("test-death")).await else { return };
    let action = Action::start(&factory, "whirl-test-death", DIE).await;
    let exchange = action.client.run(Bytes::from_static(b"{\"value\":{}}"), limits(PATIENCE)).await;
    assert!(!matches!(exchange.reply, Reply::TimedOut), "{exchange:?}");
    assert_ne!(factory.state(&action.name).await.unwrap(), ContainerState::OutOfMemory);
    factory.destroy(&action.name).await.unwrap();
    factory.close().await.unwrap();
}
