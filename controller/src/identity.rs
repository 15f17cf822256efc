//! On whose behalf something is done: a credential's caller, and what its namespace may do.

use std::sync::Arc;

use whirl_backends::store::Known;
use whirl_model::limits::LimitBounds;
use whirl_model::{Caller, Kind, Namespace, NamespaceLimits};

use crate::api_error::ApiError;

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

    /// The bounds of what it writes and invokes: its namespace's own where there are some, never beyond the
    /// platform's.
    pub(crate) fn bounds(&self, platform: &LimitBounds) -> LimitBounds {
        self.limits.bounds(platform)
    }

    /// Refuses a kind of action that its namespace may not have.
    pub(crate) fn may_use(&self, kind: &Kind) -> Result<(), ApiError> {
        if self.limits.allow(kind) { Ok(()) } else { Err(ApiError::ForbiddenKind(kind.clone())) }
    }
}

impl From<Known> for Identity {
    fn from(known: Known) -> Self {
        Self { caller: Arc::new(known.caller), limits: Arc::new(known.limits) }
    }
}
