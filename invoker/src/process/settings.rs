//! The settings of the `whirl-invoker` binary.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use whirl_backends::bus::kafka::KafkaConfig;
use whirl_backends::connect::ClusterConfig;
use whirl_backends::coordination::etcd::EtcdConfig;
use whirl_backends::couchdb::CouchdbConfig;
use whirl_model::limits::LimitBounds;

use crate::config::HeartbeatConfig;
use crate::config::{InvokerConfig, words};
use crate::containers::{ContainerChoice, DockerConfig, IsolationChoice};

/// How `whirl-invoker` runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessConfig {
    /// The name that its number stays with: unique in the cluster, the same after a restart. The host's name if
    /// not given.
    pub name: Option<String>,
    /// What the host offers, for actions that ask for it. One text with commas is taken too.
    #[serde(deserialize_with = "words")]
    pub tags: Vec<String>,
    /// The URL that actions find the API at, and that the firewall leaves open; port 3233 of this host if not
    /// given.
    pub api_host: Option<String>,
    /// The address that metrics, health and status listen on: one that users do not reach.
    pub admin_listen: IpAddr,
    /// The port of metrics, health and status.
    pub admin_port: u16,
    /// The URL that controllers reach that port at, for the logs of what is running; made of the address, or of
    /// the host's name where that is all addresses, if not given. `http` alone.
    pub admin_url: Option<String>,
    /// The runtime manifest; the built-in one if not given.
    pub manifest: Option<PathBuf>,
    /// Where the manifest's launchers for processes are; the manifest's folder if not given.
    pub runtimes_dir: Option<PathBuf>,
    /// The key, of 32 bytes, that all processes of the cluster have. It has to be given and is never made.
    pub server_key_file: Option<PathBuf>,
    /// Where action code runs.
    pub containers: ContainerChoice,
    /// Whether action code is kept away from the host and its surroundings.
    pub isolation: IsolationChoice,
    /// Where processes have their homes; `~/.whirl/invoker-NAME` if not given.
    pub data_dir: Option<PathBuf>,
    /// A file that is written, as JSON, once everything is up.
    pub ready_file: Option<PathBuf>,
    /// Seconds that activations have to end in once the process is told to stop.
    pub drain_seconds: u64,
    /// Docker's part.
    pub docker: DockerConfig,
    /// The runner's part.
    pub invoker: InvokerConfig,
    /// The part of a cluster's member.
    pub heartbeat: HeartbeatConfig,
    /// What actions and results may be: as the controllers have it.
    pub limits: LimitBounds,
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
            name: None,
            tags: Vec::new(),
            api_host: None,
            admin_listen: IpAddr::from([127, 0, 0, 1]),
            admin_port: 4234,
            admin_url: None,
            manifest: None,
            runtimes_dir: None,
            server_key_file: None,
            containers: ContainerChoice::Auto,
            isolation: IsolationChoice::Strict,
            data_dir: None,
            ready_file: None,
            drain_seconds: 60,
            docker: DockerConfig::default(),
            invoker: InvokerConfig::default(),
            heartbeat: HeartbeatConfig::default(),
            limits: LimitBounds::default(),
            cluster,
            couchdb,
            kafka,
            etcd,
        }
    }
}

/// What the host calls itself, if that is text.
fn host_name() -> Option<String> {
    rustix::system::uname().nodename().to_str().map(str::to_owned).ok()
}

impl ProcessConfig {
    /// The name in force; none if none is given and the host has none.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.name.clone().or_else(host_name).filter(|name| !name.is_empty())
    }

    /// The folder in force; none if none is given and there is no home to put it in.
    #[must_use]
    pub fn data_dir(&self, name: &str) -> Option<PathBuf> {
        let home = || std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let default = || Some(home()?.join(".whirl").join(format!("invoker-{name}")));
        self.data_dir.clone().or_else(default)
    }

    /// Where metrics, health and status listen.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        SocketAddr::new(self.admin_listen, self.admin_port)
    }

    /// Where controllers ask for the logs of what is running; none if the host has no name and would need one.
    #[must_use]
    pub fn admin_url(&self) -> Option<String> {
        match &self.admin_url {
            Some(url) => Some(url.trim_end_matches('/').to_owned()),
            None if self.admin_listen.is_unspecified() => {
                Some(format!("http://{}:{}", host_name()?, self.admin_port))
            }
            None => Some(format!("http://{}", self.admin_address())),
        }
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
