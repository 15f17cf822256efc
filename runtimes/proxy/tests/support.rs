//! What the conformance cases stand on: HTTP, archives, and a container seen from outside.

pub(crate) mod archives;
pub(crate) mod container;
pub(crate) mod http;
