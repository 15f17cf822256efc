//! What a user may do in one step, and how it is asked over HTTP. Names come out of a small pool, so that steps
//! meet each other's traces.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// Who has credentials and a namespace of the same name.
pub(super) const TENANTS: [&str; 2] = ["alice", "bob"];
/// All sorts of entities share these.
const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g h"];
const PARAMETERS: [&str; 3] = ["x", "y", "z"];

/// Where an entity lies: `ns/name` or `ns/package/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) namespace: &'static str,
    pub(super) package: Option<&'static str>,
    pub(super) name: &'static str,
}

impl Place {
    pub(super) fn top(namespace: &'static str, name: &'static str) -> Self {
        Self { namespace, package: None, name }
    }

    fn any(rng: &mut StdRng) -> Self {
        Self::top(pick(rng, &TENANTS), pick(rng, &NAMES))
    }

    fn any_action(rng: &mut StdRng) -> Self {
        let package = rng.random_bool(0.5).then(|| pick(rng, &NAMES));
        Self { package, ..Self::any(rng) }
    }

    /// `/ns/name` as bodies have it.
    pub(super) fn full(&self) -> String {
        match self.package {
            None => format!("/{}/{}", self.namespace, self.name),
            Some(package) => format!("/{}/{package}/{}", self.namespace, self.name),
        }
    }

    fn url(&self, collection: &str) -> String {
        let local = match self.package {
            None => self.name.to_owned(),
            Some(package) => format!("{package}/{}", self.name),
        };
        let local = local.replace(' ', "%20");
        format!("/api/v1/namespaces/{}/{collection}/{local}", self.namespace)
    }
}

/// Parameters by name.
pub(super) type Given = Option<Vec<(&'static str, i64)>>;

#[derive(Clone, Debug)]
pub(super) enum Exec {
    Code,
    Sequence(Vec<Place>),
}

/// What is said of a package.
#[derive(Clone, Debug)]
pub(super) struct PackagePut {
    pub(super) publish: Option<bool>,
    pub(super) binding: Option<Place>,
    pub(super) parameters: Given,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    PutAction { at: Place, overwrite: bool, exec: Option<Exec>, parameters: Given },
    GetAction(Place),
    DeleteAction(Place),
    Invoke(Place, Vec<(&'static str, i64)>),
    PutPackage { at: Place, overwrite: bool, put: PackagePut },
    GetPackage(Place),
    DeletePackage { at: Place, force: bool },
    PutTrigger { at: Place, overwrite: bool, parameters: Given },
    GetTrigger(Place),
    DeleteTrigger(Place),
    Fire(Place),
    PutRule { at: Place, overwrite: bool, trigger: Place, action: Place },
    GetRule(Place),
    DeleteRule(Place),
    SetRule { at: Place, active: bool },
    List { collection: &'static str, namespace: &'static str },
}

fn pick<T: Copy>(rng: &mut StdRng, from: &[T]) -> T {
    *from.choose(rng).expect("there is something to choose from")
}

fn some_parameters(rng: &mut StdRng) -> Vec<(&'static str, i64)> {
    let chosen: Vec<&str> = PARAMETERS.into_iter().filter(|_| rng.random_bool(0.5)).collect();
    chosen.into_iter().map(|name| (name, rng.random_range(0..9))).collect()
}

fn perhaps_parameters(rng: &mut StdRng) -> Given {
    rng.random_bool(0.6).then(|| some_parameters(rng))
}

fn some_exec(rng: &mut StdRng, known: &Known) -> Option<Exec> {
    match rng.random_range(0..10) {
        0 => None,
        1 | 2 => Some(Exec::Sequence((0..rng.random_range(1..3)).map(|_| known.action(rng)).collect())),
        _ => Some(Exec::Code),
    }
}

/// What is there already, for steps that are to meet it.
#[derive(Default)]
pub(super) struct Known {
    pub(super) actions: Vec<Place>,
    pub(super) packages: Vec<Place>,
    pub(super) triggers: Vec<Place>,
    pub(super) rules: Vec<Place>,
}

impl Known {
    /// Mostly something that is there.
    fn one(rng: &mut StdRng, there: &[Place], other: fn(&mut StdRng) -> Place) -> Place {
        match there.choose(rng).filter(|_| rng.random_bool(0.7)) {
            Some(place) => place.clone(),
            None => other(rng),
        }
    }

    fn action(&self, rng: &mut StdRng) -> Place {
        Self::one(rng, &self.actions, Place::any_action)
    }

    fn package(&self, rng: &mut StdRng) -> Place {
        Self::one(rng, &self.packages, Place::any)
    }

    fn trigger(&self, rng: &mut StdRng) -> Place {
        Self::one(rng, &self.triggers, Place::any)
    }

    fn rule(&self, rng: &mut StdRng) -> Place {
        Self::one(rng, &self.rules, Place::any)
    }

    /// Mostly something that is there in a namespace.
    fn one_of(rng: &mut StdRng, namespace: &str, there: &[Place], other: fn(&mut StdRng) -> Place) -> Place {
        let beside: Vec<Place> = there.iter().filter(|place| place.namespace == namespace).cloned().collect();
        Self::one(rng, &beside, other)
    }

    /// A rule to write: often where nothing is yet, and mostly of what its owner has.
    fn rule_to_write(&self, rng: &mut StdRng, overwrite: bool) -> Step {
        let taken = [&self.actions, &self.packages, &self.triggers, &self.rules];
        let is_free = |place: &Place| taken.iter().all(|there| !there.contains(place));
        let places = TENANTS.iter().flat_map(|tenant| NAMES.iter().map(|name| Place::top(tenant, name)));
        let free: Vec<Place> = places.filter(is_free).collect();
        let at = if rng.random_bool(0.5) { Self::one(rng, &free, Place::any) } else { self.rule(rng) };
        Step::PutRule {
            overwrite,
            trigger: Self::one_of(rng, at.namespace, &self.triggers, Place::any),
            action: Self::one_of(rng, at.namespace, &self.actions, Place::any_action),
            at,
        }
    }

    /// Where an action may be written: often in a package that is there.
    fn room_for_action(&self, rng: &mut StdRng) -> Place {
        match self.packages.choose(rng).filter(|_| rng.random_bool(0.5)) {
            Some(package) => {
                Place { namespace: package.namespace, package: Some(package.name), name: pick(rng, &NAMES) }
            }
            None => Self::one(rng, &self.actions, Place::any_action),
        }
    }
}

/// Who does what next.
pub(super) fn any(rng: &mut StdRng, known: &Known) -> (&'static str, Step) {
    let overwrite = rng.random_bool(0.5);
    let step = match rng.random_range(0..32) {
        0..=3 => Step::PutAction {
            at: known.room_for_action(rng),
            overwrite,
            exec: some_exec(rng, known),
            parameters: perhaps_parameters(rng),
        },
        4 | 5 => Step::GetAction(known.room_for_action(rng)),
        6 => Step::DeleteAction(known.action(rng)),
        7..=9 => Step::Invoke(known.room_for_action(rng), some_parameters(rng)),
        10..=12 => Step::PutPackage {
            at: known.package(rng),
            overwrite,
            put: PackagePut {
                publish: rng.random_bool(0.7).then(|| rng.random_bool(0.6)),
                binding: rng.random_bool(0.3).then(|| known.package(rng)),
                parameters: perhaps_parameters(rng),
            },
        },
        13 | 14 => Step::GetPackage(known.package(rng)),
        15 => Step::DeletePackage { at: known.package(rng), force: rng.random_bool(0.5) },
        16 | 17 => {
            Step::PutTrigger { at: known.trigger(rng), overwrite, parameters: perhaps_parameters(rng) }
        }
        18 => Step::GetTrigger(known.trigger(rng)),
        19 => Step::DeleteTrigger(known.trigger(rng)),
        20 | 21 => Step::Fire(known.trigger(rng)),
        22..=25 => known.rule_to_write(rng, overwrite),
        26 => Step::GetRule(known.rule(rng)),
        27 => Step::DeleteRule(known.rule(rng)),
        28 | 29 => Step::SetRule { at: known.rule(rng), active: rng.random_bool(0.5) },
        _ => Step::List {
            collection: pick(rng, &["actions", "packages", "triggers", "rules"]),
            namespace: pick(rng, &TENANTS),
        },
    };
    (owner_mostly(rng, &step), step)
}

/// Three steps of four are taken by who owns the place.
fn owner_mostly(rng: &mut StdRng, step: &Step) -> &'static str {
    let owner = match step {
        Step::PutAction { at, .. }
        | Step::PutPackage { at, .. }
        | Step::DeletePackage { at, .. }
        | Step::PutTrigger { at, .. }
        | Step::PutRule { at, .. }
        | Step::SetRule { at, .. }
        | Step::GetAction(at)
        | Step::DeleteAction(at)
        | Step::Invoke(at, _)
        | Step::GetPackage(at)
        | Step::GetTrigger(at)
        | Step::DeleteTrigger(at)
        | Step::Fire(at)
        | Step::GetRule(at)
        | Step::DeleteRule(at) => at.namespace,
        Step::List { namespace, .. } => namespace,
    };
    if rng.random_bool(0.75) { owner } else { pick(rng, &TENANTS) }
}

fn key_values(given: &[(&str, i64)]) -> Value {
    given.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

fn object(given: &[(&str, i64)]) -> Value {
    given
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Takes the step.
pub(super) fn take(client: &Client, step: &Step) -> Answer {
    let put = |at: &Place, collection: &str, overwrite: &bool, body: Value| {
        client.put(&format!("{}?overwrite={overwrite}", at.url(collection)), &body)
    };
    let with_parameters = |mut body: Value, parameters: &Given| {
        if let Some(parameters) = parameters {
            body["parameters"] = key_values(parameters);
        }
        body
    };
    match step {
        Step::PutAction { at, overwrite, exec, parameters } => {
            let mut body = with_parameters(json!({}), parameters);
            match exec {
                None => {}
                Some(Exec::Code) => body["exec"] = json!({"kind": "nodejs:20", "code": "x"}),
                Some(Exec::Sequence(components)) => {
                    let components: Vec<String> = components.iter().map(Place::full).collect();
                    body["exec"] = json!({"kind": "sequence", "components": components});
                }
            }
            put(at, "actions", overwrite, body)
        }
        Step::GetAction(at) => client.get(&at.url("actions")),
        Step::DeleteAction(at) => client.delete(&at.url("actions")),
        Step::Invoke(at, arguments) => {
            client.post(&format!("{}?blocking=true", at.url("actions")), &object(arguments))
        }
        Step::PutPackage { at, overwrite, put: PackagePut { publish, binding, parameters } } => {
            let mut body = with_parameters(json!({}), parameters);
            if let Some(publish) = publish {
                body["publish"] = json!(publish);
            }
            if let Some(binding) = binding {
                body["binding"] = json!({"namespace": binding.namespace, "name": binding.name});
            }
            put(at, "packages", overwrite, body)
        }
        Step::GetPackage(at) => client.get(&at.url("packages")),
        Step::DeletePackage { at, force } => client.delete(&format!("{}?force={force}", at.url("packages"))),
        Step::PutTrigger { at, overwrite, parameters } => {
            put(at, "triggers", overwrite, with_parameters(json!({}), parameters))
        }
        Step::GetTrigger(at) => client.get(&at.url("triggers")),
        Step::DeleteTrigger(at) => client.delete(&at.url("triggers")),
        Step::Fire(at) => client.post(&at.url("triggers"), &json!({})),
        Step::PutRule { at, overwrite, trigger, action } => {
            put(at, "rules", overwrite, json!({"trigger": trigger.full(), "action": action.full()}))
        }
        Step::GetRule(at) => client.get(&at.url("rules")),
        Step::DeleteRule(at) => client.delete(&at.url("rules")),
        Step::SetRule { at, active } => {
            let status = if *active { "active" } else { "inactive" };
            client.post(&at.url("rules"), &json!({ "status": status }))
        }
        Step::List { collection, namespace } => {
            client.get(&format!("/api/v1/namespaces/{namespace}/{collection}?limit=0"))
        }
    }
}
