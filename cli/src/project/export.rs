//! From the entities of a namespace back to a manifest, with the code of the actions in files beside it.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use whirl_model::Json;

use super::managed;
use super::remove::{action_name, every};
use crate::client::{Client, EntitySummary, Error, KeyValue, value_of};
use crate::commands::save_below;
use crate::exit::Failure;
use crate::feed;
use crate::name::{OWN_NAMESPACE, Place, PlainName};

/// Annotations that the server or a deployment makes by itself.
const MADE: [&str; 5] = ["exec", "binding", "feed", "provide-api-key", managed::ANNOTATION];
/// Where the manifest has what lies in no package.
const DEFAULT_PACKAGE: &str = "default";

/// What to export.
pub(crate) struct Export<'a> {
    /// The server.
    pub(crate) client: &'a Client,
    /// The namespace.
    pub(crate) namespace: &'a str,
    /// Only what this managed project put there.
    pub(crate) project: Option<&'a str>,
    /// The folder of the new manifest.
    pub(crate) folder: &'a Path,
}

/// The members of any entity that a manifest tells of.
#[derive(Debug, Deserialize)]
struct Whole {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    annotations: Vec<KeyValue>,
    #[serde(default)]
    parameters: Vec<KeyValue>,
    #[serde(default)]
    limits: Map<String, Value>,
    #[serde(default)]
    exec: Value,
    #[serde(default)]
    binding: Value,
    #[serde(default)]
    publish: bool,
    #[serde(default)]
    trigger: Value,
    #[serde(default)]
    action: Value,
}

/// A manifest that grows.
#[derive(Default)]
struct Draft {
    packages: Map<String, Value>,
    /// The parameters of each package, which the server shows in its actions too.
    inherited: HashMap<String, Vec<KeyValue>>,
}

impl Export<'_> {
    /// Writes the code files and returns the manifest.
    pub(crate) fn run(&self) -> Result<Json, Failure> {
        let mut draft = Draft::default();
        let failed = || Failure::request("Unable to export the project");
        for row in self.rows(|page| self.client.packages().list(self.namespace, page))? {
            let whole = whole(&self.client.packages().get(&self.plain(&row)).map_err(failed())?)?;
            draft.package(&row.name, &whole);
        }
        let place = Place { namespace: self.namespace.to_owned(), package: None };
        for row in self.rows(|page| self.client.actions().list(&place, page))? {
            self.action(&mut draft, row)?;
        }
        for row in self.rows(|page| self.client.triggers().list(self.namespace, page))? {
            let whole = whole(&self.client.triggers().get(&self.plain(&row)).map_err(failed())?)?;
            draft.put(DEFAULT_PACKAGE, "triggers", &row.name, whole.trigger());
        }
        for row in self.rows(|page| self.client.rules().list(self.namespace, page))? {
            let whole = whole(&self.client.rules().get(&self.plain(&row)).map_err(failed())?)?;
            draft.put(DEFAULT_PACKAGE, "rules", &row.name, whole.rule());
        }
        let mut manifest = Map::new();
        if let Some(project) = self.project {
            manifest.insert("project".to_owned(), json!({"name": project}));
        }
        manifest.insert("packages".to_owned(), Value::Object(draft.packages));
        Ok(Json::of(&manifest))
    }

    fn rows(
        &self,
        list: impl Fn(crate::client::Page) -> Result<Vec<EntitySummary>, Error>,
    ) -> Result<Vec<EntitySummary>, Failure> {
        let mut rows = every(list).map_err(Failure::request("Unable to export the project"))?;
        if let Some(project) = self.project {
            rows.retain(|row| managed::project_of(&row.annotations).as_deref() == Some(project));
        }
        rows.reverse(); // lists begin with the newest
        Ok(rows)
    }

    fn plain(&self, row: &EntitySummary) -> PlainName {
        PlainName { namespace: self.namespace.to_owned(), entity: row.name.clone() }
    }

    fn action(&self, draft: &mut Draft, row: EntitySummary) -> Result<(), Failure> {
        let name = action_name(self.namespace, row);
        let package = name.package.clone().unwrap_or_else(|| DEFAULT_PACKAGE.to_owned());
        let got =
            self.client.actions().get(&name).map_err(Failure::request("Unable to export the project"))?;
        let mut whole = whole(&got)?;
        let inherited = draft.inherited.get(&package).map(Vec::as_slice).unwrap_or_default();
        whole.parameters.retain(|own| !inherited.contains(own));
        if let Some(components) = whole.exec.get("components") {
            let names = components.as_array().into_iter().flatten().filter_map(Value::as_str);
            let names: Vec<String> = names.map(|name| whole.portable(name)).collect();
            whole.parameters.clear(); // the components again
            let part = whole.part([("actions", json!(names))]);
            draft.put(&package, "sequences", &name.entity, part);
            return Ok(());
        }
        let mut code = Vec::new();
        if whole.exec.get("code").is_some_and(Value::is_string) {
            let file = save_below(&self.folder.join(&package), &name, &got)?;
            code.push(("function", json!(format!("{package}/{file}"))));
        }
        draft.put(&package, "actions", &name.entity, whole.action(code));
        Ok(())
    }
}

impl Draft {
    fn package(&mut self, name: &str, whole: &Whole) {
        let target = |member| whole.binding.get(member).and_then(Value::as_str);
        match (target("namespace"), target("name")) {
            (Some(namespace), Some(package)) => {
                let location = json!(format!("/{namespace}/{package}"));
                self.put(DEFAULT_PACKAGE, "dependencies", name, whole.part([("location", location)]));
            }
            _ => {
                self.inherited.insert(name.to_owned(), whole.parameters.clone());
                let public = whole.publish.then_some(("public", json!(true)));
                self.packages.insert(name.to_owned(), whole.part(public));
            }
        }
    }

    fn put(&mut self, package: &str, collection: &str, name: &str, part: Value) {
        let package = self.packages.entry(package).or_insert_with(|| json!({}));
        package[collection][name] = part;
    }
}

impl Whole {
    /// The given members, then parameters and annotations.
    fn part(&self, members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        let mut part: Map<String, Value> =
            members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let own = self.annotations.iter().filter(|pair| !MADE.contains(&pair.key.as_str()));
        for (key, pairs) in [("inputs", object(self.parameters.iter())), ("annotations", object(own))] {
            if !pairs.is_empty() {
                part.insert(key.to_owned(), Value::Object(pairs));
            }
        }
        Value::Object(part)
    }

    fn action(&self, code: Vec<(&'static str, Value)>) -> Value {
        let of_exec = |member: &str| self.exec.get(member).filter(|value| value.is_string()).cloned();
        let image = of_exec("image");
        let runtime = if image.is_none() { of_exec("kind") } else { None };
        let limits: Map<String, Value> = [
            ("timeout", "timeout"),
            ("memory", "memorySize"),
            ("logs", "logSize"),
            ("concurrency", "concurrency"),
            ("cpu", "cpu"),
            ("gpu", "gpu"),
        ]
        .into_iter()
        .filter_map(|(member, key)| Some((key.to_owned(), self.limits.get(member)?.clone())))
        .collect();
        let members = [("docker", image), ("runtime", runtime), ("main", of_exec("main"))];
        let members = members.into_iter().filter_map(|(key, value)| Some((key, value?)));
        self.part(code.into_iter().chain(members).chain([("limits", Value::Object(limits))]))
    }

    /// A full name; one of the entity's own namespace becomes good for any namespace.
    fn portable(&self, name: &str) -> String {
        let own = self.namespace.split('/').next().unwrap_or_default();
        match name.strip_prefix('/').and_then(|name| name.split_once('/')) {
            Some((namespace, local)) if namespace == own => format!("/{OWN_NAMESPACE}/{local}"),
            _ => name.to_owned(),
        }
    }

    fn trigger(&self) -> Value {
        let feed = value_of(&self.annotations, feed::ANNOTATION).and_then(|feed| feed.to_text());
        self.part(feed.map(|feed| ("feed", json!(feed))))
    }

    fn rule(&self) -> Value {
        let text =
            |value: &Value, member| value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let whole =
            |value: &Value| self.portable(&format!("/{}/{}", text(value, "path"), text(value, "name")));
        self.part([("trigger", json!(whole(&self.trigger))), ("action", json!(whole(&self.action)))])
    }
}

fn whole(entity: &Json) -> Result<Whole, Failure> {
    serde_json::from_str(entity.as_str())
        .map_err(|error| Failure::Local(format!("The server's answer is no entity: {error}")))
}

fn object<'a>(pairs: impl Iterator<Item = &'a KeyValue>) -> Map<String, Value> {
    let value = |pair: &KeyValue| serde_json::from_str(pair.value.as_str()).unwrap_or_default();
    pairs.map(|pair| (pair.key.clone(), value(pair))).collect()
}
