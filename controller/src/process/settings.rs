//! The settings of the `whirl-controller` binary.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use whirl_backends::bus::kafka::KafkaConfig;
use whirl_backends::connect::ClusterConfig;
use whirl_backends::coordination::etcd::EtcdConfig;
use whirl_backends::couchdb::CouchdbConfig;

use crate::config::{ControllerConfig, MemberConfig};

/// How `whirl-controller` serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessConfig {
    /// What it calls itself to the others. Its number is not tied to it; but under a name that is in the cluster it
    /// waits for that one's lease to end, and no longer, as it may be its own.
    pub name: String,
    /// The address that the API listens on.
    pub listen: IpAddr,
    /// A further address that it listens on, such as the host's on Docker's bridge, where actions find it.
    pub listen_also: Option<IpAddr>,
    /// The port of the API.
    pub port: u16,
    /// The port of the API gateway, at the API's first address; 0 for none.
    pub gateway_port: u16,
    /// The address that metrics, health and administration listen on: one that users do not reach.
    pub admin_listen: IpAddr,
    /// The port of metrics, health and administration; 0 means 1000 above the API's.
    pub admin_port: u16,
    /// The runtime manifest; the built-in one if not given.
    pub manifest: Option<PathBuf>,
    /// The key, of 32 bytes, that all processes of the cluster have. It has to be given and is never made.
    pub server_key_file: Option<PathBuf>,
    /// The administrator's key, which opens `/admin` and `/disable` on the admin port; they are closed if not
    /// given. It has to be 32 printable characters or more, in a file that its owner alone may read.
    pub admin_key_file: Option<PathBuf>,
    /// `UUID:KEY` that becomes the key of the namespace `guest`; nothing is made if not given.
    pub credentials: Option<String>,
    /// A file that is written, as JSON, once everything is up.
    pub ready_file: Option<PathBuf>,
    /// Seconds that activations have to end in once the process is told to stop.
    pub drain_seconds: u64,
    /// The REST API's part.
    pub controller: ControllerConfig,
    /// The part of one among several.
    pub member: MemberConfig,
    /// The cluster's name.
    pub cluster: String,
    /// The store.
    pub couchdb: CouchdbConfig,
    /// The bus.
    pub kafka: KafkaConfig,
    /// The coordination.
    pub etcd: EtcdConfig,
}

impl Default for ProcessConfig {
    fn default() -> Self {
        let ClusterConfig { cluster, couchdb, kafka, etcd } = ClusterConfig::default();
        Self {
            name: "controller".to_owned(),
            listen: IpAddr::from([127, 0, 0, 1]),
            listen_also: None,
            port: 3233,
            gateway_port: 0,
            admin_listen: IpAddr::from([127, 0, 0, 1]),
            admin_port: 0,
            manifest: None,
            server_key_file: None,
            admin_key_file: None,
            credentials: None,
            ready_file: None,
            drain_seconds: 60,
            controller: ControllerConfig::default(),
            member: MemberConfig::default(),
            cluster,
            couchdb,
            kafka,
            etcd,
        }
    }
}

impl ProcessConfig {
    /// Where the API listens, first of all.
    #[must_use]
    pub fn api_address(&self) -> SocketAddr {
        SocketAddr::new(self.listen, self.port)
    }

    /// Everywhere that the API listens.
    pub(super) fn api_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        [Some(self.listen), self.listen_also].into_iter().flatten().map(|ip| SocketAddr::new(ip, self.port))
    }

    /// Where the API gateway listens, if there is to be one.
    #[must_use]
    pub fn gateway_address(&self) -> Option<SocketAddr> {
        (self.gateway_port != 0).then(|| SocketAddr::new(self.listen, self.gateway_port))
    }

    /// Where metrics, health and administration listen.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        let port = match self.admin_port {
            0 => self.port.checked_add(1000).unwrap_or(self.port - 1000),
            port => port,
        };
        SocketAddr::new(self.admin_listen, port)
    }

    /// The cluster that it joins.
    #[must_use]
    pub fn cluster(&self) -> ClusterConfig {
        ClusterConfig {
            cluster: self.cluster.clone(),
            couchdb: self.couchdb.clone(),
            kafka: self.kafka.clone(),
            etcd: self.etcd.clone(),
        }
    }
}
