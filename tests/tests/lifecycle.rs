//! The life of actions and activations on real containers: cold and warm, updates, waiting and not waiting, logs,
//! environment, lists. Accidents are in `bad_actions.rs` and `kill/`, what an action cannot reach is in `isolation/`.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its scenario")]

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use whirl_system_tests::{RawRequest, ServerOptions, Shared, World, docker, eventually};

static WORLD: Shared = Shared::new();

fn world() -> Option<Arc<World>> {
    WORLD.join(World::start)
}

const COUNTER: &str = "let n = 0; function main(p) { return {n: ++n} }";

#[test]
fn a_container_stays_warm_until_the_action_changes() {
    let Some(world) = world() else { return };
    let action = world.action("warm").node(COUNTER).create();
    let first = action.invoke_blocking(&json!({}));
    assert_eq!(first.succeeded(), &json!({"n": 1}));
    assert!(first.is_cold(), "{}", first.0);
    let second = action.invoke_blocking(&json!({}));
    assert_eq!(second.succeeded(), &json!({"n": 2}), "the state is kept");
    assert!(!second.is_cold(), "{}", second.0);
    for round in 3..6 {
        action.update_node(&format!("let n = 100 * {round}; function main(p) {{ return {{n: ++n}} }}"));
        let after = action.invoke_blocking(&json!({}));
        assert_eq!(after.succeeded(), &json!({"n": 100 * round + 1}), "the old code is gone");
        assert!(after.is_cold());
        assert_eq!(after.0["version"], format!("0.0.{}", round - 1));
    }
}

#[test]
fn a_record_says_what_happened() {
    let Some(world) = world() else { return };
    let code = "function main(p) { return new Promise(r => setTimeout(() => r({hi: p.who}), 60)) }";
    let action = world.action("record").node(code).parameter("who", "nobody").limit("memory", 128).create();
    let before = now();
    let answer = action.invoke_blocking(&json!({"who": "you"}));
    let record = world.record(answer.id());
    assert_eq!(record.succeeded(), &json!({"hi": "you"}));
    assert_eq!(record.0["response"]["size"], r#"{"hi":"you"}"#.len());
    assert_eq!(record.0["name"], action.name.as_str());
    assert_eq!(record.0["version"], "0.0.1");
    assert_eq!(record.0["publish"], false);
    let namespace = record.0["namespace"].as_str().unwrap();
    assert_eq!(record.annotation("path").unwrap(), &json!(format!("{namespace}/{}", action.name)));
    assert_eq!(record.annotation("kind").unwrap(), "nodejs:20");
    assert_eq!(record.annotation("timeout").unwrap(), false);
    let limits = json!({"timeout": 60000, "memory": 128, "logs": 10, "concurrency": 1});
    assert_eq!(record.annotation("limits").unwrap(), &limits);
    assert!(
        record.annotation("waitTime").unwrap().is_u64() && record.annotation("initTime").unwrap().is_u64()
    );
    let number = |member: &str| record.0[member].as_u64().unwrap();
    assert!(
        number("duration") >= 60 && number("duration") == number("end") - number("start"),
        "{}",
        record.0
    );
    assert!(before <= number("start") && number("end") <= now(), "{}", record.0);
    let defaults = action.invoke("blocking=true&result=true", &json!({})).ok();
    assert_eq!(defaults, json!({"hi": "nobody"}));
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[test]
fn nobody_has_to_wait() {
    let Some(world) = world() else { return };
    let slow = "function main(p) { return new Promise(r => setTimeout(() => r({late: true}), 1500)) }";
    let action = world.action("slow").node(slow).create();
    let fired = action.fire(&json!({}));
    let given_up = action.invoke("blocking=true&timeout=200", &json!({})).accepted();
    world.get(&format!("activations/{given_up}")).refused(404);
    for id in [fired, given_up] {
        assert_eq!(world.record(&id).succeeded(), &json!({"late": true}));
        let response = world.get(&format!("activations/{id}/result")).ok();
        assert_eq!((&response["status"], &response["success"]), (&json!("success"), &json!(true)));
    }
}

#[test]
fn results_have_the_status_of_their_outcome() {
    let Some(world) = world() else { return };
    let action = world.action("outcomes").node("function main(p) { return p.give }").create();
    for (give, status, body) in [
        (json!({"a": 1}), 200, json!({"a": 1})),
        (json!([1, "b"]), 200, json!([1, "b"])),
        (json!({"error": "no"}), 502, json!({"error": "no"})),
        (json!({"error": {"code": 7}, "more": 1}), 502, json!({"error": {"code": 7}})),
    ] {
        let answer = action.invoke("blocking=true&result=true", &json!({ "give": give }));
        assert_eq!((answer.status, answer.json()), (status, body));
        let expected = if status == 200 { "success" } else { "application error" };
        assert_eq!(world.record(&answer.activation.unwrap()).status(), expected);
    }
}

#[test]
fn logs_come_in_order_and_in_form() {
    let Some(world) = world() else { return };
    let node = "function main() { for (let i = 0; i < 50; i++) { console.log('out', i); console.error('err', i) } \
                console.log('ünïcödé ☃'); console.log(''); return {} }";
    let python = "import sys\ndef main(p):\n for i in range(50):\n  print('out', i)\n  print('err', i, file=sys.stderr)\n \
                  print('ünïcödé ☃')\n print('')\n return {}\n";
    for action in [world.action("logs").node(node).create(), world.action("logs").python(python).create()] {
        for _ in 0..2 {
            let id = action.invoke_blocking(&json!({})).id().to_owned();
            let record = world.record_with_logs(&id, 102);
            let stream = |name: &str| -> Vec<String> {
                let of = |line: &str| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned);
                record.printed().into_iter().filter_map(of).collect()
            };
            let mut out: Vec<String> = (0..50).map(|i| format!("out {i}")).collect();
            out.extend(["ünïcödé ☃".to_owned(), String::new()]);
            assert_eq!(stream("stdout"), out);
            assert_eq!(stream("stderr"), (0..50).map(|i| format!("err {i}")).collect::<Vec<_>>());
            let mut times: Vec<&str> = record.logs().iter().map(|line| &line[..30]).collect();
            for time in &times {
                let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
                assert_eq!(shape, "0000-00-00T00:00:00.000000000Z");
            }
            assert!(times.is_sorted(), "{times:#?}");
            times.dedup();
            let alone = world.get(&format!("activations/{id}/logs")).ok();
            assert_eq!(alone["logs"], record.0["logs"]);
        }
    }
    let silent = world.action("silent").node(node).limit("logs", 0).create();
    let id = silent.invoke_blocking(&json!({})).id().to_owned();
    assert_eq!(world.record(&id).logs(), [""; 0]);
}

#[test]
fn an_action_knows_its_context() {
    let Some(world) = world() else { return };
    let node = "function main() { return process.env }";
    let python = "import os\ndef main(p):\n return dict(os.environ)\n";
    for builder in [world.action("context").node(node), world.action("context").python(python)] {
        let action = builder.create();
        let answer = action.invoke("blocking=true", &json!({}));
        let record = answer.finished(200);
        let env = record.succeeded();
        let namespace = record.0["namespace"].as_str().unwrap();
        assert_eq!(env["__OW_NAMESPACE"], namespace);
        assert_eq!(env["__OW_ACTION_NAME"], format!("/{namespace}/{}", action.name));
        assert_eq!(env["__OW_ACTION_VERSION"], "0.0.1");
        assert_eq!(env["__OW_ACTIVATION_ID"], record.id());
        assert!(env["__OW_API_HOST"].as_str().unwrap().starts_with("http"), "{env}");
        assert!(!env["__OW_TRANSACTION_ID"].as_str().unwrap().is_empty());
        let deadline: u64 = env["__OW_DEADLINE"].as_str().unwrap().parse().unwrap();
        assert!(deadline >= record.0["start"].as_u64().unwrap());
        assert_eq!(env.get("__OW_API_KEY"), None, "nobody asked for it");
        let again = action.invoke_blocking(&json!({}));
        assert_eq!(again.succeeded()["__OW_ACTIVATION_ID"], again.id(), "it is renewed in a warm container");
    }
}

#[test]
fn the_key_is_given_to_those_who_ask() {
    let Some(world) = world() else { return };
    let code = "function main() { return {key: process.env.__OW_API_KEY || null} }";
    let asks = world.action("asks").node(code).annotation("provide-api-key", true).create();
    assert_eq!(asks.invoke_blocking(&json!({})).succeeded()["key"], world.auth());
    let does_not = world.action("does-not").node(code).annotation("provide-api-key", false).create();
    assert_eq!(does_not.invoke_blocking(&json!({})).succeeded()["key"], Value::Null);
}

#[test]
fn parameters_for_the_initialisation_are_environment() {
    let Some(world) = world() else { return };
    let code = "const at_init = process.env.TOKEN; function main(p) { return {at_init, args: p} }";
    let action = world.action("init").node(code).init_parameter("TOKEN", "t1").parameter("a", 1).create();
    let record = action.invoke_blocking(&json!({"b": 2}));
    assert_eq!(record.succeeded(), &json!({"at_init": "t1", "args": {"a": 1, "b": 2}}));
}

#[test]
fn bindings_and_changed_packages_have_environments_of_their_own() {
    let Some(world) = world() else { return };
    let token = |value: &str| json!([{"key": "TOKEN", "value": value, "init": true}]);
    world.put("packages/tokens", &json!({"parameters": token("p1")})).ok();
    let code = "const at_init = process.env.TOKEN; function main(p) { return {at_init, args: p} }";
    world.put("actions/tokens/tell", &json!({"exec": {"kind": "nodejs:20", "code": code}})).ok();
    let binding = json!({"namespace": "_", "name": "tokens"});
    for (name, value) in [("tokens-b1", "b1"), ("tokens-b2", "b2")] {
        world.put(&format!("packages/{name}"), &json!({"binding": binding, "parameters": token(value)})).ok();
    }
    let through = |package: &str, environment: &str| {
        let answer = world.post(&format!("actions/{package}/tell?blocking=true&result=true"), &json!({}));
        assert_eq!(answer.ok(), json!({"at_init": environment, "args": {}}), "through {package}");
    };
    for _ in 0..2 {
        through("tokens", "p1");
        through("tokens-b1", "b1");
        through("tokens-b2", "b2");
    }
    world.put("packages/tokens?overwrite=true", &json!({"parameters": token("p2")})).ok();
    through("tokens", "p2");
    world.put("packages/tokens-b1?overwrite=true", &json!({"parameters": token("b3")})).ok();
    through("tokens-b1", "b3");
    through("tokens-b2", "b2");
}

#[test]
fn an_action_can_call_the_api() {
    let Some(world) = world() else { return };
    let code = "const openwhisk = require('openwhisk'); \
        async function main(p) { const ow = openwhisk(); \
        const list = await ow.actions.list({limit: 200}); \
        const inner = await ow.actions.invoke({name: p.inner, blocking: true, result: true, params: {x: 20}}); \
        return {names: list.map(a => a.name), inner} }";
    let inner = world.action("inner").node("function main(p) { return {y: p.x + 1} }").create();
    let action = world.action("outer").node(code).annotation("provide-api-key", true).create();
    let record = action.invoke_blocking(&json!({"inner": inner.name}));
    let result = record.succeeded();
    assert_eq!(result["inner"], json!({"y": 21}));
    for name in [&action.name, &inner.name] {
        assert!(result["names"].as_array().unwrap().contains(&json!(name)), "{result}");
    }
}

#[test]
fn big_and_foreign_text_passes_unharmed() {
    let Some(world) = world() else { return };
    let node = world.action("big").node("function main(p) { return p }").create();
    let python = world.action("big").python("def main(p):\n return p\n").create();
    let big = "ä☃\u{1F600}".repeat(100_000);
    let odd = json!({"quote": "\"\\/\u{8}\n\u{7f}", "nul": "a\u{0}b", "<html>": "&amp;</script>", "ключ": ["值", -0.5, 1e20]});
    for action in [node, python] {
        let record = action.invoke_blocking(&json!({"big": big}));
        assert_eq!(record.succeeded()["big"], big.as_str());
        assert_eq!(world.record(record.id()).result()["big"], big.as_str(), "the store keeps it");
        assert_eq!(action.invoke("blocking=true&result=true", &odd).ok(), odd);
    }
}

#[test]
fn activations_are_listed_and_filtered() {
    let Some(world) = world() else { return };
    let action = world.action("listed").node("function main(p) { console.log(p.n); return p }").create();
    let ids: Vec<String> = (0..5).map(|n| action.invoke_blocking(&json!({"n": n})).id().to_owned()).collect();
    let starts: Vec<u64> = ids.iter().map(|id| world.record(id).0["start"].as_u64().unwrap()).collect();
    let list = |query: &str| -> Vec<Value> {
        let answer = world.get(&format!("activations?name={}&{query}", action.name)).ok();
        answer.as_array().unwrap().clone()
    };
    let names = |items: &[Value]| -> Vec<String> {
        items.iter().map(|item| item["activationId"].as_str().unwrap().to_owned()).collect()
    };
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(names(&list("")), newest_first);
    assert_eq!(names(&list("limit=2")), newest_first[..2]);
    assert_eq!(names(&list("limit=2&skip=1")), newest_first[1..3]);
    assert_eq!(names(&list("skip=5")), [""; 0]);
    let within = |from: u64, to: u64| starts.iter().filter(|start| (from..=to).contains(start)).count();
    assert_eq!(list(&format!("since={}", starts[2])).len(), within(starts[2], u64::MAX));
    assert_eq!(list(&format!("upto={}", starts[2])).len(), within(0, starts[2]));
    assert_eq!(list(&format!("since={}&upto={}", starts[1], starts[3])).len(), within(starts[1], starts[3]));
    let count = world.get(&format!("activations?name={}&count=true&skip=2", action.name)).ok();
    assert_eq!(count, json!({"activations": 3}));
    let summary = &list("limit=1")[0];
    assert_eq!(summary["statusCode"], 0);
    assert!(summary.get("response").is_none() && summary.get("logs").is_none(), "{summary}");
    eventually("whole records with logs", || {
        let whole = list("docs=true&limit=1");
        assert_eq!(whole[0]["response"]["result"], json!({"n": 4}));
        whole[0]["logs"][0].as_str()?.ends_with("stdout: 4").then_some(())
    });
}

#[test]
fn what_runs_at_once_keeps_to_the_memory() {
    let options = ServerOptions::docker().memory(1024).without_stem_cells();
    let Some(world) = World::start_process(options) else { return };
    let server = world.server();
    let code = "function main(p) { return new Promise(r => setTimeout(() => r({n: p.n}), 300)) }";
    let action = world.action("crowd").node(code).limit("memory", 256).create();
    let most = thread::scope(|scope| {
        let calls: Vec<_> = (0..30)
            .map(|n| {
                let action = &action;
                scope.spawn(move || action.invoke_blocking(&json!({"n": n})).succeeded()["n"].clone())
            })
            .collect();
        let mut most = 0;
        while !calls.iter().all(thread::ScopedJoinHandle::is_finished) {
            most = most.max(server.containers_left().len());
        }
        let answers: HashSet<String> =
            calls.into_iter().map(|call| call.join().unwrap().to_string()).collect();
        assert_eq!(answers.len(), 30, "everybody got their own answer");
        most
    });
    assert!((1..=4).contains(&most), "{most} containers of 256 MB at once, with memory for 4");
    eventually("30 records", || (action.records().len() == 30).then_some(()));
    let bound = docker(&["inspect", "--format", "{{.HostConfig.Memory}}", &server.containers_left()[0]]);
    assert_eq!(bound.trim(), (256_u64 << 20).to_string());
}

#[test]
fn a_key_that_was_given_is_good_from_the_first_answer() {
    let key = format!("23bc46b1-71f6-4ed5-8c54-816aa4f8c502:{}", "k".repeat(64));
    let credentials = format!("Basic {}", STANDARD.encode(&key));
    let ask = |address: &str| {
        RawRequest::new(address, "GET", "/api/v1/namespaces").header("Authorization", &credentials)
    };
    let Some((world, answer)) = World::start_asking(ServerOptions::docker().auth(&key), ask) else { return };
    assert_eq!((answer.status, answer.text()), (200, r#"["guest"]"#.to_owned()));
    world.works();
}
