//! Whole projects out of a manifest: `source` reads it, `plan` turns it into a list of operations without
//! touching anything, `code` loads what the actions run, `deploy` and `remove` carry the operations out.

pub(crate) mod code;
pub(crate) mod deploy;
pub(crate) mod export;
mod input;
mod interpolate;
pub(crate) mod managed;
mod manifest;
mod merge;
pub(crate) mod operation;
pub(crate) mod plan;
pub(crate) mod remove;
pub(crate) mod source;
