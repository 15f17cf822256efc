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
         with quotas, such as overlay2 on XFS with pquota; leave docker.disk unset, or set \
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

/// What a failed creation left on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remains {
    Nothing,
    /// Perhaps its container.
    Perhaps,
    /// What has the name: somebody else's container, or one that the engine still makes for an earlier request.
    OfAnotherRequest,
}

/// Whether a "create" was refused because there is a container of that name, or will be soon.
pub(super) fn is_name_taken(error: &EngineError) -> bool {
    matches!(error, EngineError::Refused { status: 409, .. })
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
            ContainerImage::User { image } => self.of_image(image),
            // That one of our own images cannot be started is no fault of the developer.
            ContainerImage::Runtime { .. } => None,
        }
        .unwrap_or_else(|| engine_error(self.operation, &spec.name, self.error))
    }

    /// What is wrong with the user's image, if it is known that something is.
    fn of_image(&self, image: &ImageName) -> Option<ContainerError> {
        let image = image.clone();
        if self.is_not_executable() {
            return Some(ContainerError::NotExecutable { image });
        }
        match &self.error {
            EngineError::NotFound(message) if self.operation == CREATE => {
                Some(ContainerError::Pull { image, source: message.clone().into() })
            }
            EngineError::Refused { message, .. } => {
                let why = lacking_user(message)?.to_owned();
                Some(ContainerError::Misconfigured { image, why })
            }
            _ => None,
        }
    }

    /// What a container's creation left that failed like this.
    pub(super) fn remains(&self) -> Remains {
        match &self.error {
            _ if self.operation != CREATE => Remains::Perhaps,
            error if is_name_taken(error) => Remains::OfAnotherRequest,
            EngineError::Refused { .. } | EngineError::NotFound(_) => Remains::Nothing,
            _ => Remains::Perhaps,
        }
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

/// Why an image cannot be had. One that takes too long is its developer's to mend, as one that is not there.
pub(super) fn pull_error(image: &ImageName, error: Arc<EngineError>) -> ContainerError {
    let image = image.clone();
    match *error {
        EngineError::Silent(silence) => ContainerError::PullSilent { image, silence },
        _ => ContainerError::Pull { image, source: Box::new(error) },
    }
}

/// Which user or group an image asks for that it does not have, in the engine's words.
fn lacking_user(message: &str) -> Option<&str> {
    let at = message.find("unable to find user").or_else(|| message.find("unable to find group"))?;
    message[at..].split(':').next()
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

    #[test]
    fn an_image_that_takes_too_long_is_its_developers_and_one_that_waits_for_the_engine_is_not() {
        let image = "a/b:1".parse().unwrap();
        let error = |error| pull_error(&image, Arc::new(error));
        assert!(error(EngineError::Timeout).is_developers());
        assert!(!error(EngineError::Silent(std::time::Duration::from_secs(7))).is_developers());
    }

    #[test]
    fn users_that_an_image_does_not_have_are_told_by_name_and_other_refusals_are_the_engines() {
        let image: ImageName = "a/b:1".parse().unwrap();
        let refused = |message: &str| {
            failed("start")(EngineError::Refused { status: 400, message: message.to_owned() })
                .of_image(&image)
        };
        let message = "linux spec user: unable to find user nobody1: no matching entries in passwd file";
        let error = refused(message).unwrap();
        assert_eq!(error.to_string(), "the image 'a/b:1' cannot be started: unable to find user nobody1");
        assert!(refused("write /var/lib/docker/x: no space left on device").is_none());
    }
}
