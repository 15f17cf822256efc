//! Whirl in one process: controller and invoker on the embedded store and the in-process bus.
//!
//! Puts parts together and decides nothing of its own. [`Standalone::start`] serves the API as soon as the
//! store is open; containers come a moment later, and what was invoked meanwhile waits for them.

mod config;
mod data_dir;
mod flags;
mod own_invoker;
mod standalone;

pub use config::StandaloneConfig;
pub use flags::Flags;
pub use standalone::{Standalone, StartError};
