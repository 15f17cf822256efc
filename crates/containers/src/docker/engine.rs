//! The few calls that are made to the container engine, each with a time limit and a typed failure.
//!
//! Knows nothing of actions; what to do about a failure is its caller's business.

use std::collections::HashMap;
use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::container::AttachContainerResults;
use bollard::errors::Error as BollardError;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ImageInspect, NetworkCreateRequest, NetworkInspect,
    SystemInfo,
};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, CreateImageOptionsBuilder,
    InspectContainerOptions, InspectNetworkOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, StartContainerOptions,
};
use bollard::{BollardRequest, Docker, body_full};
use bytes::Bytes;
use futures::TryStreamExt as _;
use hyper::header::HeaderValue;

use super::pulse::Pulse;

const PING: Duration = Duration::from_secs(5);
const START: Duration = Duration::from_secs(60);
const REMOVE: Duration = Duration::from_secs(60);
const FREEZE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_secs(60);
const PULL: Duration = Duration::from_secs(600);

/// How often the engine is asked for what it is about to notice, or to finish.
pub(super) const ASK_AGAIN: Duration = Duration::from_millis(5);

/// A tar archive of nothing.
const END_OF_ARCHIVE: [u8; 1024] = [0; 1024];

/// Why the engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum EngineError {
    /// It did not answer in time.
    #[error("the container engine does not answer")]
    Timeout,
    /// It hangs: it was not asked, or its answer is not waited for any more.
    #[error("the container engine has not answered for {} s", .0.as_secs())]
    Silent(Duration),
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
    pulse: Arc<Pulse>,
}

impl Engine {
    /// Finds the engine at a URL, else where `DOCKER_HOST` says, else at Docker's usual socket, and agrees on a
    /// version.
    pub(super) async fn connect(host: Option<&str>) -> Result<Self, EngineError> {
        let host = host.map(str::to_owned).or_else(|| std::env::var("DOCKER_HOST").ok());
        let docker = match host.as_deref() {
            Some(host) => Docker::connect_with_host(host)?,
            None => Docker::connect_with_defaults()?,
        };
        // The limits above end what lasts too long; the client's own must not come first.
        let docker = docker.with_timeout(2 * PULL).with_request_modifier(mend_credentials);
        let docker = within(PING, docker.negotiate_version()).await?;
        let is_local = host.is_none_or(|host| host.starts_with("unix://"));
        Ok(Self { docker, is_local, pulse: Arc::new(Pulse::new()) })
    }

    /// Whether the engine runs on this host, as far as its address tells.
    pub(super) fn is_local(&self) -> bool {
        self.is_local
    }

    /// Whether it lives.
    pub(super) fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Asks whether it is there, also while it counts as hanging. A refusal is an answer, too.
    pub(super) async fn ping(&self) -> bool {
        use BollardError::DockerResponseServerError;
        matches!(self.docker.ping().await, Ok(_) | Err(DockerResponseServerError { .. }))
    }

    /// What it says of itself.
    pub(super) async fn info(&self) -> Result<SystemInfo, EngineError> {
        self.ask(LOOK, self.docker.info()).await
    }

    pub(super) async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<(), EngineError> {
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        self.ask(START, self.docker.create_container(Some(options), body)).await?;
        Ok(())
    }

    /// Follows both output streams from here on.
    pub(super) async fn attach(&self, name: &str) -> Result<AttachContainerResults, EngineError> {
        let options = AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
        self.ask(START, self.docker.attach_container(name, Some(options))).await
    }

    pub(super) async fn start(&self, name: &str) -> Result<(), EngineError> {
        self.ask(START, self.docker.start_container(name, None::<StartContainerOptions>)).await
    }

    pub(super) async fn inspect(&self, name: &str) -> Result<ContainerInspectResponse, EngineError> {
        self.ask(LOOK, self.docker.inspect_container(name, None::<InspectContainerOptions>)).await
    }

    pub(super) async fn pause(&self, name: &str) -> Result<(), EngineError> {
        self.ask(FREEZE, self.docker.pause_container(name)).await
    }

    pub(super) async fn resume(&self, name: &str) -> Result<(), EngineError> {
        self.ask(FREEZE, self.docker.unpause_container(name)).await
    }

    /// Kills and removes a container with its anonymous volumes.
    pub(super) async fn remove(&self, name: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        self.ask(REMOVE, self.docker.remove_container(name, Some(options))).await
    }

    /// The names of all containers, running or not, that carry a label.
    pub(super) async fn list(&self, label: &str, value: &str) -> Result<Vec<String>, EngineError> {
        let filters = HashMap::from([("label", vec![format!("{label}={value}")])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let found = self.ask(LOOK, self.docker.list_containers(Some(options))).await?;
        let name = |names: Vec<String>| Some(names.first()?.trim_start_matches('/').to_owned());
        Ok(found.into_iter().filter_map(|container| name(container.names?)).collect())
    }

    pub(super) async fn image(&self, image: &str) -> Result<ImageInspect, EngineError> {
        self.ask(LOOK, self.docker.inspect_image(image)).await
    }

    pub(super) async fn has_image(&self, image: &str) -> Result<bool, EngineError> {
        match self.image(image).await {
            Ok(_) => Ok(true),
            Err(EngineError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Pulls one image; its name must have a tag or a digest, as without one all tags would be pulled.
    pub(super) async fn pull(
        &self,
        image: &str,
        credentials: Option<DockerCredentials>,
    ) -> Result<(), EngineError> {
        let options = CreateImageOptionsBuilder::default().from_image(image).build();
        let progress = self.docker.create_image(Some(options), None, credentials);
        self.ask(PULL, progress.try_for_each(|_| ready(Ok(())))).await
    }

    /// Makes an image of nothing but the command that it would run.
    pub(super) async fn make_empty_image(&self, repository: &str, tag: &str) -> Result<(), EngineError> {
        let options = CreateImageOptionsBuilder::default()
            .from_src("-")
            .repo(repository)
            .tag(tag)
            .changes(vec!["CMD [\"/none\"]".to_owned()])
            .build();
        let archive = body_full(Bytes::from_static(&END_OF_ARCHIVE));
        let progress = self.docker.create_image(Some(options), Some(archive), None);
        self.ask(START, progress.try_for_each(|_| ready(Ok(())))).await
    }

    pub(super) async fn remove_image(&self, image: &str) -> Result<(), EngineError> {
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        self.ask(REMOVE, self.docker.remove_image(image, Some(options), None)).await?;
        Ok(())
    }

    pub(super) async fn network(&self, name: &str) -> Result<Option<NetworkInspect>, EngineError> {
        match self.ask(LOOK, self.docker.inspect_network(name, None::<InspectNetworkOptions>)).await {
            Ok(network) => Ok(Some(network)),
            Err(EngineError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn create_network(&self, request: NetworkCreateRequest) -> Result<(), EngineError> {
        self.ask(START, self.docker.create_network(request)).await?;
        Ok(())
    }

    pub(super) async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        self.ask(REMOVE, self.docker.remove_network(name)).await
    }

    /// Makes a call unless the engine hangs, and gives it up once that is found out.
    async fn ask<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, BollardError>>,
    ) -> Result<T, EngineError> {
        if let Some(silence) = self.pulse.silence() {
            return Err(EngineError::Silent(silence));
        }
        let outcome = tokio::select! {
            biased;
            outcome = within(limit, call) => outcome,
            silence = self.pulse.until_silent() => Err(EngineError::Silent(silence)),
        };
        if matches!(outcome, Ok(_) | Err(EngineError::NotFound(_) | EngineError::Refused { .. })) {
            self.pulse.answered();
        }
        outcome
    }
}

/// The client writes credentials in the usual alphabet of base64, where the engine expects the one for URLs, and
/// takes what it cannot read for none.
fn mend_credentials(mut request: BollardRequest) -> BollardRequest {
    if let Some(value) = request.headers_mut().get_mut("X-Registry-Auth")
        && let Ok(text) = value.to_str()
        && let Ok(mended) = HeaderValue::from_str(&text.replace('+', "-").replace('/', "_"))
    {
        *value = mended;
    }
    request
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
