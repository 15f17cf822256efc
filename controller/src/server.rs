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
use whirl_model::{ControllerId, RuntimeManifest, Topic};
use whirl_service::metrics::MetricsError;
use whirl_service::{Drain, Metrics, ServerKey};

use crate::acknowledgements::Acknowledgements;
use crate::api::Api;
use crate::authentication::Authenticator;
use crate::config::{ControllerConfig, MemberConfig};
use crate::entity_cache::EntityCache;
use crate::entity_changes::Forgetter;
use crate::invokers::Invokers;
use crate::losses::Losses;
use crate::metrics::ControllerMetrics;
use crate::records::Records;
use crate::{admin, edge, host, routes};

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
    /// What credentials are looked up with.
    pub key: ServerKey,
    /// Where it registers its metrics.
    pub metrics: Metrics,
    /// Says when to take no new invocations.
    pub drain: Drain,
}

/// A controller, reading its acknowledgements. Dropping it ends that.
pub struct Controller {
    api: Data<Api>,
    _acknowledgements: Box<dyn Subscription>,
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
        let lifetime = Duration::from_secs(config.authentication_cache_seconds);
        let entities = Arc::new(EntityCache::new(
            parts.stores.entities.clone(),
            config.action_cache_bytes,
            parts.member.map(|member| Duration::from_secs(member.action_cache_seconds.into())),
            metrics.actions.clone(),
        ));
        let api = Api {
            id: parts.id,
            has_peers: parts.member.is_some(),
            lost_after: Duration::from_secs(member.lost_after_seconds.into()),
            host_info: host::describe(&config, &parts.manifest),
            manifest: parts.manifest,
            authenticator: Authenticator::new(parts.key, parts.stores.subjects.clone(), lifetime),
            entities,
            records: Arc::new(Records::new(parts.stores.activations.clone())),
            config,
            stores: parts.stores,
            bus: parts.bus,
            invokers: parts.invokers,
            acknowledgements,
            metrics,
            drain: parts.drain,
        };
        let membership = parts.member.map(|member| tend(&api, member));
        Ok(Self { api: Data::new(api), _acknowledgements: subscription, _membership: membership })
    }

    /// Waits until no activation is in flight here: all have ended, and those that were lost are recorded.
    pub async fn idle(&self) {
        self.api.acknowledgements.emptied().await;
    }

    /// Serves the API on all the listeners until the returned server is stopped, which lets open requests end
    /// within `shutdown_seconds`. It listens to no signals. Each worker serves a connection's requests, and
    /// whatever they start, on one thread.
    ///
    /// # Errors
    /// When a listener cannot be used.
    pub fn serve(&self, listeners: Vec<TcpListener>) -> io::Result<Server> {
        let api = self.api.clone();
        let mut server = HttpServer::new(move || {
            App::new().app_data(api.clone()).configure(routes::configure).wrap(from_fn(edge::pass))
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

    /// The routes that the controller adds to the admin port: `/invokers`, `/invokers/healthy/count`,
    /// `/invokers/ready`, `/activation`, `/activation/count`.
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
        api.metrics.lost.clone(),
    );
    let forgetter = Forgetter { own: api.id, entities: api.entities.clone() };
    Tending {
        losses: tokio::spawn(losses.run()).abort_handle(),
        _changes: api.bus.listen(Arc::new(forgetter)),
    }
}
