//! What a container may do and use, written down for the engine. Pure.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, DeviceRequest, HostConfig, HostConfigLogConfig, ResourcesUlimits,
};

use super::options::{DockerOptions, Gpus};
use crate::factory::{ContainerImage, ContainerSpec};

/// The label that tells whose a container or network is.
pub(super) const OWNER_LABEL: &str = "whirl.owner";

const MOST_PROCESSES: i64 = 1024;
const MOST_OPEN_FILES: i64 = 1024;
const MEBIBYTE: i64 = 1 << 20;
/// The kernel takes no fewer.
const LEAST_CPU_SHARES: u64 = 2;

/// The body of the engine's "create": every capability dropped, no new privileges, all resources bounded, no
/// log file.
pub(super) fn create_body(spec: &ContainerSpec, options: &DockerOptions) -> ContainerCreateBody {
    let image = match &spec.image {
        ContainerImage::Runtime { image, .. } | ContainerImage::User { image } => image,
    };
    ContainerCreateBody {
        image: Some(image.to_string()),
        env: Some(spec.env.iter().map(|(key, value)| format!("{key}={value}")).collect()),
        labels: Some(HashMap::from([(OWNER_LABEL.to_owned(), options.owner.clone())])),
        host_config: Some(host_config(spec, options)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(spec: &ContainerSpec, options: &DockerOptions) -> HostConfig {
    let memory = i64::from(spec.memory) * MEBIBYTE;
    HostConfig {
        network_mode: Some(options.network_name()),
        dns: (!options.network.dns.is_empty())
            .then(|| options.network.dns.iter().map(ToString::to_string).collect()),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
        pids_limit: Some(MOST_PROCESSES),
        ulimits: Some(vec![ResourcesUlimits {
            name: Some("nofile".to_owned()),
            soft: Some(MOST_OPEN_FILES),
            hard: Some(MOST_OPEN_FILES),
        }]),
        memory: Some(memory),
        memory_swap: Some(memory),
        cpu_shares: Some(cpu_shares(spec.memory, options)),
        nano_cpus: nano_cpus(spec.memory, options),
        readonly_rootfs: options.read_only_root.map(|_| true),
        tmpfs: options.read_only_root.map(|root| {
            let mount = format!("rw,nosuid,nodev,exec,mode=1777,size={}m", root.tmp_mebibytes);
            HashMap::from([("/tmp".to_owned(), mount)])
        }),
        device_requests: options.gpus.as_ref().map(|gpus| vec![device_request(gpus)]),
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        ..HostConfig::default()
    }
}

/// The container's part of the host's CPU weight: as large as its part of the memory.
fn cpu_shares(memory: u32, options: &DockerOptions) -> i64 {
    let part = u64::from(options.cpu.shares) * u64::from(memory) / u64::from(options.cpu.memory.max(1));
    i64::try_from(part.max(LEAST_CPU_SHARES)).unwrap_or(i64::MAX)
}

/// The hard limit, likewise by memory; at least a hundredth of a CPU.
fn nano_cpus(memory: u32, options: &DockerOptions) -> Option<i64> {
    let cpus = f64::from(options.cpu.limit?) * f64::from(memory) / f64::from(options.cpu.memory.max(1));
    #[expect(clippy::cast_possible_truncation, reason = "a CPU count times 1e9 fits")]
    let nanos = (cpus.max(0.01) * 1e9) as i64;
    Some(nanos)
}

fn device_request(gpus: &Gpus) -> DeviceRequest {
    let capabilities = Some(vec![vec!["gpu".to_owned()]]);
    match gpus {
        Gpus::All => DeviceRequest { count: Some(-1), capabilities, ..DeviceRequest::default() },
        Gpus::Devices(ids) => {
            DeviceRequest { device_ids: Some(ids.clone()), capabilities, ..DeviceRequest::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::options::{CpuOptions, ReadOnlyRoot};
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

    #[test]
    fn every_container_is_confined() {
        let body = create_body(&spec(), &DockerOptions::new("me"));
        let host = body.host_config.unwrap();
        assert_eq!(host.cap_drop.unwrap(), ["ALL"]);
        assert_eq!(host.security_opt.unwrap(), ["no-new-privileges:true"]);
        assert_eq!((host.memory, host.memory_swap), (Some(256 << 20), Some(256 << 20)));
        assert_eq!((host.privileged, host.cap_add, host.binds), (None, None, None));
        assert_eq!(host.network_mode.as_deref(), Some("whirl-me"));
        assert_eq!(host.log_config.unwrap().typ.as_deref(), Some("none"));
        assert_eq!(body.env.unwrap(), ["A=x=y", "B="]);
        assert_eq!(body.labels.unwrap()[OWNER_LABEL], "me");
    }

    #[test]
    fn cpu_follows_memory() {
        let options = DockerOptions {
            cpu: CpuOptions { shares: 2048, memory: 1024, limit: Some(2.0) },
            ..DockerOptions::new("me")
        };
        let host = host_config(&spec(), &options);
        assert_eq!((host.cpu_shares, host.nano_cpus), (Some(512), Some(500_000_000)));
        let tiny = DockerOptions { cpu: CpuOptions { shares: 1, memory: 1 << 20, limit: None }, ..options };
        let host = host_config(&spec(), &tiny);
        assert_eq!((host.cpu_shares, host.nano_cpus), (Some(2), None));
    }

    #[test]
    fn options_show_in_the_request() {
        let options = DockerOptions {
            read_only_root: Some(ReadOnlyRoot { tmp_mebibytes: 64 }),
            gpus: Some(Gpus::Devices(vec!["GPU-1".to_owned()])),
            ..DockerOptions::new("me")
        };
        let host = host_config(&spec(), &options);
        assert_eq!(host.readonly_rootfs, Some(true));
        assert!(host.tmpfs.unwrap()["/tmp"].contains("size=64m"));
        assert_eq!(host.device_requests.unwrap()[0].device_ids.as_deref(), Some(&["GPU-1".to_owned()][..]));
    }
}
