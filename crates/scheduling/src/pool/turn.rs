//! What one turn of the pool has come to so far.

use super::{ContainerId, Effect};
use crate::Moment;

/// The time of a turn, what it asks for, and what has to be looked at again before it is over.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) now: Moment,
    pub(super) effects: Vec<Effect>,
    /// The container that came up in this turn: who gets it has waited for it.
    pub(super) came_up: Option<ContainerId>,
    /// Whether the queue has to be gone through: more can have changed than what one container is good for.
    pub(super) stirred: bool,
    /// Whether it has been gone through.
    pub(super) reconsidered: bool,
}

impl Turn {
    pub(super) fn at(now: Moment) -> Self {
        Self { now, effects: Vec::with_capacity(2), came_up: None, stirred: false, reconsidered: false }
    }

    pub(super) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// From now on the queue has to be gone through in this turn.
    pub(super) fn stir(&mut self) {
        self.stirred = true;
    }
}
