//! One container of the pool: a single state, each state owning only what is true in it.

use std::sync::Arc;

use super::{Request, Stem, WarmKey};
use crate::Moment;

#[derive(Debug)]
pub(super) struct Container {
    pub(super) stem: Arc<Stem>,
    pub(super) state: State,
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
pub(super) enum State {
    /// Being created; holds its memory already.
    Starting,
    /// Up, without code.
    Stem { since: Moment },
    /// Taking code; runs the activation that it takes it for afterwards.
    Initialising { tenancy: Tenancy, condemned: bool },
    /// Running `running` activations, at least one. Condemned: destroyed when they have ended.
    Busy { tenancy: Tenancy, running: u32, condemned: bool },
    /// Holding code, running nothing, since the last activation ended.
    Idle { tenancy: Tenancy, since: Moment },
    /// Being frozen.
    Pausing { tenancy: Tenancy, since: Moment },
    /// Frozen.
    Paused { tenancy: Tenancy, since: Moment },
    /// Being thawed for a request.
    Resuming { tenancy: Tenancy, request: Request, condemned: bool },
    /// Being removed; holds its memory until that is confirmed.
    Removing { retry_at: Option<Moment> },
}

impl State {
    /// What follows when an activation ended and `running` others have not.
    pub(super) fn after_run(tenancy: Tenancy, running: u32, condemned: bool, now: Moment) -> Self {
        match (running, condemned) {
            (0, true) => Self::Removing { retry_at: None },
            (0, false) => Self::Idle { tenancy, since: now },
            _ => Self::Busy { tenancy, running, condemned },
        }
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

    /// Whether some request could be handed to it right now.
    pub(super) fn is_open(&self) -> bool {
        match &self.state {
            State::Stem { .. } | State::Idle { .. } | State::Paused { .. } => true,
            State::Busy { tenancy, running, condemned } => !condemned && *running < tenancy.concurrency,
            _ => false,
        }
    }

    /// Whether it may be removed to make room: nothing runs in it and no command is on its way to it.
    pub(super) fn is_evictable(&self) -> bool {
        matches!(self.state, State::Stem { .. } | State::Idle { .. } | State::Paused { .. })
    }

    /// The stem, while there is no code in it.
    pub(super) fn as_stem(&self) -> Option<&Stem> {
        matches!(self.state, State::Starting | State::Stem { .. }).then_some(&*self.stem)
    }
}
