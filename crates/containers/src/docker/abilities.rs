//! What the engine can do of that which containers are confined by, found out before the first one is made.

use std::collections::HashMap;
use std::num::NonZeroU32;

use bollard::models::{ContainerCreateBody, HostConfig};

use super::engine::{Engine, EngineError};
use super::failure::SetupError;
use super::options::{DockerOptions, Isolation};
use super::spec::{Abilities, OWNER_LABEL, storage_opt};

/// The image of the container that is made, and never started, to try things out.
const TRIAL_IMAGE: &str = "whirl/trial";
/// The longest tag that the engine takes is 128 characters.
const LONGEST_TAG: usize = 100;

/// Asks the engine, and refuses one that would leave containers less confined than the options say.
pub(super) async fn find(engine: &Engine, options: &DockerOptions) -> Result<Abilities, SetupError> {
    let setup = |error| SetupError::Engine(Box::new(error));
    let info = engine.info().await.map_err(setup)?;
    let filters_system_calls = filters_system_calls(&info.security_options.unwrap_or_default());
    let ignores_disk_limits = ignores_disk_limits(&info.driver_status.unwrap_or_default());
    if options.isolation == Isolation::Strict && !filters_system_calls {
        return Err(SetupError::NoSeccomp);
    }
    if let Some(mebibytes) = options.disk {
        if ignores_disk_limits {
            let source = "containerd's image store takes the limit and ignores it".into();
            return Err(SetupError::NoDiskLimit { mebibytes, source });
        }
        match try_disk_limit(engine, options, mebibytes).await {
            Err(error @ EngineError::Refused { .. }) => {
                return Err(SetupError::NoDiskLimit { mebibytes, source: Box::new(error) });
            }
            other => other.map_err(setup)?,
        }
    }
    Ok(Abilities { filters_system_calls })
}

/// Of options such as `name=seccomp,profile=default`. Containers bring a profile of their own, so the engine's is of
/// no account.
fn filters_system_calls(security_options: &[String]) -> bool {
    security_options.iter().any(|option| option.split(',').next() == Some("name=seccomp"))
}

/// Where containerd keeps what containers write, a limit is taken without a word and holds nothing. All other drivers
/// refuse what they cannot keep.
fn ignores_disk_limits(driver_status: &[Vec<String>]) -> bool {
    driver_status.iter().any(|pair| *pair == ["driver-type", "io.containerd.snapshotter.v1"])
}

/// Makes a container with the limit: what the engine says of its storage leaves open whether quotas are switched on.
async fn try_disk_limit(
    engine: &Engine,
    options: &DockerOptions,
    mebibytes: NonZeroU32,
) -> Result<(), EngineError> {
    // Its own for each owner, as one may remove it while another one uses it.
    let tag: String = format!("of-{}", options.owner).chars().take(LONGEST_TAG).collect();
    let image = format!("{TRIAL_IMAGE}:{tag}");
    let name = format!("whirl_{}_trial", options.owner);
    let body = ContainerCreateBody {
        image: Some(image.clone()),
        labels: Some(HashMap::from([(OWNER_LABEL.to_owned(), options.owner.clone())])),
        host_config: Some(HostConfig {
            storage_opt: Some(storage_opt(mebibytes)),
            network_mode: Some("none".to_owned()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    engine.make_empty_image(TRIAL_IMAGE, &tag).await?;
    // One that an interrupted trial left.
    let _was_not_there = engine.remove(&name).await;
    let outcome = engine.create(&name, body).await;
    let container = engine.remove(&name).await;
    let image = engine.remove_image(&image).await;
    if let Err(error) = container.and(image)
        && outcome.is_ok()
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "something of a trial stays behind");
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::{filters_system_calls, ignores_disk_limits};

    #[test]
    fn a_store_that_ignores_disk_limits_is_told_by_what_it_says_of_itself() {
        let told = |name: &str, value: &str| ignores_disk_limits(&[vec![name.to_owned(), value.to_owned()]]);
        assert!(told("driver-type", "io.containerd.snapshotter.v1"));
        assert!(!told("Backing Filesystem", "xfs") && !ignores_disk_limits(&[]));
    }

    #[test]
    fn an_engine_without_seccomp_is_told_by_what_it_does_not_say() {
        let told = |options: &[&str]| {
            filters_system_calls(&options.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>())
        };
        assert!(told(&["name=apparmor", "name=seccomp,profile=default"]));
        assert!(told(&["name=seccomp,profile=builtin", "name=cgroupns"]));
        assert!(!told(&["name=apparmor", "name=selinux,profile=name=seccomp"]));
        assert!(!told(&[]));
    }
}
