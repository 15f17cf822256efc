//! The coordination of a single process.
