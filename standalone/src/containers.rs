//! Chooses and sets up what makes containers.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use whirl_containers::docker::{self, DockerFactory, DockerOptions};
use whirl_containers::factory::ContainerFactory;
use whirl_containers::process::{ProcessFactory, ProcessOptions};
use whirl_model::RuntimeManifest;

use crate::config::{ContainerChoice, DockerConfig, IsolationChoice, StandaloneConfig};
use crate::data_dir::DataDir;

/// A factory, and where its containers find the API.
pub(crate) struct Containers {
    pub(crate) factory: Arc<dyn ContainerFactory>,
    /// The host's address on the containers' network, where the API has to listen too.
    pub(crate) gateway: Option<IpAddr>,
}

pub(crate) async fn provide(
    config: &StandaloneConfig,
    data: &DataDir,
    manifest: &RuntimeManifest,
) -> anyhow::Result<Containers> {
    let docker = match config.containers {
        ContainerChoice::Docker => true,
        ContainerChoice::Process => false,
        ContainerChoice::Auto => docker::is_available().await,
    };
    if docker {
        return in_docker(config, data).await;
    }
    if config.containers == ContainerChoice::Auto {
        tracing::warn!("no Docker engine answers: actions run as plain processes of this host");
    }
    tracing::warn!("process containers isolate nothing: actions can do whatever this user can do");
    as_processes(config, data, manifest)
}

async fn in_docker(config: &StandaloneConfig, data: &DataDir) -> anyhow::Result<Containers> {
    let factory = DockerFactory::connect(&docker_options(config, &data.owner())).await?;
    let gateway = factory.gateway();
    Ok(Containers { factory: Arc::new(factory), gateway: Some(gateway) })
}

fn docker_options(config: &StandaloneConfig, owner: &str) -> DockerOptions {
    let DockerConfig { subnet, pull_missing_only, read_only_root_tmp, cpus, gpus } = &config.docker;
    let mut options = DockerOptions::new(owner);
    options.api_port = config.port;
    options.isolation = match config.isolation {
        IsolationChoice::Strict => docker::Isolation::Strict,
        IsolationChoice::None => docker::Isolation::None,
    };
    options.network.subnet.clone_from(subnet);
    options.pull = if *pull_missing_only { docker::PullPolicy::Missing } else { docker::PullPolicy::Latest };
    options.read_only_root = read_only_root_tmp.map(|tmp_mebibytes| docker::ReadOnlyRoot { tmp_mebibytes });
    options.cpu.memory = config.invoker.memory;
    options.cpu.limit = *cpus;
    options.gpus = gpus.as_deref().map(|which| match which {
        "all" => docker::Gpus::All,
        list => docker::Gpus::Devices(list.split(',').map(|d| d.trim().to_owned()).collect()),
    });
    options.parallel_creates = config.invoker.parallel_starts;
    options
}

fn as_processes(
    config: &StandaloneConfig,
    data: &DataDir,
    manifest: &RuntimeManifest,
) -> anyhow::Result<Containers> {
    let program = std::env::current_exe().context("where this program is cannot be told")?;
    let beside = program.parent().unwrap_or(Path::new("."));
    let proxy = beside.join("whirl-action-proxy");
    anyhow::ensure!(
        proxy.exists(),
        "process containers need '{}'; build it by: cargo build --release -p whirl-action-proxy",
        proxy.display()
    );
    let given =
        config.runtimes_dir.clone().or_else(|| Some(config.manifest.as_deref()?.parent()?.to_owned()));
    let runtimes_dir = given.or_else(|| built_in_runtimes(beside)).context(
        "process containers need the folder with the runtimes' launchers; name it by --runtimes-dir",
    )?;
    let factory = ProcessFactory::new(ProcessOptions {
        proxy,
        runtimes: manifest.clone(),
        runtimes_dir,
        state_dir: data.processes(),
    })?;
    Ok(Containers { factory: Arc::new(factory), gateway: None })
}

/// The `runtimes` folder of an installation or of a checkout that the program was built in.
fn built_in_runtimes(beside: &Path) -> Option<PathBuf> {
    beside.ancestors().take(4).map(|dir| dir.join("runtimes")).find(|dir| dir.join("runtimes.json").exists())
}
