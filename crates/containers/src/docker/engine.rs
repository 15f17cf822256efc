//! The few calls that are made to the container engine, each with a time limit and a typed failure.
//!
//! Knows nothing of actions; what to do about a failure is its caller's business.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use bollard::Docker;
use bollard::container::AttachContainerResults;
use bollard::errors::Error as BollardError;
use bollard::models::{ContainerCreateBody, ContainerInspectResponse, NetworkCreateRequest, NetworkInspect};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, CreateImageOptionsBuilder,
    InspectContainerOptions, InspectNetworkOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions,
};
use futures::TryStreamExt as _;

const PING: Duration = Duration::from_secs(5);
const START: Duration = Duration::from_secs(60);
const REMOVE: Duration = Duration::from_secs(60);
const FREEZE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_secs(60);
const PULL: Duration = Duration::from_secs(600);

/// Why the engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum EngineError {
    /// It did not answer in time.
    #[error("the container engine does not answer")]
    Timeout,
    /// It has no such container, image or network.
    #[error("{0}")]
    NotFound(String),
    /// It refused, with an HTTP status.
    #[error("{message}")]
    Refused { status: u16, message: String },
    /// What it started runs no more.
    #[error("the container ended at once")]
    EndedAtOnce,
    /// It could not be asked, or gave an answer that is none.
    #[error("the container engine cannot be reached")]
    Broken(#[source] BollardError),
}

impl From<BollardError> for EngineError {
    fn from(error: BollardError) -> Self {
        match error {
            BollardError::DockerResponseServerError { status_code: 404, message } => Self::NotFound(message),
            BollardError::DockerResponseServerError { status_code, message } => {
                Self::Refused { status: status_code, message }
            }
            // What goes wrong within a stream of answers, such as the progress of a pull.
            BollardError::DockerStreamError { error } => Self::Refused { status: 500, message: error },
            BollardError::RequestTimeoutError => Self::Timeout,
            other => Self::Broken(other),
        }
    }
}

/// A connection to the engine.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    docker: Docker,
    is_local: bool,
}

impl Engine {
    /// Finds the engine where `DOCKER_HOST` says, else at Docker's usual socket, and agrees on a version.
    pub(super) async fn connect() -> Result<Self, EngineError> {
        // The limits above end what lasts too long; the client's own must not come first.
        let docker = Docker::connect_with_defaults()?.with_timeout(2 * PULL);
        let docker = within(PING, docker.negotiate_version()).await?;
        let host = std::env::var("DOCKER_HOST").unwrap_or_default();
        Ok(Self { docker, is_local: host.is_empty() || host.starts_with("unix://") })
    }

    /// Whether the engine runs on this host, as far as its address tells.
    pub(super) fn is_local(&self) -> bool {
        self.is_local
    }

    pub(super) async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<(), EngineError> {
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        within(START, self.docker.create_container(Some(options), body)).await?;
        Ok(())
    }

    /// Follows both output streams from here on.
    pub(super) async fn attach(&self, name: &str) -> Result<AttachContainerResults, EngineError> {
        let options = AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
        within(START, self.docker.attach_container(name, Some(options))).await
    }

    pub(super) async fn start(&self, name: &str) -> Result<(), EngineError> {
        within(START, self.docker.start_container(name, None::<StartContainerOptions>)).await
    }

    pub(super) async fn inspect(&self, name: &str) -> Result<ContainerInspectResponse, EngineError> {
        within(LOOK, self.docker.inspect_container(name, None::<InspectContainerOptions>)).await
    }

    pub(super) async fn pause(&self, name: &str) -> Result<(), EngineError> {
        within(FREEZE, self.docker.pause_container(name)).await
    }

    pub(super) async fn resume(&self, name: &str) -> Result<(), EngineError> {
        within(FREEZE, self.docker.unpause_container(name)).await
    }

    /// Kills and removes a container with its anonymous volumes.
    pub(super) async fn remove(&self, name: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        within(REMOVE, self.docker.remove_container(name, Some(options))).await
    }

    /// The names of all containers, running or not, that carry a label.
    pub(super) async fn list(&self, label: &str, value: &str) -> Result<Vec<String>, EngineError> {
        let filters = HashMap::from([("label", vec![format!("{label}={value}")])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let found = within(LOOK, self.docker.list_containers(Some(options))).await?;
        let name = |names: Vec<String>| Some(names.first()?.trim_start_matches('/').to_owned());
        Ok(found.into_iter().filter_map(|container| name(container.names?)).collect())
    }

    pub(super) async fn has_image(&self, image: &str) -> Result<bool, EngineError> {
        match within(LOOK, self.docker.inspect_image(image)).await {
            Ok(_) => Ok(true),
            Err(EngineError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Pulls one image; its name must have a tag or a digest, as without one all tags would be pulled.
    pub(super) async fn pull(&self, image: &str) -> Result<(), EngineError> {
        let options = CreateImageOptionsBuilder::default().from_image(image).build();
        let mut progress = std::pin::pin!(self.docker.create_image(Some(options), None, None));
        let finished = async {
            while progress.try_next().await?.is_some() {}
            Ok(())
        };
        within(PULL, finished).await
    }

    pub(super) async fn network(&self, name: &str) -> Result<Option<NetworkInspect>, EngineError> {
        match within(LOOK, self.docker.inspect_network(name, None::<InspectNetworkOptions>)).await {
            Ok(network) => Ok(Some(network)),
            Err(EngineError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn create_network(&self, request: NetworkCreateRequest) -> Result<(), EngineError> {
        within(START, self.docker.create_network(request)).await?;
        Ok(())
    }

    pub(super) async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        within(REMOVE, self.docker.remove_network(name)).await
    }
}

async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, BollardError>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(limit, call).await {
        Ok(outcome) => Ok(outcome?),
        Err(_elapsed) => Err(EngineError::Timeout),
    }
}
