//! Puts the process together, and takes it apart.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use anyhow::Context;
use whirl_backends::bus::in_process::InProcessBus;
use whirl_backends::embedded::EmbeddedStore;
use whirl_backends::journal::{Journal, JournalOptions, Recovered, Unfinished};
use whirl_backends::store::{ActivationStore, StoreError, Stores};
use whirl_controller::{Controller, ControllerParts, guest};
use whirl_invoker::containers::{ContainerRequest, Containers, environment};
use whirl_invoker::{Invoker, InvokerParts, register_metrics};
use whirl_model::{
    ActivationMessage, ActivationRecord, ControllerId, Credentials, InvokerId, RuntimeManifest, Topic,
};
use whirl_service::admin::{self, AdminParts, Readiness};
use whirl_service::checks::Checks;
use whirl_service::keys::ServerKey;
use whirl_service::{AdminKey, Drain, Metrics, manifest, ready_file};

use crate::config::StandaloneConfig;
use crate::data_dir::DataDir;
use crate::own_invoker::OwnInvoker;

const INVOKER: InvokerId = InvokerId(0);

/// Why the process did not start. The chain of sources tells what to mend.
pub type StartError = anyhow::Error;

/// A running `whirl`.
pub struct Standalone {
    config: StandaloneConfig,
    drain: Drain,
    readiness: Readiness,
    store: Arc<EmbeddedStore>,
    servers: Vec<ServerHandle>,
    invoker: Invoker,
    new_credentials: Option<Credentials>,
    controller: Controller,
    /// Watches the container engine.
    checks: Checks,
}

/// What the rest of the process stands on.
struct Ground {
    data: DataDir,
    key: ServerKey,
    store: Arc<EmbeddedStore>,
    stores: Stores,
    bus: Arc<InProcessBus>,
    /// What the bus will deliver to the invoker again.
    redelivered: Vec<Arc<ActivationMessage>>,
    manifest: Arc<RuntimeManifest>,
}

impl Standalone {
    /// Starts everything; returns when activations can run. The API answers earlier.
    ///
    /// # Errors
    /// When a part cannot be had: the port, the data directory, the containers.
    pub async fn start(config: StandaloneConfig, drain: Drain) -> Result<Self, StartError> {
        let ground = Ground::open(&config).await?;
        let given = config.credentials.as_deref().map(str::parse::<Credentials>).transpose()?;
        // A key that was given is good from the first answer on.
        let is_given = given.is_some();
        let given_anew = if is_given { ground.provide_guest(given).await? } else { None };
        let (metrics, readiness) = (Metrics::new(), Readiness::new());
        readiness.blocked("invoker", "it is starting");
        let own_invoker = Arc::new(OwnInvoker::new(INVOKER));
        let controller = Controller::new(ControllerParts {
            id: ControllerId(0),
            config: config.controller.clone(),
            member: None,
            manifest: Arc::clone(&ground.manifest),
            stores: ground.stores.clone(),
            bus: ground.bus.clone(),
            invokers: own_invoker.clone(),
            live_logs: own_invoker.clone(),
            key: ground.key.clone(),
            admin_key: Some(AdminKey::load_or_create(&ground.data.admin_key())?),
            metrics: metrics.clone(),
            drain: drain.clone(),
            redelivered: ground.redelivered.clone(),
        })?;
        // First of all, as the API tells its port.
        let gateway = serve_gateway(&controller, &config)?;
        let mut servers = Vec::new();
        let mut serve = |address: SocketAddr| -> anyhow::Result<()> {
            let server = controller.serve(vec![listen(address)?])?;
            servers.push(server.handle());
            tokio::spawn(server);
            Ok(())
        };
        serve(SocketAddr::new(config.listen, config.port))?;
        let admin_address = SocketAddr::from(([127, 0, 0, 1], config.admin_port()));
        let admin_parts =
            AdminParts { metrics: metrics.clone(), readiness: readiness.clone(), drain: drain.clone() };
        let admin_server = admin::serve(listen(admin_address)?, admin_parts, controller.admin_routes())?;
        let containers = ground.containers(&config).await?;
        if let Some(gateway) = containers.gateway
            && !config.listen.is_unspecified()
        {
            serve(SocketAddr::new(gateway, config.port))
                .context("actions cannot call the API: it cannot listen on the containers' network")?;
        }
        servers.push(admin_server.handle());
        tokio::spawn(admin_server);
        servers.extend(gateway);
        let invoker = ground.start_invoker(&config, &containers, &metrics).await?;
        own_invoker.is(invoker.clone());
        let checks = invoker.watch(readiness.clone());
        readiness.clear("invoker");
        // Last, as a key that a start makes and then fails would be told to nobody.
        let new_credentials = if is_given { given_anew } else { ground.provide_guest(None).await? };
        let store = ground.store;
        let started =
            Self { config, drain, readiness, store, servers, invoker, new_credentials, controller, checks };
        started.announce()?;
        Ok(started)
    }

    /// The credentials of the namespace `guest`, if this start made or set them.
    #[must_use]
    pub fn new_credentials(&self) -> Option<&Credentials> {
        self.new_credentials.as_ref()
    }

    /// The API's URL.
    #[must_use]
    pub fn api_host(&self) -> String {
        api_host(self.config.listen, self.config.port)
    }

    fn announce(&self) -> anyhow::Result<()> {
        let Some(path) = &self.config.ready_file else { return Ok(()) };
        let gateway = self.config.gateway_port().map(|port| api_host(self.config.listen, port));
        let ready = serde_json::json!({
            "api": self.api_host(),
            "gateway": gateway,
            "admin": format!("http://127.0.0.1:{}", self.config.admin_port()),
            "pid": std::process::id(),
        });
        Ok(ready_file::write(path, &ready)?)
    }

    /// Takes no new work, finishes or hands back the rest, writes all records, removes all containers.
    ///
    /// # Errors
    /// When containers, or what they needed on the host, cannot be removed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.drain.begin();
        self.readiness.blocked("process", "it is stopping");
        let patience = Duration::from_secs(self.config.drain_seconds);
        let began = Instant::now();
        // Their steps need the invoker. Those that do not end in time go on at the next start.
        let _ = tokio::time::timeout(patience, self.controller.sequences_ended()).await;
        drop(self.checks);
        let finished = self.invoker.drain(patience.saturating_sub(began.elapsed())).await;
        for server in &self.servers {
            server.stop(true).await;
        }
        self.store.close();
        if !finished? {
            tracing::warn!("some activations did not end in time; they are seen to at the next start");
        }
        Ok(())
    }
}

impl Ground {
    async fn open(config: &StandaloneConfig) -> anyhow::Result<Self> {
        let data = DataDir::open(config.data_dir.as_deref(), config.port)
            .context("the data directory cannot be used")?;
        let options = JournalOptions { max_bytes: config.journal_bytes, ..JournalOptions::default() };
        let (journal, recovered) = Journal::open(&data.journal(), options)
            .with_context(|| format!("is another whirl using '{}'?", data.path().display()))?;
        let store = EmbeddedStore::open(&data.store())?;
        let stores = store.stores();
        let unfinished: Vec<Unfinished> = settle(&journal, recovered, &*stores.activations).await?;
        let of_invoker = |u: &&Unfinished| matches!(u.topic, Topic::Activations(_));
        let redelivered = unfinished.iter().filter(of_invoker).map(|u| u.message.clone()).collect();
        Ok(Self {
            key: ServerKey::load_or_create(&data.server_key())?,
            manifest: Arc::new(manifest::read(config.manifest.as_deref())?),
            bus: InProcessBus::new(Some((journal, unfinished))),
            redelivered,
            data,
            store,
            stores,
        })
    }

    async fn provide_guest(&self, given: Option<Credentials>) -> Result<Option<Credentials>, StoreError> {
        guest::provide(&*self.stores.subjects, &self.key, given).await
    }

    async fn containers(&self, config: &StandaloneConfig) -> anyhow::Result<Containers> {
        let manifest_folder = || config.manifest.as_deref()?.parent();
        let (owner, processes) = (self.data.owner(), self.data.processes());
        let containers = ContainerRequest {
            choice: config.containers,
            isolation: config.isolation,
            docker: &config.docker,
            invoker: &config.invoker,
            owner: &owner,
            api_port: Some(config.port),
            api_addresses: &[],
            manifest: &self.manifest,
            runtimes_dir: config.runtimes_dir.as_deref().or_else(manifest_folder),
            processes_dir: Some(&processes),
        };
        Ok(Containers::provide(containers).await?)
    }

    async fn start_invoker(
        &self,
        config: &StandaloneConfig,
        containers: &Containers,
        metrics: &Metrics,
    ) -> anyhow::Result<Invoker> {
        let host = api_host(containers.gateway.unwrap_or(config.listen), config.port);
        let invoker = Invoker::start(InvokerParts {
            id: INVOKER,
            owner: self.data.owner(),
            config: config.invoker.clone(),
            manifest: Arc::clone(&self.manifest),
            stores: self.stores.clone(),
            bus: self.bus.clone(),
            factory: Arc::clone(&containers.factory),
            host: containers.host.clone(),
            key: self.key.clone(),
            env: environment(&config.invoker, &host),
            bounds: config.controller.limits,
            metrics: register_metrics(metrics)?,
            member: None,
        });
        Ok(invoker.await?)
    }
}

/// Stores the records that an earlier process may not have stored; gives the activations without one. After a
/// power cut the journal may not know what the store does.
async fn settle(
    journal: &Journal,
    recovered: Recovered,
    activations: &dyn ActivationStore,
) -> anyhow::Result<Vec<Unfinished>> {
    let ended: Vec<Arc<ActivationRecord>> = recovered.ended.into_iter().map(Arc::new).collect();
    let of_message = |u: &Unfinished| (u.message.caller.namespace.clone(), u.message.activation_id);
    let ids: Vec<_> = recovered.unfinished.iter().map(of_message).collect();
    if !ended.is_empty() || !ids.is_empty() {
        tracing::info!(ended = ended.len(), unfinished = ids.len(), "an earlier process left activations");
    }
    activations.put_all(&ended).await?;
    let recorded = activations.existing(&ids).await?;
    ended
        .iter()
        .map(|record| record.activation_id)
        .chain(recorded.iter().copied())
        .for_each(|id| journal.recorded(id));
    let without_record = |u: &Unfinished| !recorded.contains(&u.message.activation_id);
    Ok(recovered.unfinished.into_iter().filter(without_record).collect())
}

/// Serves the API gateway, if there is to be one.
fn serve_gateway(controller: &Controller, config: &StandaloneConfig) -> anyhow::Result<Option<ServerHandle>> {
    let Some(port) = config.gateway_port() else { return Ok(None) };
    let listener = listen(SocketAddr::new(config.listen, port))
        .context("there is no API gateway without its port: choose one with --gateway-port, or 0 for none")?;
    let server = controller.serve_gateway(vec![listener])?;
    let handle = server.handle();
    tokio::spawn(server);
    Ok(Some(handle))
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

fn api_host(address: std::net::IpAddr, port: u16) -> String {
    let address = if address.is_unspecified() { std::net::IpAddr::from([127, 0, 0, 1]) } else { address };
    format!("http://{}", SocketAddr::new(address, port))
}
