//! What an invoker is made of, and what makes it a member of a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use whirl_backends::bus::Bus;
use whirl_backends::coordination::Coordination;
use whirl_backends::store::Stores;
use whirl_containers::factory::ContainerFactory;
use whirl_model::limits::LimitBounds;
use whirl_model::{InvokerId, RuntimeManifest};
use whirl_service::Readiness;
use whirl_service::keys::ServerKey;

use crate::config::{HeartbeatConfig, InvokerConfig};
use crate::containers::Host;
use crate::metrics::InvokerMetrics;

/// What an invoker is made of.
pub struct InvokerParts {
    /// Its number.
    pub id: InvokerId,
    /// Begins the names of its containers; the same after a restart, other than any other invoker's here.
    pub owner: String,
    /// Its settings.
    pub config: InvokerConfig,
    /// The kinds it can run.
    pub manifest: Arc<RuntimeManifest>,
    /// Where actions come from and records go to.
    pub stores: Stores,
    /// Where activations come from and acknowledgements go to.
    pub bus: Arc<dyn Bus>,
    /// What makes its containers.
    pub factory: Arc<dyn ContainerFactory>,
    /// What they may have of the host beside memory.
    pub host: Host,
    /// Opens the callers' sealed keys, for actions that may have them. They are sealed for the UUID of
    /// their namespace.
    pub key: ServerKey,
    /// Environment of all containers.
    pub env: BTreeMap<String, String>,
    /// How large results may be.
    pub bounds: LimitBounds,
    /// What it counts with.
    pub metrics: InvokerMetrics,
    /// Its place in a cluster, if it has one.
    pub member: Option<MemberParts>,
}

/// What an invoker needs to be a member of a cluster.
pub struct MemberParts {
    /// The name that its number stays with.
    pub name: String,
    /// What its host offers.
    pub tags: Vec<String>,
    /// The URL of its admin port, as controllers reach it; `None` if they do not.
    pub endpoint: Option<String>,
    /// Its settings.
    pub config: HeartbeatConfig,
    /// The cluster.
    pub coordination: Arc<dyn Coordination>,
    /// Where it says that the cluster is out of reach.
    pub readiness: Readiness,
}
