//! NVIDIA's management library, loaded when it is asked for. Only what a device is called and how large it is.

use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use whirl_model::GpuDevice;

use super::{BYTES_OF_A_MEBIBYTE, Error, device};

/// All devices that answer. Blocks, for seconds where the driver was not in use.
pub(super) fn list() -> Result<Vec<GpuDevice>, Error> {
    let nvml = Nvml::init()?;
    let found = (0..nvml.device_count()?).filter_map(|index| {
        let described = nvml.device_by_index(index).and_then(|device| describe(&device));
        let complain = |error: &NvmlError| {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, index, "a GPU does not answer, and is left out");
        };
        described.inspect_err(complain).ok()
    });
    Ok(found.collect())
}

fn describe(found: &Device<'_>) -> Result<GpuDevice, NvmlError> {
    // Older drivers do not tell, nor do devices that share the host's memory.
    let mebibytes = found.memory_info().map_or(0, |memory| memory.total / BYTES_OF_A_MEBIBYTE);
    Ok(device(&found.uuid()?, &found.name()?, u32::try_from(mebibytes).unwrap_or(u32::MAX)))
}
