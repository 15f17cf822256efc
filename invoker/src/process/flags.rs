//! The command line of `whirl-invoker`. Every flag lies over the setting of its name; what has no flag is set in
//! the file or by a variable.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;
use whirl_service::config::{ConfigError, Layers};

use super::settings::ProcessConfig;
use crate::config::InvokerConfig;
use crate::containers::{ContainerChoice, IsolationChoice};

/// Whirl's invoker: runs the actions of a cluster on this host.
#[derive(Debug, Default, Parser)]
#[command(name = "whirl-invoker", version)]
pub struct Flags {
    /// Name that its number stays with, unique in the cluster [default: the host's name]
    #[arg(long)]
    name: Option<String>,
    /// What the host offers, for actions that ask for it, separated by commas
    #[arg(long, value_name = "WORDS")]
    tags: Option<String>,
    /// URL that actions find the API at [default: port 3233 of this host]
    #[arg(long, value_name = "URL")]
    api_host: Option<String>,
    /// Port of metrics, health and status [default: 4234]
    #[arg(long, value_name = "PORT")]
    admin_port: Option<u16>,
    /// Address that metrics, health and status listen on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<IpAddr>,
    /// Runtime manifest [default: the built-in one]
    #[arg(long, short, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Where the manifest's launchers for processes are [default: the manifest's folder]
    #[arg(long, value_name = "DIR")]
    runtimes_dir: Option<PathBuf>,
    /// The key that all processes of the cluster have
    #[arg(long, value_name = "FILE")]
    server_key_file: Option<PathBuf>,
    /// Memory of all containers together, such as "2 GB" [default: 2048 MB]
    #[arg(long, value_name = "SIZE", value_parser = InvokerConfig::parse_memory)]
    memory: Option<u32>,
    /// Where action code runs [default: auto]
    #[arg(long, value_parser = ContainerChoice::WORDS)]
    containers: Option<String>,
    /// Whether action code is kept away from the host and its surroundings [default: strict]
    #[arg(long, value_parser = IsolationChoice::WORDS)]
    isolation: Option<String>,
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
            ("tags", self.tags.clone()),
            ("api_host", self.api_host.clone()),
            ("admin_port", self.admin_port.map(|p| p.to_string())),
            ("admin_listen", self.admin_listen.map(|l| l.to_string())),
            ("manifest", path(&self.manifest)),
            ("runtimes_dir", path(&self.runtimes_dir)),
            ("server_key_file", path(&self.server_key_file)),
            ("invoker.memory", self.memory.map(|m| m.to_string())),
            ("containers", self.containers.clone()),
            ("isolation", self.isolation.clone()),
            ("ready_file", path(&self.ready_file)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_lie_over_the_environment_and_the_defaults() {
        let flags = Flags::parse_from(["whirl-invoker", "--name=a", "--memory", "1 GB", "--isolation=none"]);
        let environment = [("WHIRL_NAME", "b"), ("WHIRL_TAGS", "gpu, v1"), ("WHIRL_CLUSTER", "x")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let config: ProcessConfig =
            Layers { flags: flags.settings(), environment, ..Layers::default() }.load().unwrap();
        assert_eq!((config.name().as_deref(), config.invoker.memory), (Some("a"), 1024));
        assert_eq!(
            (config.isolation, config.tags),
            (IsolationChoice::None, vec!["gpu".to_owned(), "v1".into()])
        );
        assert_eq!(config.cluster, "x");
    }

    #[test]
    fn without_a_name_it_has_the_hosts() {
        let config: ProcessConfig = Layers::default().load().unwrap();
        assert!(config.name().is_some_and(|name| !name.is_empty()));
        assert!(config.tags.is_empty());
    }
}
