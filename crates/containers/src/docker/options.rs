//! How the Docker factory is set up. No limit can be 0, which the engine takes for none.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

/// What OpenWhisk lets a container have.
const MOST_PROCESSES: NonZeroU32 = NonZeroU32::new(1024).expect("it is not 0");

/// Options of a [`DockerFactory`](super::DockerFactory).
#[derive(Clone, Debug, PartialEq)]
pub struct DockerOptions {
    /// Whose containers these are: unique on the host among all processes that run at the same time, and the
    /// same after a restart, so that leftovers are found. Letters, digits, `_`, `.` and `-`.
    pub owner: String,
    /// Where the engine is, such as `unix:///var/run/docker.sock`; where `DOCKER_HOST` says, else at Docker's usual
    /// socket, if not given.
    pub host: Option<String>,
    /// The network the containers are in.
    pub network: NetworkOptions,
    /// The TCP port at which actions may reach the API at the gateway's address; none if it is not on this host.
    pub api_port: Option<u16>,
    /// Where else the API is: actions may reach these too, although they may be private addresses.
    pub api_addresses: Vec<SocketAddr>,
    /// Whether containers are kept away from the host and its surroundings.
    pub isolation: Isolation,
    /// When images that users name are pulled.
    pub pull: PullPolicy,
    /// The file with credentials for registries, as `docker login` writes it; that of this process's user, if there
    /// is one, if not given.
    pub registry_config: Option<PathBuf>,
    /// How CPU time is shared out.
    pub cpu: CpuOptions,
    /// Makes the root file system read-only. Volumes of images are as `/tmp`.
    pub read_only_root: Option<ReadOnlyRoot>,
    /// Mebibytes that a container may write to its root file system; without limit if not given. Not every engine
    /// can do that. Volumes of images are in the container's memory, each of this size at most, unless the root
    /// is read-only.
    pub disk: Option<NonZeroU32>,
    /// Processes and threads that a container may have at a time.
    pub processes: NonZeroU32,
    /// How many containers may be created at the same time, at least 1.
    pub parallel_creates: usize,
}

impl DockerOptions {
    /// The defaults for an owner.
    #[must_use]
    pub fn new(owner: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            host: None,
            network: NetworkOptions::default(),
            api_port: None,
            api_addresses: Vec::new(),
            isolation: Isolation::Strict,
            pull: PullPolicy::Latest,
            registry_config: None,
            cpu: CpuOptions::default(),
            read_only_root: None,
            disk: None,
            processes: MOST_PROCESSES,
            parallel_creates: 4,
        }
    }

    /// The network's name, given or made of the owner.
    #[must_use]
    pub fn network_name(&self) -> String {
        self.network.name.clone().unwrap_or_else(|| format!("whirl-{}", self.owner))
    }

    /// The mebibytes that a volume of an image has where what a container writes is bounded.
    pub(super) fn volume_mebibytes(&self) -> Option<NonZeroU32> {
        self.read_only_root.map(|root| root.tmp_mebibytes).or(self.disk)
    }
}

/// The bridge network of one owner. No two processes share one: each may then remove its own at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkOptions {
    /// Its name; `whirl-<owner>` if not given.
    pub name: Option<String>,
    /// Its subnet, such as `172.28.0.0/16`; chosen by Docker if not given.
    pub subnet: Option<String>,
    /// Name servers of the containers; the host's if empty. Port 53 of them is always let through.
    pub dns: Vec<IpAddr>,
    /// Networks and addresses in CIDR notation that actions may reach although they are private.
    pub allow: Vec<String>,
    /// More networks that actions may not reach.
    pub deny: Vec<String>,
}

/// Whether containers are kept away from the host and its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// By firewall rules and a filter of system calls; without them there is no factory.
    Strict,
    /// Not by a firewall: actions reach whatever the host can reach. System calls are filtered if the engine can.
    None,
}

/// When an image that a user named is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullPolicy {
    /// Before each container. A `latest` must be pulled with success; of one with another tag, what is there does
    /// where it cannot be pulled. One with a digest never changes: it is pulled if it is not there.
    Latest,
    /// Any image only if it is not there.
    Missing,
}

/// How CPU time is shared out among containers without cores of their own: by memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CpuOptions {
    /// The CPU shares that all containers together have.
    pub shares: u32,
    /// The memory that all containers together may have, in mebibytes.
    pub memory: u32,
    /// The CPUs that all containers together may use; no hard limit if not given.
    pub limit: Option<f32>,
}

impl Default for CpuOptions {
    fn default() -> Self {
        Self { shares: 1024, memory: 2048, limit: None }
    }
}

/// A root file system that cannot be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOnlyRoot {
    /// The size of the writable `/tmp`, in mebibytes. It counts towards the container's memory.
    pub tmp_mebibytes: NonZeroU32,
}
