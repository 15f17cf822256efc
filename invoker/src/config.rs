//! What an operator can set about an invoker.

use serde::{Deserialize, Deserializer, Serialize};
use whirl_model::size::SizeError;
use whirl_model::{ByteSize, Cores};

/// Settings of an invoker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InvokerConfig {
    /// Mebibytes of memory for all containers together.
    pub memory: u32,
    /// CPU cores for all containers together whose actions ask for their own; the host's if not given.
    pub cpus: Option<Cores>,
    /// The host's GPUs.
    pub gpu: GpuConfig,
    /// Activations taken from the topic and not yet ended, at most.
    pub credit: usize,
    /// Containers that are being started at once, at most.
    pub parallel_starts: usize,
    /// Seconds that an idle container stays unpaused, longer where its log is not complete.
    pub pause_grace_seconds: u64,
    /// Seconds that an idle container is kept.
    pub idle_timeout_seconds: u64,
    /// Seconds that an idle container with GPUs is kept.
    pub gpu_idle_timeout_seconds: u64,
    /// Seconds that an activation may wait for a container; then it is recorded and not run.
    pub queue_seconds: u64,
    /// Seconds that a container may take from its creation until it listens.
    pub start_timeout_seconds: u64,
    /// Milliseconds after which the successor of a stem cell that was taken is started.
    pub stem_refill_milliseconds: u64,
    /// Seconds after which the number of reactive stem cells is reconsidered.
    pub stem_check_seconds: u64,
    /// Milliseconds for which records are gathered before they are written together.
    pub record_gather_milliseconds: u64,
    /// Mebibytes of action code and annotations that are kept in memory.
    pub code_cache: u32,
    /// The environment of all containers, each `NAME=VALUE`; without `=` the value is empty.
    #[serde(deserialize_with = "words")]
    pub environment: Vec<String>,
}

/// Which GPUs containers may have, and how they are shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GpuConfig {
    /// Whether the host is asked for its GPUs.
    pub discover: bool,
    /// The GPUs, each `UUID[:CLASS[:MEBIBYTES]]`, in place of all that the host would tell. One text with commas
    /// is taken too.
    #[serde(deserialize_with = "words")]
    pub devices: Vec<String>,
    /// How many activations that ask for a share may have the same device; 1 shares none.
    pub ways: u32,
}

impl Default for GpuConfig {
    fn default() -> Self {
        Self { discover: true, devices: Vec::new(), ways: 1 }
    }
}

impl Default for InvokerConfig {
    fn default() -> Self {
        Self {
            memory: 2048,
            cpus: None,
            gpu: GpuConfig::default(),
            credit: 256,
            parallel_starts: 4,
            pause_grace_seconds: 10,
            idle_timeout_seconds: 600,
            gpu_idle_timeout_seconds: 60,
            queue_seconds: 300,
            start_timeout_seconds: 60,
            stem_refill_milliseconds: 200,
            stem_check_seconds: 600,
            record_gather_milliseconds: 20,
            code_cache: 256,
            environment: Vec::new(),
        }
    }
}

/// A list, or one text with commas: what a variable can hold.
pub(crate) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Words::deserialize(deserializer)? {
        Words::List(list) => list,
        Words::Text(text) => {
            text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect()
        }
    })
}

impl InvokerConfig {
    /// What a command line says of `memory`, such as `2 GB`, in mebibytes.
    ///
    /// # Errors
    /// When it is no size, or less than 1 MB: the words for whoever wrote it.
    pub fn parse_memory(text: &str) -> Result<u32, String> {
        let size: ByteSize = text.parse().map_err(|error: SizeError| error.to_string())?;
        match u32::try_from(size.as_megabytes()) {
            Ok(megabytes) if megabytes > 0 => Ok(megabytes),
            _ => Err("it has to be 1 MB at least".to_owned()),
        }
    }
}

/// How an invoker takes part in its cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeartbeatConfig {
    /// Milliseconds between two reports, at least.
    pub report_milliseconds: u64,
    /// Seconds after which an invoker whose containers do not start tries again.
    pub probe_seconds: u64,
    /// Milliseconds without a message after which a draining invoker takes its topic for empty.
    pub quiet_milliseconds: u64,
}

impl Default for HeartbeatConfig {
    fn default() -> Self {
        Self { report_milliseconds: 200, probe_seconds: 5, quiet_milliseconds: 1000 }
    }
}
