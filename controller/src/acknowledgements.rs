//! Activations in flight at this controller, and the results of those that ended a moment ago. It is the
//! reader of the controller's own topic. Which activations are lost, `losses.rs` decides.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::{Histogram, IntGauge};
use tokio::sync::{Notify, oneshot};
use whirl_backends::bus::{Consumer, Delivery, Message};
use whirl_model::{Acknowledgement, ActionPath, ActivationId, ActivationRecord, Keep, Namespace};

mod ended;
mod flight;
mod recent;
mod tally;

use ended::Ended;
pub(crate) use flight::{Flight, Post};
use recent::Recent;
use tally::Tally;

use crate::invokers::Invokers;
use crate::metrics::ControllerMetrics;

/// Activations in flight and recent results.
pub(crate) struct Acknowledgements {
    state: Mutex<State>,
    emptied: Notify,
    invokers: Arc<dyn Invokers>,
    in_flight: IntGauge,
    /// How long acknowledgements were on their way.
    transit: Histogram,
}

struct State {
    in_flight: HashMap<ActivationId, InFlight>,
    of_namespace: Tally,
    recent: Recent,
    ended: Ended,
}

/// Where the result of an activation is waited for.
pub(crate) type Waiter = oneshot::Sender<Arc<ActivationRecord>>;

struct InFlight {
    flight: Flight,
    stage: Stage,
    blocking: bool,
    waiter: Option<Waiter>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its invoker has it.
    AtInvoker,
    /// It was given up, and its record is not stored yet.
    GivenUp,
}

/// An activation that was given up.
pub(crate) struct GivenUp {
    /// What is known of it.
    pub(crate) flight: Flight,
    /// Why.
    pub(crate) why: &'static str,
    /// Who waits for its result, if anyone still does.
    pub(crate) waiter: Option<Waiter>,
}

impl Acknowledgements {
    /// Nothing in flight; remembers recent results up to so many bytes.
    pub(crate) fn new(recent_bytes: u64, invokers: Arc<dyn Invokers>, metrics: &ControllerMetrics) -> Self {
        let recent = Recent::new(usize::try_from(recent_bytes).unwrap_or(usize::MAX));
        let state = Mutex::new(State {
            in_flight: HashMap::new(),
            of_namespace: Tally::default(),
            recent,
            ended: Ended::default(),
        });
        let (in_flight, transit) = (metrics.in_flight.clone(), metrics.stages.acknowledgement.clone());
        Self { state, emptied: Notify::new(), invokers, in_flight, transit }
    }

    /// An activation is about to be published that someone waits for.
    pub(crate) fn expect_result(&self, flight: Flight) -> oneshot::Receiver<Arc<ActivationRecord>> {
        let (sender, receiver) = oneshot::channel();
        self.insert(flight, Some(sender));
        receiver
    }

    /// An activation is about to be published that no one waits for.
    pub(crate) fn expect_end(&self, flight: Flight) {
        self.insert(flight, None);
    }

    fn insert(&self, flight: Flight, waiter: Option<Waiter>) {
        let (id, blocking) = (flight.id, waiter.is_some());
        let entry = InFlight { flight, stage: Stage::AtInvoker, blocking, waiter };
        let mut state = self.state.lock();
        state.of_namespace.count_in(&entry.flight);
        state.in_flight.insert(id, entry);
        drop(state);
        self.in_flight.inc();
    }

    /// The activation is not in flight any more: it was not accepted after all, or was given up and its record
    /// is stored.
    pub(crate) fn withdraw(&self, id: ActivationId) {
        self.remove(&mut self.state.lock(), id);
    }

    fn remove(&self, state: &mut State, id: ActivationId) -> Option<Flight> {
        let entry = state.in_flight.remove(&id)?;
        state.of_namespace.count_out(&entry.flight);
        self.in_flight.dec();
        if state.in_flight.is_empty() {
            self.emptied.notify_waiters();
        }
        Some(entry.flight)
    }

    /// Gives up every activation that there is a reason to. They stay in flight until they are withdrawn; acknowledgements
    /// of them are ignored from now on.
    pub(crate) fn give_up(&self, why: impl Fn(&Flight) -> Option<&'static str>) -> Vec<GivenUp> {
        let mut state = self.state.lock();
        let at_invokers = state.in_flight.values_mut().filter(|entry| entry.stage == Stage::AtInvoker);
        let give_up = |entry: &mut InFlight| {
            let why = why(&entry.flight)?;
            entry.stage = Stage::GivenUp;
            Some(GivenUp { flight: entry.flight.clone(), why, waiter: entry.waiter.take() })
        };
        at_invokers.filter_map(give_up).collect()
    }

    /// An activation that this controller runs itself ended, and is remembered.
    pub(crate) fn ended_here(&self, record: &Arc<ActivationRecord>, keep: Keep) {
        let mut state = self.state.lock();
        state.recent.insert(record.clone(), keep.keeps(record.response.outcome));
        let waiter = state.in_flight.get_mut(&record.activation_id).and_then(|entry| entry.waiter.take());
        if let Some(flight) = self.remove(&mut state, record.activation_id) {
            state.ended.note(flight);
        }
        drop(state);
        if let Some(waiter) = waiter {
            // A caller who has gone meanwhile needs no answer.
            let _ = waiter.send(record.clone());
        }
    }

    /// Waits until nothing is in flight.
    pub(crate) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.in_flight_count() == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// The record, without logs, of an activation that ended a moment ago and whose caller waited for it; none
    /// if it is not to be kept.
    pub(crate) fn recent(&self, namespace: &Namespace, id: ActivationId) -> Option<Arc<ActivationRecord>> {
        let (record, is_kept) = self.state.lock().recent.get(id)?;
        Some(record).filter(|record| is_kept && record.namespace == *namespace)
    }

    /// The same, kept or not: for who sends the request again that it is the result of.
    pub(crate) fn result(&self, namespace: &Namespace, id: ActivationId) -> Option<Arc<ActivationRecord>> {
        let (record, _) = self.state.lock().recent.get(id)?;
        Some(record).filter(|record| record.namespace == *namespace)
    }

    /// An activation of a namespace that has not ended.
    pub(crate) fn flight(&self, namespace: &Namespace, id: ActivationId) -> Option<Flight> {
        let state = self.state.lock();
        let flight = &state.in_flight.get(&id)?.flight;
        (flight.caller.namespace == *namespace).then(|| flight.clone())
    }

    /// An activation of a namespace that ended a moment ago and may get a record.
    pub(crate) fn ended(&self, namespace: &Namespace, id: ActivationId) -> Option<Flight> {
        self.state.lock().ended.find(namespace, id)
    }

    /// Activations that have not ended, in no order.
    pub(crate) fn in_flight(&self) -> Vec<(ActivationId, ActionPath)> {
        self.state.lock().in_flight.iter().map(|(id, entry)| (*id, entry.flight.action.clone())).collect()
    }

    /// How many there are.
    pub(crate) fn in_flight_count(&self) -> usize {
        self.state.lock().in_flight.len()
    }

    /// How many of them, steps left out, a namespace has, by its UUID.
    pub(crate) fn in_flight_of(&self, uuid: &str) -> u32 {
        self.state.lock().of_namespace.of(uuid)
    }

    fn acknowledge(&self, acknowledgement: &Acknowledgement) {
        let id = acknowledgement.activation_id;
        let mut state = self.state.lock();
        let entry = state.in_flight.get_mut(&id).filter(|entry| entry.stage == Stage::AtInvoker);
        let Some(entry) = entry else { return };
        let (waiter, blocking) = (entry.waiter.take_if(|_| acknowledgement.record.is_some()), entry.blocking);
        let keep = entry.flight.keep;
        if acknowledgement.completed
            && let Some(flight) = self.remove(&mut state, id)
        {
            state.ended.note(flight);
        }
        if let Some(record) = acknowledgement.record.as_ref().filter(|_| blocking) {
            state.recent.insert(record.clone(), keep.keeps(record.response.outcome));
        }
        drop(state);
        if let (Some(waiter), Some(record)) = (waiter, &acknowledgement.record) {
            // A caller who has gone meanwhile needs no answer.
            let _ = waiter.send(record.clone());
        }
        if acknowledgement.completed {
            self.invokers.ended(acknowledgement);
        }
    }
}

impl Consumer for Acknowledgements {
    fn deliver(&self, delivery: Delivery) {
        if let Some(took) = delivery.published.and_then(|at| at.elapsed().ok()) {
            self.transit.observe(took.as_secs_f64());
        }
        match delivery.message {
            Message::Acknowledgement(acknowledgement) => self.acknowledge(&acknowledgement),
            Message::Activation(activation) => {
                let id = activation.activation_id;
                tracing::error!(activation = %id, "an activation among acknowledgements");
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use whirl_model::{
        ActivationResponse, Caller, Epoch, InvokerId, Json, Outcome, Parameters, SealedKey, Timestamp,
        TransactionId, Version,
    };
    use whirl_service::Metrics;

    use super::*;
    use crate::invokers::OneInvoker;

    pub(super) fn record(id: u128, result: &str) -> Arc<ActivationRecord> {
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
        let metrics = ControllerMetrics::new(&Metrics::new()).unwrap();
        Acknowledgements::new(4096, Arc::new(OneInvoker(InvokerId(0))), &metrics)
    }

    fn flight(id: u128) -> Flight {
        let caller = Caller {
            subject: "alice".into(),
            namespace: "alice".parse().unwrap(),
            uuid: String::new(),
            sealed_key: SealedKey::from_text(""),
        };
        Flight {
            id: ActivationId::from_bits(id),
            action: "alice/hello".parse().unwrap(),
            version: Version::FIRST,
            caller: Arc::new(caller),
            arrived: Timestamp(1),
            cause: None,
            binding: None,
            keep: Keep::Always,
            post: None,
        }
    }

    #[test]
    fn the_result_reaches_its_waiter_and_is_remembered() {
        let all = acknowledgements();
        let id = ActivationId::from_bits(1);
        let mut waiter = all.expect_result(flight(1));
        all.acknowledge(&acknowledgement(1, Some(record(1, "x")), false));
        assert_eq!(waiter.try_recv().unwrap(), record(1, "x"));
        assert_eq!(all.in_flight(), [(id, "alice/hello".parse().unwrap())]);
        all.acknowledge(&acknowledgement(1, None, true));
        assert_eq!((all.in_flight_count(), all.in_flight.get()), (0, 0));
        assert!(all.recent(&"alice".parse().unwrap(), id).is_some());
        assert!(all.recent(&"bob".parse().unwrap(), id).is_none(), "records are their namespace's own");
    }

    #[test]
    fn what_ends_here_reaches_its_waiter_too() {
        let all = acknowledgements();
        let mut waiter = all.expect_result(flight(1));
        all.ended_here(&record(1, "x"), Keep::Always);
        assert_eq!(waiter.try_recv().unwrap(), record(1, "x"));
        assert_eq!((all.in_flight_count(), all.in_flight.get()), (0, 0));
        all.ended_here(&record(2, "inner"), Keep::Always);
        for id in [1, 2].map(ActivationId::from_bits) {
            assert!(all.recent(&"alice".parse().unwrap(), id).is_some());
        }
    }

    #[test]
    fn what_no_one_expects_changes_nothing() {
        let all = acknowledgements();
        all.acknowledge(&acknowledgement(1, Some(record(1, "x")), true));
        assert!(all.recent(&"alice".parse().unwrap(), ActivationId::from_bits(1)).is_none());
        assert_eq!(all.in_flight.get(), 0);
        let id = ActivationId::from_bits(2);
        let mut waiter = all.expect_result(flight(2));
        all.withdraw(id);
        all.withdraw(id);
        assert!(waiter.try_recv().is_err());
        assert_eq!(all.in_flight.get(), 0);
    }

    #[test]
    fn what_was_given_up_is_given_up_once_and_no_acknowledgement_ends_it() {
        let all = acknowledgements();
        let mut waiter = all.expect_result(flight(1));
        all.expect_end(flight(2));
        let first = |flight: &Flight| (flight.id == ActivationId::from_bits(1)).then_some("gone");
        let given_up = all.give_up(first);
        assert_eq!(given_up.len(), 1);
        assert!(given_up[0].waiter.is_some() && all.give_up(first).is_empty());
        all.acknowledge(&acknowledgement(1, Some(record(1, "late")), true));
        assert!(waiter.try_recv().is_err());
        assert_eq!(all.in_flight_count(), 2, "until its record is stored");
        all.withdraw(ActivationId::from_bits(1));
        assert_eq!((all.in_flight_count(), all.in_flight.get()), (1, 1));
    }
}
