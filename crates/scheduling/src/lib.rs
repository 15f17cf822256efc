//! Whirl's placement decisions, pure: the same events give the same effects.
//!
//! No I/O, no async, no clock, no dice. Time comes in as [`Moment`], a span since the caller's start; the
//! caller acts on the effects and brings what became of them back as events. In [`simulation`] that caller is a
//! script, and time and chance come from a seed.

pub mod balancer;
pub mod liveness;
pub mod pool;
pub mod simulation;
pub mod throttle;

/// A point in time, as the span since the caller started.
pub type Moment = std::time::Duration;
