//! The invoker alone: real store, real bus and journal, scripted containers.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod acknowledgements;
mod cluster;
mod concurrency;
mod containers;
mod deadlines;
mod drain;
mod failures;
mod images;
mod live_logs;
mod receipts;
mod records;
mod trouble;
mod world;
