//! What becomes of a container, and of the activations that wait for it, after every way in which a step can end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use whirl_backends::contract::new_activation_id;
use whirl_containers::factory::{ContainerError, ContainerName};
use whirl_containers::scripted::{Call, Fate, Outcome as Step, Script, ScriptedFactory, ScriptedReply};
use whirl_invoker::InvokerConfig;
use whirl_model::{ActivationMessage, Outcome};

use crate::world::{Setting, World, eventually, receipt, result};

const FIRST: &str = "whirl_test_0_nodejs-20";
const STEM_CELL: &str = r#"{"runtimes":{"nodejs":[{"kind":"nodejs:20","image":{"name":"node"},
    "stemCells":[{"initialCount":1,"memory":"256 MB"}]}]}}"#;

fn refused(operation: &'static str, name: &ContainerName) -> Step {
    let source = std::io::Error::other("no").into();
    Step::fails(ContainerError::Engine { operation, name: name.clone(), source })
}

fn pausing_at_once() -> InvokerConfig {
    InvokerConfig { pause_grace_seconds: 0, ..Setting::default().config }
}

/// A world whose action `both` may run twice at once in a container, and that action.
async fn shared(script: Script) -> (World, whirl_model::Action) {
    let script = script.on_init(|_| ScriptedReply::ok(r#"{"ok":true,"tagsLogs":true}"#).silent());
    let mut bounds = Setting::default().bounds;
    bounds.concurrency.max = 2;
    let world = World::start(Setting { script, bounds, ..Setting::default() }).await;
    let mut action = world.action("both");
    action.limits.concurrency = 2;
    (world, action)
}

#[tokio::test]
async fn a_stem_cell_takes_the_code_and_is_replaced() {
    let mut world = World::start(Setting { manifest: STEM_CELL, ..Setting::default() }).await;
    eventually("the stem cell", async || (world.in_state("stem") == 1).then_some(())).await;
    let record = world.invoke(&world.action("hello"), "{}").await;
    assert_eq!((&receipt(&record)["start"], &receipt(&record)["reason"]), (&"stem".into(), &"first".into()));
    eventually("its successor", async || (world.in_state("stem") == 1).then_some(())).await;
    assert_eq!(world.counts()[..2], [2, 1]);
}

#[tokio::test]
async fn a_stem_cell_that_dies_is_replaced() {
    let world = World::start(Setting { manifest: STEM_CELL, ..Setting::default() }).await;
    eventually("the stem cell", async || (world.in_state("stem") == 1).then_some(())).await;
    world.factory.crash(&ContainerName::new(FIRST));
    let replaced = async || (world.in_state("stem") == 1 && world.counts()[0] == 2).then_some(());
    eventually("another one", replaced).await;
}

#[tokio::test]
async fn an_init_failure_costs_the_stem_cell_and_not_who_waits_behind() {
    let script = Script::default().on_init(|request| match request.body["value"]["name"].as_str() {
        Some("bad") => ScriptedReply::new(502, r#"{"error":"no"}"#).after(Duration::from_millis(50)),
        _ => ScriptedReply::ok("{}").silent(),
    });
    let mut world = World::start(Setting { script, manifest: STEM_CELL, ..Setting::default() }).await;
    eventually("the stem cell", async || (world.in_state("stem") == 1).then_some(())).await;
    let (bad, good) = (world.action("bad"), world.action("good"));
    let message = world.message(&bad, "{}").await;
    world.publish(message).await;
    eventually("its init", async || (world.counts()[1] == 1).then_some(())).await;
    let message = world.message(&good, "{}").await;
    world.publish(message).await;
    let mut outcomes = [world.answer().await.response.outcome, world.answer().await.response.outcome];
    outcomes.sort_by_key(|outcome| *outcome == Outcome::Success);
    assert_eq!(outcomes, [Outcome::DeveloperError, Outcome::Success]);
    let destroyed = async || (!world.factory.containers().contains(&ContainerName::new(FIRST))).then_some(());
    eventually("the removal", destroyed).await;
}

#[tokio::test]
async fn an_application_error_keeps_the_container() {
    let script = Script::default().on_run(|_| ScriptedReply::ok(r#"{"error":"mine"}"#));
    let mut world = World::scripted(script).await;
    let action = world.action("hello");
    for _ in 0..2 {
        assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::ApplicationError);
    }
    assert_eq!(world.counts(), [1, 1, 2, 0, 0, 0]);
}

#[tokio::test]
async fn a_process_that_was_killed_for_its_memory_is_told_though_the_container_lives() {
    let script = Script::default().on_run(|_| {
        let answer = ScriptedReply::new(502, r#"{"error":"the process has ended"}"#);
        ScriptedReply { fate: Fate::LosesAProcess, ..answer }
    });
    let mut world = World::scripted(script).await;
    let record = world.invoke(&world.action("hungry"), "{}").await;
    assert_eq!(record.response.outcome, Outcome::DeveloperError);
    assert_eq!(result(&record), r#"{"error":"The action exhausted its memory and was aborted."}"#);
    eventually("the removal", async || world.factory.containers().is_empty().then_some(())).await;
}

#[tokio::test]
async fn init_has_the_time_of_the_action_and_no_more() {
    let script = Script::default().on_init(|_| ScriptedReply::ok("{}").after(Duration::from_secs(10)));
    let mut world = World::scripted(script).await;
    let mut action = world.action("slow");
    action.limits.timeout = 200;
    let record = world.invoke(&action, "{}").await;
    let text = "The action exceeded its time limits of 200 milliseconds during initialization.";
    assert!(result(&record).contains(text), "{}", result(&record));
    eventually("the removal", async || world.factory.containers().is_empty().then_some(())).await;
}

/// The first container says that it is going, when it is asked to `/init` or to `/run`.
async fn goes_elsewhere(script: Script) {
    let mut world = World::scripted(script).await;
    let record = world.invoke(&world.action("hello"), "{}").await;
    assert_eq!(record.response.outcome, Outcome::Success);
    assert_eq!(world.counts()[0], 2);
    eventually("the removal", async || (world.factory.containers().len() == 1).then_some(())).await;
}

#[tokio::test]
async fn a_container_that_is_going_hands_init_back() {
    goes_elsewhere(Script::default().on_init(|request| match request.container.as_str() {
        FIRST => ScriptedReply::new(503, "").silent(),
        _ => ScriptedReply::ok("{}").silent(),
    }))
    .await;
}

#[tokio::test]
async fn a_container_that_is_going_hands_a_run_back() {
    goes_elsewhere(Script::default().on_run(|request| match request.container.as_str() {
        FIRST => ScriptedReply::new(503, "").silent(),
        _ => ScriptedReply::ok("{}"),
    }))
    .await;
}

#[tokio::test]
async fn an_activation_that_no_container_takes_ends() {
    let script = Script::default().on_run(|_| ScriptedReply::new(503, "").silent());
    let mut world = World::scripted(script).await;
    let record = world.invoke(&world.action("hello"), "{}").await;
    assert_eq!(record.response.outcome, Outcome::InternalError);
    assert_eq!(result(&record), r#"{"error":"Failed to provision resources to run the action."}"#);
}

#[tokio::test]
async fn a_container_that_cannot_be_resumed_hands_the_run_back() {
    let script = Script::default().on_resume(|name| refused("resume", name));
    let mut world = World::start(Setting { script, config: pausing_at_once(), ..Setting::default() }).await;
    let action = world.action("hello");
    world.invoke(&action, "{}").await;
    eventually("the pause", async || (world.in_state("paused") == 1).then_some(())).await;
    assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::Success);
    let removed = async || (!world.factory.containers().contains(&ContainerName::new(FIRST))).then_some(());
    eventually("the removal", removed).await;
}

#[tokio::test]
async fn a_container_that_dies_when_it_is_resumed_hands_the_run_back() {
    let factory = Arc::new(OnceLock::<ScriptedFactory>::new());
    let engine = Arc::clone(&factory);
    let script = Script::default().on_resume(move |name| {
        engine.get().unwrap().crash(name);
        // By then nothing listens any more.
        Step::after(Duration::from_millis(100))
    });
    let mut world = World::start(Setting { script, config: pausing_at_once(), ..Setting::default() }).await;
    factory.get_or_init(|| world.factory.clone());
    let action = world.action("hello");
    world.invoke(&action, "{}").await;
    eventually("the pause", async || (world.in_state("paused") == 1).then_some(())).await;
    assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::Success);
    assert_eq!((world.counts()[0], world.counts()[4]), (2, 1));
}

#[tokio::test]
async fn a_container_that_cannot_be_paused_is_removed() {
    let script = Script::default().on_pause(|name| refused("pause", name));
    let mut world = World::start(Setting { script, config: pausing_at_once(), ..Setting::default() }).await;
    world.invoke(&world.action("hello"), "{}").await;
    eventually("the removal", async || world.factory.containers().is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_container_whose_log_is_not_complete_is_paused_later_and_is_warm_until_then() {
    let script = Script::default().on_run(|_| ScriptedReply::ok("{}").after(Duration::from_millis(50)));
    let mut world = World::start(Setting { script, config: pausing_at_once(), ..Setting::default() }).await;
    let action = world.action("hello");
    let message = world.message(&action, "{}").await;
    world.publish(message).await;
    eventually("the run", async || (world.counts()[2] == 1).then_some(())).await;
    // What it writes does not come.
    world.factory.go_away();
    world.answer().await;
    eventually("the wait for its last words", async || (world.in_state("pausing") == 1).then_some(())).await;
    eventually("the end of that", async || (world.idle() == 1).then_some(())).await;
    let warm = world.invoke(&action, "{}").await;
    assert_eq!(receipt(&warm)["start"], "warm");
    assert_eq!(world.counts(), [1, 1, 2, 0, 0, 0]);
    world.factory.recover();
    eventually("the pause", async || (world.in_state("paused") == 1).then_some(())).await;
    let resumed = world.invoke(&action, "{}").await;
    assert_eq!(receipt(&resumed)["start"], "resumed");
    assert_eq!((world.counts()[0], world.counts()[4]), (1, 1));
}

#[tokio::test]
async fn bindings_and_arguments_for_init_have_containers_of_their_own() {
    let mut world = World::scripted(Script::default()).await;
    let mut action = world.action("hello");
    action.parameters = serde_json::from_str(r#"[{"key":"TOKEN","value":"","init":true}]"#).unwrap();
    for (binding, arguments, start) in [
        (None, r#"{"TOKEN":"one"}"#, "cold"),
        (None, r#"{"TOKEN":"one","n":1}"#, "warm"),
        (None, r#"{"TOKEN":"two"}"#, "cold"),
        (Some("guest/b1"), r#"{"TOKEN":"one"}"#, "cold"),
        (Some("guest/b2"), r#"{"TOKEN":"one"}"#, "cold"),
        (Some("guest/b1"), r#"{"TOKEN":"one"}"#, "warm"),
        (None, r#"{"TOKEN":"two"}"#, "warm"),
    ] {
        let message = world.message(&action, arguments).await;
        let binding = binding.map(|path| path.parse().unwrap());
        world.publish(ActivationMessage { binding, ..message }).await;
        let record = world.answer().await;
        assert_eq!(receipt(&record)["start"], start, "{arguments}");
    }
    let calls = world.factory.calls();
    let given = calls.iter().filter_map(|call| match call {
        Call::Init(_, body) => body["value"]["env"]["TOKEN"].as_str(),
        _ => None,
    });
    assert_eq!(given.collect::<Vec<_>>(), ["one", "two", "one", "one"]);
}

#[tokio::test]
async fn an_idle_container_is_paused_and_then_removed() {
    let config = InvokerConfig { idle_timeout_seconds: 1, ..pausing_at_once() };
    let mut world = World::start(Setting { config, ..Setting::default() }).await;
    world.invoke(&world.action("hello"), "{}").await;
    eventually("the removal", async || world.factory.containers().is_empty().then_some(())).await;
    assert_eq!(world.counts(), [1, 1, 1, 1, 0, 1]);
}

#[tokio::test]
async fn a_run_that_comes_while_its_container_is_being_removed_goes_elsewhere() {
    let script =
        Script::default().on_destroy(|_| Step::after(Duration::from_millis(500))).on_run(|request| {
            match request.body["value"]["bad"] == true {
                true => ScriptedReply::new(502, r#"{"error":"boom"}"#),
                false => ScriptedReply::ok("{}"),
            }
        });
    let mut world = World::scripted(script).await;
    let action = world.action("hello");
    world.invoke(&action, r#"{"bad":true}"#).await;
    assert_eq!(world.in_state("removing"), 1);
    assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::Success);
    assert_eq!(world.counts()[0], 2);
}

#[tokio::test]
async fn a_container_that_failed_one_run_is_not_removed_before_the_others_have_ended() {
    let going_on = Arc::new(AtomicBool::new(false));
    let (seen, begun) = (Arc::clone(&going_on), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&begun);
    let script = Script::default()
        .on_destroy(move |_| {
            assert!(!going_on.load(Ordering::SeqCst), "a run was under way");
            Step::default()
        })
        .on_run(move |request| match request.body["value"]["bad"] == true {
            true => ScriptedReply::new(502, r#"{"error":"boom"}"#),
            false => {
                seen.store(count.fetch_add(1, Ordering::SeqCst) == 1, Ordering::SeqCst);
                ScriptedReply::ok(r#"{"fine":true}"#).after(Duration::from_millis(400))
            }
        });
    let (mut world, action) = shared(script).await;
    world.invoke(&action, "{}").await;
    for arguments in ["{}", r#"{"bad":true}"#] {
        let message = world.message(&action, arguments).await;
        world.publish(message).await;
        if arguments == "{}" {
            eventually("the long run", async || (begun.load(Ordering::SeqCst) == 2).then_some(())).await;
        }
    }
    assert_eq!(world.answer().await.response.outcome, Outcome::DeveloperError);
    assert_eq!(world.in_state("busy"), 1, "it goes on for the other one");
    let other = world.answer().await;
    assert_eq!(result(&other), r#"{"fine":true}"#);
    assert_eq!(world.counts()[0], 1);
}

#[tokio::test]
async fn marks_that_never_come_cost_the_container_and_not_the_result() {
    let script = Script::default().on_run(|_| {
        let mut reply = ScriptedReply::ok("{}").writing("a word\n", "");
        reply.output.truncate(1);
        reply
    });
    let mut world = World::scripted(script).await;
    let record = world.invoke(&world.action("hello"), "{}").await;
    assert_eq!(record.response.outcome, Outcome::Success);
    let logs = world.stored(record.activation_id).await.logs;
    assert_eq!(logs.len(), 2, "{logs:?}");
    assert!(logs[0].ends_with("stdout: a word"), "{logs:?}");
    assert!(logs[1].ends_with("There was an issue while collecting your logs. Data might be missing."));
    eventually("the removal", async || world.factory.containers().is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_log_limit_of_zero_keeps_no_logs_and_the_container() {
    let script = Script::default().on_run(|_| ScriptedReply::ok("{}").writing("a word\n", "another\n"));
    let mut world = World::scripted(script).await;
    let mut action = world.action("quiet");
    action.limits.logs = 0;
    let record = world.invoke(&action, "{}").await;
    assert!(world.stored(record.activation_id).await.logs.is_empty());
    world.invoke(&action, "{}").await;
    assert_eq!(world.counts(), [1, 1, 2, 0, 0, 0]);
}

#[tokio::test]
async fn an_acknowledgement_has_the_record_only_if_somebody_waits_for_it() {
    let mut world = World::scripted(Script::default()).await;
    let action = world.action("hello");
    for (blocking, logs) in [(true, 10), (true, 0), (false, 10), (false, 0)] {
        let mut action = action.clone();
        action.limits.logs = logs;
        let message = world.message(&action, "{}").await;
        let message = ActivationMessage { blocking, activation_id: new_activation_id(), ..message };
        let id = world.publish(message).await;
        let acknowledgement = world.acknowledgement().await;
        assert_eq!((acknowledgement.activation_id, acknowledgement.completed), (id, true));
        assert_eq!(acknowledgement.record.is_some(), blocking);
        world.stored(id).await;
    }
}
