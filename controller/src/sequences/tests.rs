//! Scripts for the machine: sequences and compositions played without a platform, and what must hold whatever
//! their actions answer.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use whirl_model::{
    Action, ActionLimits, ActivationId, ActivationRecord, ActivationResponse, Caller, Code, Exec, Input,
    Json, Kind, Outcome, Parameters, SealedKey, Timestamp, Version,
};

use super::machine::{Machine, Next, Rules, Step, StepEnd};
use super::moves::Refusal;
use super::whole::Origin;
use crate::entity_cache::Stored;
use crate::resolve::Resolved;

mod compositions;
mod random;
mod sequences;

const TOPMOST: ActivationId = ActivationId::from_bits(1);

type Answer = Box<dyn Fn(&Value, usize) -> StepAnswer>;

/// What an action answers in a script.
enum StepAnswer {
    Ends(Outcome, Value),
    Unknown,
    NotBegun,
}

/// Actions by path, and what they answer to an input when run for the nth time.
struct Script {
    limit: usize,
    actions: HashMap<String, Resolved>,
    answers: HashMap<String, Answer>,
}

/// A step as it was asked for.
#[derive(Debug)]
struct Ran {
    id: ActivationId,
    cause: ActivationId,
    name: String,
    input: Value,
}

/// All that a whole made.
struct Played {
    whole: ActivationRecord,
    inner: Vec<ActivationRecord>,
    ran: Vec<Ran>,
}

impl Played {
    fn outcome(&self) -> Outcome {
        self.whole.response.outcome
    }

    fn result(&self) -> Value {
        serde_json::from_str(self.whole.response.result.as_ref().unwrap().as_str()).unwrap()
    }

    fn names(&self) -> Vec<&str> {
        self.ran.iter().map(|ran| ran.name.as_str()).collect()
    }

    fn inputs(&self) -> Vec<&Value> {
        self.ran.iter().map(|ran| &ran.input).collect()
    }

    fn ids(&self) -> Vec<String> {
        self.ran.iter().map(|ran| ran.id.to_string()).collect()
    }
}

fn annotation(record: &ActivationRecord, key: &str) -> Option<Value> {
    record.annotations.get(key).map(|value| serde_json::from_str(value.as_str()).unwrap())
}

fn ok(value: Value) -> StepAnswer {
    StepAnswer::Ends(Outcome::Success, value)
}

fn fails(value: Value) -> StepAnswer {
    StepAnswer::Ends(Outcome::ApplicationError, value)
}

impl Script {
    fn new() -> Self {
        Self { limit: 4, actions: HashMap::new(), answers: HashMap::new() }
    }

    fn insert(&mut self, name: &str, exec: Exec, conductor: bool) {
        let mut annotations = Parameters::default();
        if conductor {
            annotations.set("conductor", Json::of(&true));
        }
        let action = Action {
            path: format!("alice/{name}").parse().unwrap(),
            version: Version::FIRST,
            publish: false,
            exec,
            parameters: Parameters::default(),
            annotations,
            limits: ActionLimits { memory: 128 + name.len() as u32, ..ActionLimits::default() },
            updated: Timestamp(1),
        };
        let stored = Arc::new(Stored { entity: action, revision: "1".to_owned().into() });
        let resolved = Resolved { stored, inherited: Parameters::default(), binding: None };
        self.actions.insert(format!("alice/{name}"), resolved);
    }

    fn action(mut self, name: &str, answer: impl Fn(&Value, usize) -> StepAnswer + 'static) -> Self {
        self.insert(name, runtime(), false);
        self.answers.insert(name.to_owned(), Box::new(answer));
        self
    }

    fn conductor(mut self, name: &str, answer: impl Fn(&Value, usize) -> StepAnswer + 'static) -> Self {
        self.insert(name, runtime(), true);
        self.answers.insert(name.to_owned(), Box::new(answer));
        self
    }

    fn sequence(mut self, name: &str, components: &[&str]) -> Self {
        let components = components.iter().map(|of| format!("alice/{of}").parse().unwrap()).collect();
        self.insert(name, Exec::Sequence { components }, false);
        self
    }

    fn play(&self, name: &str, input: &Value) -> Played {
        let rules = Rules { caller: caller(), limit: self.limit };
        let origin = Origin { id: TOPMOST, cause: None, arrived: Timestamp(90) };
        let action = self.actions[&format!("alice/{name}")].clone();
        let input = Input::of(&Json::of(input)).unwrap();
        let (mut machine, mut next) = Machine::begin(rules, origin, action, input, Timestamp(100));
        let (mut ran, mut inner) = (Vec::new(), Vec::new());
        let mut now = 100;
        loop {
            inner.extend(machine.take_ended());
            now += 10;
            next = match next {
                Next::Find(path) if path.namespace.as_str() == "denied" => {
                    machine.found(Err(Refusal::Denied), Timestamp(now))
                }
                Next::Find(path) => {
                    let found = self.actions.get(&path.to_string()).cloned().ok_or(Refusal::Missing);
                    machine.found(found, Timestamp(now))
                }
                Next::Run(step) => {
                    let (step, end) = self.run(&step, &ran, now);
                    ran.push(step);
                    machine.ended(end, Timestamp(now))
                }
                Next::Finished(whole) => return Played { whole: *whole, inner, ran },
            };
        }
    }

    /// A step that takes 7 ms of the 10 since the last one.
    fn run(&self, step: &Step, before: &[Ran], now: u64) -> (Ran, StepEnd) {
        let name = step.action.action().path.name.to_string();
        let times = before.iter().filter(|ran| ran.name == name).count();
        let input: Value = serde_json::to_value(&step.input).unwrap();
        let end = match self.answers[&name](&input, times) {
            StepAnswer::Unknown => StepEnd::Unknown,
            StepAnswer::NotBegun => StepEnd::NotBegun("no invoker".to_owned()),
            StepAnswer::Ends(outcome, result) => StepEnd::Recorded(Arc::new(ActivationRecord {
                namespace: "alice".parse().unwrap(),
                name: step.action.action().path.name.clone(),
                version: Version::FIRST,
                subject: "alice".to_owned(),
                activation_id: step.id,
                cause: Some(step.cause),
                start: Timestamp(now - 8),
                end: Some(Timestamp(now - 1)),
                duration: Some(7),
                response: ActivationResponse { outcome, result: Some(Json::of(&result)), size: Some(5) },
                logs: Vec::new(),
                annotations: Parameters::default(),
                publish: false,
            })),
        };
        (Ran { id: step.id, cause: step.cause, name, input }, end)
    }
}

fn runtime() -> Exec {
    Exec::Runtime { kind: Kind::new("nodejs:20"), code: Code::new("x"), main: None }
}

fn caller() -> Caller {
    Caller {
        subject: "alice-subject".to_owned(),
        namespace: "alice".parse().unwrap(),
        uuid: String::new(),
        sealed_key: SealedKey::from_text(""),
    }
}

/// Adds 1 to `n`.
fn increment(input: &Value, _: usize) -> StepAnswer {
    ok(json!({"n": input["n"].as_i64().unwrap_or_default() + 1}))
}
