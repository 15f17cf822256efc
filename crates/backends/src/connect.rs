//! The servers of a cluster, together: their settings, and the connection to all of them. What each one does is
//! its seam's business.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use whirl_model::DocId;

use crate::bus::Bus;
use crate::bus::kafka::{self, KafkaBus, KafkaConfig};
use crate::coordination::etcd::{EtcdConfig, EtcdCoordination};
use crate::coordination::{Coordination, CoordinationError};
use crate::couchdb::{CouchdbConfig, CouchdbStore};
use crate::store::{StoreError, Stores};

/// How long the store may take to answer when it is looked after.
const PATIENCE: Duration = Duration::from_secs(5);
/// A document that is not there: that the store says so is enough.
const PROBE: &str = "whisk.system/readiness";

/// Which cluster a process belongs to, and where its servers are. All its processes have the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// The cluster's name: clusters of other names may share the etcd.
    pub cluster: String,
    /// The store.
    pub couchdb: CouchdbConfig,
    /// The bus.
    pub kafka: KafkaConfig,
    /// The coordination.
    pub etcd: EtcdConfig,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            cluster: "whirl".to_owned(),
            couchdb: CouchdbConfig::default(),
            kafka: KafkaConfig::default(),
            etcd: EtcdConfig::default(),
        }
    }
}

/// What a process of a cluster stands on.
#[derive(Clone)]
pub struct Backends {
    /// Entities, records and subjects, in CouchDB.
    pub stores: Stores,
    /// The way between controllers and invokers: Kafka.
    pub bus: Arc<dyn Bus>,
    /// Who is there, as etcd knows.
    pub coordination: Arc<dyn Coordination>,
}

impl Backends {
    /// Whether `bus` and `store` work now, within five seconds. The coordination is not asked: whoever has a lease
    /// there hears of its troubles first.
    pub async fn check(self) -> [(&'static str, Result<(), Box<dyn Error + Send + Sync>>); 2] {
        let bus = self.bus.trouble().map_or(Ok(()), |trouble| Err(trouble.into()));
        [("bus", bus), ("store", self.check_store().await)]
    }

    async fn check_store(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        match tokio::time::timeout(PATIENCE, self.stores.entities.get(&DocId::from(PROBE))).await {
            Err(_elapsed) => {
                Err(format!("the store has not answered within {} s", PATIENCE.as_secs()).into())
            }
            Ok(Err(error @ (StoreError::Unavailable { .. } | StoreError::Refused { .. }))) => {
                Err(error.into())
            }
            Ok(_) => Ok(()),
        }
    }
}

/// Which server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// CouchDB.
    #[error("CouchDB cannot be used")]
    Couchdb(#[from] StoreError),
    /// etcd.
    #[error("etcd at {endpoints} cannot be used")]
    Etcd {
        /// The servers' URLs.
        endpoints: String,
        /// Why.
        #[source]
        source: CoordinationError,
    },
    /// Kafka.
    #[error("Kafka cannot be used")]
    Kafka(#[from] kafka::ConnectError),
}

impl ConnectError {
    /// Whether the same call may succeed later: the server may only be away.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Couchdb(error) => error.is_retryable(),
            Self::Etcd { source, .. } => source.is_retryable(),
            Self::Kafka(error) => error.is_retryable(),
        }
    }
}

/// Connects to all servers. Has to be called in the tokio runtime that messages are to be delivered on.
///
/// # Errors
/// When one of them cannot be reached, turns this process away, or has settings that cannot work.
pub async fn connect(config: &ClusterConfig) -> Result<Backends, ConnectError> {
    let store = CouchdbStore::connect(&config.couchdb).await?;
    let etcd_failed = |source| ConnectError::Etcd { endpoints: config.etcd.endpoints.clone(), source };
    let coordination = EtcdCoordination::connect(&config.etcd, &config.cluster).await.map_err(etcd_failed)?;
    let bus = KafkaBus::connect(config.kafka.clone()).await?;
    Ok(Backends { stores: store.stores(), bus, coordination })
}
