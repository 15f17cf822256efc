//! The GPUs of this host, as its driver tells them: through NVML, or through `nvidia-smi` where that library cannot
//! be loaded. Which of them containers may have, and how they are shared, is decided elsewhere.

mod class;
mod nvidia_smi;
mod nvml;

use std::time::Duration;

use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{error::Elapsed, timeout};
use whirl_model::{GpuDevice, GpuId};

pub use self::class::class_of;

/// A driver that was not in use needs seconds to wake its devices; one that is broken may never answer.
const PATIENCE: Duration = Duration::from_secs(20);
const BYTES_OF_A_MEBIBYTE: u64 = 1 << 20;

/// Why the driver tells nothing.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("NVML does not answer")]
    Nvml(#[from] nvml_wrapper::error::NvmlError),
    #[error("NVML gave up")]
    GaveUp(#[from] JoinError),
    #[error("nvidia-smi cannot be run")]
    NvidiaSmi(#[from] std::io::Error),
    #[error("nvidia-smi failed: {0}")]
    Refused(String),
    #[error("the driver does not answer in time")]
    Timeout(#[from] Elapsed),
}

/// The GPUs of this host, each with one way. None if it has none, or nothing on it that could tell.
pub async fn discover() -> Vec<GpuDevice> {
    let found = match by_library().await {
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "NVML tells no GPUs; asking nvidia-smi");
            nvidia_smi::list("nvidia-smi".as_ref()).await
        }
        found => found,
    };
    found.unwrap_or_else(|error| {
        tracing::debug!(error = &error as &dyn std::error::Error, "no GPUs were found");
        Vec::new()
    })
}

async fn by_library() -> Result<Vec<GpuDevice>, Error> {
    timeout(PATIENCE, spawn_blocking(nvml::list)).await??
}

/// A device as the driver names it.
fn device(uuid: &str, model: &str, mebibytes: u32) -> GpuDevice {
    GpuDevice {
        id: GpuId::new(uuid),
        model: model.to_owned(),
        class: class_of(model),
        memory: mebibytes,
        ways: 1,
    }
}
