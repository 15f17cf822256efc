//! The outside world behind seams: a store for what lasts, a bus for what is on its way, a
//! coordination for who is there.
//!
//! Each seam is a trait whose prose is its contract, an in-process twin that standalone runs in production,
//! and a suite in `contract` that every implementation passes. Nothing outside this crate knows which one
//! is at work.

pub mod bus;
#[cfg(all(feature = "couchdb", feature = "kafka", feature = "etcd"))]
pub mod connect;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod coordination;
#[cfg(feature = "couchdb")]
pub mod couchdb;
pub mod embedded;
pub mod journal;
mod lock;
pub mod store;

pub use bus::in_process::InProcessBus;
#[cfg(feature = "kafka")]
pub use bus::kafka::{KafkaBus, KafkaConfig};
#[cfg(feature = "etcd")]
pub use coordination::etcd::{EtcdConfig, EtcdCoordination};
pub use coordination::in_process::InProcessCoordination;
#[cfg(feature = "couchdb")]
pub use couchdb::{CouchdbConfig, CouchdbStore};
pub use embedded::EmbeddedStore;
pub use journal::Journal;
