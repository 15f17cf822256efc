//! The controller over HTTP: real requests to a real listener, the in-process store and bus behind it, and an
//! invoker that answers as each test says.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod actions;
mod activations;
mod client;
mod cluster;
mod conductors;
mod contents;
mod cores_and_gpus;
mod couchdb;
mod descriptions;
mod documents;
mod faults;
mod framework;
mod gateway;
mod host;
mod idempotency;
mod invoke;
mod invoker;
mod isolation;
mod limits;
mod live_logs;
mod packages;
mod policy;
mod property;
mod rights;
mod rules;
mod sequences;
mod server;
mod subjects;
mod throttles;
mod triggers;
mod web;
mod world;
