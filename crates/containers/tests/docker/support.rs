//! What the Docker tests share: a factory of their own, and Python actions to look around with.

use bytes::Bytes;
use serde_json::{Value, json};
use whirl_containers::ActionClient;
use whirl_containers::contract::{PATIENCE, answer, initialise, limits, read_all};
use whirl_containers::docker::{self, DockerFactory, DockerOptions};
use whirl_containers::factory::{ContainerFactory as _, ContainerImage, ContainerName, ContainerSpec};
use whirl_model::Kind;

/// Python that reads whichever of the files is there; control groups have their own in each version.
pub(crate) const READ: &str = r#"
import os
def read(*paths):
    for path in paths:
        if os.path.exists(path):
            with open(path) as file:
                return file.read()
"#;

/// An action that writes so many mebibytes to a path, and tells why it could not.
pub(crate) const WRITE: &str = r#"
def main(args):
    try:
        with open(args["path"], "w") as file:
            for _ in range(args["mebibytes"]):
                file.write("x" * (1 << 20))
        return {}
    except OSError as error:
        return {"failed": error.strerror}
"#;

/// A factory without leftovers, or nothing if there is no engine to test with.
#[expect(clippy::print_stderr, reason = "who runs the tests must learn that nothing was tested")]
pub(crate) async fn factory(options: DockerOptions) -> Option<DockerFactory> {
    let available = docker::is_available().await;
    let demanded = std::env::var("WHIRL_TEST_DOCKER").is_ok_and(|value| value == "1");
    assert!(available || !demanded, "WHIRL_TEST_DOCKER=1, but no Docker engine answers");
    if !available {
        eprintln!("skipped: no Docker engine answers");
        return None;
    }
    let factory = DockerFactory::connect(&options).await.unwrap();
    factory.remove_leftovers().await.unwrap();
    Some(factory)
}

pub(crate) fn python() -> ContainerImage {
    let image = "whirl/action-python-v3.11:latest".parse().unwrap();
    ContainerImage::Runtime { kind: Kind::new("python:3.11"), image }
}

pub(crate) fn spec(name: &str, image: ContainerImage) -> ContainerSpec {
    ContainerSpec {
        name: ContainerName::new(name),
        image,
        memory: 256,
        cpu: None,
        gpus: Vec::new(),
        env: Default::default(),
    }
}

/// A container that runs one Python action.
pub(crate) struct Action {
    pub(crate) name: ContainerName,
    pub(crate) client: ActionClient,
}

impl Action {
    /// Starts the action; its output is read and dropped.
    pub(crate) async fn start(factory: &DockerFactory, name: &str, code: &str) -> Self {
        Self::start_as(factory, &spec(name, python()), code).await
    }

    pub(crate) async fn start_as(factory: &DockerFactory, spec: &ContainerSpec, code: &str) -> Self {
        let started = factory.create(spec).await.unwrap();
        tokio::spawn(read_all(started.output));
        let client = ActionClient::new(started.address);
        initialise(&client, code).await;
        Self { name: spec.name.clone(), client }
    }

    /// Runs it with arguments and gives its result.
    pub(crate) async fn run(&self, arguments: Value) -> Value {
        let body = Bytes::from(json!({ "value": arguments }).to_string());
        let answer = answer(self.client.run(body, limits(PATIENCE)).await);
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        serde_json::from_slice(&answer.body).unwrap()
    }
}
