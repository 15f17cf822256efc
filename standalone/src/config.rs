//! The settings of the `whirl` binary.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use whirl_controller::ControllerConfig;
use whirl_invoker::InvokerConfig;
use whirl_invoker::containers::{ContainerChoice, DockerConfig, IsolationChoice};

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
    /// The port of the API gateway; 1 above the API's if not given, 0 for none.
    pub gateway_port: Option<u16>,
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

impl Default for StandaloneConfig {
    fn default() -> Self {
        Self {
            port: 3233,
            listen: IpAddr::from([127, 0, 0, 1]),
            admin_port: 0,
            gateway_port: None,
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

    /// The API gateway's port in force, if there is to be a gateway.
    #[must_use]
    pub fn gateway_port(&self) -> Option<u16> {
        let port = self.gateway_port.unwrap_or_else(|| self.port.checked_add(1).unwrap_or(self.port - 1));
        (port != 0).then_some(port)
    }
}
