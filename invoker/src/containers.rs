//! Chooses and sets up what makes containers. Reads no settings of its own: every program that has an invoker
//! hands them in.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use whirl_containers::docker::{self, DockerFactory, DockerOptions, SetupError};
use whirl_containers::factory::ContainerFactory;
use whirl_containers::process::{ProcessFactory, ProcessOptions};
use whirl_model::{Cores, GpuDevice, RuntimeManifest};

use crate::InvokerConfig;
use crate::gpus::{self, GpuSettingError};

/// Where action code runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContainerChoice {
    /// In Docker containers if there is a Docker engine, else as processes, with a warning.
    #[default]
    Auto,
    /// In Docker containers.
    Docker,
    /// As processes of this host, which isolates nothing.
    Process,
}

impl ContainerChoice {
    /// The words for it in settings.
    pub const WORDS: [&str; 3] = ["auto", "docker", "process"];
}

/// Whether action code is kept away from the host and its surroundings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IsolationChoice {
    /// By firewall rules: actions reach the internet and the API, and nothing else.
    #[default]
    Strict,
    /// Not at all: actions reach whatever the host can reach.
    None,
}

impl IsolationChoice {
    /// The words for it in settings.
    pub const WORDS: [&str; 2] = ["strict", "none"];
}

/// How Docker containers are made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DockerConfig {
    /// The subnet of the containers' network, such as `172.28.0.0/16`; Docker chooses if not given.
    pub subnet: Option<String>,
    /// Whether images that users name are pulled only if they are not there.
    pub pull_missing_only: bool,
    /// The file with credentials for registries, as `docker login` writes it; that of this process's user, if there
    /// is one, if not given.
    pub registry_config: Option<PathBuf>,
    /// Mebibytes of `/tmp` over a read-only root file system; the root is writable if not given.
    pub read_only_root_tmp: Option<NonZeroU32>,
    /// Mebibytes that a container may write to its root file system; without limit if not given.
    pub disk: Option<NonZeroU32>,
    /// Processes and threads that a container may have at a time; 1024, as OpenWhisk, if not given.
    pub processes: Option<NonZeroU32>,
    /// CPUs that all containers together may use; no hard limit if not given.
    pub cpus: Option<f32>,
}

/// What containers are wanted.
#[derive(Clone, Copy, Debug)]
pub struct ContainerRequest<'a> {
    /// Where action code runs.
    pub choice: ContainerChoice,
    /// Whether it is kept away from the host.
    pub isolation: IsolationChoice,
    /// Docker's part.
    pub docker: &'a DockerConfig,
    /// The runner's part.
    pub invoker: &'a InvokerConfig,
    /// Whose containers these are: unique on the host, and the same after a restart.
    pub owner: &'a str,
    /// The API's port at the host's address on the containers' network; none if it is not on this host.
    pub api_port: Option<u16>,
    /// Where else the API is.
    pub api_addresses: &'a [SocketAddr],
    /// The runtimes.
    pub manifest: &'a RuntimeManifest,
    /// The folder with the launchers of processes; the one of the installation if not given.
    pub runtimes_dir: Option<&'a Path>,
    /// A folder of this owner alone for the homes of processes, if there is one.
    pub processes_dir: Option<&'a Path>,
}

/// Why there are no containers.
#[derive(Debug, thiserror::Error)]
pub enum SetupFailure {
    /// The settings about GPUs cannot be used.
    #[error(transparent)]
    Gpu(#[from] GpuSettingError),
    /// Docker, or what was asked of it, cannot be had.
    #[error("Docker containers cannot be made")]
    Docker(#[from] SetupError),
    /// Where this program is cannot be told, and so not where its proxy is.
    #[error("where this program is cannot be told")]
    Program(#[source] io::Error),
    /// The proxy is not there.
    #[error(
        "process containers need '{}'; build it by: cargo build --release -p whirl-action-proxy",
        .0.display()
    )]
    NoProxy(PathBuf),
    /// The launchers are not there.
    #[error("process containers need the folder with the runtimes' launchers; name it by --runtimes-dir")]
    NoRuntimes,
    /// There is no folder for processes.
    #[error("process containers need a folder for their homes: HOME is not set, and no data_dir")]
    NoFolder,
    /// The folder for processes cannot be made.
    #[error("the folder '{}' for processes cannot be used", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A factory, and where its containers find the API.
pub struct Containers {
    /// What makes them.
    pub factory: Arc<dyn ContainerFactory>,
    /// The host's address on the containers' network; none if they are in the host's own.
    pub gateway: Option<IpAddr>,
    /// What they may have of the host beside memory.
    pub host: Host,
}

/// What containers may have of a host beside memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// CPU cores for those whose actions ask for their own.
    pub cpu: Cores,
    /// GPUs.
    pub gpus: Vec<GpuDevice>,
}

impl Host {
    /// What the settings say, else what the host tells.
    async fn find(config: &InvokerConfig) -> Result<Self, GpuSettingError> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let all = || Cores::from_thousandths(u32::try_from(cores() * 1000).unwrap_or(u32::MAX));
        Ok(Self { cpu: config.cpus.unwrap_or_else(all), gpus: gpus::find(&config.gpu).await? })
    }
}

impl Containers {
    /// Sets up what was asked for.
    ///
    /// # Errors
    /// When it cannot be had. Where the choice was left open and Docker does not answer, processes are taken.
    pub async fn provide(request: ContainerRequest<'_>) -> Result<Self, SetupFailure> {
        // First, as a setting that cannot be used is told before anything is made.
        let host = Host::find(request.invoker).await?;
        let docker = match request.choice {
            ContainerChoice::Docker => true,
            ContainerChoice::Process => false,
            ContainerChoice::Auto => docker::is_available().await,
        };
        if docker {
            return in_docker(&request, host).await;
        }
        if request.choice == ContainerChoice::Auto {
            tracing::warn!("no Docker engine answers: actions run as plain processes of this host");
        }
        tracing::warn!("process containers isolate nothing: actions can do whatever this user can do");
        as_processes(&request, host)
    }
}

/// The environment that all containers have: what the operator gives them, and where the API is.
#[must_use]
pub fn environment(config: &InvokerConfig, api_host: &str) -> BTreeMap<String, String> {
    let pair = |entry: &String| {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        (name.to_owned(), value.to_owned())
    };
    let api_host = ("__OW_API_HOST".to_owned(), api_host.to_owned());
    config.environment.iter().map(pair).chain([api_host]).collect()
}

async fn in_docker(request: &ContainerRequest<'_>, host: Host) -> Result<Containers, SetupFailure> {
    let factory = Box::pin(DockerFactory::connect(&docker_options(request))).await?;
    let gateway = factory.gateway();
    Ok(Containers { factory: Arc::new(factory), gateway: Some(gateway), host })
}

fn docker_options(request: &ContainerRequest<'_>) -> DockerOptions {
    let DockerConfig {
        subnet,
        pull_missing_only,
        registry_config,
        read_only_root_tmp,
        disk,
        processes,
        cpus,
    } = request.docker;
    let mut options = DockerOptions::new(request.owner);
    options.api_port = request.api_port;
    options.api_addresses = request.api_addresses.to_vec();
    options.isolation = match request.isolation {
        IsolationChoice::Strict => docker::Isolation::Strict,
        IsolationChoice::None => docker::Isolation::None,
    };
    options.network.subnet.clone_from(subnet);
    options.pull = if *pull_missing_only { docker::PullPolicy::Missing } else { docker::PullPolicy::Latest };
    options.registry_config.clone_from(registry_config);
    options.disk = *disk;
    options.read_only_root = read_only_root_tmp.map(|tmp_mebibytes| docker::ReadOnlyRoot { tmp_mebibytes });
    options.processes = processes.unwrap_or(options.processes);
    options.cpu.memory = request.invoker.memory;
    options.cpu.limit = *cpus;
    options.parallel_creates = request.invoker.parallel_starts;
    options
}

fn as_processes(request: &ContainerRequest<'_>, host: Host) -> Result<Containers, SetupFailure> {
    let program = std::env::current_exe().map_err(SetupFailure::Program)?;
    let beside = program.parent().unwrap_or(Path::new("."));
    let proxy = beside.join("whirl-action-proxy");
    if !proxy.exists() {
        return Err(SetupFailure::NoProxy(proxy));
    }
    let given = request.runtimes_dir.map(Path::to_owned);
    let runtimes_dir = given.or_else(|| built_in_runtimes(beside)).ok_or(SetupFailure::NoRuntimes)?;
    let path = request.processes_dir.ok_or(SetupFailure::NoFolder)?;
    let factory = ProcessFactory::new(ProcessOptions {
        proxy,
        runtimes: request.manifest.clone(),
        runtimes_dir,
        state_dir: path.to_owned(),
    });
    let factory = factory.map_err(|source| SetupFailure::Folder { path: path.to_owned(), source })?;
    Ok(Containers { factory: Arc::new(factory), gateway: None, host })
}

/// The `runtimes` folder of an installation or of a checkout that the program was built in.
fn built_in_runtimes(beside: &Path) -> Option<PathBuf> {
    beside.ancestors().take(4).map(|dir| dir.join("runtimes")).find(|dir| dir.join("runtimes.json").exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_adds_to_the_environment_and_does_not_move_the_api() {
        let given = ["A=x=y", "B", "__OW_API_HOST=elsewhere"].map(str::to_owned).to_vec();
        let config = InvokerConfig { environment: given, ..InvokerConfig::default() };
        let found = environment(&config, "http://api");
        let wanted = [("A", "x=y"), ("B", ""), ("__OW_API_HOST", "http://api")];
        assert_eq!(found, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }
}
