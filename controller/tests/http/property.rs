//! Random steps of two tenants against a small model of the semantics. `WHIRL_TEST_SEED` replays a run and
//! `WHIRL_TEST_STEPS` makes it longer; a failure tells the seed and the steps that led to it.

mod model;
mod operation;

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use whirl_backends::store::Stores;
use whirl_model::{Json, Outcome};

use crate::client::Answer;
use crate::world::{Setting, World};
use model::{Expected, Model};
use operation::Step;

/// Steps of each run, at least.
const STEPS: usize = 1_500;
/// Sorts of steps.
const SORTS: usize = 16;
/// Steps told of when one fails.
const TOLD: usize = 12;

#[test]
fn the_embedded_store_keeps_to_the_model() {
    run(None);
}

#[test]
fn couchdb_keeps_to_the_model() {
    let Some(couchdb) = crate::couchdb::scratch() else { return };
    run(Some(couchdb.stores()));
}

fn run(stores: Option<Stores>) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number("WHIRL_TEST_SEED").unwrap_or_else(rand::random);
    let steps: usize = number("WHIRL_TEST_STEPS").map_or(STEPS, |steps| steps.try_into().unwrap());
    let world = World::start_as(Setting { stores, ..Setting::default() });
    world.invoker.answers(Outcome::Success, json!({"ok": true}));
    let clients = BTreeMap::from([("alice", world.alice()), ("bob", world.bob())]);
    let (mut rng, mut model) = (StdRng::seed_from_u64(seed), Model::default());
    let mut told: Vec<String> = Vec::new();
    let mut succeeded: BTreeMap<String, usize> = BTreeMap::new();
    // Chance may leave out a sort for long: it goes on until each has succeeded.
    for number in 0.. {
        if number >= steps && succeeded.len() == SORTS {
            break;
        }
        assert!(
            number < 10 * steps,
            "WHIRL_TEST_SEED={seed}: not every sort of step ever succeeded: {succeeded:?}"
        );
        let (who, step) = operation::any(&mut rng, &model.known());
        let answer = operation::take(&clients[who], &step);
        let expected = model.take(who, &step);
        told.push(format!("{number}: {who} {step:?} -> {} {}", answer.status, answer.text()));
        told.drain(..told.len().saturating_sub(TOLD));
        if let Err(why) = agrees(&world, &step, &answer, &expected) {
            panic!("WHIRL_TEST_SEED={seed}\n{}\n{why}\nexpected {expected:?}", told.join("\n"));
        }
        if answer.status < 300 {
            *succeeded.entry(sort(&step)).or_default() += 1;
        }
    }
}

/// The name of a step's sort.
fn sort(step: &Step) -> String {
    let text = format!("{step:?}");
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
}

/// Why the answer is not what the model says, if it is not.
fn agrees(world: &World, step: &Step, answer: &Answer, expected: &Expected) -> Result<(), String> {
    if !expected.statuses.contains(&answer.status) {
        return Err(format!("the status is {}", answer.status));
    }
    if let Some(arguments) = &expected.arguments {
        // Not merely the last: a rule's action may come in between.
        let seen = world.invoker.seen();
        let id = answer.json()["activationId"].clone();
        let message = seen.iter().rev().find(|message| json!(message.activation_id) == id);
        let got = Json::of(&message.ok_or("the invoker did not get it")?.arguments);
        let got: Value = serde_json::from_str(got.as_str()).unwrap();
        if got != json!(arguments) {
            return Err(format!("the invoker got {got}"));
        }
    }
    if answer.status != 200 || !expected.members.is_object() {
        return Ok(());
    }
    let body = answer.json();
    for (name, value) in expected.members.as_object().unwrap() {
        let got = member(step, &body, name);
        if got != *value {
            return Err(format!("'{name}' is {got}"));
        }
    }
    Ok(())
}

/// A member of a body in the form that the model has.
fn member(step: &Step, body: &Value, name: &str) -> Value {
    let names = |list: &Value| -> BTreeSet<String> {
        list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    match (name, step) {
        ("list", _) => {
            let full = |item: &Value| {
                format!("/{}/{}", item["namespace"].as_str().unwrap(), item["name"].as_str().unwrap())
            };
            let mut all: Vec<String> = body.as_array().unwrap().iter().map(full).collect();
            all.sort();
            json!(all)
        }
        ("actions", Step::GetPackage(_)) => json!(names(&body["actions"])),
        ("parameters", _) => {
            let pairs = body["parameters"].as_array().unwrap().iter();
            let by_name = pairs.map(|pair| (pair["key"].as_str().unwrap().to_owned(), pair["value"].clone()));
            json!(by_name.collect::<BTreeMap<_, _>>())
        }
        ("action", Step::GetRule(_)) => json!({"name": body["action"]["name"]}),
        _ => body[name].clone(),
    }
}
