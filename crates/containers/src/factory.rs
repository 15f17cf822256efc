//! The container seam: how containers come, pause, and go.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use whirl_model::{Cores, GpuId, ImageName, Kind};

/// The name of one container, chosen by its invoker and unique on the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerName(String);

impl ContainerName {
    /// Takes a name made of letters, digits, `_`, `.` and `-`; other characters are dropped.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        Self(text.chars().filter(allowed).collect())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a container is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContainerImage {
    /// One of the platform's runtimes; its image is on the host and never pulled.
    Runtime {
        /// The kind, which says how to start it as a process.
        kind: Kind,
        /// Its image.
        image: ImageName,
    },
    /// An image that a user named. [`ContainerFactory::provide`] brings it to the host first.
    User {
        /// The image.
        image: ImageName,
    },
}

/// What to create.
#[derive(Clone, Debug)]
pub struct ContainerSpec {
    /// The container's name.
    pub name: ContainerName,
    /// What it is made of.
    pub image: ContainerImage,
    /// Mebibytes of memory; no swap on top.
    pub memory: u32,
    /// CPU cores that it may use at most; a part of the host's that follows from its memory if not set.
    pub cpu: Option<Cores>,
    /// The GPUs that it sees. It sees no others.
    pub gpus: Vec<GpuId>,
    /// Environment that exists before `/init`.
    pub env: BTreeMap<String, String>,
}

/// Which of its two streams a container wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// A piece of what a container wrote; lines may be cut anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputChunk {
    /// Where it was written.
    pub stream: Stream,
    /// The bytes.
    pub bytes: Bytes,
}

/// A container that was started. It may still need a moment before it listens.
pub struct StartedContainer {
    /// Where `/init` and `/run` are served.
    pub address: SocketAddr,
    /// What it writes, from its start on, until it ends or is destroyed. Must be read steadily: a
    /// container whose output is not read stands still in the end.
    pub output: BoxStream<'static, std::io::Result<OutputChunk>>,
    /// Tells the CPU time that it has used, where that can be told.
    pub meter: Option<Box<dyn CpuMeter>>,
}

/// Tells how much CPU time a container's processes have used.
pub trait CpuMeter: Send + Sync {
    /// All since the container's start; `None` once it cannot be told any more. Cheap, and does not block.
    fn used(&self) -> Option<Duration>;
}

/// Why a container could not be made, paused, resumed or removed.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The user's image cannot be had.
    #[error("the image '{image}' cannot be pulled")]
    Pull {
        /// The image.
        image: ImageName,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The user's image has nothing that can be started, or what was started ended at once.
    #[error("the image '{image}' has no executable that can be started")]
    NotExecutable {
        /// The image.
        image: ImageName,
    },
    /// The user's image asks for what it does not have, such as a user, so that the engine does not start it.
    #[error("the image '{image}' cannot be started: {why}")]
    Misconfigured {
        /// The image.
        image: ImageName,
        /// What it asks for, as the engine says it.
        why: String,
    },
    /// The container engine hangs, so that an image cannot be had now.
    #[error("the image '{image}' cannot be pulled: the container engine has not answered for {} s", silence.as_secs())]
    PullSilent {
        /// The image.
        image: ImageName,
        /// For how long it has not answered anything.
        silence: Duration,
    },
    /// This factory cannot run such images at all.
    #[error("{0}")]
    Unsupported(String),
    /// The container engine refused or failed.
    #[error("cannot {operation} container {name}")]
    Engine {
        /// What was asked, such as "start".
        operation: &'static str,
        /// The container.
        name: ContainerName,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The container engine did not answer in time.
    #[error("cannot {operation} container {name}: no answer in time")]
    Timeout {
        /// What was asked.
        operation: &'static str,
        /// The container.
        name: ContainerName,
    },
    /// The container engine hangs. It was not asked, or its answer was not waited for any more.
    #[error("cannot {operation} container {name}: the container engine has not answered for {} s", silence.as_secs())]
    Silent {
        /// What was to be asked.
        operation: &'static str,
        /// The container.
        name: ContainerName,
        /// For how long it has not answered anything.
        silence: Duration,
    },
}

impl ContainerError {
    /// Whether the action's developer, not the platform, has to mend it.
    #[must_use]
    pub fn is_developers(&self) -> bool {
        match self {
            Self::Pull { .. }
            | Self::NotExecutable { .. }
            | Self::Misconfigured { .. }
            | Self::Unsupported(_) => true,
            Self::PullSilent { .. } | Self::Engine { .. } | Self::Timeout { .. } | Self::Silent { .. } => {
                false
            }
        }
    }
}

/// Whether and how a container has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// It runs, and no process of it was killed for want of memory of late.
    Running,
    /// It ended, or is not there.
    Ended,
    /// It, or a process in it, was killed because its memory was used up.
    OutOfMemory,
}

/// Makes and removes containers of one kind on one host. Pausing, resuming and destroying are idempotent by
/// name; after `destroy` nothing of the container remains.
#[async_trait]
pub trait ContainerFactory: Send + Sync {
    /// Sees to it that a user's image is on the host, as new as the factory's policy says. That may take as long as
    /// the image's registry likes; those who want the same image at the same time share the work.
    async fn provide(&self, _image: &ImageName) -> Result<(), ContainerError> {
        Ok(())
    }

    /// Creates and starts a container, of a user's image only if that is there. On an error nothing of it remains. If
    /// the engine stopped answering or the future is dropped it may come up later; then it is removed in time, by
    /// itself or by `remove_leftovers`.
    async fn create(&self, spec: &ContainerSpec) -> Result<StartedContainer, ContainerError>;

    /// Freezes all its processes. Connections stay open but nothing answers: the client forgets them before.
    async fn pause(&self, name: &ContainerName) -> Result<(), ContainerError>;

    /// Lets them go on.
    async fn resume(&self, name: &ContainerName) -> Result<(), ContainerError>;

    /// Ends and removes it, paused or not, without a grace period. Its output then ends too. That there is no
    /// such container is no error.
    async fn destroy(&self, name: &ContainerName) -> Result<(), ContainerError>;

    /// How it is, asked after its connection broke or a process in it failed. `OutOfMemory` is told of what was
    /// killed since `run_ended` and since it was paused or resumed, to all who ask: what shares a container was killed
    /// together. Who kills a container from outside makes it `Ended`.
    async fn state(&self, name: &ContainerName) -> Result<ContainerState, ContainerError>;

    /// A run in it ended well: what was killed in it up to here did that run no harm, and no later one. Cheap, and
    /// does not block.
    fn run_ended(&self, _name: &ContainerName) {}

    /// Why containers can be neither made nor removed at present, if that is known. Those that are there go on.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Whether what makes the containers answers at this moment, where it is asked at all. What they write comes
    /// through it: while it does not answer nothing is heard of them. Waits for the answer; give up in time.
    async fn answers(&self) -> bool {
        true
    }

    /// Removes all containers that an earlier process with the same owner left behind; gives their number.
    async fn remove_leftovers(&self) -> Result<usize, ContainerError>;

    /// Undoes what the factory set up on the host for all containers (networks, firewall rules), once they are
    /// all destroyed.
    async fn close(&self) -> Result<(), ContainerError>;
}
