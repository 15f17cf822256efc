//! Limits of actions, and the bounds that the platform sets to them.

use serde::{Deserialize, Serialize};

use crate::gpu::GpuChange;
use crate::{Cores, GpuAmount, GpuLimit};

/// What one action may use. In replies `instances`, `cpu` and `gpu` are present only if set, all other members
/// always; documents that are older than a limit leave it out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ActionLimits {
    /// Milliseconds that `/init` and `/run` may take, each.
    pub timeout: u32,
    /// Mebibytes of memory of the container.
    pub memory: u32,
    /// Mebibytes of log lines kept per activation.
    pub logs: u32,
    /// Activations that run in one container at once.
    pub concurrency: u32,
    /// Containers that may hold the action at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// CPU cores of the container, which are its own; a part of the host's that follows from memory if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cores>,
    /// GPUs of the container; none if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuLimit>,
}

impl Default for ActionLimits {
    fn default() -> Self {
        Self { timeout: 60_000, memory: 256, logs: 10, concurrency: 1, instances: None, cpu: None, gpu: None }
    }
}

/// Limits as a client gives them: members left out (or `null`) keep what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct LimitsPatch {
    /// See [`ActionLimits::timeout`].
    pub timeout: Option<i64>,
    /// See [`ActionLimits::memory`].
    pub memory: Option<i64>,
    /// See [`ActionLimits::logs`].
    pub logs: Option<i64>,
    /// See [`ActionLimits::concurrency`].
    pub concurrency: Option<i64>,
    /// See [`ActionLimits::instances`].
    pub instances: Option<i64>,
    /// See [`ActionLimits::cpu`]; zero takes the limit away.
    pub cpu: Option<Cores>,
    /// See [`ActionLimits::gpu`].
    pub gpu: Option<GpuChange>,
}

/// The least and the most that a limit may be, both allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The smallest allowed value.
    pub min: u32,
    /// The largest allowed value.
    pub max: u32,
}

/// The platform's bounds of action limits and of sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitBounds {
    /// Milliseconds of [`ActionLimits::timeout`].
    pub timeout: Range,
    /// Mebibytes of [`ActionLimits::memory`].
    pub memory: Range,
    /// Mebibytes of [`ActionLimits::logs`].
    pub logs: Range,
    /// Activations of [`ActionLimits::concurrency`].
    pub concurrency: Range,
    /// Containers of [`ActionLimits::instances`].
    pub instances: Range,
    /// Thousandths of a core of [`ActionLimits::cpu`].
    pub cpu: Range,
    /// Whole devices of [`ActionLimits::gpu`]; a share of one counts as one.
    pub gpu: Range,
    /// Bytes of an action's code, counted as it stands in JSON.
    pub code_bytes: u64,
    /// Bytes of an entity's parameters; annotations have the same bound.
    pub parameter_bytes: u64,
    /// Bytes of an activation's arguments, and of its result.
    pub payload_bytes: u64,
}

impl Default for LimitBounds {
    fn default() -> Self {
        Self {
            timeout: Range { min: 100, max: 300_000 },
            memory: Range { min: 128, max: 512 },
            logs: Range { min: 0, max: 10 },
            concurrency: Range { min: 1, max: 1 },
            instances: Range { min: 0, max: 30 },
            cpu: Range { min: 10, max: 64_000 },
            gpu: Range { min: 0, max: 8 },
            code_bytes: 48 << 20,
            parameter_bytes: 1 << 20,
            payload_bytes: 1 << 20,
        }
    }
}

/// A limit is outside its bounds. The text holds the words "allowed threshold", which clients look for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} of {value} {unit} is {side} the allowed threshold of {bound} {unit}")]
pub struct LimitError {
    name: &'static str,
    unit: &'static str,
    value: i64,
    side: &'static str,
    bound: u32,
}

impl Range {
    fn check(self, name: &'static str, unit: &'static str, value: i64) -> Result<u32, LimitError> {
        if value < i64::from(self.min) {
            return Err(LimitError { name, unit, value, side: "below", bound: self.min });
        }
        match u32::try_from(value) {
            Ok(good) if good <= self.max => Ok(good),
            _ => Err(LimitError { name, unit, value, side: "above", bound: self.max }),
        }
    }
}

impl LimitBounds {
    /// `base` with the members that `patch` gives, each checked.
    ///
    /// # Errors
    /// Names the first given limit that is out of bounds.
    pub fn apply(&self, base: ActionLimits, patch: &LimitsPatch) -> Result<ActionLimits, LimitError> {
        let mut limits = base;
        let set = |slot: &mut u32, range: Range, name, unit, value: Option<i64>| match value {
            None => Ok(()),
            Some(value) => range.check(name, unit, value).map(|good| *slot = good),
        };
        set(&mut limits.timeout, self.timeout, "timeout", "milliseconds", patch.timeout)?;
        set(&mut limits.memory, self.memory, "memory", "megabytes", patch.memory)?;
        set(&mut limits.logs, self.logs, "log size", "megabytes", patch.logs)?;
        set(&mut limits.concurrency, self.concurrency, "concurrency", "activations", patch.concurrency)?;
        if let Some(instances) = patch.instances {
            limits.instances = Some(self.instances.check("instances", "containers", instances)?);
        }
        if let Some(cores) = patch.cpu {
            limits.cpu = self.check_cpu(cores)?;
        }
        match &patch.gpu {
            None => {}
            Some(GpuChange::Remove) => limits.gpu = None,
            Some(GpuChange::Set(gpu)) => limits.gpu = Some(self.check_gpu(gpu)?),
        }
        Ok(limits)
    }

    fn check_cpu(&self, cores: Cores) -> Result<Option<Cores>, LimitError> {
        if cores.is_zero() {
            return Ok(None);
        }
        self.cpu.check("cpu", "thousandths of a core", cores.thousandths().into())?;
        Ok(Some(cores))
    }

    fn check_gpu(&self, gpu: &GpuLimit) -> Result<GpuLimit, LimitError> {
        let devices = match gpu.amount {
            GpuAmount::Devices(devices) => devices,
            GpuAmount::Share(_) => 1,
        };
        self.gpu.check("gpu", "devices", devices.into())?;
        Ok(gpu.clone())
    }

    /// Whether limits that were stored earlier are still allowed.
    ///
    /// # Errors
    /// Names the first limit that is out of bounds.
    pub fn check(&self, limits: &ActionLimits) -> Result<(), LimitError> {
        let patch = LimitsPatch {
            timeout: Some(limits.timeout.into()),
            memory: Some(limits.memory.into()),
            logs: Some(limits.logs.into()),
            concurrency: Some(limits.concurrency.into()),
            instances: limits.instances.map(i64::from),
            cpu: limits.cpu,
            gpu: limits.gpu.clone().map(GpuChange::Set),
        };
        self.apply(limits.clone(), &patch).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let patch: LimitsPatch = serde_json::from_str(r#"{"memory":128,"logs":null}"#).unwrap();
        let limits = LimitBounds::default().apply(ActionLimits::default(), &patch).unwrap();
        assert_eq!(limits, ActionLimits { memory: 128, ..ActionLimits::default() });
        assert_eq!(
            serde_json::to_string(&limits).unwrap(),
            r#"{"timeout":60000,"memory":128,"logs":10,"concurrency":1}"#
        );
    }

    #[test]
    fn bounds_are_inclusive_and_violations_name_the_threshold() {
        let bounds = LimitBounds::default();
        let patched = |text: &str| {
            bounds.apply(ActionLimits::default(), &serde_json::from_str::<LimitsPatch>(text).unwrap())
        };
        for good in [r#"{"timeout":100}"#, r#"{"timeout":300000}"#, r#"{"memory":512}"#, r#"{"logs":0}"#] {
            assert!(patched(good).is_ok(), "{good}");
        }
        for bad in [
            r#"{"timeout":99}"#,
            r#"{"timeout":300001}"#,
            r#"{"memory":1}"#,
            r#"{"memory":9999999999}"#,
            r#"{"logs":-1}"#,
            r#"{"concurrency":0}"#,
            r#"{"concurrency":2}"#,
            r#"{"instances":31}"#,
            r#"{"cpu":0.009}"#,
            r#"{"cpu":65}"#,
            r#"{"gpu":9}"#,
        ] {
            assert!(patched(bad).unwrap_err().to_string().contains("allowed threshold"), "{bad}");
        }
    }

    #[test]
    fn zero_takes_cpu_and_gpu_away_again() {
        let bounds = LimitBounds::default();
        let patch = |base: ActionLimits, text: &str| {
            bounds.apply(base, &serde_json::from_str::<LimitsPatch>(text).unwrap()).unwrap()
        };
        let set = patch(ActionLimits::default(), r#"{"cpu":0.5,"gpu":{"count":1,"class":"h100"}}"#);
        assert_eq!(
            serde_json::to_string(&set).unwrap(),
            r#"{"timeout":60000,"memory":256,"logs":10,"concurrency":1,"cpu":0.5,"gpu":{"count":1,"class":"h100"}}"#
        );
        assert_eq!(patch(set.clone(), "{}"), set);
        assert_eq!(patch(set, r#"{"cpu":0,"gpu":0}"#), ActionLimits::default());
    }

    #[test]
    fn limits_are_whole_numbers() {
        for bad in [r#"{"timeout":1.5}"#, r#"{"memory":"256"}"#, r#"{"logs":true}"#] {
            assert!(serde_json::from_str::<LimitsPatch>(bad).is_err(), "{bad}");
        }
    }
}
