//! The outside world behind seams: a store for what lasts, a bus for what is on its way, a
//! coordination for who is there.
//!
//! Each seam is a trait whose prose is its contract, an in-process twin that standalone runs in production,
//! and a suite in `contract` that every implementation passes. Nothing outside this crate knows which one
//! is at work.

pub mod bus;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod coordination;
pub mod embedded;
pub mod journal;
mod lock;
pub mod store;

pub use bus::in_process::InProcessBus;
pub use embedded::EmbeddedStore;
pub use journal::Journal;
