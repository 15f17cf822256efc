//! Containers made by Docker: confined, cut off from the host's surroundings, and removed without a trace.
//!
//! Decides nothing about actions. Works with Docker 20.10 and later, control groups of both versions.

mod abilities;
mod cgroup;
mod death;
mod engine;
mod failure;
mod firewall;
mod images;
mod iptables;
mod known;
mod network;
mod options;
mod output;
mod pulse;
mod removal;
mod spec;
mod strays;
#[cfg(test)]
mod tests;
mod watch;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::models::ContainerCreateBody;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use whirl_model::ImageName;

use self::cgroup::{Group, Kills, Motion};
use self::engine::{ASK_AGAIN, Engine, EngineError};
pub use self::failure::SetupError;
use self::failure::{CREATE, Failure, Remains, engine_error, failed, is_name_taken, pull_error};
use self::firewall::Firewall;
use self::images::{Images, Source};
use self::known::{Container, Known};
use self::network::Bridge;
pub use self::options::{CpuOptions, DockerOptions, Isolation, NetworkOptions, PullPolicy, ReadOnlyRoot};
use self::removal::Remover;
use self::spec::{Abilities, Base};
use self::strays::{Creation, Strays};
use self::watch::{PACE, Pace, Watch, watch};
use crate::factory::{
    ContainerError, ContainerFactory, ContainerImage, ContainerName, ContainerSpec, ContainerState, CpuMeter,
    StartedContainer,
};

/// The port that every runtime image serves.
const ACTION_PORT: u16 = 8080;
/// How long the engine may take to notice that a container has ended.
const NOTICE: Duration = Duration::from_secs(2);
/// Where hosts keep the addresses of their name servers. Docker reads the second if the first names loopback.
const RESOLV_CONFS: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/// Makes containers by Docker.
pub struct DockerFactory {
    engine: Engine,
    abilities: Abilities,
    options: DockerOptions,
    images: Images,
    bridge: Bridge,
    firewall: Option<Firewall>,
    creates: Semaphore,
    known: Arc<Known>,
    strays: Arc<Strays>,
    remover: Remover,
    _watch: Watch,
}

/// Whether there is a Docker engine that answers.
pub async fn is_available() -> bool {
    Engine::connect(None).await.is_ok()
}

impl DockerFactory {
    /// Connects to the engine, sets up network and firewall, and watches over the engine from then on.
    ///
    /// # Errors
    /// [`SetupError`], when the engine, the network or the firewall cannot be had as the options say.
    pub async fn connect(options: &DockerOptions) -> Result<Self, SetupError> {
        Self::connect_at(options, PACE).await
    }

    async fn connect_at(options: &DockerOptions, pace: Pace) -> Result<Self, SetupError> {
        let engine = Engine::connect(options.host.as_deref()).await;
        let engine = engine.map_err(|error| SetupError::Engine(Box::new(error)))?;
        let credentials = readable_credentials(options).await?;
        // On the heap, as it is large and made once.
        let abilities = Box::pin(abilities::find(&engine, options)).await?;
        let bridge = network::provide(&engine, options).await?;
        let firewall = match set_firewall(&engine, &bridge, options).await {
            Ok(firewall) => firewall,
            Err(error) => {
                // The first failure is the one to tell of; a network without containers does no harm.
                let _network_may_stay = network::remove(&engine, &bridge).await;
                return Err(error);
            }
        };
        let (known, strays) = (Arc::<Known>::default(), Arc::<Strays>::default());
        let owner = options.owner.clone();
        let remover = Remover { engine: engine.clone(), known: Arc::clone(&known), owner };
        Ok(Self {
            images: Images::new(engine.clone(), options.pull, credentials),
            creates: Semaphore::new(options.parallel_creates.max(1)),
            options: options.clone(),
            _watch: watch(engine.clone(), remover.clone(), Arc::clone(&strays), pace),
            known,
            strays,
            remover,
            engine,
            abilities,
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
        let group = if self.engine.is_local() { Group::of(&found) } else { None };
        let address: Option<IpAddr> = found
            .network_settings
            .and_then(|settings| settings.networks?.remove(&self.bridge.network)?.ip_address?.parse().ok());
        // A container that has ended has no address any more.
        let address = address.ok_or(EngineError::EndedAtOnce).map_err(failed("find"))?;
        let address = SocketAddr::new(address, ACTION_PORT);
        let (output, cut) = output::chunks(attached);
        let (group, meter) = group.unzip();
        self.known.add(spec.name.clone(), Container::new(cut, group));
        let meter = meter.flatten().map(|meter| Box::new(meter) as Box<dyn CpuMeter>);
        Ok(StartedContainer { address, output, meter })
    }

    /// What the container is made of. Where its volumes matter, the image is looked at.
    async fn base(&self, spec: &ContainerSpec) -> Result<Base, ContainerError> {
        let (ContainerImage::Runtime { image, .. } | ContainerImage::User { image }) = &spec.image;
        let name = image.to_string();
        if self.options.volume_mebibytes().is_none() {
            return Ok(Base::named(name));
        }
        let found = self.engine.image(&name).await;
        let found = found.map_err(|error| engine_error("look at the image of", &spec.name, error))?;
        Base::found(name, found).map_err(|error| {
            ContainerError::Unsupported(format!("The image '{image}' cannot be used: {error}."))
        })
    }

    async fn create_and_start(&self, spec: &ContainerSpec, base: Base) -> Result<StartedContainer, Failure> {
        let body = spec::create_body(spec, base, &self.options, self.abilities);
        self.create_anew(&spec.name, body).await.map_err(failed(CREATE))?;
        self.start(spec).await
    }

    /// Creates a container, if need be in the place of one that the engine made late, when nobody waited for it any
    /// more.
    async fn create_anew(&self, name: &ContainerName, body: ContainerCreateBody) -> Result<(), EngineError> {
        // On the heap, as they are large.
        let create = |body| Box::pin(self.engine.create(name.as_str(), body));
        match create(body.clone()).await {
            Err(taken) if is_name_taken(&taken) => {
                let Ok(true) = self.remover.remove_own(name).await else { return Err(taken) };
                tracing::warn!(container = %name, "a container that came up late gives way to the one that is wanted");
                create(body).await
            }
            other => other,
        }
    }

    /// Removes what a failed creation may have left; whether nothing stays.
    async fn discard(&self, name: &ContainerName) -> bool {
        match self.remover.remove(name).await {
            Ok(()) => true,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, container = %name, "a container that failed to start stays for now");
                false
            }
        }
    }

    async fn look(&self, name: &ContainerName) -> Result<ContainerState, EngineError> {
        let known = self.known.get(name);
        let group = known.as_ref().and_then(|container| container.group.as_ref());
        let deadline = Instant::now() + NOTICE;
        loop {
            // In this order: what killed the first process is counted before that has ended.
            let has_ended = group.is_some_and(|group| group.has_ended());
            let kills = group.map_or(Kills::Untold { old: false }, |group| group.kills());
            if let Some(state) = death::by_the_kernel(kills, has_ended) {
                return Ok(state);
            }
            let told = match self.engine.inspect(name.as_str()).await {
                Err(EngineError::NotFound(_)) => return Ok(ContainerState::Ended),
                other => other?.state.unwrap_or_default(),
            };
            let state = death::state(kills, &told);
            // The engine needs a moment to notice an end.
            if has_ended && state == ContainerState::Running && Instant::now() < deadline {
                sleep(ASK_AGAIN).await;
                continue;
            }
            if state == ContainerState::Ended && death::is_riddle(kills, &told) {
                tracing::info!(container = %name, "killed, and nothing says that it was for want of memory");
            }
            return Ok(state);
        }
    }

    /// Freezes or thaws a container past the engine; whether that could be done.
    async fn set_directly(&self, name: &ContainerName, motion: Motion) -> bool {
        let Some(container) = self.known.get(name) else { return false };
        container.forget_kills();
        let Some(freezer) = container.freezer() else { return false };
        match freezer.set(motion).await {
            Ok(()) => true,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, container = %name, ?motion, "cannot be done directly");
                false
            }
        }
    }
}

#[async_trait]
impl ContainerFactory for DockerFactory {
    async fn provide(&self, image: &ImageName) -> Result<(), ContainerError> {
        self.images.provide(image).await.map_err(|error| pull_error(image, error))
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<StartedContainer, ContainerError> {
        let _permit = self.creates.acquire().await.expect("the semaphore is never closed");
        if let Some(silence) = self.engine.pulse().silence() {
            return Err(engine_error(CREATE, &spec.name, EngineError::Silent(silence)));
        }
        let base = self.base(spec).await?;
        let mut creation = Creation::begin(&self.strays, &spec.name);
        match self.create_and_start(spec, base).await {
            Ok(started) => {
                creation.settled();
                Ok(started)
            }
            Err(failure) => {
                let is_settled = match failure.remains() {
                    Remains::Nothing => true,
                    Remains::Perhaps => self.discard(&spec.name).await,
                    // As a stray it is removed if it is the owner's, and left alone if not.
                    Remains::OfAnotherRequest => false,
                };
                if is_settled {
                    creation.settled();
                }
                Err(failure.of_create(spec))
            }
        }
    }

    async fn pause(&self, name: &ContainerName) -> Result<(), ContainerError> {
        if self.set_directly(name, Motion::Frozen).await {
            return Ok(());
        }
        match self.engine.pause(name.as_str()).await {
            Err(EngineError::Refused { message, .. }) if message.contains("already paused") => Ok(()),
            other => other.map_err(|error| engine_error("pause", name, error)),
        }
    }

    async fn resume(&self, name: &ContainerName) -> Result<(), ContainerError> {
        if self.set_directly(name, Motion::Thawed).await {
            return Ok(());
        }
        match self.engine.resume(name.as_str()).await {
            Err(EngineError::Refused { message, .. }) if message.contains("not paused") => Ok(()),
            other => other.map_err(|error| engine_error("resume", name, error)),
        }
    }

    async fn destroy(&self, name: &ContainerName) -> Result<(), ContainerError> {
        self.remover.remove(name).await.map_err(|error| engine_error("remove", name, error))
    }

    async fn state(&self, name: &ContainerName) -> Result<ContainerState, ContainerError> {
        self.look(name).await.map_err(|error| engine_error("inspect", name, error))
    }

    fn run_ended(&self, name: &ContainerName) {
        if let Some(container) = self.known.get(name) {
            container.forget_kills();
        }
    }

    fn trouble(&self) -> Option<String> {
        let silence = self.engine.pulse().silence()?;
        Some(EngineError::Silent(silence).to_string())
    }

    async fn answers(&self) -> bool {
        self.engine.ping().await
    }

    async fn remove_leftovers(&self) -> Result<usize, ContainerError> {
        let all = ContainerName::new("*");
        self.remover.remove_all().await.map_err(|error| engine_error("remove", &all, error))
    }

    async fn close(&self) -> Result<(), ContainerError> {
        let network = ContainerName::new(&self.bridge.network);
        let strays = self.remover.remove_strays(&self.strays).await;
        strays.map_err(|error| engine_error("remove strays from the network of", &network, error))?;
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

/// Where credentials for registries are; a file that was named has to make sense.
async fn readable_credentials(options: &DockerOptions) -> Result<Source, SetupError> {
    let source = Source::find(options.registry_config.as_deref());
    if let Source::Given(path) = &source
        && let Err(error) = source.for_registry(None).await
    {
        return Err(SetupError::Credentials { path: path.clone(), source: Box::new(error) });
    }
    Ok(source)
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
