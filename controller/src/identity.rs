//! On whose behalf something is done: a credential's caller, and what its namespace may do.

use std::sync::Arc;

use whirl_model::{Caller, Namespace, NamespaceLimits};

/// A caller with its namespace's limits. Clones share both.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Who it is.
    pub(crate) caller: Arc<Caller>,
    /// What its namespace may do where that differs from the platform's own limits.
    pub(crate) limits: Arc<NamespaceLimits>,
}

impl Identity {
    /// The namespace that the credential stands for.
    pub(crate) fn namespace(&self) -> &Namespace {
        &self.caller.namespace
    }
}
