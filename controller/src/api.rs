//! What every handler may use: the controller's parts, built once and shared by all workers.

use std::sync::Arc;
use std::time::Duration;

use whirl_backends::bus::Bus;
use whirl_backends::store::Stores;
use whirl_model::{ControllerId, Json, RuntimeManifest};
use whirl_service::{AdminKey, Drain};

use crate::acknowledgements::Acknowledgements;
use crate::authenticator::Authenticator;
use crate::config::ControllerConfig;
use crate::entity_cache::EntityCache;
use crate::followers::Followers;
use crate::gateway::Gateway;
use crate::idempotency::Claims;
use crate::invokers::Invokers;
use crate::live_logs::LiveLogs;
use crate::metrics::ControllerMetrics;
use crate::records::Records;
use crate::sequences::Sequences;
use crate::throttles::Throttles;

/// The controller's parts.
pub(crate) struct Api {
    pub(crate) id: ControllerId,
    /// Whether other controllers remember entities too.
    pub(crate) has_peers: bool,
    /// How long after its action's time limits an activation is given up.
    pub(crate) lost_after: Duration,
    pub(crate) config: ControllerConfig,
    pub(crate) manifest: Arc<RuntimeManifest>,
    pub(crate) stores: Stores,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) invokers: Arc<dyn Invokers>,
    pub(crate) live_logs: Arc<dyn LiveLogs>,
    pub(crate) followers: Arc<Followers>,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) throttles: Throttles,
    /// What administrators show; without it there is no administration.
    pub(crate) admin_key: Option<AdminKey>,
    pub(crate) entities: Arc<EntityCache>,
    pub(crate) gateway: Gateway,
    pub(crate) records: Arc<Records>,
    pub(crate) claims: Claims,
    pub(crate) acknowledgements: Arc<Acknowledgements>,
    pub(crate) sequences: Arc<Sequences>,
    pub(crate) metrics: ControllerMetrics,
    pub(crate) drain: Drain,
    /// The answer to `GET /`.
    pub(crate) host_info: Json,
}
