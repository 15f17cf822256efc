//! What the shell knows of its life in a cluster: which one it is, what there is to report of it, and whether it
//! takes work. The heartbeat asks; nothing here is told to anyone.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use whirl_model::{Epoch, Position, Willingness};
use whirl_scheduling::pool::{Event, PoolLoad};

use crate::shell::{Shell, State};

/// What a report tells of pool and topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) load: PoolLoad,
    /// Messages that are not in the pool yet.
    pub(crate) on_their_way: usize,
    pub(crate) taken: Position,
}

impl State {
    fn figures(&self) -> Figures {
        Figures {
            load: self.pool.load(),
            on_their_way: self.intake.on_their_way(),
            taken: self.intake.taken(),
        }
    }
}

impl Shell {
    /// The life that it is in; messages for another one are not run.
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Relaxed))
    }

    /// The first figures of a new life, with their number.
    pub(crate) fn first_report(&self) -> (u64, Figures) {
        let mut state = self.state.lock();
        state.report = 1;
        (state.report, state.figures())
    }

    pub(crate) fn begin_life(&self, epoch: Epoch) {
        self.epoch.store(epoch.0, Ordering::Relaxed);
    }

    /// From now on, and until another one begins, messages for this life are not run.
    pub(crate) fn leave_life(&self) {
        self.begin_life(Epoch::default());
    }

    /// Begins a report, unless all is as it was. Its number and figures.
    pub(crate) fn begin_report(&self, last: Option<&Figures>) -> Option<(u64, Figures)> {
        let mut state = self.state.lock();
        let figures = state.figures();
        if last == Some(&figures) {
            return None;
        }
        state.report += 1;
        Some((state.report, figures))
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    pub(crate) async fn until_closing(&self) {
        // The sender lives as long as `self`, so this cannot fail.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Whether it takes work, and why not.
    pub(crate) fn standing(&self) -> (Willingness, Option<String>) {
        if self.is_draining() {
            return (Willingness::Draining, None);
        }
        let complaint = self.factory.trouble().or_else(|| self.health.lock().complaint());
        let complaint = complaint.or_else(|| self.records.complaint());
        match complaint {
            Some(reason) => (Willingness::Unhealthy, Some(reason)),
            None => (Willingness::Up, None),
        }
    }

    /// Tries whether containers start again, if they did not. Whether there was a reason to.
    pub(crate) fn probe(self: &Arc<Self>) -> bool {
        let stem = self.health.lock().probe();
        let tries = stem.is_some();
        if let Some(stem) = stem {
            self.turn(Event::Probe(stem));
        }
        tries
    }

    /// Waits until for a while nothing has come from the topic although it could have.
    pub(crate) async fn until_quiet(&self, span: Duration) {
        let mut before = None;
        loop {
            let (next, in_hand) = {
                let state = self.state.lock();
                let load = state.pool.load();
                (state.intake.next(), load.waiting + load.running + state.intake.on_their_way())
            };
            let open = (in_hand + self.records.withheld() < self.config.credit).then_some(next);
            if open.is_some() && open == before {
                return;
            }
            before = open;
            tokio::time::sleep(span).await;
        }
    }
}
