//! The test world of the system scenarios: a real `whirl` process, or a set-up that is running elsewhere, and
//! verbs to act on it over HTTP. It knows no promise of the platform; those are in the scenarios under `tests/`.
//!
//! What a scenario needs from outside is named by environment variables:
//!
//! - `WHIRL_TEST_HOST` and `WHIRL_TEST_AUTH`: run against that API instead of starting a process. Scenarios that
//!   kill or inspect the process are left out then.
//! - `WHIRL_TEST_COUCHDB_URL`, `WHIRL_TEST_KAFKA_BROKERS` and `WHIRL_TEST_ETCD_ENDPOINTS`: the servers of the scenarios
//!   with a cluster, which are left out without; with `WHIRL_TEST_SERVERS=1` they fail instead.
//! - `WHIRL_TEST_DOCKER=1`: a missing Docker engine fails the scenarios that need one instead of leaving them out.
//! - `WHIRL_TEST_BIN`: the folder of the programs under test, which are built if it is not given.
//! - `WHIRL_TEST_FULL=1`: the long form of the scenarios that repeat themselves.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its scenario")]

mod answer;
mod binaries;
mod cluster;
mod docker_recorder;
mod host;
mod image;
mod leftovers;
mod raw;
mod settings;
mod world;

pub use answer::{Answer, Record};
pub use cluster::{Cluster, Part};
pub use docker_recorder::{DockerRecorder, DockerRequest};
pub use host::{docker, free_port, is_frozen};
pub use image::Image;
pub use raw::RawRequest;
pub use settings::Program;
pub use world::action::{Action, ActionBuilder};
pub use world::server::{Exit, Server, ServerOptions};
pub use world::{Shared, World, eventually, is_full, skip};
