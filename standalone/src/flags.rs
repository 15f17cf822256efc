//! The command line of `whirl`. Every flag lies over the setting of its name.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;
use whirl_invoker::InvokerConfig;
use whirl_invoker::containers::{ContainerChoice, IsolationChoice};
use whirl_model::Credentials;
use whirl_service::config::{ConfigError, Layers};

use crate::StandaloneConfig;

/// Whirl: a serverless platform that speaks OpenWhisk, in one process.
#[derive(Debug, Default, Parser)]
#[command(name = "whirl", version)]
pub struct Flags {
    /// Port of the API [default: 3233]
    #[arg(long, short)]
    port: Option<u16>,
    /// Address that the API listens on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<IpAddr>,
    /// Loopback port of metrics, health and administration [default: the API's port + 1000]
    #[arg(long, value_name = "PORT")]
    admin_port: Option<u16>,
    /// Port of the API gateway, 0 for none [default: the API's port + 1]
    #[arg(long, value_name = "PORT")]
    gateway_port: Option<u16>,
    /// Where everything that lasts is kept [default: ~/.whirl/server-PORT]
    #[arg(long, short, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Runtime manifest [default: the built-in one]
    #[arg(long, short, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Where the manifest's launchers for processes are [default: the manifest's folder]
    #[arg(long, value_name = "DIR")]
    runtimes_dir: Option<PathBuf>,
    /// Memory of all containers together, such as "2 GB" [default: 2048 MB]
    #[arg(long, value_name = "SIZE", value_parser = InvokerConfig::parse_memory)]
    memory: Option<u32>,
    /// Where action code runs [default: auto]
    #[arg(long, value_parser = ContainerChoice::WORDS)]
    containers: Option<String>,
    /// Whether action code is kept away from the host and its surroundings [default: strict]
    #[arg(long, value_parser = IsolationChoice::WORDS)]
    isolation: Option<String>,
    /// Key of the namespace guest [default: a random one, made at the first start]
    #[arg(long, value_name = "UUID:KEY", value_parser = credentials)]
    auth: Option<String>,
    /// Settings in TOML; WHIRL_... variables and flags lie over them
    #[arg(long, short, value_name = "FILE", env = "WHIRL_CONFIG")]
    config: Option<PathBuf>,
    /// File that is written, as JSON, once everything is up
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

fn credentials(text: &str) -> Result<String, String> {
    let credentials: Credentials =
        text.parse().map_err(|e: whirl_model::identity::CredentialsError| e.to_string())?;
    Ok(credentials.reveal())
}

impl Flags {
    /// The configuration: defaults, then the file, then `WHIRL_…` variables, then these flags.
    ///
    /// # Errors
    /// When the file cannot be read, or a setting is unknown or malformed.
    pub fn configuration(&self) -> Result<StandaloneConfig, ConfigError> {
        Layers::of_process(self.config.clone(), self.settings()).load()
    }

    fn settings(&self) -> Vec<(String, String)> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
        Layers::given([
            ("port", self.port.map(|p| p.to_string())),
            ("listen", self.listen.map(|l| l.to_string())),
            ("admin_port", self.admin_port.map(|p| p.to_string())),
            ("gateway_port", self.gateway_port.map(|p| p.to_string())),
            ("data_dir", path(&self.data_dir)),
            ("manifest", path(&self.manifest)),
            ("runtimes_dir", path(&self.runtimes_dir)),
            ("invoker.memory", self.memory.map(|m| m.to_string())),
            ("containers", self.containers.clone()),
            ("isolation", self.isolation.clone()),
            ("credentials", self.auth.clone()),
            ("ready_file", path(&self.ready_file)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_lie_over_the_defaults() {
        let line =
            ["whirl", "--port", "4000", "--memory", "1 GB", "--containers", "process", "--isolation=none"];
        let flags = Flags::parse_from(line);
        let config: StandaloneConfig =
            Layers { flags: flags.settings(), ..Layers::default() }.load().unwrap();
        assert_eq!((config.port, config.admin_port(), config.invoker.memory), (4000, 5000, 1024));
        assert_eq!(config.gateway_port(), Some(4001));
        assert_eq!(config.containers, ContainerChoice::Process);
        assert_eq!(config.isolation, IsolationChoice::None);
    }

    #[test]
    fn there_may_be_no_gateway() {
        let of = |line: &[&str]| {
            let flags = Flags::parse_from([&["whirl"], line].concat()).settings();
            Layers { flags, ..Layers::default() }.load::<StandaloneConfig>().unwrap().gateway_port()
        };
        assert_eq!((of(&[]), of(&["--gateway-port", "0"])), (Some(3234), None));
        assert_eq!(of(&["--gateway-port=9000"]), Some(9000));
    }

    #[test]
    fn malformed_flags_are_refused() {
        for bad in [["--memory", "much"], ["--auth", "a:b"], ["--port", "70000"], ["--containers", "vm"]] {
            assert!(Flags::try_parse_from(["whirl", bad[0], bad[1]]).is_err(), "{bad:?}");
        }
    }
}
