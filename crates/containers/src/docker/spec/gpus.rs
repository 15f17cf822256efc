//! The GPUs of one container, written down for the engine. Pure.

use bollard::models::DeviceRequest;
use whirl_model::GpuId;

const VISIBLE: &str = "NVIDIA_VISIBLE_DEVICES";
/// No devices and no driver. It has to be said: many images say `all`, and where NVIDIA's runtime is the engine's
/// default it does as the image says.
const NOTHING: &str = "void";
/// CUDA and OpenCL, and NVML with nvidia-smi.
const DRIVER: (&str, &str) = ("NVIDIA_DRIVER_CAPABILITIES", "compute,utility");

/// The engine's order for exactly these devices; `None` for none. The engine finds the driver by what it can do.
pub(super) fn requests(gpus: &[GpuId]) -> Option<Vec<DeviceRequest>> {
    let request = DeviceRequest {
        device_ids: Some(gpus.iter().map(ToString::to_string).collect()),
        capabilities: Some(vec![vec!["gpu".to_owned()]]),
        ..DeviceRequest::default()
    };
    (!gpus.is_empty()).then(|| vec![request])
}

/// The same for NVIDIA's runtime, which reads the environment.
pub(super) fn environment(gpus: &[GpuId]) -> Vec<String> {
    if gpus.is_empty() {
        return vec![format!("{VISIBLE}={NOTHING}")];
    }
    let ids: Vec<&str> = gpus.iter().map(GpuId::as_str).collect();
    let (name, value) = DRIVER;
    vec![format!("{VISIBLE}={}", ids.join(",")), format!("{name}={value}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_gets_the_devices_that_it_is_given() {
        let gpus = [GpuId::new("GPU-1"), GpuId::new("GPU-2")];
        assert_eq!(
            serde_json::to_value(requests(&gpus)).unwrap(),
            serde_json::json!([{"DeviceIDs": ["GPU-1", "GPU-2"], "Capabilities": [["gpu"]]}])
        );
        assert_eq!(
            environment(&gpus),
            ["NVIDIA_VISIBLE_DEVICES=GPU-1,GPU-2", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"]
        );
    }

    #[test]
    fn a_container_that_is_given_none_gets_none() {
        assert_eq!(requests(&[]), None);
        assert_eq!(environment(&[]), ["NVIDIA_VISIBLE_DEVICES=void"]);
    }
}
