//! The command line of `whirl-controller`. Every flag lies over the setting of its name; what has no flag is set
//! in the file or by a variable.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;
use whirl_service::config::{ConfigError, Layers};

use super::settings::ProcessConfig;

/// Whirl's controller: the REST API of a cluster on CouchDB, Kafka and etcd.
#[derive(Debug, Default, Parser)]
#[command(name = "whirl-controller", version)]
pub struct Flags {
    /// What it calls itself to the others [default: controller]
    #[arg(long)]
    name: Option<String>,
    /// Port of the API [default: 3233]
    #[arg(long, short)]
    port: Option<u16>,
    /// Port of the API gateway [default: none]
    #[arg(long, value_name = "PORT")]
    gateway_port: Option<u16>,
    /// Address that the API listens on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<IpAddr>,
    /// Port of metrics, health and administration [default: the API's port + 1000]
    #[arg(long, value_name = "PORT")]
    admin_port: Option<u16>,
    /// Address that metrics, health and administration listen on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<IpAddr>,
    /// Runtime manifest [default: the built-in one]
    #[arg(long, short, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The key that all processes of the cluster have
    #[arg(long, value_name = "FILE")]
    server_key_file: Option<PathBuf>,
    /// Settings in TOML; WHIRL_... variables and flags lie over them
    #[arg(long, short, value_name = "FILE", env = "WHIRL_CONFIG")]
    config: Option<PathBuf>,
    /// File that is written, as JSON, once everything is up
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl Flags {
    /// The configuration: defaults, then the file, then `WHIRL_…` variables, then these flags.
    ///
    /// # Errors
    /// When the file cannot be read, or a setting is unknown or malformed.
    pub fn configuration(&self) -> Result<ProcessConfig, ConfigError> {
        Layers::of_process(self.config.clone(), self.settings()).load()
    }

    fn settings(&self) -> Vec<(String, String)> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
        Layers::given([
            ("name", self.name.clone()),
            ("port", self.port.map(|p| p.to_string())),
            ("gateway_port", self.gateway_port.map(|p| p.to_string())),
            ("listen", self.listen.map(|l| l.to_string())),
            ("admin_port", self.admin_port.map(|p| p.to_string())),
            ("admin_listen", self.admin_listen.map(|l| l.to_string())),
            ("manifest", path(&self.manifest)),
            ("server_key_file", path(&self.server_key_file)),
            ("ready_file", path(&self.ready_file)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_lie_over_the_environment_and_the_defaults() {
        let flags = Flags::parse_from(["whirl-controller", "--port", "4000", "--name=c"]);
        let environment =
            [("WHIRL_PORT", "1"), ("WHIRL_KAFKA__BROKERS", "kafka:9092"), ("WHIRL_CLUSTER", "x")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let config: ProcessConfig =
            Layers { flags: flags.settings(), environment, ..Layers::default() }.load().unwrap();
        assert_eq!((config.api_address().port(), config.admin_address().port()), (4000, 5000));
        assert_eq!((config.name.as_str(), config.cluster().cluster.as_str()), ("c", "x"));
    }
}
