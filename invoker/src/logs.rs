//! The logs of one container's activations.
//!
//! A container writes one after the other what its activations say; after each it writes an end mark to both
//! streams. [`LogBook`] cuts the streams there: the nth mark of a stream ends the nth activation's part of
//! it. So a container can run its next activation before the logs of the last one are in.

mod book;
mod follow;
mod lines;

pub(crate) use book::{Finished, LogBook, Page, Watch};
pub(crate) use follow::follow;
