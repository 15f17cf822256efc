//! Which GPUs containers may have: those that the settings name, else those that the host tells. Which container
//! gets which is the pool's business.

use std::collections::BTreeSet;

use whirl_containers::gpu;
use whirl_model::gpu::{GpuClassError, MOST_WAYS};
use whirl_model::{GpuClass, GpuDevice, GpuId};

use crate::config::GpuConfig;

/// What the UUIDs of devices, and of parts that MIG made of one, begin with.
const PREFIXES: [&str; 2] = ["GPU-", "MIG-"];

/// Why the settings about GPUs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GpuSettingError {
    /// An entry of `devices` is malformed.
    #[error(
        "invoker.gpu.devices: '{0}' is not UUID[:CLASS[:MEBIBYTES]] with a UUID that begins with GPU- or MIG-, as \
         `nvidia-smi -L` lists them"
    )]
    Device(String),
    /// The class in an entry of `devices` is none.
    #[error("invoker.gpu.devices")]
    Class(#[from] GpuClassError),
    /// A device is there already.
    #[error("invoker.gpu.devices names {0} twice")]
    Twice(GpuId),
    /// The number of ways makes no sense.
    #[error("invoker.gpu.ways is {0}, and has to be 1 to {MOST_WAYS}")]
    Ways(u32),
}

/// The devices that containers may have.
///
/// # Errors
/// When a setting cannot be used. That there are none is no error.
pub(crate) async fn find(config: &GpuConfig) -> Result<Vec<GpuDevice>, GpuSettingError> {
    let named = named(config)?;
    let told = if config.discover { gpu::discover().await } else { Vec::new() };
    let devices = chosen(named, told, config.ways);
    for GpuDevice { id, model, class, memory, ways } in &devices {
        tracing::info!(%id, model, %class, memory, ways, "containers may have this GPU");
    }
    Ok(devices)
}

/// One entry of `devices`.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    id: GpuId,
    class: Option<GpuClass>,
    memory: Option<u32>,
}

fn named(config: &GpuConfig) -> Result<Vec<Named>, GpuSettingError> {
    if !(1..=MOST_WAYS).contains(&config.ways) {
        return Err(GpuSettingError::Ways(config.ways));
    }
    let mut seen = BTreeSet::new();
    let entry = |text: &String| {
        let named = Named::parse(text)?;
        let is_new = seen.insert(named.id.clone());
        if is_new { Ok(named) } else { Err(GpuSettingError::Twice(named.id)) }
    };
    config.devices.iter().map(entry).collect()
}

impl Named {
    fn parse(text: &str) -> Result<Self, GpuSettingError> {
        let malformed = || GpuSettingError::Device(text.to_owned());
        let mut parts = text.split(':').map(str::trim);
        let (uuid, class, memory) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'/');
        let known = PREFIXES.iter().any(|prefix| uuid.len() > prefix.len() && uuid.starts_with(prefix));
        if !known || !uuid.bytes().all(allowed) || parts.next().is_some() {
            return Err(malformed());
        }
        Ok(Self {
            id: GpuId::new(uuid),
            class: class.map(str::parse).transpose()?,
            memory: memory.map(str::parse).transpose().map_err(|_no_number| malformed())?,
        })
    }
}

/// The devices that are named; all that the host tells of if none is. What an entry leaves open is as the host tells.
fn chosen(named: Vec<Named>, told: Vec<GpuDevice>, ways: u32) -> Vec<GpuDevice> {
    if named.is_empty() {
        return told.into_iter().map(|device| GpuDevice { ways, ..device }).collect();
    }
    let complete = |Named { id, class, memory }: Named| {
        let known = told.iter().find(|device| device.id == id).cloned();
        if known.is_none() && !told.is_empty() {
            tracing::warn!(%id, "the host does not tell of this GPU");
        }
        let known = known.unwrap_or_else(|| GpuDevice {
            id,
            model: String::new(),
            class: gpu::class_of(""),
            memory: 0,
            ways,
        });
        GpuDevice {
            class: class.unwrap_or(known.class),
            memory: memory.unwrap_or(known.memory),
            ways,
            id: known.id,
            model: known.model,
        }
    };
    named.into_iter().map(complete).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(devices: &[&str], ways: u32) -> GpuConfig {
        GpuConfig {
            devices: devices.iter().map(|text| (*text).to_owned()).collect(),
            ways,
            ..GpuConfig::default()
        }
    }

    fn device(id: &str, class: &str, memory: u32, ways: u32) -> GpuDevice {
        let model = if id == "GPU-told" { "NVIDIA H100 PCIe" } else { "" };
        GpuDevice { id: GpuId::new(id), model: model.into(), class: class.parse().unwrap(), memory, ways }
    }

    #[test]
    fn devices_are_those_that_are_named_else_those_that_the_host_tells() {
        let told = || vec![device("GPU-told", "h100", 81_559, 1)];
        let find = |devices: &[&str], ways| chosen(named(&config(devices, ways)).unwrap(), told(), ways);
        assert_eq!(find(&[], 4), [device("GPU-told", "h100", 81_559, 4)]);
        assert_eq!(
            find(&["GPU-a", "GPU-b:t4", "MIG-c/1/0:a100-1g.5gb:4864"], 2),
            [
                device("GPU-a", "gpu", 0, 2),
                device("GPU-b", "t4", 0, 2),
                device("MIG-c/1/0", "a100-1g.5gb", 4864, 2)
            ]
        );
        assert_eq!(find(&["GPU-told"], 1), told());
        assert_eq!(find(&["GPU-told:fast:100"], 1), [device("GPU-told", "fast", 100, 1)]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (devices, ways, words) in [
            (&["0"][..], 1, "'0' is not UUID[:CLASS[:MEBIBYTES]]"),
            (&["all"], 1, "'all' is not UUID"),
            (&["GPU-"], 1, "'GPU-' is not UUID"),
            (&["GPU-a b"], 1, "is not UUID"),
            (&["GPU-a:h100:much"], 1, "'GPU-a:h100:much' is not UUID"),
            (&["GPU-a:h100:1:2"], 1, "is not UUID"),
            (&["GPU-a:H 100"], 1, "invoker.gpu.devices"),
            (&["GPU-a", "GPU-a:h100"], 1, "names GPU-a twice"),
            (&[], 0, "invoker.gpu.ways is 0"),
            (&[], 65, "invoker.gpu.ways is 65"),
        ] {
            let error = named(&config(devices, ways)).unwrap_err();
            assert!(error.to_string().contains(words), "{devices:?} {ways}: {error}");
        }
    }
}
