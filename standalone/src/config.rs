//! The settings of the `whirl` binary.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use whirl_controller::ControllerConfig;
use whirl_invoker::InvokerConfig;

/// How `whirl` serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StandaloneConfig {
    /// The port of the API.
    pub port: u16,
    /// The address that the API listens on, beside the containers' network.
    pub listen: IpAddr,
    /// The loopback port of metrics, health and administration; 0 means 1000 above the API's.
    pub admin_port: u16,
    /// Where everything that lasts is kept; `~/.whirl/server-PORT` if not given.
    pub data_dir: Option<PathBuf>,
    /// The runtime manifest; the built-in one if not given.
    pub manifest: Option<PathBuf>,
    /// Where the manifest's launchers for processes are; the manifest's folder if not given.
    pub runtimes_dir: Option<PathBuf>,
    /// Where action code runs.
    pub containers: ContainerChoice,
    /// Whether action code is kept away from the host and its surroundings.
    pub isolation: IsolationChoice,
    /// `UUID:KEY` of the namespace `guest`; made at the first start if not given.
    pub credentials: Option<String>,
    /// A file that is written, as JSON, once everything is up.
    pub ready_file: Option<PathBuf>,
    /// Seconds that activations have to end in once the process is told to stop.
    pub drain_seconds: u64,
    /// Bytes of accepted and unrecorded work on disk at which nothing more is accepted.
    pub journal_bytes: u64,
    /// Docker's part.
    pub docker: DockerConfig,
    /// The REST API's part.
    pub controller: ControllerConfig,
    /// The runner's part.
    pub invoker: InvokerConfig,
}

/// Where action code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ContainerChoice {
    /// In Docker containers if there is a Docker engine, else as processes, with a warning.
    Auto,
    /// In Docker containers.
    Docker,
    /// As processes of this host, which isolates nothing.
    Process,
}

/// Whether action code is kept away from the host and its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum IsolationChoice {
    /// By firewall rules: actions reach the internet and this API, and nothing else.
    Strict,
    /// Not at all: actions reach whatever the host can reach.
    None,
}

/// How Docker containers are made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DockerConfig {
    /// The subnet of the containers' network, such as `172.28.0.0/16`; Docker chooses if not given.
    pub subnet: Option<String>,
    /// Whether images that users name are pulled only if they are not there.
    pub pull_missing_only: bool,
    /// Mebibytes of `/tmp` over a read-only root file system; the root is writable if not given.
    pub read_only_root_tmp: Option<u32>,
    /// CPUs that all containers together may use; no hard limit if not given.
    pub cpus: Option<f32>,
    /// GPUs that every container sees: `all`, or indices and UUIDs separated by commas.
    pub gpus: Option<String>,
}

impl Default for StandaloneConfig {
    fn default() -> Self {
        Self {
            port: 3233,
            listen: IpAddr::from([127, 0, 0, 1]),
            admin_port: 0,
            data_dir: None,
            manifest: None,
            runtimes_dir: None,
            containers: ContainerChoice::Auto,
            isolation: IsolationChoice::Strict,
            credentials: None,
            ready_file: None,
            drain_seconds: 60,
            journal_bytes: 4 << 30,
            docker: DockerConfig::default(),
            controller: ControllerConfig::default(),
            invoker: InvokerConfig::default(),
        }
    }
}

impl StandaloneConfig {
    /// The admin port in force.
    #[must_use]
    pub fn admin_port(&self) -> u16 {
        match self.admin_port {
            0 => self.port.checked_add(1000).unwrap_or(self.port - 1000),
            port => port,
        }
    }
}
