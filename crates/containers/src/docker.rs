//! Containers made by Docker: confined, cut off from the host's surroundings, and removed without a trace.
//!
//! Decides nothing about actions. Works with Docker 20.10 and later, control groups of both versions.

mod engine;
mod failure;
mod firewall;
mod images;
mod iptables;
mod memory;
mod network;
mod options;
mod output;
mod spec;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use self::engine::{Engine, EngineError};
pub use self::failure::SetupError;
use self::failure::{CREATE, Failure, engine_error, failed, pull_error};
use self::firewall::Firewall;
use self::images::Images;
use self::memory::Finding;
use self::network::Bridge;
pub use self::options::{
    CpuOptions, DockerOptions, Gpus, Isolation, NetworkOptions, PullPolicy, ReadOnlyRoot,
};
use self::output::Cut;
use crate::factory::{
    ContainerError, ContainerFactory, ContainerImage, ContainerName, ContainerSpec, ContainerState,
    StartedContainer,
};

/// The port that every runtime image serves.
const ACTION_PORT: u16 = 8080;
/// How long the engine may take to notice that a container has ended, or to finish a removal.
const NOTICE: Duration = Duration::from_secs(2);
const REMOVAL: Duration = Duration::from_secs(60);
/// How often it is asked meanwhile.
const ASK_AGAIN: Duration = Duration::from_millis(5);
/// How long the reader of a container that is removed has to take what it wrote last.
const LAST_WORDS: Duration = Duration::from_secs(1);
const PARALLEL_REMOVALS: usize = 8;
/// Where hosts keep the addresses of their name servers. Docker reads the second if the first names loopback.
const RESOLV_CONFS: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/// Makes containers by Docker.
pub struct DockerFactory {
    engine: Engine,
    options: DockerOptions,
    images: Images,
    bridge: Bridge,
    firewall: Option<Firewall>,
    creates: Semaphore,
    /// The outputs of the containers that were not destroyed.
    outputs: Mutex<HashMap<ContainerName, Cut>>,
}

/// Whether there is a Docker engine that answers.
pub async fn is_available() -> bool {
    Engine::connect().await.is_ok()
}

impl DockerFactory {
    /// Connects to the engine and sets up network and firewall.
    ///
    /// # Errors
    /// [`SetupError`], when the engine, the network or the firewall cannot be had as the options say.
    pub async fn connect(options: &DockerOptions) -> Result<Self, SetupError> {
        let engine = Engine::connect().await.map_err(|error| SetupError::Engine(Box::new(error)))?;
        let bridge = network::provide(&engine, options).await?;
        let firewall = match set_firewall(&engine, &bridge, options).await {
            Ok(firewall) => firewall,
            Err(error) => {
                // The first failure is the one to tell of; a network without containers does no harm.
                let _network_may_stay = network::remove(&engine, &bridge).await;
                return Err(error);
            }
        };
        Ok(Self {
            images: Images::new(engine.clone(), options.pull),
            creates: Semaphore::new(options.parallel_creates.max(1)),
            outputs: Mutex::default(),
            options: options.clone(),
            engine,
            bridge,
            firewall,
        })
    }

    /// The host's address on the containers' network: where the API must listen too, and what actions are
    /// told to call.
    #[must_use]
    pub fn gateway(&self) -> IpAddr {
        self.bridge.gateway
    }

    /// Starts a container that was created, attached before so that not a byte of its output is missed.
    async fn start(&self, spec: &ContainerSpec) -> Result<StartedContainer, Failure> {
        let name = spec.name.as_str();
        let attached = self.engine.attach(name).await.map_err(failed("attach to"))?;
        self.engine.start(name).await.map_err(failed("start"))?;
        let found = self.engine.inspect(name).await.map_err(failed("inspect"))?;
        let address: Option<IpAddr> = found
            .network_settings
            .and_then(|settings| settings.networks?.remove(&self.bridge.network)?.ip_address?.parse().ok());
        // A container that has ended has no address any more.
        let address = address.ok_or(EngineError::EndedAtOnce).map_err(failed("find"))?;
        let address = SocketAddr::new(address, ACTION_PORT);
        let (output, cut) = output::chunks(attached);
        self.outputs.lock().insert(spec.name.clone(), cut);
        Ok(StartedContainer { address, output, meter: None })
    }

    async fn create_and_start(&self, spec: &ContainerSpec) -> Result<StartedContainer, Failure> {
        let body = spec::create_body(spec, &self.options);
        self.engine.create(spec.name.as_str(), body).await.map_err(failed(CREATE))?;
        self.start(spec).await
    }

    async fn remove(&self, name: &str) -> Result<(), EngineError> {
        // A frozen process of a version 1 control group ignores even SIGKILL. That most containers are not
        // frozen, or gone, is no failure; nor is another, as the removal may still succeed.
        let _thawed = self.engine.resume(name).await;
        match self.engine.remove(name).await {
            Err(EngineError::NotFound(_)) => Ok(()),
            Err(EngineError::Refused { status: 409, .. }) => self.wait_until_gone(name).await,
            other => other,
        }
    }

    /// Waits for a removal that somebody else began.
    async fn wait_until_gone(&self, name: &str) -> Result<(), EngineError> {
        let deadline = Instant::now() + REMOVAL;
        while Instant::now() < deadline {
            match self.engine.inspect(name).await {
                Err(EngineError::NotFound(_)) => return Ok(()),
                Err(error) => return Err(error),
                Ok(_) => sleep(ASK_AGAIN).await,
            }
        }
        Err(EngineError::Timeout)
    }

    async fn look(&self, name: &str) -> Result<ContainerState, EngineError> {
        let deadline = Instant::now() + NOTICE;
        loop {
            let found = match self.engine.inspect(name).await {
                Err(EngineError::NotFound(_)) => return Ok(ContainerState::Ended),
                other => other?,
            };
            let state = found.state.unwrap_or_default();
            if state.oom_killed == Some(true) {
                return Ok(ContainerState::OutOfMemory);
            }
            if state.running != Some(true) {
                let killed = state.exit_code == Some(EXIT_BY_SIGKILL);
                return Ok(if killed { ContainerState::OutOfMemory } else { ContainerState::Ended });
            }
            let finding = match (self.engine.is_local(), state.pid, found.id) {
                (true, Some(pid), Some(id)) => memory::look(pid, &id),
                _ => Finding::Unknown,
            };
            match finding {
                Finding::Killed(kills) if kills > 0 => return Ok(ContainerState::OutOfMemory),
                Finding::Gone if Instant::now() < deadline => sleep(ASK_AGAIN).await,
                _ => return Ok(ContainerState::Running),
            }
        }
    }
}

/// The exit code of a container whose first process was killed by SIGKILL, which nothing but the kernel does
/// to a container that was not destroyed.
const EXIT_BY_SIGKILL: i64 = 137;

#[async_trait]
impl ContainerFactory for DockerFactory {
    async fn create(&self, spec: &ContainerSpec) -> Result<StartedContainer, ContainerError> {
        if let ContainerImage::User { image } = &spec.image {
            self.images.provide(image).await.map_err(|error| pull_error(spec, image, error))?;
        }
        let _permit = self.creates.acquire().await.expect("the semaphore is never closed");
        match self.create_and_start(spec).await {
            Ok(started) => Ok(started),
            Err(failure) => {
                if failure.may_leave_a_container() {
                    self.discard(&spec.name).await;
                }
                Err(failure.of_create(spec))
            }
        }
    }

    async fn pause(&self, name: &ContainerName) -> Result<(), ContainerError> {
        match self.engine.pause(name.as_str()).await {
            Err(EngineError::Refused { message, .. }) if message.contains("already paused") => Ok(()),
            other => other.map_err(|error| engine_error("pause", name, error)),
        }
    }

    async fn resume(&self, name: &ContainerName) -> Result<(), ContainerError> {
        match self.engine.resume(name.as_str()).await {
            Err(EngineError::Refused { message, .. }) if message.contains("not paused") => Ok(()),
            other => other.map_err(|error| engine_error("resume", name, error)),
        }
    }

    async fn destroy(&self, name: &ContainerName) -> Result<(), ContainerError> {
        let cut = self.outputs.lock().remove(name);
        let mut removal = std::pin::pin!(self.remove(name.as_str()));
        let outcome = match timeout(LAST_WORDS, &mut removal).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => {
                if let Some(cut) = cut {
                    cut.now();
                }
                removal.await
            }
        };
        outcome.map_err(|error| engine_error("remove", name, error))
    }

    async fn state(&self, name: &ContainerName) -> Result<ContainerState, ContainerError> {
        self.look(name.as_str()).await.map_err(|error| engine_error("inspect", name, error))
    }

    async fn remove_leftovers(&self) -> Result<usize, ContainerError> {
        let all = ContainerName::new("*");
        let found = self.engine.list(spec::OWNER_LABEL, &self.options.owner).await;
        let names = found.map_err(|error| engine_error("list", &all, error))?;
        let number = names.len();
        let removals =
            names.into_iter().map(|name| async move { self.destroy(&ContainerName::new(&name)).await });
        let outcomes: Vec<_> = stream::iter(removals).buffer_unordered(PARALLEL_REMOVALS).collect().await;
        outcomes.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(number)
    }

    async fn close(&self) -> Result<(), ContainerError> {
        let network = ContainerName::new(&self.bridge.network);
        // In this order: containers that are still there, although they should not, stay confined.
        let outcome = network::remove(&self.engine, &self.bridge).await;
        outcome.map_err(|error| engine_error("remove the network of", &network, error))?;
        let Some(firewall) = &self.firewall else { return Ok(()) };
        let outcome = iptables::remove(firewall).await;
        outcome.map_err(|error| ContainerError::Engine {
            operation: "remove the firewall of",
            name: network,
            source: Box::new(error),
        })
    }
}

impl DockerFactory {
    /// Removes what a failed creation may have left.
    async fn discard(&self, name: &ContainerName) {
        if let Err(error) = self.remove(name.as_str()).await {
            tracing::warn!(container = %name, error = %error, "a container that failed to start stays behind");
        }
    }
}

/// Sets up the rules that the options ask for, or removes those of an earlier process.
async fn set_firewall(
    engine: &Engine,
    bridge: &Bridge,
    options: &DockerOptions,
) -> Result<Option<Firewall>, SetupError> {
    let firewall = firewall::firewall(bridge, options, &name_servers(options));
    if options.isolation == Isolation::None {
        // Where there is no iptables there are no rules either.
        let _nothing_to_remove = iptables::remove(&firewall).await;
        return Ok(None);
    }
    if !engine.is_local() {
        return Err(SetupError::Firewall("the container engine is on another host".into()));
    }
    match iptables::apply(&firewall).await {
        Ok(()) => Ok(Some(firewall)),
        Err(error) => {
            let _rules_may_stay = iptables::remove(&firewall).await;
            Err(SetupError::Firewall(Box::new(error)))
        }
    }
}

/// The name servers that the containers' resolver asks.
fn name_servers(options: &DockerOptions) -> Vec<IpAddr> {
    if !options.network.dns.is_empty() {
        return options.network.dns.clone();
    }
    let texts = RESOLV_CONFS.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    texts.flat_map(|text| firewall::name_servers(&text)).collect()
}
