//! Controllers and invokers on real servers: any controller serves what another one stored, and whichever part is
//! killed or frozen, the rest goes on and no caller waits for ever.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its scenario")]

mod changes;
mod gpus;
mod ill_set;
mod live_logs;
mod losses;
mod sequences;
mod shared;
mod together;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use whirl_system_tests::{Action, World};

const SLEEPER: &str =
    "function main(p) { return new Promise(r => setTimeout(() => r({n: p.n}), p.milliseconds || 0)) }";

fn sleeper<'w>(world: &'w World, name: &str) -> Action<'w> {
    world.action(name).node(SLEEPER).limit("memory", 128).create()
}

/// What callers were told.
#[derive(Debug, Default)]
struct Told {
    /// Ids of activations that were accepted and not waited for.
    accepted: Vec<String>,
    /// How often each status came.
    statuses: HashMap<u16, u32>,
    /// Calls without an answer: the controller went away.
    broken: u32,
}

/// Calls an action until told to stop, every third time without waiting. No call may be left without an answer,
/// unless its controller dies.
fn call_until(done: &AtomicBool, world: &World, action: &str, milliseconds: u64) -> Told {
    let mut told = Told::default();
    let body = json!({"milliseconds": milliseconds}).to_string();
    for number in 0.. {
        if done.load(Ordering::SeqCst) {
            break;
        }
        let query = if number % 3 == 0 { "" } else { "?blocking=true" };
        let path = format!("{action}{query}");
        match world.request(whirl_cli::client::Method::POST, &path, Some(body.as_bytes())) {
            Ok(answer) => {
                *told.statuses.entry(answer.status).or_default() += 1;
                if answer.status == 202 {
                    told.accepted.extend(answer.activation);
                }
            }
            Err(_) => told.broken += 1,
        }
        thread::sleep(Duration::from_millis(20));
    }
    told
}
