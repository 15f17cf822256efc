//! `/namespaces/{namespace}/packages`: one file per operation.

mod contents;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
mod merge;
pub(crate) mod put;
