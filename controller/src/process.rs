//! The `whirl-controller` process: connects, joins the cluster, serves, and leaves. It decides nothing about
//! activations.

mod admin_port;
mod flags;
mod settings;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use serde_json::json;
use whirl_backends::connect::{Backends, ConnectError, connect};
use whirl_backends::coordination::{CoordinationError, Membership, Watching};
use whirl_backends::store::StoreError;
use whirl_model::identity::CredentialsError;
use whirl_model::{ControllerId, ControllerReport, Credentials, RuntimeManifest};
use whirl_service::admin::AdminParts;
use whirl_service::checks::Checks;
use whirl_service::keys::KeyFileError;
use whirl_service::manifest::{self, ManifestFileError};
use whirl_service::metrics::MetricsError;
use whirl_service::ready_file::{self, ReadyFileError};
use whirl_service::{AdminKey, Drain, Metrics, Readiness, ServerKey, retry};

use crate::cluster_invokers::ClusterInvokers;
use crate::guest;
use crate::live_logs::RemoteLogs;
use crate::server::{Controller, ControllerParts};
use admin_port::AdminPort;
pub use flags::Flags;
pub use settings::ProcessConfig;

/// How long the calls that wait have to end once the cluster has taken the process for dead. Nothing new is taken
/// meanwhile, and a supervisor should start the process again soon.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long leaving the cluster may take; else the lease runs out.
const LEAVING: Duration = Duration::from_secs(2);

/// Why the process cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The key is not named.
    #[error("server_key_file is not set: it names the key that all processes of the cluster have")]
    NoKey,
    /// The key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The manifest cannot be had.
    #[error(transparent)]
    Manifest(#[from] ManifestFileError),
    /// The setting `credentials` is malformed.
    #[error("the setting 'credentials' cannot be used")]
    Credentials(#[from] CredentialsError),
    /// A port cannot be had.
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
    /// The store does not take the namespace `guest`.
    #[error("the namespace guest cannot be set up")]
    Guest(#[from] StoreError),
    /// The cluster does not take this process.
    #[error("the cluster cannot be joined")]
    Join(#[from] CoordinationError),
    /// The metrics cannot be made.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The ready file cannot be written.
    #[error(transparent)]
    ReadyFile(#[from] ReadyFileError),
    /// The lease ended: another process may have the number now.
    #[error("the cluster took this controller for dead: it was frozen or out of reach for too long")]
    Lost,
}

/// What is read before anything else, as nothing can be done without.
struct Given {
    key: ServerKey,
    admin_key: Option<AdminKey>,
    manifest: Arc<RuntimeManifest>,
    credentials: Option<Credentials>,
}

impl Given {
    fn read(config: &ProcessConfig) -> Result<Self, ProcessError> {
        let key_file: &PathBuf = config.server_key_file.as_ref().ok_or(ProcessError::NoKey)?;
        Ok(Self {
            key: ServerKey::load(key_file)?,
            admin_key: config.admin_key_file.as_deref().map(AdminKey::load).transpose()?,
            manifest: Arc::new(manifest::read(config.manifest.as_deref())?),
            credentials: config.credentials.as_deref().map(str::parse).transpose()?,
        })
    }
}

/// Runs a controller until `drain` begins, and then until what it has begun has ended. While a server is away at
/// the start it waits for it, and readiness says so.
///
/// # Errors
/// When a setting cannot work, a port is taken, or the cluster took the process for dead.
pub async fn run(config: ProcessConfig, drain: Drain) -> Result<(), ProcessError> {
    let given = Given::read(&config)?;
    let (metrics, readiness) = (Metrics::new(), Readiness::new());
    readiness.blocked("process", "it is starting");
    let address = config.admin_address();
    let parts = AdminParts { metrics, readiness, drain: drain.clone() };
    let mut admin =
        AdminPort::open(address, parts.clone()).map_err(|source| ProcessError::Listen { address, source })?;
    let process = tokio::select! {
        process = Process::start(&config, given, &parts) => process?,
        () = drain.wait() => return Ok(()),
    };
    admin
        .add(process.controller.admin_routes())
        .await
        .map_err(|source| ProcessError::Listen { address, source })?;
    parts.readiness.clear("process");
    process.announce(&config)?;
    let (patience, outcome) = tokio::select! {
        () = drain.wait() => (Duration::from_secs(config.drain_seconds), Ok(())),
        () = process.membership.lost() => (LAST_WORDS, Err(ProcessError::Lost)),
    };
    drain.begin();
    process.stop(patience).await;
    admin.close().await;
    outcome
}

/// A controller that serves.
struct Process {
    id: ControllerId,
    controller: Controller,
    api: ServerHandle,
    gateway: Option<ServerHandle>,
    backends: Backends,
    membership: Arc<dyn Membership>,
    watching: Box<dyn Watching>,
    checks: Checks,
}

impl Process {
    async fn start(config: &ProcessConfig, given: Given, admin: &AdminParts) -> Result<Self, ProcessError> {
        let readiness = &admin.readiness;
        let cluster = config.cluster();
        let backends = retry::until_done(readiness, "servers", ConnectError::is_retryable, async || {
            connect(&cluster).await
        })
        .await?;
        if let Some(credentials) = &given.credentials {
            let subjects = &*backends.stores.subjects;
            let provide = async || guest::provide(subjects, &given.key, Some(credentials.clone())).await;
            retry::until_done(readiness, "store", StoreError::is_retryable, provide).await?;
        }
        let invokers = ClusterInvokers::new(&config.member, readiness.clone(), &admin.metrics)?;
        let report =
            ControllerReport { name: config.name.clone(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let join = async || backends.coordination.join_controller(&report).await;
        let (id, membership) =
            retry::until_done(readiness, "membership", CoordinationError::is_retryable, join).await?;
        tracing::info!(controller = id.0, name = config.name, "joined the cluster");
        let watching = backends.coordination.watch(invokers.clone());
        invokers.seen().await;
        let controller = Controller::new(ControllerParts {
            id,
            config: config.controller.clone(),
            member: Some(config.member),
            manifest: given.manifest,
            stores: backends.stores.clone(),
            bus: backends.bus.clone(),
            live_logs: Arc::new(RemoteLogs::new(invokers.clone(), &given.key)),
            invokers,
            key: given.key,
            admin_key: given.admin_key,
            metrics: admin.metrics.clone(),
            drain: admin.drain.clone(),
            redelivered: Vec::new(),
        })?;
        // First, as the API tells its port.
        let gateway = serve_gateway(&controller, config)?;
        let api = serve(&controller, config)?;
        let looked_at = backends.clone();
        let checks = Checks::watch(readiness.clone(), move || looked_at.clone().check());
        Ok(Self { id, controller, api, gateway, backends, membership, watching, checks })
    }

    fn announce(&self, config: &ProcessConfig) -> Result<(), ProcessError> {
        let api = config.api_address();
        tracing::info!(controller = self.id.0, %api, "whirl-controller is ready");
        let Some(path) = &config.ready_file else { return Ok(()) };
        let ready = json!({
            "api": format!("http://{api}"),
            "gateway": config.gateway_address().map(|address| format!("http://{address}")),
            "admin": format!("http://{}", config.admin_address()),
            "controller": self.id.0,
            "pid": std::process::id(),
        });
        Ok(ready_file::write(path, &ready)?)
    }

    /// Waits for what has begun, at most for `patience`, and leaves. New invocations are refused since the drain
    /// began.
    async fn stop(self, patience: Duration) {
        let idle = tokio::time::timeout(patience, self.controller.idle()).await.is_ok();
        if !idle {
            tracing::warn!("some activations did not end in time; their invokers see to them");
        }
        // Without activations the requests that are open end soon.
        self.api.stop(idle).await;
        if let Some(gateway) = &self.gateway {
            gateway.stop(idle).await;
        }
        match tokio::time::timeout(LEAVING, self.membership.leave()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the cluster could not be left; the lease runs out"),
            Err(_) => tracing::warn!("the cluster could not be left in time; the lease runs out"),
        }
        drop((self.checks, self.watching, self.controller));
        self.backends.bus.close().await;
    }
}

fn serve(controller: &Controller, config: &ProcessConfig) -> Result<ServerHandle, ProcessError> {
    let listeners = config.api_addresses().map(listen).collect::<Result<Vec<_>, _>>()?;
    let address = config.api_address();
    let server = controller.serve(listeners).map_err(|source| ProcessError::Listen { address, source })?;
    Ok(spawn(server))
}

/// Serves the API gateway, if there is to be one.
fn serve_gateway(
    controller: &Controller,
    config: &ProcessConfig,
) -> Result<Option<ServerHandle>, ProcessError> {
    let Some(address) = config.gateway_address() else { return Ok(None) };
    let server = controller.serve_gateway(vec![listen(address)?]);
    let server = server.map_err(|source| ProcessError::Listen { address, source })?;
    Ok(Some(spawn(server)))
}

fn listen(address: SocketAddr) -> Result<TcpListener, ProcessError> {
    TcpListener::bind(address).map_err(|source| ProcessError::Listen { address, source })
}

fn spawn(server: Server) -> ServerHandle {
    let handle = server.handle();
    tokio::spawn(server);
    handle
}
