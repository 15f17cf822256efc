//! From a manifest to the list of operations that deploys it, in an order in which each finds what it needs.
//! Touches neither files nor server.

mod action;
mod api;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::input;
use super::managed::Mark;
use super::manifest::{self, DependencyPart, PackagePart, RulePart, TriggerPart, Values};
use super::operation::{Code, Entity, Operation, PlannedTrigger};
use crate::client::{BindingBody, KeyValue, PackageBody, RuleBody, TriggerBody};
use crate::exit::Failure;
use crate::feed;
use crate::name::{NameError, OWN_NAMESPACE, PlainName, QualifiedName};

/// Actions outside any package stand in a package of this name.
const DEFAULT_PACKAGE: &str = "default";

/// What a plan is made from, besides the packages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// The namespace to deploy to.
    pub(crate) namespace: String,
    /// The folder that code files are relative to.
    pub(crate) folder: PathBuf,
    /// The kinds that the server has; `None` to take what the manifest says.
    pub(crate) kinds: Option<BTreeSet<String>>,
    /// The mark of a managed project.
    pub(crate) mark: Option<Mark>,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// Entities to put, those first that others need.
    pub(crate) operations: Vec<Operation>,
    /// What the writer of the manifest should know.
    pub(crate) warnings: Vec<String>,
}

/// Makes the plan for the packages of a manifest.
pub(crate) fn plan(packages: Map<String, Value>, terms: &Terms) -> Result<Plan, Failure> {
    let mut planner = Planner { terms, stages: Stages::default(), warnings: Vec::new() };
    for (name, part) in packages {
        planner.package(&name, part)?;
    }
    Ok(Plan { operations: planner.stages.in_order(), warnings: planner.warnings })
}

/// The operations by when their turn is.
#[derive(Default)]
struct Stages {
    packages: Vec<Operation>,
    actions: Vec<Operation>,
    sequences: Vec<Operation>,
    triggers: Vec<Operation>,
    rules: Vec<Operation>,
    apis: Vec<Operation>,
}

impl Stages {
    fn in_order(self) -> Vec<Operation> {
        let sequences = innermost_first(self.sequences);
        [self.packages, self.actions, sequences, self.triggers, self.rules, self.apis].concat()
    }
}

/// Sequences after those that they contain. What goes in circles stays as it is: the server refuses it.
fn innermost_first(mut waiting: Vec<Operation>) -> Vec<Operation> {
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let names: Vec<Entity> = waiting.iter().filter_map(Operation::entity).collect();
        let needs = |operation: &Operation| match operation {
            Operation::Action(action) => match &action.code {
                Code::Sequence(parts) => parts
                    .iter()
                    .any(|part| *part != action.name && names.contains(&Entity::Action(part.clone()))),
                _ => false,
            },
            _ => false,
        };
        let (later, now): (Vec<_>, Vec<_>) = waiting.into_iter().partition(needs);
        if now.is_empty() {
            ordered.extend(later);
            break;
        }
        ordered.extend(now);
        waiting = later;
    }
    ordered
}

struct Planner<'a> {
    terms: &'a Terms,
    stages: Stages,
    warnings: Vec<String>,
}

/// The place of an entity in the manifest.
struct Spot<'a> {
    package: &'a str,
    name: &'a str,
}

impl Planner<'_> {
    fn package(&mut self, name: &str, part: Value) -> Result<(), Failure> {
        let part: PackagePart = decode_part(&format!("package '{name}'"), part)?;
        self.warn(&format!("package '{name}'"), &part.rest);
        for (entity, dependency) in part.dependencies {
            self.dependency(&entity, dependency)?;
        }
        if name != DEFAULT_PACKAGE {
            let body = PackageBody {
                binding: None,
                parameters: input::pairs(&part.inputs),
                annotations: self.annotations(&part.annotations, []),
                publish: part.public,
            };
            self.stages.packages.push(Operation::Package(self.plain(name), body));
        }
        for (entity, action) in part.actions {
            self.action(&Spot { package: name, name: &entity }, action)?;
        }
        for (entity, sequence) in part.sequences {
            self.sequence(&Spot { package: name, name: &entity }, sequence)?;
        }
        for (entity, trigger) in part.triggers {
            self.trigger(&Spot { package: name, name: &entity }, trigger)?;
        }
        for (entity, rule) in part.rules {
            self.rule(&Spot { package: name, name: &entity }, rule)?;
        }
        self.stages.apis.extend(api::operations(&part.apis, |action| self.qualified(name, action))?);
        Ok(())
    }

    fn dependency(&mut self, name: &str, part: Value) -> Result<(), Failure> {
        let what = format!("dependency '{name}'");
        let part: DependencyPart = decode_part(&what, part)?;
        self.warn(&what, &part.rest);
        let target: PlainName = Some(part.location.as_str())
            .filter(|location| location.starts_with('/'))
            .and_then(|location| location.parse().ok())
            .ok_or_else(|| {
                let location = &part.location;
                Failure::Local(format!("{what}: '{location}' is no package; use /NAMESPACE/PACKAGE"))
            })?;
        let body = PackageBody {
            binding: Some(BindingBody::from(&target)),
            parameters: input::pairs(&part.inputs),
            annotations: self.annotations(&part.annotations, []),
            publish: None,
        };
        self.stages.packages.push(Operation::Package(self.plain(name), body));
        Ok(())
    }

    fn trigger(&mut self, spot: &Spot<'_>, part: Value) -> Result<(), Failure> {
        let what = format!("trigger '{}'", spot.name);
        let part: TriggerPart = decode_part(&what, part)?;
        self.warn(&what, &part.rest);
        let feed = part.feed.as_deref().map(|feed| self.qualified(spot.package, feed)).transpose()?;
        let annotations = self.annotations(&part.annotations, feed.iter().map(feed::annotation));
        let (parameters, feed) = match feed {
            Some(feed) => (None, Some((feed, input::parameters(&part.inputs)))),
            None => (input::pairs(&part.inputs), None),
        };
        let body = TriggerBody { parameters, annotations };
        let name = self.plain(spot.name);
        self.stages.triggers.push(Operation::Trigger(PlannedTrigger { name, body, feed }));
        Ok(())
    }

    fn rule(&mut self, spot: &Spot<'_>, part: Value) -> Result<(), Failure> {
        let what = format!("rule '{}'", spot.name);
        let part: RulePart = decode_part(&what, part)?;
        self.warn(&what, &part.rest);
        let trigger = match part.trigger.as_str() {
            "" => return Err(Failure::Local(format!("{what}: it names no trigger"))),
            full if full.starts_with('/') => full.to_owned(),
            trigger => self.plain(trigger).to_string(),
        };
        if part.action.is_empty() {
            return Err(Failure::Local(format!("{what}: it names no action")));
        }
        let body = RuleBody {
            trigger: Some(trigger),
            action: Some(self.qualified(spot.package, &part.action)?.to_string()),
            annotations: self.annotations(&part.annotations, []),
        };
        self.stages.rules.push(Operation::Rule(self.plain(spot.name), body));
        Ok(())
    }

    /// The annotations of an entity, with those that are added and the project's mark; `None` if none.
    fn annotations(
        &self,
        given: &Values,
        added: impl IntoIterator<Item = KeyValue>,
    ) -> Option<Vec<KeyValue>> {
        let mut pairs = input::annotations(given);
        for pair in added.into_iter().chain(self.terms.mark.as_ref().map(Mark::annotation)) {
            pairs.retain(|old| old.key != pair.key);
            pairs.push(pair);
        }
        (!pairs.is_empty()).then_some(pairs)
    }

    fn plain(&self, name: &str) -> PlainName {
        PlainName { namespace: self.terms.namespace.clone(), entity: name.to_owned() }
    }

    /// An action as the manifest names it: `NAME` is one of the package, `PACKAGE/NAME` and `/…` are not.
    fn qualified(&self, package: &str, name: &str) -> Result<QualifiedName, Failure> {
        let mut action: QualifiedName =
            name.parse().map_err(|error: NameError| Failure::Local(error.to_string()))?;
        if action.namespace == OWN_NAMESPACE {
            action.namespace.clone_from(&self.terms.namespace);
        }
        if action.package.is_none() && !name.starts_with('/') {
            action.package = Some(package.to_owned());
        }
        action.package = action.package.filter(|package| package != DEFAULT_PACKAGE);
        Ok(action)
    }

    fn warn(&mut self, what: &str, rest: &Values) {
        let unknown = manifest::unknown(rest);
        self.warnings.extend(unknown.map(|key| format!("{what}: '{key}' is not known and does nothing")));
    }
}

/// Reads a part of the manifest without the members that have nothing after their colon.
fn decode_part<T: DeserializeOwned>(what: &str, mut part: Value) -> Result<T, Failure> {
    if let Some(members) = part.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    decode(what, part)
}

/// Reads anything in the manifest; nothing at all counts as an empty one.
fn decode<T: DeserializeOwned>(what: &str, part: Value) -> Result<T, Failure> {
    let part = if part.is_null() { Value::Object(Map::new()) } else { part };
    serde_json::from_value(part).map_err(|error| Failure::Local(format!("{what} is not understood: {error}")))
}

#[cfg(test)]
mod tests;
