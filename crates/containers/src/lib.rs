//! Where user code runs: containers behind one factory seam, and the protocol spoken with them.
//!
//! The only crate that may hold `unsafe`. It decides nothing: which container to make, reuse or remove is
//! `whirl-scheduling`'s business.

pub mod factory;
