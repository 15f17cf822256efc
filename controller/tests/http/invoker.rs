//! An invoker made of a script: it answers activations as a test says and remembers what it got.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use whirl_backends::bus::{Bus, Consumer, Delivery, Durability, Message, Receipt};
use whirl_backends::store::ActivationStore;
use whirl_model::{
    Acknowledgement, ActivationId, ActivationMessage, ActivationRecord, ActivationResponse, InvokerId, Json,
    Outcome, Parameters, Timestamp, Topic,
};

/// What the invoker does with an activation.
#[derive(Clone)]
pub(crate) enum Script {
    /// Ends it at once with this outcome and result.
    Finish(Outcome, Value),
    /// Ends it at once, successfully, with what this makes of its arguments.
    Compute(fn(&Value) -> Value),
    /// Drops it, so that the bus does not know it any more.
    Forget,
    /// Keeps it until [`ScriptedInvoker::finish_held`].
    Hold,
}

/// The invoker.
pub(crate) struct ScriptedInvoker {
    bus: Arc<dyn Bus>,
    records: Arc<dyn ActivationStore>,
    state: Mutex<State>,
}

struct State {
    script: Script,
    /// What it does with certain actions instead, by name.
    scripts: HashMap<String, Script>,
    storing: bool,
    seen: Vec<Arc<ActivationMessage>>,
    held: Vec<(Arc<ActivationMessage>, Arc<dyn Receipt>)>,
}

impl ScriptedInvoker {
    pub(crate) const ID: InvokerId = InvokerId(0);

    pub(crate) fn new(bus: Arc<dyn Bus>, records: Arc<dyn ActivationStore>) -> Self {
        let script = Script::Finish(Outcome::Success, serde_json::json!({}));
        let state =
            State { script, scripts: HashMap::new(), storing: true, seen: Vec::new(), held: Vec::new() };
        Self { bus, records, state: Mutex::new(state) }
    }

    /// From now on does this.
    pub(crate) fn does(&self, script: Script) {
        self.state.lock().script = script;
    }

    /// From now on does this with actions of this name.
    pub(crate) fn does_with(&self, name: &str, script: Script) {
        self.state.lock().scripts.insert(name.to_owned(), script);
    }

    /// The names of the actions that it ran so far.
    pub(crate) fn names(&self) -> Vec<String> {
        self.seen().iter().map(|message| message.action.name.to_string()).collect()
    }

    /// From now on answers so.
    pub(crate) fn answers(&self, outcome: Outcome, result: Value) {
        self.does(Script::Finish(outcome, result));
    }

    /// From now on answers without storing records.
    pub(crate) fn stores_nothing(&self) {
        self.state.lock().storing = false;
    }

    /// The activations it got so far.
    pub(crate) fn seen(&self) -> Vec<Arc<ActivationMessage>> {
        self.state.lock().seen.clone()
    }

    /// The activation it got last.
    pub(crate) fn last_seen(&self) -> Arc<ActivationMessage> {
        self.state.lock().seen.last().expect("the invoker got an activation").clone()
    }

    /// Starts all activations it holds.
    pub(crate) fn starts_held(&self) {
        for (_, receipt) in &self.state.lock().held {
            receipt.started().unwrap();
        }
    }

    /// Ends all activations it holds.
    pub(crate) async fn finish_held(&self, outcome: Outcome, result: Value) {
        let (held, storing) = {
            let mut state = self.state.lock();
            (std::mem::take(&mut state.held), state.storing)
        };
        for (message, receipt) in held {
            self.reply(storing).finish(&message, &*receipt, outcome, &result).await;
        }
    }

    fn reply(&self, storing: bool) -> Reply {
        Reply { bus: self.bus.clone(), records: storing.then(|| self.records.clone()) }
    }
}

impl Consumer for ScriptedInvoker {
    fn deliver(&self, delivery: Delivery) {
        let Message::Activation(message) = delivery.message else { panic!("not for an invoker") };
        let mut state = self.state.lock();
        state.seen.push(message.clone());
        let own = state.scripts.get(message.action.name.as_str());
        let (outcome, result) = match own.unwrap_or(&state.script).clone() {
            Script::Hold => return state.held.push((message, delivery.receipt)),
            Script::Forget => return delivery.receipt.recorded(),
            Script::Finish(outcome, result) => (outcome, result),
            Script::Compute(compute) => {
                (Outcome::Success, compute(&serde_json::to_value(&message.arguments).unwrap()))
            }
        };
        let reply = self.reply(state.storing);
        tokio::spawn(async move {
            reply.finish(&message, &*delivery.receipt, outcome, &result).await;
        });
    }
}

/// How an activation ends: noted, then an acknowledgement, then a record with logs.
struct Reply {
    bus: Arc<dyn Bus>,
    records: Option<Arc<dyn ActivationStore>>,
}

impl Reply {
    async fn finish(
        &self,
        message: &ActivationMessage,
        receipt: &dyn Receipt,
        outcome: Outcome,
        result: &Value,
    ) {
        let record = record(message, outcome, result);
        let records = self.records.as_ref().filter(|_| message.keep.keeps(outcome));
        if records.is_some() {
            receipt.ended(&record);
        }
        let acknowledgement = Acknowledgement {
            activation_id: message.activation_id,
            transaction: message.transaction.clone(),
            invoker: ScriptedInvoker::ID,
            epoch: message.epoch,
            report: 0,
            record: message.blocking.then(|| Arc::new(record.clone())),
            completed: true,
            internal_error: outcome == Outcome::InternalError,
        };
        let answer = Message::Acknowledgement(Arc::new(acknowledgement));
        let topic = Topic::Acknowledgements(message.controller);
        self.bus.publish(topic, answer, Durability::Process).await.unwrap();
        if let Some(records) = records {
            let logs = vec!["2026-02-01T00:00:01.010203000Z stdout: hi".to_owned()];
            records.put_all(&[Arc::new(ActivationRecord { logs, ..record })]).await.unwrap();
        }
        receipt.recorded();
    }
}

/// The record of an activation that began when it arrived and took 42 ms.
pub(crate) fn record(message: &ActivationMessage, outcome: Outcome, result: &Value) -> ActivationRecord {
    let mut annotations = Parameters::default();
    annotations.set("path", Json::of(&message.action));
    ActivationRecord {
        namespace: message.caller.namespace.clone(),
        name: message.action.name.clone(),
        version: message.version,
        subject: message.caller.subject.clone(),
        activation_id: message.activation_id,
        cause: message.cause,
        start: message.arrived,
        end: Some(Timestamp(message.arrived.0 + 42)),
        duration: Some(42),
        response: ActivationResponse { outcome, result: Some(Json::of(result)), size: None },
        logs: Vec::new(),
        annotations,
        publish: false,
    }
}

/// The id in an answer that tells one.
pub(crate) fn id_in(answer: &Value) -> ActivationId {
    answer["activationId"].as_str().expect("the answer names an activation").parse().unwrap()
}
