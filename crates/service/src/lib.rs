//! What every Whirl server process needs and no server is about: configuration, tracing, metrics, the admin
//! port, draining, and the server's key.
//!
//! Nothing here knows actions, activations or back-ends.

pub mod admin;
pub mod config;
pub mod drain;
pub mod keys;
pub mod metrics;
pub mod telemetry;

pub use admin::Readiness;
pub use drain::Drain;
pub use keys::ServerKey;
pub use metrics::Metrics;
