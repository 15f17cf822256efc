//! Actions as scenarios write and call them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::World;
use crate::{Answer, Record};

/// An action that is being described.
pub struct ActionBuilder<'w> {
    world: &'w World,
    name: String,
    exec: Value,
    limits: Map<String, Value>,
    annotations: Vec<Value>,
    parameters: Vec<Value>,
}

/// An action that is there.
pub struct Action<'w> {
    world: &'w World,
    /// Its name in the caller's namespace.
    pub name: String,
}

impl<'w> ActionBuilder<'w> {
    pub(super) fn new(world: &'w World, name: String) -> Self {
        Self { world, name, exec: Value::Null, limits: Map::new(), annotations: vec![], parameters: vec![] }
    }

    /// Node.js source.
    #[must_use]
    pub fn node(self, code: &str) -> Self {
        self.exec(json!({"kind": "nodejs:20", "code": code}))
    }

    /// Python source.
    #[must_use]
    pub fn python(self, code: &str) -> Self {
        self.exec(json!({"kind": "python:3.11", "code": code}))
    }

    /// An archive for a kind.
    #[must_use]
    pub fn archive(self, kind: &str, bytes: &[u8]) -> Self {
        self.exec(json!({"kind": kind, "code": STANDARD.encode(bytes)}))
    }

    /// Any `exec`.
    #[must_use]
    pub fn exec(self, exec: Value) -> Self {
        Self { exec, ..self }
    }

    /// A limit: `timeout` in milliseconds, `memory` and `logs` in megabytes.
    #[must_use]
    pub fn limit(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.limits.insert(name.to_owned(), value.into());
        self
    }

    /// An annotation.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.annotations.push(json!({"key": key, "value": value.into()}));
        self
    }

    /// A default parameter.
    #[must_use]
    pub fn parameter(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.parameters.push(json!({"key": key, "value": value.into()}));
        self
    }

    /// A parameter for the initialisation.
    #[must_use]
    pub fn init_parameter(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.parameters.push(json!({"key": key, "value": value.into(), "init": true}));
        self
    }

    /// Asks for its creation.
    #[track_caller]
    #[must_use]
    pub fn put(&self) -> Answer {
        self.world.put(&format!("actions/{}", self.name), &self.body())
    }

    /// Creates it.
    #[track_caller]
    #[must_use]
    pub fn create(self) -> Action<'w> {
        self.put().ok();
        Action { world: self.world, name: self.name }
    }

    fn body(&self) -> Value {
        let mut body = json!({"exec": self.exec, "limits": self.limits, "annotations": self.annotations});
        if !self.parameters.is_empty() {
            body["parameters"] = json!(self.parameters);
        }
        body
    }
}

impl Action<'_> {
    /// The path of the action in the caller's namespace.
    #[must_use]
    pub fn path(&self) -> String {
        format!("actions/{}", self.name)
    }

    /// Runs it and waits for its record, whatever the outcome. Logs are not in it yet.
    #[track_caller]
    #[must_use]
    pub fn invoke_blocking(&self, arguments: &Value) -> Record {
        let answer = self.invoke("blocking=true", arguments);
        assert!(matches!(answer.status, 200 | 500 | 502), "{} {}", answer.status, answer.text());
        answer.finished(answer.status)
    }

    /// Runs it, does not wait, and gives the activation's id.
    #[track_caller]
    #[must_use]
    pub fn fire(&self, arguments: &Value) -> String {
        self.invoke("", arguments).accepted()
    }

    /// Runs it with a query of one's own.
    #[track_caller]
    pub fn invoke(&self, query: &str, arguments: &Value) -> Answer {
        self.world.post(&format!("{}?{query}", self.path()), arguments)
    }

    /// Gives it new Node.js source.
    #[track_caller]
    pub fn update_node(&self, code: &str) {
        let exec = json!({"exec": {"kind": "nodejs:20", "code": code}});
        self.world.put(&format!("{}?overwrite=true", self.path()), &exec).ok();
    }

    /// Deletes it.
    #[track_caller]
    pub fn delete(&self) {
        self.world.delete(&self.path()).ok();
    }

    /// The records of its activations that are stored, newest first; at most 200.
    #[track_caller]
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let list = self.world.get(&format!("activations?docs=true&limit=200&name={}", self.name)).ok();
        list.as_array().map(|items| items.iter().cloned().map(Record).collect()).unwrap_or_default()
    }
}
