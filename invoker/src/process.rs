//! The `whirl-invoker` process: connects, sets up containers, runs an invoker, drains and leaves. It decides
//! nothing about activations.

mod admin;
mod api_host;
mod flags;
mod live_logs;
mod settings;
mod shown;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use whirl_backends::connect::{Backends, ConnectError, connect};
use whirl_backends::coordination::CoordinationError;
use whirl_containers::factory::ContainerError;
use whirl_model::{InvokerId, RuntimeManifest};
use whirl_service::admin::AdminParts;
use whirl_service::checks::Checks;
use whirl_service::keys::{self, KeyFileError};
use whirl_service::manifest::{self, ManifestFileError};
use whirl_service::metrics::MetricsError;
use whirl_service::ready_file::{self, ReadyFileError};
use whirl_service::{Drain, Metrics, Readiness, ServerKey, retry};

use crate::containers::{ContainerRequest, Containers, SetupFailure, environment};
use crate::invoker::{Invoker, StartError};
use crate::metrics;
use crate::parts::{InvokerParts, MemberParts};
use admin::AdminPort;
use api_host::{ApiHost, ApiHostError};
pub use flags::Flags;
pub use settings::ProcessConfig;

/// Why the process does not start, or does not end well.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The key is not named.
    #[error("server_key_file is not set: it names the key that all processes of the cluster have")]
    NoKey,
    /// The process has no name.
    #[error("this host has no name: set the name that the invoker is known by")]
    NoName,
    /// The key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The manifest cannot be had.
    #[error(transparent)]
    Manifest(#[from] ManifestFileError),
    /// The setting `api_host` cannot be used.
    #[error(transparent)]
    ApiHost(#[from] ApiHostError),
    /// The admin port cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The servers cannot be used as they are set.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The cluster gives no number.
    #[error("the invoker has no number")]
    Number(#[from] CoordinationError),
    /// Containers cannot be had.
    #[error(transparent)]
    Containers(#[from] SetupFailure),
    /// The metrics cannot be made.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The invoker does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The ready file cannot be written.
    #[error(transparent)]
    ReadyFile(#[from] ReadyFileError),
    /// Containers, or what they needed on the host, stay behind.
    #[error("not everything on this host could be removed")]
    Remains(#[from] ContainerError),
    /// Activations were running when the time was over.
    #[error("some activations did not end within {0} seconds; their controllers see to them")]
    Unfinished(u64),
}

/// What is read before anything else, as nothing can be done without.
struct Given {
    name: String,
    owner: String,
    key: ServerKey,
    manifest: Arc<RuntimeManifest>,
    api: Option<ApiHost>,
}

impl Given {
    fn read(config: &ProcessConfig) -> Result<Self, ProcessError> {
        let name = config.name().ok_or(ProcessError::NoName)?;
        let key_file = config.server_key_file.as_ref().ok_or(ProcessError::NoKey)?;
        Ok(Self {
            owner: owner(&config.cluster, &name),
            name,
            key: ServerKey::load(key_file)?,
            manifest: Arc::new(manifest::read(config.manifest.as_deref())?),
            api: config.api_host.as_deref().map(str::parse).transpose()?,
        })
    }
}

/// Whose containers those of an invoker are: no other one's on the host, and the same after a restart.
fn owner(cluster: &str, name: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(cluster.as_bytes()).update(&[0]).update(name.as_bytes());
    hasher.finalize().to_hex()[..8].to_owned()
}

/// Runs an invoker until `drain` begins, and then until what it took has ended. While a server is away at the
/// start it waits for it, and readiness says so.
///
/// # Errors
/// When a setting cannot work, the admin port or containers cannot be had; and when not everything ended or could
/// be removed.
pub async fn run(config: ProcessConfig, drain: Drain) -> Result<(), ProcessError> {
    let given = Given::read(&config)?;
    let (metrics, readiness) = (Metrics::new(), Readiness::new());
    readiness.blocked("process", "it is starting");
    let address = config.admin_address();
    let parts = AdminParts { metrics, readiness, drain: drain.clone() };
    let admin = AdminPort::open(address, parts.clone(), given.key.token(keys::LIVE_LOGS))
        .map_err(|source| ProcessError::Listen { address, source })?;
    let process = Process { config, given, parts };
    let ended = process.run(&admin, &drain).await;
    admin.close().await;
    ended
}

struct Process {
    config: ProcessConfig,
    given: Given,
    parts: AdminParts,
}

impl Process {
    async fn run(&self, admin: &AdminPort, drain: &Drain) -> Result<(), ProcessError> {
        let (backends, id) = tokio::select! {
            found = self.connect() => found?,
            () = drain.wait() => return Ok(()),
        };
        let looked_at = backends.clone();
        let checks = Checks::watch(self.parts.readiness.clone(), move || looked_at.clone().check());
        let (containers, api_host) = tokio::select! {
            found = self.containers() => found?,
            () = drain.wait() => return Ok(()),
        };
        let invoker = tokio::select! {
            started = self.start(&backends, id, &containers, &api_host) => started,
            () = drain.wait() => return Ok(containers.factory.close().await?),
        };
        let Ok(invoker) = invoker else {
            // That it did not start is the thing to tell; a network without containers does no harm.
            let _network_may_stay = containers.factory.close().await;
            return invoker.map(drop);
        };
        admin.show(invoker.clone());
        let engine_checks = invoker.watch(self.parts.readiness.clone());
        let announced = self.announce(&invoker);
        if announced.is_ok() {
            self.parts.readiness.clear("process");
            drain.wait().await;
        }
        let finished = invoker.drain(Duration::from_secs(self.config.drain_seconds)).await?;
        drop((checks, engine_checks));
        announced?;
        if finished { Ok(()) } else { Err(ProcessError::Unfinished(self.config.drain_seconds)) }
    }

    async fn connect(&self) -> Result<(Backends, InvokerId), ProcessError> {
        let (cluster, readiness) = (self.config.cluster(), &self.parts.readiness);
        let attempt = async || connect(&cluster).await;
        let backends = retry::until_done(readiness, "servers", ConnectError::is_retryable, attempt).await?;
        let number = async || backends.coordination.invoker_number(&self.given.name).await;
        let id =
            retry::until_done(readiness, "coordination", CoordinationError::is_retryable, number).await?;
        Ok((backends, id))
    }

    /// The containers, and where they find the API.
    async fn containers(&self) -> Result<(Containers, String), ProcessError> {
        let Self { config, given, .. } = self;
        let addresses = match &given.api {
            Some(api) => api.addresses().await?,
            None => Vec::new(),
        };
        let processes_dir = config.data_dir(&given.name).map(|dir| dir.join("processes"));
        let manifest_folder = || config.manifest.as_deref()?.parent();
        let containers = Containers::provide(ContainerRequest {
            choice: config.containers,
            isolation: config.isolation,
            docker: &config.docker,
            invoker: &config.invoker,
            owner: &given.owner,
            api_port: api_host::port_of_this_host(given.api.as_ref()),
            api_addresses: &addresses,
            manifest: &given.manifest,
            runtimes_dir: config.runtimes_dir.as_deref().or_else(manifest_folder),
            processes_dir: processes_dir.as_deref(),
        });
        let containers = containers.await?;
        let api_host = match &given.api {
            Some(api) => api.to_string(),
            None => api_host::of_this_host(containers.gateway),
        };
        Ok((containers, api_host))
    }

    async fn start(
        &self,
        backends: &Backends,
        id: InvokerId,
        containers: &Containers,
        api_host: &str,
    ) -> Result<Invoker, ProcessError> {
        let Self { config, given, parts } = self;
        let invoker = Invoker::start(InvokerParts {
            id,
            owner: given.owner.clone(),
            config: config.invoker.clone(),
            manifest: Arc::clone(&given.manifest),
            stores: backends.stores.clone(),
            bus: Arc::clone(&backends.bus),
            factory: Arc::clone(&containers.factory),
            host: containers.host.clone(),
            key: given.key.clone(),
            env: environment(&config.invoker, api_host),
            bounds: config.limits,
            metrics: metrics::register(&parts.metrics)?,
            member: Some(MemberParts {
                name: given.name.clone(),
                tags: config.tags.clone(),
                endpoint: config.admin_url(),
                config: config.heartbeat.clone(),
                coordination: Arc::clone(&backends.coordination),
                readiness: parts.readiness.clone(),
            }),
        });
        Ok(invoker.await?)
    }

    fn announce(&self, invoker: &Invoker) -> Result<(), ProcessError> {
        let (admin, id) = (self.config.admin_address(), invoker.status().id);
        tracing::info!(invoker = %id, name = self.given.name, %admin, "whirl-invoker is ready");
        let Some(path) = &self.config.ready_file else { return Ok(()) };
        let ready = json!({
            "admin": format!("http://{admin}"),
            "invoker": id.0,
            "name": self.given.name,
            "owner": self.given.owner,
            "pid": std::process::id(),
        });
        Ok(ready_file::write(path, &ready)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invoker_owns_its_containers_alone() {
        assert_eq!(owner("whirl", "a"), owner("whirl", "a"));
        assert_ne!(owner("whirl", "a"), owner("whirl", "b"));
        assert_ne!(owner("whirl", "a"), owner("other", "a"));
        assert_ne!(owner("w", "xa"), owner("wx", "a"));
    }

    #[test]
    fn settings_that_cannot_work_are_told_before_anything_is_done() {
        let config = ProcessConfig { name: Some("a".into()), ..ProcessConfig::default() };
        assert!(matches!(Given::read(&config), Err(ProcessError::NoKey)));
        let missing = ProcessConfig { server_key_file: Some("/nonexistent".into()), ..config };
        assert!(matches!(Given::read(&missing), Err(ProcessError::Key(_))));
    }
}
