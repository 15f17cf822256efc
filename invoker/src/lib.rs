//! One host's runner: takes activations from its topic, runs each in a container, and writes its record.
//!
//! [`Invoker`] is the shell around `whirl-scheduling`'s pool: every event is one turn under a lock held for
//! that turn alone; a run goes on in the task, and on the thread, of whoever brought the activation. What
//! containers and records need beside that happens on the background runtime.

mod acknowledgements;
mod actions;
mod alarm;
mod attempt;
mod config;
mod container;
pub mod containers;
mod cpu;
mod effects;
mod endings;
mod engine;
mod environment;
mod feed;
mod gpus;
mod health;
mod heartbeat;
mod intake;
mod invoker;
mod job;
mod life;
mod live;
mod logs;
mod metrics;
mod outcome;
mod parts;
mod payload;
mod pool_config;
mod preparation;
#[cfg(feature = "cluster")]
pub mod process;
mod provide;
mod provisions;
mod record;
mod record_writer;
mod run_activation;
mod run_receipt;
mod shell;
mod starts;

pub use config::{GpuConfig, HeartbeatConfig, InvokerConfig};
pub use gpus::GpuSettingError;
pub use invoker::{Invoker, InvokerStatus, StartError};
pub use live::LiveLog;
pub use metrics::{InvokerMetrics, register as register_metrics};
pub use parts::{InvokerParts, MemberParts};

/// An error as logs take it, with its causes; held by nobody across an await, as it cannot be sent.
fn chain<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    error
}
