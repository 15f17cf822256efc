//! The controller over HTTP: real requests to a real listener, the in-process store and bus behind it, and an
//! invoker that answers as each test says.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod actions;
mod activations;
mod client;
mod cluster;
mod documents;
mod faults;
mod framework;
mod host;
mod invoke;
mod invoker;
mod rights;
mod server;
mod world;
