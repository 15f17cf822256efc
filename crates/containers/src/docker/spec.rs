//! What a container may do and use, written down for the engine. Pure.

mod base;
mod cpu;
mod gpus;
mod seccomp;

use std::collections::HashMap;
use std::num::NonZeroU32;

use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, ResourcesUlimits};

pub(super) use self::base::Base;
use super::options::DockerOptions;
use crate::factory::{ContainerImage, ContainerSpec};

/// The label that tells whose a container or network is.
pub(super) const OWNER_LABEL: &str = "whirl.owner";
/// Labels for operators: the version that made a container, and the kind of actions that it runs.
const VERSION_LABEL: &str = "whirl.version";
const KIND_LABEL: &str = "whirl.kind";

const MOST_OPEN_FILES: i64 = 1024;
const MEBIBYTE: i64 = 1 << 20;

/// What the engine can do of that which a request may ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abilities {
    /// It can filter system calls. Given a filter, one that cannot would refuse.
    pub(super) filters_system_calls: bool,
}

/// The body of the engine's "create": every capability dropped, no new privileges, all resources bounded, no
/// log file, and no check of health, which the engine would run beside what is frozen and what is limited.
pub(super) fn create_body(
    spec: &ContainerSpec,
    base: Base,
    options: &DockerOptions,
    abilities: Abilities,
) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(base.image),
        env: Some(environment(spec)),
        labels: Some(labels(spec, options)),
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        host_config: Some(HostConfig {
            tmpfs: tmpfs(base.volumes, options),
            ..host_config(spec, options, abilities)
        }),
        ..ContainerCreateBody::default()
    }
}

/// `/tmp` over a root that cannot be written to, and, where what a container writes is bounded, each volume of its
/// image, which would be an unlimited folder of the host.
fn tmpfs(volumes: Vec<String>, options: &DockerOptions) -> Option<HashMap<String, String>> {
    let mount = format!("rw,nosuid,nodev,exec,mode=1777,size={}m", options.volume_mebibytes()?);
    let tmp = options.read_only_root.map(|_| "/tmp".to_owned());
    Some(volumes.into_iter().chain(tmp).map(|path| (path, mount.clone())).collect())
}

fn labels(spec: &ContainerSpec, options: &DockerOptions) -> HashMap<String, String> {
    let kind = match &spec.image {
        ContainerImage::Runtime { kind, .. } => kind.as_str(),
        ContainerImage::User { .. } => "blackbox",
    };
    let labels = [
        (OWNER_LABEL, options.owner.as_str()),
        (VERSION_LABEL, env!("CARGO_PKG_VERSION")),
        (KIND_LABEL, kind),
    ];
    labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn environment(spec: &ContainerSpec) -> Vec<String> {
    let given = spec.env.iter().map(|(key, value)| format!("{key}={value}"));
    given.chain(gpus::environment(&spec.gpus)).collect()
}

fn host_config(spec: &ContainerSpec, options: &DockerOptions, abilities: Abilities) -> HostConfig {
    let memory = i64::from(spec.memory) * MEBIBYTE;
    HostConfig {
        network_mode: Some(options.network_name()),
        dns: (!options.network.dns.is_empty())
            .then(|| options.network.dns.iter().map(ToString::to_string).collect()),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(security_options(abilities)),
        pids_limit: Some(i64::from(options.processes.get())),
        ulimits: Some(ulimits(options)),
        memory: Some(memory),
        memory_swap: Some(memory),
        cpu_shares: Some(cpu::shares(spec, &options.cpu)),
        nano_cpus: cpu::limit(spec, &options.cpu),
        storage_opt: options.disk.map(storage_opt),
        readonly_rootfs: options.read_only_root.map(|_| true),
        device_requests: gpus::requests(&spec.gpus),
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        ..HostConfig::default()
    }
}

fn security_options(abilities: Abilities) -> Vec<String> {
    let filter = abilities.filters_system_calls.then(seccomp::option);
    ["no-new-privileges:true".to_owned()].into_iter().chain(filter).collect()
}

/// With a limited disk no file may be longer than that: `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf` are files
/// of the host, past the limit, and root in an image can write to them.
fn ulimits(options: &DockerOptions) -> Vec<ResourcesUlimits> {
    let longest_file = options.disk.map(|mebibytes| limit("fsize", i64::from(mebibytes.get()) * MEBIBYTE));
    [limit("nofile", MOST_OPEN_FILES), limit("core", 0)].into_iter().chain(longest_file).collect()
}

/// What each process may have at most.
fn limit(name: &str, most: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(most), hard: Some(most) }
}

/// What limits the writable layer over the image.
pub(super) fn storage_opt(mebibytes: NonZeroU32) -> HashMap<String, String> {
    HashMap::from([("size".to_owned(), format!("{mebibytes}m"))])
}

#[cfg(test)]
mod tests {
    use whirl_model::{Cores, GpuId};

    use super::*;
    use crate::docker::options::ReadOnlyRoot;
    use crate::factory::ContainerName;

    fn spec() -> ContainerSpec {
        ContainerSpec {
            name: ContainerName::new("c"),
            image: ContainerImage::User { image: "a/b:1".parse().unwrap() },
            memory: 256,
            cpu: None,
            gpus: Vec::new(),
            env: [("A".to_owned(), "x=y".to_owned()), ("B".to_owned(), String::new())].into(),
        }
    }

    fn base(volumes: &[&str]) -> Base {
        Base { image: "a/b:1".to_owned(), volumes: volumes.iter().map(|path| (*path).to_owned()).collect() }
    }

    const ABLE: Abilities = Abilities { filters_system_calls: true };

    #[test]
    fn every_container_is_confined() {
        let body = create_body(&spec(), base(&[]), &DockerOptions::new("me"), ABLE);
        assert_eq!(body.image.as_deref(), Some("a/b:1"));
        assert_eq!(body.healthcheck.unwrap().test.unwrap(), ["NONE"]);
        let host = body.host_config.unwrap();
        assert_eq!(host.cap_drop.unwrap(), ["ALL"]);
        let security = host.security_opt.unwrap();
        assert_eq!(security[0], "no-new-privileges:true");
        assert!(security[1].starts_with("seccomp={"), "{}", security[1]);
        let most: Vec<_> = host.ulimits.unwrap().into_iter().map(|limit| (limit.name, limit.hard)).collect();
        assert_eq!(most, [(Some("nofile".to_owned()), Some(1024)), (Some("core".to_owned()), Some(0))]);
        assert_eq!((host.memory, host.memory_swap), (Some(256 << 20), Some(256 << 20)));
        assert_eq!(host.pids_limit, Some(1024));
        assert_eq!((host.privileged, host.cap_add, host.binds), (None, None, None));
        assert_eq!((host.mounts, host.tmpfs), (None, None));
        assert_eq!(host.network_mode.as_deref(), Some("whirl-me"));
        assert_eq!(host.log_config.unwrap().typ.as_deref(), Some("none"));
        assert_eq!(body.env.unwrap(), ["A=x=y", "B=", "NVIDIA_VISIBLE_DEVICES=void"]);
        let labels = body.labels.unwrap();
        assert_eq!((labels[OWNER_LABEL].as_str(), labels[KIND_LABEL].as_str()), ("me", "blackbox"));
        assert_eq!(labels[VERSION_LABEL], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn only_what_a_container_is_given_is_asked_for() {
        let options = DockerOptions::new("me");
        assert_eq!(host_config(&spec(), &options, ABLE).device_requests, None);
        let spec = ContainerSpec { gpus: vec![GpuId::new("GPU-1")], ..spec() };
        let body = create_body(&spec, base(&[]), &options, ABLE);
        let requests = body.host_config.unwrap().device_requests.unwrap();
        assert_eq!(requests[0].device_ids.as_deref(), Some(&["GPU-1".to_owned()][..]));
        assert_eq!(body.env.unwrap()[2], "NVIDIA_VISIBLE_DEVICES=GPU-1");
    }

    #[test]
    fn an_engine_that_cannot_filter_system_calls_is_not_asked_to() {
        let unable = Abilities { filters_system_calls: false };
        assert_eq!(security_options(unable), ["no-new-privileges:true"]);
    }

    #[test]
    fn options_show_in_the_request() {
        let options = DockerOptions {
            read_only_root: Some(ReadOnlyRoot { tmp_mebibytes: NonZeroU32::new(64).unwrap() }),
            disk: NonZeroU32::new(100),
            ..DockerOptions::new("me")
        };
        let spec = ContainerSpec { cpu: Some(Cores::from_thousandths(250)), ..spec() };
        let host = host_config(&spec, &options, ABLE);
        assert_eq!(host.storage_opt.unwrap()["size"], "100m");
        assert_eq!(host.nano_cpus, Some(250_000_000));
        assert_eq!(host.readonly_rootfs, Some(true));
    }

    #[test]
    fn volumes_are_bounded_where_writing_is() {
        let root = ReadOnlyRoot { tmp_mebibytes: NonZeroU32::new(64).unwrap() };
        let disk = NonZeroU32::new(100);
        for (read_only_root, disk, wanted) in [
            (None, None, None),
            (None, disk, Some(vec![("/data", "100m")])),
            (Some(root), None, Some(vec![("/data", "64m"), ("/tmp", "64m")])),
            (Some(root), disk, Some(vec![("/data", "64m"), ("/tmp", "64m")])),
        ] {
            let options = DockerOptions { read_only_root, disk, ..DockerOptions::new("me") };
            let host = create_body(&spec(), base(&["/data"]), &options, ABLE).host_config.unwrap();
            let wanted = wanted.map(|mounts| {
                let mount = |size| format!("rw,nosuid,nodev,exec,mode=1777,size={size}");
                mounts.into_iter().map(|(path, size)| (path.to_owned(), mount(size))).collect()
            });
            assert_eq!(host.tmpfs, wanted, "{read_only_root:?} {disk:?}");
            let longest =
                host.ulimits.unwrap().into_iter().find(|limit| limit.name.as_deref() == Some("fsize"));
            assert_eq!(longest.map(|limit| limit.hard), disk.map(|_| Some(100 << 20)));
        }
    }
}
