//! One watcher's events in order, and the rule that only one thread delivers them at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::coordination::{ClusterEvent, Watcher};

pub(super) struct Outbox {
    watcher: Arc<dyn Watcher>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: VecDeque<ClusterEvent>,
    delivering: bool,
    ended: bool,
}

impl Outbox {
    pub(super) fn new(watcher: Arc<dyn Watcher>) -> Self {
        Self { watcher, state: Mutex::default() }
    }

    pub(super) fn push(&self, events: impl IntoIterator<Item = ClusterEvent>) {
        self.state.lock().events.extend(events);
    }

    /// Delivers what there is, unless another thread, or this one further up, is at it. No lock is held while
    /// the watcher works, so it may cause more events: they come after it has returned.
    pub(super) fn deliver(&self) {
        loop {
            let next = self.state.lock().begin_delivery();
            let Some(event) = next else { return };
            let _turn = Turn(self);
            self.watcher.event(event);
        }
    }

    /// Nothing more is delivered after what is under way.
    pub(super) fn end(&self) {
        self.state.lock().ended = true;
    }
}

impl State {
    fn begin_delivery(&mut self) -> Option<ClusterEvent> {
        if self.delivering || self.ended {
            return None;
        }
        let event = self.events.pop_front()?;
        self.delivering = true;
        Some(event)
    }
}

/// A delivery under way; it ends even if the watcher panics.
struct Turn<'a>(&'a Outbox);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state.lock().delivering = false;
    }
}
