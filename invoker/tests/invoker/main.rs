//! The invoker alone: real store, real bus and journal, scripted containers.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod acknowledgements;
mod cluster;
mod failures;
mod records;
mod world;
