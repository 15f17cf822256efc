//! `/namespaces/{namespace}/triggers`: one file per operation; lists are in `collections.rs`.

pub(crate) mod delete;
pub(crate) mod fire;
mod firing;
pub(crate) mod get;
mod merge;
pub(crate) mod put;
