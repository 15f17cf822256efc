//! Containers that are frozen: past the engine, by the engine, by both, and by a process that is no more.

use std::time::Instant;

use bollard::Docker;
use serde_json::json;
use whirl_containers::contract::PATIENCE;
use whirl_containers::docker::{DockerFactory, DockerOptions};
use whirl_containers::factory::{ContainerFactory as _, ContainerName, ContainerState};

use crate::support::{self, Action};

const ANSWER: &str = "
def main(args):
    return {'answer': 42}
";

/// Who freezes or thaws.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Factory,
    Engine,
}

struct Freezers {
    factory: DockerFactory,
    docker: Docker,
}

impl Freezers {
    async fn freeze(&self, by: By, action: &Action) {
        action.client.forget_connections();
        match by {
            By::Factory => self.factory.pause(&action.name).await.unwrap(),
            By::Engine => self.docker.pause_container(action.name.as_str()).await.unwrap(),
        }
    }

    /// Whether the engine holds it for paused.
    async fn is_paused(&self, name: &ContainerName) -> bool {
        let found = self.docker.inspect_container(name.as_str(), None).await.unwrap();
        found.state.unwrap().paused.unwrap()
    }
}

#[tokio::test]
async fn whoever_froze_a_container_it_goes_on_and_can_be_removed() {
    let Some(factory) = support::factory(DockerOptions::new("test-freezers")).await else { return };
    let both = Freezers { factory, docker: Docker::connect_with_defaults().unwrap() };
    for froze in [&[By::Factory][..], &[By::Engine], &[By::Engine, By::Factory]] {
        let action = Action::start(&both.factory, "whirl-test-freezers", ANSWER).await;
        for by in froze {
            both.freeze(*by, &action).await;
        }
        both.factory.resume(&action.name).await.unwrap();
        assert_eq!(action.run(json!({})).await["answer"], 42, "after {froze:?}");
        // The engine may still hold it for paused: it can be frozen and thawed all the same.
        both.freeze(By::Factory, &action).await;
        both.factory.resume(&action.name).await.unwrap();
        assert_eq!(action.run(json!({})).await["answer"], 42, "again after {froze:?}");
        both.freeze(By::Factory, &action).await;
        tokio::time::timeout(PATIENCE, both.factory.destroy(&action.name)).await.unwrap().unwrap();
        assert_eq!(both.factory.state(&action.name).await.unwrap(), ContainerState::Ended);
    }
    both.factory.close().await.unwrap();
}

#[tokio::test]
async fn an_orphan_that_only_its_dead_process_knew_to_be_frozen_is_removed() {
    let options = DockerOptions::new("test-orphan");
    let Some(killed) = support::factory(options.clone()).await else { return };
    let docker = Docker::connect_with_defaults().unwrap();
    let action = Action::start(&killed, "whirl-test-orphan", ANSWER).await;
    let both = Freezers { factory: killed, docker };
    both.freeze(By::Factory, &action).await;
    // On a busy machine the processes may be frozen too late for the direct way, and the engine is asked.
    let deadline = Instant::now() + PATIENCE;
    while both.is_paused(&action.name).await {
        assert!(Instant::now() < deadline, "the engine learned of it each time: this tests nothing");
        both.factory.resume(&action.name).await.unwrap();
        both.freeze(By::Factory, &action).await;
    }

    let next = DockerFactory::connect(&options).await.unwrap();
    let removed = tokio::time::timeout(PATIENCE, next.remove_leftovers()).await.unwrap();
    assert_eq!(removed.unwrap(), 1);
    assert_eq!(next.state(&action.name).await.unwrap(), ContainerState::Ended);
    next.close().await.unwrap();
}
