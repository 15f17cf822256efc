//! What every Whirl server process needs and no server is about: configuration, tracing, metrics, the admin
//! port, draining, the server's and the administrator's key, the runtime manifest, and what a start has in common.
//!
//! Nothing here knows actions, activations or back-ends.

pub mod admin;
pub mod admin_key;
pub mod checks;
pub mod config;
#[cfg(feature = "test-support")]
pub mod documentation;
pub mod drain;
mod key_file;
pub mod keys;
pub mod manifest;
pub mod metrics;
pub mod process;
pub mod ready_file;
pub mod retry;
pub mod telemetry;

pub use admin::Readiness;
pub use admin_key::AdminKey;
pub use drain::Drain;
pub use keys::ServerKey;
pub use metrics::Metrics;
