//! Builds a controller from its parts and serves it. Signals and listeners are the binary's business.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer};
use tokio::task::AbortHandle;
use whirl_backends::bus::{Bus, Listening, Subscription};
use whirl_backends::store::Stores;
use whirl_model::{ActivationMessage, ControllerId, RuntimeManifest, Topic};
use whirl_service::metrics::MetricsError;
use whirl_service::{AdminKey, Drain, Metrics, ServerKey};

use crate::acknowledgements::Acknowledgements;
use crate::api::Api;
use crate::authenticator::Authenticator;
use crate::config::{ControllerConfig, MemberConfig};
use crate::entity_cache::EntityCache;
use crate::entity_changes::Forgetter;
use crate::followers::Followers;
use crate::gateway::{self, Gateway, RouteCache};
use crate::idempotency::Claims;
use crate::invokers::Invokers;
use crate::live_logs::LiveLogs;
use crate::losses::Losses;
use crate::metrics::ControllerMetrics;
use crate::records::Records;
use crate::sequences::Sequences;
use crate::sequences::reader::Reader;
use crate::throttles::Throttles;
use crate::{admin, edge, host, openapi, routes};

/// Acknowledgements are taken as they come: each is handled at once and nothing of it is held back.
const CREDIT: usize = usize::MAX;
/// Longer than the 60 s that a blocking call may wait and the 75 s that a proxy keeps a connection.
const KEEP_ALIVE: Duration = Duration::from_secs(90);
/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Threads of a worker for blocking calls, of which there are none.
const BLOCKING_THREADS: usize = 1;

/// What a controller is made of.
pub struct ControllerParts {
    /// Its number in its cluster.
    pub id: ControllerId,
    /// Its settings.
    pub config: ControllerConfig,
    /// What it has to settle with others; `None` if it is alone and shares its fate with its only invoker.
    pub member: Option<MemberConfig>,
    /// What can be run.
    pub manifest: Arc<RuntimeManifest>,
    /// Entities, records and subjects.
    pub stores: Stores,
    /// The way to invokers and back.
    pub bus: Arc<dyn Bus>,
    /// The invokers.
    pub invokers: Arc<dyn Invokers>,
    /// The same, as those who know the logs of what is running.
    pub live_logs: Arc<dyn LiveLogs>,
    /// What credentials are looked up with.
    pub key: ServerKey,
    /// What administrators show on the admin port; `None` leaves administration off.
    pub admin_key: Option<AdminKey>,
    /// Where it registers its metrics.
    pub metrics: Metrics,
    /// Says when to take no new invocations.
    pub drain: Drain,
    /// Activations that an earlier process on this bus gave to invokers and that the bus will deliver to them
    /// again; sequences that were waiting for them go on when these end.
    pub redelivered: Vec<Arc<ActivationMessage>>,
}

/// A controller, reading its acknowledgements and sequences. Dropping it ends that.
pub struct Controller {
    api: Data<Api>,
    _acknowledgements: Box<dyn Subscription>,
    _sequences: Box<dyn Subscription>,
    _membership: Option<Tending>,
}

/// What a member of a cluster does besides serving.
struct Tending {
    losses: AbortHandle,
    _changes: Box<dyn Listening>,
}

impl Drop for Tending {
    fn drop(&mut self) {
        self.losses.abort();
    }
}

impl Controller {
    /// Puts the parts together and begins to read acknowledgements. Has to be called within a tokio runtime.
    ///
    /// # Errors
    /// When the registry has metrics of the controller's names already.
    pub fn new(parts: ControllerParts) -> Result<Self, MetricsError> {
        let metrics = ControllerMetrics::new(&parts.metrics)?;
        let (config, member) = (parts.config, parts.member.unwrap_or_default());
        let acknowledgements =
            Arc::new(Acknowledgements::new(config.recent_results_bytes, parts.invokers.clone(), &metrics));
        let subscription =
            parts.bus.subscribe(Topic::Acknowledgements(parts.id), acknowledgements.clone(), CREDIT);
        let sequences = Arc::new(Sequences::new(metrics.sequences.running.clone()));
        sequences.recover(&parts.redelivered, &acknowledgements);
        let lifetime = Duration::from_secs(config.authentication_cache_seconds);
        let believed = parts.member.map(|member| Duration::from_secs(member.action_cache_seconds.into()));
        let routes = Arc::new(RouteCache::new(parts.stores.entities.clone(), believed));
        let entities = Arc::new(EntityCache::new(
            parts.stores.entities.clone(),
            config.action_cache_bytes,
            believed,
            metrics.actions.clone(),
        ));
        let throttles = Throttles::new(
            config.throttles,
            acknowledgements.clone(),
            parts.invokers.clone(),
            metrics.throttled.clone(),
        );
        let api = Api {
            id: parts.id,
            has_peers: parts.member.is_some(),
            lost_after: Duration::from_secs(member.lost_after_seconds.into()),
            host_info: host::describe(&config, &parts.manifest),
            manifest: parts.manifest,
            authenticator: Arc::new(Authenticator::new(parts.key, parts.stores.subjects.clone(), lifetime)),
            throttles,
            admin_key: parts.admin_key,
            entities,
            gateway: Gateway::new(routes, config.gateway_url.clone()),
            records: Arc::new(Records::new(parts.stores.activations.clone(), metrics.records.clone())),
            claims: Claims::new(parts.stores.claims.clone()),
            config,
            stores: parts.stores,
            bus: parts.bus,
            invokers: parts.invokers,
            live_logs: parts.live_logs,
            followers: Arc::new(Followers::new(metrics.followed.clone())),
            acknowledgements,
            sequences,
            metrics,
            drain: parts.drain,
        };
        let membership = parts.member.map(|member| tend(&api, member));
        let api = Data::new(api);
        let reader = Arc::new(Reader(api.clone().into_inner()));
        let sequences = api.bus.subscribe(Topic::Sequences(api.id), reader, CREDIT);
        Ok(Self { api, _acknowledgements: subscription, _sequences: sequences, _membership: membership })
    }

    /// Waits until no sequence or composition is running here, and their records are stored.
    pub async fn sequences_ended(&self) {
        self.api.sequences.idle().await;
    }

    /// Waits until no activation is in flight here: all have ended, and those that were lost, or are made of
    /// others, are recorded.
    pub async fn idle(&self) {
        // In this order: one that is not delivered yet is in flight, and one that has ended may not be stored.
        self.api.acknowledgements.emptied().await;
        self.sequences_ended().await;
    }

    /// Serves the API on all the listeners until the returned server is stopped, which lets open requests end
    /// within `shutdown_seconds`. It listens to no signals. Each worker serves a connection's requests, and
    /// whatever they start, on one thread.
    ///
    /// # Errors
    /// When a listener cannot be used.
    pub fn serve(&self, listeners: Vec<TcpListener>) -> io::Result<Server> {
        self.server(listeners, routes::configure)
    }

    /// Serves the API gateway in the same way. From then on the addresses of APIs name the first listener's port,
    /// unless `gateway_url` is set.
    ///
    /// # Errors
    /// When a listener cannot be used.
    pub fn serve_gateway(&self, listeners: Vec<TcpListener>) -> io::Result<Server> {
        if let Some(first) = listeners.first() {
            self.api.gateway.listens(first.local_addr()?.port());
        }
        self.server(listeners, gateway::listener::configure)
    }

    fn server(&self, listeners: Vec<TcpListener>, configure: fn(&mut ServiceConfig)) -> io::Result<Server> {
        let (api, descriptions) = (self.api.clone(), Data::new(openapi::descriptions()));
        let mut server = HttpServer::new(move || {
            App::new()
                .app_data(api.clone())
                .app_data(descriptions.clone())
                .configure(configure)
                .wrap(from_fn(edge::pass))
        })
        .workers(self.workers())
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .tcp_nodelay(true)
        .shutdown_timeout(self.api.config.shutdown_seconds)
        .disable_signals();
        for listener in listeners {
            server = server.listen(listener)?;
        }
        Ok(server.run())
    }

    /// The routes that the controller adds to the admin port: how invokers and activations are, and, for those
    /// with the administrator's key, `/admin` and `/disable`.
    pub fn admin_routes(&self) -> impl Fn(&mut ServiceConfig) + Send + Clone + 'static {
        let api = self.api.clone();
        move |config| admin::configure(config, api.clone())
    }

    fn workers(&self) -> usize {
        match self.api.config.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        }
    }
}

fn tend(api: &Api, member: MemberConfig) -> Tending {
    let losses = Losses::new(
        api.acknowledgements.clone(),
        api.invokers.clone(),
        api.stores.activations.clone(),
        Duration::from_millis(member.lost_grace_milliseconds.into()),
        &api.metrics,
    );
    let forgetter = Forgetter {
        own: api.id,
        entities: api.entities.clone(),
        routes: api.gateway.routes.clone(),
        authenticator: api.authenticator.clone(),
    };
    Tending {
        losses: tokio::spawn(losses.run()).abort_handle(),
        _changes: api.bus.listen(Arc::new(forgetter)),
    }
}
