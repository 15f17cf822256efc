//! Whirl's controller: the REST API, and the dispatch of activations to invokers.
//!
//! A library: a binary brings the back-ends, the listeners and the signals. `routes.rs` has every URL on one
//! page; each resource has a file of its own; `api_error.rs` alone turns errors into status codes.

mod accept;
mod acknowledgements;
mod actions;
mod activations;
mod admin;
mod api;
mod api_error;
mod authentication;
mod authenticator;
mod body;
mod call;
mod cluster_invokers;
mod collections;
mod config;
mod contents;
mod cors;
mod dispatch;
mod docs;
mod edge;
mod entitlement;
mod entity_cache;
mod entity_changes;
mod followers;
mod gateway;
pub mod guest;
mod host;
mod idempotency;
mod identity;
mod invoke;
mod invokers;
mod limits;
mod live_logs;
mod losses;
mod metrics;
mod namespaces;
mod openapi;
mod operation;
mod packages;
mod policy;
#[cfg(feature = "cluster")]
pub mod process;
mod query;
mod read_through;
mod records;
mod reply;
mod resolve;
mod route;
pub mod routes;
mod rules;
mod runtimes;
mod sequences;
mod server;
mod throttles;
mod transaction;
mod triggers;
mod undisturbed;
mod web;

pub use cluster_invokers::ClusterInvokers;
pub use config::{ControllerConfig, KeepRecords, MemberConfig, Throttles};
pub use invokers::{Demand, Invokers, Life, OneInvoker, Part, Resources};
#[cfg(feature = "cluster")]
pub use live_logs::RemoteLogs;
pub use live_logs::{LiveLog, LiveLogs, Opening, Unreachable, Wanted};
pub use server::{Controller, ControllerParts};
pub use whirl_scheduling::balancer::{Health, Refusal};
