//! One container of the pool: a single state, each state owning only what is true in it.

use std::sync::Arc;

use super::resources::Holding;
use super::shelves::{Readiness, ShelfId, Warmth};
use super::{Request, Stem, WarmKey};
use crate::Moment;

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Container {
    pub(super) stem: Arc<Stem>,
    /// What of the host is its own.
    pub(super) holding: Holding,
    pub(super) state: State,
    /// Where it is found by its key, once it has one.
    pub(super) shelf: Option<ShelfId>,
}

/// Whose code a container holds and how many activations it runs at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tenancy {
    pub(super) key: WarmKey,
    pub(super) concurrency: u32,
}

impl Tenancy {
    pub(super) fn of(request: Request) -> Self {
        Self { key: request.key, concurrency: request.concurrency.max(1) }
    }
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) enum State {
    /// Being created.
    Starting,
    /// Up, without code.
    Stem { since: Moment },
    /// Taking code; runs the activation that it takes it for afterwards.
    Initialising { tenancy: Tenancy, condemned: bool },
    /// Running `running` activations, at least one. Condemned: destroyed when they have ended.
    Busy { tenancy: Tenancy, running: u32, condemned: bool },
    /// Holding code, running nothing, since the last activation ended. Not frozen before `pause_at`, if its pause
    /// was put off.
    Idle { tenancy: Tenancy, since: Moment, pause_at: Option<Moment> },
    /// Being frozen.
    Pausing { tenancy: Tenancy, since: Moment },
    /// Frozen.
    Paused { tenancy: Tenancy, since: Moment },
    /// Being thawed for a request.
    Resuming { tenancy: Tenancy, request: Box<Request>, condemned: bool },
    /// Being removed; it keeps what it holds, and its tenant, until that is confirmed.
    Removing { tenant: Option<Tenancy>, retry_at: Option<Moment> },
}

impl State {
    /// What follows when an activation ended and `running` others have not.
    pub(super) fn after_run(tenancy: Tenancy, running: u32, condemned: bool, now: Moment) -> Self {
        match (running, condemned) {
            (0, true) => Self::Removing { tenant: Some(tenancy), retry_at: None },
            (0, false) => Self::Idle { tenancy, since: now, pause_at: None },
            _ => Self::Busy { tenancy, running, condemned },
        }
    }

    /// What follows when it is to go, whatever it was.
    pub(super) fn removing(self) -> Self {
        Self::Removing { tenant: self.tenancy().cloned(), retry_at: None }
    }

    pub(super) fn tenancy(&self) -> Option<&Tenancy> {
        match self {
            Self::Starting | Self::Stem { .. } => None,
            Self::Initialising { tenancy, .. }
            | Self::Busy { tenancy, .. }
            | Self::Idle { tenancy, .. }
            | Self::Pausing { tenancy, .. }
            | Self::Paused { tenancy, .. }
            | Self::Resuming { tenancy, .. } => Some(tenancy),
            Self::Removing { tenant, .. } => tenant.as_ref(),
        }
    }

    pub(super) fn readiness(&self) -> Readiness {
        match self {
            Self::Idle { since, .. } => Readiness::Open(Warmth::Idle(*since)),
            Self::Paused { since, .. } => Readiness::Open(Warmth::Paused(*since)),
            Self::Busy { tenancy, running, condemned: false } if *running < tenancy.concurrency => {
                Readiness::Open(Warmth::Running)
            }
            Self::Pausing { tenancy, .. } => Readiness::Coming(tenancy.concurrency),
            Self::Initialising { tenancy, condemned: false }
            | Self::Resuming { tenancy, condemned: false, .. }
                if tenancy.concurrency > 1 =>
            {
                Readiness::Coming(tenancy.concurrency - 1)
            }
            _ => Readiness::Closed,
        }
    }

    /// Activations that it has been given and that have not ended.
    pub(super) fn running(&self) -> u32 {
        match self {
            Self::Initialising { .. } | Self::Resuming { .. } => 1,
            Self::Busy { running, .. } => *running,
            _ => 0,
        }
    }

    /// Since when it has code and runs nothing.
    pub(super) fn idle_since(&self) -> Option<Moment> {
        match self {
            Self::Idle { since, .. } | Self::Pausing { since, .. } | Self::Paused { since, .. } => {
                Some(*since)
            }
            _ => None,
        }
    }

    pub(super) fn is_removing(&self) -> bool {
        matches!(self, Self::Removing { .. })
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Stem { .. } => "stem",
            Self::Initialising { .. } => "initialising",
            Self::Busy { .. } => "busy",
            Self::Idle { .. } => "idle",
            Self::Pausing { .. } => "pausing",
            Self::Paused { .. } => "paused",
            Self::Resuming { .. } => "resuming",
            Self::Removing { .. } => "removing",
        }
    }
}

impl Container {
    pub(super) fn change(&mut self, next: impl FnOnce(State) -> State) {
        let state = std::mem::replace(&mut self.state, State::Starting);
        self.state = next(state);
    }

    /// Whose code it holds.
    pub(super) fn key(&self) -> Option<&WarmKey> {
        self.state.tenancy().map(|tenancy| &tenancy.key)
    }

    /// Whether there is no code in it, nor ever was.
    pub(super) fn is_bare(&self) -> bool {
        matches!(self.state, State::Starting | State::Stem { .. })
    }

    /// Whether it has code and room for a request.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state.readiness(), Readiness::Open(_))
    }

    /// Whether what it holds is free soon, or could be.
    pub(super) fn is_to_be_had(&self) -> bool {
        self.state.is_removing() || self.evictable_since().is_some()
    }

    /// Since when it could be removed without harm: nothing runs in it and no command is on its way to it.
    pub(super) fn evictable_since(&self) -> Option<Moment> {
        match self.state {
            State::Stem { since } | State::Idle { since, .. } | State::Paused { since, .. } => Some(since),
            _ => None,
        }
    }
}
