//! Where user code runs: containers behind one factory seam, and the protocol spoken with them.
//!
//! The only crate that may hold `unsafe`. It decides nothing: which container to make, reuse or remove is
//! `whirl-scheduling`'s business.

pub mod action_client;
#[cfg(feature = "test-support")]
pub mod contract;
pub mod docker;
pub mod factory;
pub mod gpu;
mod oom_kills;
pub mod process;
#[cfg(feature = "test-support")]
pub mod scripted;

pub use action_client::ActionClient;
