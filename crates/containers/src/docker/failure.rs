//! What the engine's failures mean for whoever wanted a container, or the factory itself.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use whirl_model::ImageName;

use super::engine::EngineError;
use crate::factory::{ContainerError, ContainerImage, ContainerName, ContainerSpec};

/// The operation that makes a container, as opposed to those that need one.
pub(super) const CREATE: &str = "create";

/// Why the factory cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no engine.
    #[error("Docker cannot be used")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The network cannot be made.
    #[error("the Docker network '{name}' cannot be made")]
    Network {
        /// The network.
        name: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is a network of that name which is not ours or not as asked for.
    #[error("the Docker network '{name}' is there but cannot be used: {what}; remove it or name another")]
    NetworkDiffers {
        /// The network.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// The firewall cannot be set up.
    #[error(
        "actions cannot be kept away from this host, as its firewall cannot be set up; \
         start with --isolation=none to let them reach whatever the host can reach"
    )]
    Firewall(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The engine lets containers make any system call.
    #[error(
        "actions cannot be kept from calls into this host's kernel, as the container engine has no seccomp; \
         start with --isolation=none to let them make any system call"
    )]
    NoSeccomp,
    /// The engine cannot limit what a container writes.
    #[error(
        "the container engine cannot limit a container's disk to {mebibytes} MiB, which takes a storage driver \
         with quotas, such as btrfs, or overlay2 on XFS with pquota; leave docker.disk unset, or set \
         docker.read_only_root_tmp for a read-only root with a small /tmp"
    )]
    NoDiskLimit {
        /// The limit that was asked for.
        mebibytes: NonZeroU32,
        /// What the engine says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The credentials for registries cannot be read.
    #[error("the registry credentials in {} cannot be read", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// An engine's failure and what was asked of it.
pub(super) struct Failure {
    pub(super) operation: &'static str,
    pub(super) error: EngineError,
}

pub(super) fn failed(operation: &'static str) -> impl Fn(EngineError) -> Failure {
    move |error| Failure { operation, error }
}

impl Failure {
    pub(super) fn of_create(self, spec: &ContainerSpec) -> ContainerError {
        match &spec.image {
            ContainerImage::User { image } if self.is_not_executable() => {
                return ContainerError::NotExecutable { image: image.clone() };
            }
            // That one of our own images cannot be started is no fault of the developer.
            ContainerImage::User { .. } | ContainerImage::Runtime { .. } => {}
        }
        engine_error(self.operation, &spec.name, self.error)
    }

    /// A refused "create" leaves nothing. If the name is taken, the container is somebody else's.
    pub(super) fn may_leave_a_container(&self) -> bool {
        self.operation != CREATE
            || !matches!(self.error, EngineError::Refused { .. } | EngineError::NotFound(_))
    }

    /// Whether there is nothing in the image that runs. Of a command that cannot be started the engine tells
    /// by the text of its message alone.
    fn is_not_executable(&self) -> bool {
        let message = match &self.error {
            EngineError::EndedAtOnce => return true,
            EngineError::Refused { message, .. } => message,
            EngineError::NotFound(_)
            | EngineError::Timeout
            | EngineError::Silent(_)
            | EngineError::Broken(_) => return false,
        };
        let message = message.to_lowercase();
        message.contains("no command specified")
            || message.contains("executable file not found")
            || (message.contains("exec: ")
                && ["no such file or directory", "permission denied", "exec format error", "is a directory"]
                    .iter()
                    .any(|reason| message.contains(reason)))
    }
}

pub(super) fn engine_error(
    operation: &'static str,
    name: &ContainerName,
    error: EngineError,
) -> ContainerError {
    match error {
        EngineError::Timeout => ContainerError::Timeout { operation, name: name.clone() },
        EngineError::Silent(silence) => ContainerError::Silent { operation, name: name.clone(), silence },
        other => ContainerError::Engine { operation, name: name.clone(), source: Box::new(other) },
    }
}

pub(super) fn pull_error(spec: &ContainerSpec, image: &ImageName, error: Arc<EngineError>) -> ContainerError {
    let operation = "pull the image of";
    match *error {
        EngineError::Timeout => ContainerError::Timeout { operation, name: spec.name.clone() },
        EngineError::Silent(silence) => {
            ContainerError::Silent { operation, name: spec.name.clone(), silence }
        }
        _ => ContainerError::Pull { image: image.clone(), source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_cannot_be_started_are_told_from_failures_of_the_engine() {
        let refused = |message: &str| {
            failed("start")(EngineError::Refused { status: 400, message: message.to_owned() })
        };
        for message in [
            "No command specified",
            "OCI runtime create failed: exec: \"x\": executable file not found in $PATH: unknown",
            "starting container process caused: exec: \"/x\": stat /x: no such file or directory: unknown",
            "starting container process caused: exec: \"/x\": permission denied: unknown",
        ] {
            assert!(refused(message).is_not_executable(), "{message}");
        }
        for message in ["network whirl not found", "mkdir /run/x: no such file or directory"] {
            assert!(!refused(message).is_not_executable(), "{message}");
        }
    }
}
