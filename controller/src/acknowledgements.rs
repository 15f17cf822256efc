//! Activations in flight at this controller, and the results of those that ended a moment ago. It is the
//! reader of the controller's own topic.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::IntGauge;
use tokio::sync::oneshot;
use whirl_backends::bus::{Consumer, Delivery, Message};
use whirl_model::{Acknowledgement, ActionPath, ActivationId, ActivationRecord, Namespace};

/// What a recent record weighs besides its result.
const RECORD_BYTES: usize = 1024;

/// Activations in flight and recent results.
pub(crate) struct Acknowledgements {
    state: Mutex<State>,
    in_flight: IntGauge,
}

struct State {
    in_flight: HashMap<ActivationId, InFlight>,
    recent: Recent,
}

struct InFlight {
    action: ActionPath,
    blocking: bool,
    waiter: Option<oneshot::Sender<Arc<ActivationRecord>>>,
}

impl Acknowledgements {
    /// Nothing in flight; remembers recent results up to so many bytes.
    pub(crate) fn new(recent_bytes: u64, in_flight: IntGauge) -> Self {
        let recent = Recent::new(usize::try_from(recent_bytes).unwrap_or(usize::MAX));
        Self { state: Mutex::new(State { in_flight: HashMap::new(), recent }), in_flight }
    }

    /// An activation is about to be published that someone waits for.
    pub(crate) fn expect_result(
        &self,
        id: ActivationId,
        action: &ActionPath,
    ) -> oneshot::Receiver<Arc<ActivationRecord>> {
        let (sender, receiver) = oneshot::channel();
        self.insert(id, InFlight { action: action.clone(), blocking: true, waiter: Some(sender) });
        receiver
    }

    /// An activation is about to be published that no one waits for.
    pub(crate) fn expect_end(&self, id: ActivationId, action: &ActionPath) {
        self.insert(id, InFlight { action: action.clone(), blocking: false, waiter: None });
    }

    fn insert(&self, id: ActivationId, entry: InFlight) {
        self.state.lock().in_flight.insert(id, entry);
        self.in_flight.inc();
    }

    /// The activation was not accepted after all.
    pub(crate) fn withdraw(&self, id: ActivationId) {
        if self.state.lock().in_flight.remove(&id).is_some() {
            self.in_flight.dec();
        }
    }

    /// The record, without logs, of an activation that ended a moment ago and whose caller waited for it.
    pub(crate) fn recent(&self, namespace: &Namespace, id: ActivationId) -> Option<Arc<ActivationRecord>> {
        self.state.lock().recent.get(id).filter(|record| record.namespace == *namespace)
    }

    /// Activations that have not ended, in no order.
    pub(crate) fn in_flight(&self) -> Vec<(ActivationId, ActionPath)> {
        self.state.lock().in_flight.iter().map(|(id, entry)| (*id, entry.action.clone())).collect()
    }

    /// How many there are.
    pub(crate) fn in_flight_count(&self) -> usize {
        self.state.lock().in_flight.len()
    }

    fn acknowledge(&self, acknowledgement: &Acknowledgement) {
        let id = acknowledgement.activation_id;
        let mut state = self.state.lock();
        let Some(entry) = state.in_flight.get_mut(&id) else { return };
        let (waiter, blocking) = (entry.waiter.take_if(|_| acknowledgement.record.is_some()), entry.blocking);
        if acknowledgement.completed {
            state.in_flight.remove(&id);
            self.in_flight.dec();
        }
        if let Some(record) = acknowledgement.record.as_ref().filter(|_| blocking) {
            state.recent.insert(record.clone());
        }
        drop(state);
        if let (Some(waiter), Some(record)) = (waiter, &acknowledgement.record) {
            // A caller who has gone meanwhile needs no answer.
            let _ = waiter.send(record.clone());
        }
    }
}

impl Consumer for Acknowledgements {
    fn deliver(&self, delivery: Delivery) {
        match delivery.message {
            Message::Acknowledgement(acknowledgement) => self.acknowledge(&acknowledgement),
            Message::Activation(activation) => {
                let id = activation.activation_id;
                tracing::error!(activation = %id, "an activation among acknowledgements");
            }
        }
    }
}

/// The newest records, as many as fit.
struct Recent {
    records: HashMap<ActivationId, Arc<ActivationRecord>>,
    order: VecDeque<ActivationId>,
    bytes: usize,
    max_bytes: usize,
}

impl Recent {
    fn new(max_bytes: usize) -> Self {
        Self { records: HashMap::new(), order: VecDeque::new(), bytes: 0, max_bytes }
    }

    fn get(&self, id: ActivationId) -> Option<Arc<ActivationRecord>> {
        self.records.get(&id).cloned()
    }

    fn insert(&mut self, record: Arc<ActivationRecord>) {
        let id = record.activation_id;
        self.bytes += weight(&record);
        match self.records.insert(id, record) {
            Some(replaced) => self.bytes -= weight(&replaced),
            None => self.order.push_back(id),
        }
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(record) = self.records.remove(&oldest) {
                self.bytes -= weight(&record);
            }
        }
    }
}

fn weight(record: &ActivationRecord) -> usize {
    RECORD_BYTES + record.response.result.as_ref().map_or(0, |result| result.as_str().len())
}

#[cfg(test)]
mod tests {
    use whirl_model::{
        ActivationResponse, Epoch, InvokerId, Json, Outcome, Parameters, Timestamp, TransactionId, Version,
    };

    use super::*;

    fn record(id: u128, result: &str) -> Arc<ActivationRecord> {
        Arc::new(ActivationRecord {
            namespace: "alice".parse().unwrap(),
            name: "hello".parse().unwrap(),
            version: Version::FIRST,
            subject: "alice".into(),
            activation_id: ActivationId::from_bits(id),
            cause: None,
            start: Timestamp(1),
            end: Some(Timestamp(2)),
            duration: Some(1),
            response: ActivationResponse {
                outcome: Outcome::Success,
                result: Some(Json::error(result)),
                size: None,
            },
            logs: Vec::new(),
            annotations: Parameters::default(),
            publish: false,
        })
    }

    fn acknowledgement(id: u128, record: Option<Arc<ActivationRecord>>, completed: bool) -> Acknowledgement {
        Acknowledgement {
            activation_id: ActivationId::from_bits(id),
            transaction: TransactionId::from_client("t").unwrap(),
            invoker: InvokerId(0),
            epoch: Epoch::default(),
            report: 0,
            record,
            completed,
            internal_error: false,
        }
    }

    fn acknowledgements() -> Acknowledgements {
        Acknowledgements::new(4096, IntGauge::new("x", "x").unwrap())
    }

    #[test]
    fn the_result_reaches_its_waiter_and_is_remembered() {
        let (all, action) = (acknowledgements(), "alice/hello".parse().unwrap());
        let id = ActivationId::from_bits(1);
        let mut waiter = all.expect_result(id, &action);
        all.acknowledge(&acknowledgement(1, Some(record(1, "x")), false));
        assert_eq!(waiter.try_recv().unwrap(), record(1, "x"));
        assert_eq!(all.in_flight(), [(id, action)]);
        all.acknowledge(&acknowledgement(1, None, true));
        assert_eq!((all.in_flight_count(), all.in_flight.get()), (0, 0));
        assert!(all.recent(&"alice".parse().unwrap(), id).is_some());
        assert!(all.recent(&"bob".parse().unwrap(), id).is_none(), "records are their namespace's own");
    }

    #[test]
    fn what_no_one_expects_changes_nothing() {
        let all = acknowledgements();
        all.acknowledge(&acknowledgement(1, Some(record(1, "x")), true));
        assert!(all.recent(&"alice".parse().unwrap(), ActivationId::from_bits(1)).is_none());
        assert_eq!(all.in_flight.get(), 0);
        let id = ActivationId::from_bits(2);
        let mut waiter = all.expect_result(id, &"alice/hello".parse().unwrap());
        all.withdraw(id);
        all.withdraw(id);
        assert!(waiter.try_recv().is_err());
        assert_eq!(all.in_flight.get(), 0);
    }

    #[test]
    fn recent_results_stay_within_their_bound() {
        let mut recent = Recent::new(4 * RECORD_BYTES);
        for id in 0..100 {
            recent.insert(record(id, "x"));
            recent.insert(record(id, "yy"));
        }
        assert!(recent.bytes <= recent.max_bytes && recent.get(ActivationId::from_bits(99)).is_some());
        assert_eq!((recent.records.len(), recent.order.len()), (3, 3));
        recent.insert(record(100, &"z".repeat(5000)));
        assert_eq!((recent.records.len(), recent.bytes), (0, 0));
    }
}
