//! Accepted is durable, and every accepted activation ends in exactly one record, whatever is killed. Each scenario
//! has a process of its own, kills or stops it, starts it again and counts.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its scenario")]

mod kills;
mod sequences;
mod stops;
mod surroundings;

use std::collections::HashMap;

use whirl_system_tests::{Action, RawRequest, ServerOptions, World, eventually};

const SLEEPER: &str =
    "function main(p) { return new Promise(r => setTimeout(() => r({n: p.n}), p.milliseconds || 0)) }";
const LOST: &str = "The invoker stopped while the action was or may have been running; \
    it was not run again, and its result, if there was one, is lost.";

/// A process with memory for `containers` containers of 128 MB and no stem cells.
fn small(containers: u32) -> Option<World> {
    World::start_process(ServerOptions::docker().memory(128 * containers).without_stem_cells())
}

fn sleeper<'w>(world: &'w World, name: &str) -> Action<'w> {
    world.action(name).node(SLEEPER).limit("memory", 128).create()
}

/// How often each activation is listed, once the list has come to rest.
fn census(world: &World) -> HashMap<String, u32> {
    let total = || world.get("activations?count=true").ok()["activations"].as_u64().unwrap();
    eventually("a list that does not grow", || {
        let before = total();
        let mut seen = HashMap::new();
        for skip in (0..before).step_by(200) {
            let page = world.get(&format!("activations?limit=200&skip={skip}")).ok();
            for item in page.as_array().unwrap() {
                *seen.entry(item["activationId"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        (total() == before).then_some(seen)
    })
}

/// Every one of these activations has its record, and no activation has two.
#[track_caller]
fn each_has_one_record(world: &World, ids: &[String]) {
    for id in ids {
        let record = world.record(id);
        let known = record.status() == "success" || record.error() == LOST;
        assert!(known, "{}", record.0);
    }
    let census = census(world);
    let twice: Vec<_> = census.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert!(ids.iter().all(|id| census.contains_key(id)), "the list has what is there");
}

fn in_flight(world: &World) -> u64 {
    let admin = format!("127.0.0.1:{}", world.server().admin_port());
    RawRequest::new(&admin, "GET", "/activation/count").send().json().as_u64().unwrap()
}
