//! Sequences and compositions: activations that are made of others. The controller that accepts one runs it, off a
//! topic of its own: like any activation it is accepted when the bus has it, and survives the process.
//!
//! Those under way are here. `sequences/reader.rs` takes them off the topic; what comes next `sequences/machine.rs`
//! decides, and `sequences/runner.rs` does.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::IntGauge;
use tokio::sync::{Notify, oneshot};
use whirl_backends::bus::Receipt;
use whirl_model::{ActivationId, ActivationMessage, ActivationRecord};

use crate::acknowledgements::{Acknowledgements, Flight};
use crate::identity::Identity;
use crate::resolve::Resolved;

mod check;
mod component_name;
mod composition;
mod frame;
mod machine;
mod moves;
pub(crate) mod reader;
mod runner;
mod sequence;
mod step_id;
#[cfg(test)]
mod tests;
mod whole;

pub(crate) use component_name::component;
pub(crate) use frame::is_composite;

/// What the message of a sequence need not carry, as it is accepted and run by the same process.
pub(crate) struct Start {
    /// The sequence or conductor.
    pub(crate) action: Resolved,
    /// On whose behalf.
    pub(crate) identity: Identity,
}

/// Sequences that were accepted here or by an earlier process.
pub(crate) struct Sequences {
    state: Mutex<State>,
    ended: Notify,
    running: IntGauge,
}

#[derive(Default)]
struct State {
    /// Accepted and not delivered yet.
    starting: HashMap<ActivationId, Start>,
    /// Running, with all receipts of their deliveries.
    running: HashMap<ActivationId, Vec<Arc<dyn Receipt>>>,
    /// Steps that an earlier process gave to an invoker and that have not ended.
    recovered: HashMap<ActivationId, oneshot::Receiver<Arc<ActivationRecord>>>,
}

impl Sequences {
    /// None so far; `running` tells how many there are.
    pub(crate) fn new(running: IntGauge) -> Self {
        Self { state: Mutex::default(), ended: Notify::new(), running }
    }

    /// Steps that an earlier process began will be redelivered to their invoker: whoever takes up what they are
    /// steps of waits for them.
    pub(crate) fn recover(&self, steps: &[Arc<ActivationMessage>], acknowledgements: &Acknowledgements) {
        let mut state = self.state.lock();
        for step in steps.iter().filter(|step| step.cause.is_some()) {
            let result = acknowledgements.expect_result(Flight::of_message(step));
            state.recovered.insert(step.activation_id, result);
        }
    }

    /// One is about to be published.
    pub(crate) fn expect(&self, id: ActivationId, start: Start) {
        self.state.lock().starting.insert(id, start);
    }

    /// It was not published.
    pub(crate) fn withdraw(&self, id: ActivationId) {
        self.state.lock().starting.remove(&id);
    }

    /// Waits until none is running, and the records of all are stored.
    pub(crate) async fn idle(&self) {
        loop {
            let ended = self.ended.notified();
            if self.state.lock().running.is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// One was delivered: what is known of it, or `None` if it is running already.
    fn begin(&self, id: ActivationId, receipt: Arc<dyn Receipt>) -> Option<Option<Start>> {
        let mut state = self.state.lock();
        let receipts = state.running.entry(id).or_default();
        receipts.push(receipt);
        (receipts.len() == 1).then(|| {
            self.running.inc();
            state.starting.remove(&id)
        })
    }

    fn recovered(&self, step: ActivationId) -> Option<oneshot::Receiver<Arc<ActivationRecord>>> {
        self.state.lock().recovered.remove(&step)
    }

    /// One is done with: the bus forgets it.
    fn end(&self, id: ActivationId) {
        let receipts = self.state.lock().running.remove(&id);
        if let Some(receipts) = receipts {
            self.running.dec();
            receipts.into_iter().for_each(|receipt| receipt.recorded());
        }
        self.ended.notify_waiters();
    }
}
