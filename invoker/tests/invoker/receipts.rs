//! What a record tells of a run's cost.

use std::time::Duration;

use serde_json::{Value, json};
use whirl_containers::scripted::{Script, ScriptedReply};
use whirl_invoker::InvokerConfig;
use whirl_model::{ActionLimits, Outcome};

use crate::world::{Setting, World, annotation, eventually, receipt};

fn number(receipt: &Value, member: &str) -> f64 {
    receipt[member].as_f64().unwrap_or_else(|| panic!("{member} in {receipt}"))
}

#[tokio::test]
async fn a_cold_and_a_warm_call_tell_what_they_took() {
    let script = Script::default()
        .on_init(|_| ScriptedReply::ok("{}").silent().using(Duration::from_millis(30)))
        .on_run(|_| {
            ScriptedReply::ok("{}").after(Duration::from_millis(20)).using(Duration::from_micros(7250))
        });
    let mut world = World::scripted(script).await;
    let action = world.action("hello");
    let cold = world.invoke(&action, "{}").await;
    let cold = receipt(&cold);
    assert_eq!((&cold["start"], &cold["reason"]), (&json!("cold"), &json!("first")));
    assert_eq!(cold["cpuMs"], json!(37.25));
    let at_work = number(&cold, "initMs") + number(&cold, "runMs");
    assert!(number(&cold, "runMs") >= 20.0, "{cold}");
    assert!((number(&cold, "memoryMbMs") - 256.0 * at_work).abs() < 1.0, "{cold}");
    let warm_record = world.invoke(&action, "{}").await;
    let warm = receipt(&warm_record);
    assert_eq!((&warm["start"], &warm["cpuMs"]), (&json!("warm"), &json!(7.25)));
    assert!(warm.get("reason").is_none() && warm.get("initMs").is_none(), "{warm}");
    assert_eq!(annotation(&warm_record, "waitTime").unwrap(), warm["waitMs"].to_string());
    assert!(number(&warm, "overheadMs") > 0.0, "{warm}");
    assert_eq!(world.stored(warm_record.activation_id).await.annotations, warm_record.annotations);
}

#[tokio::test]
async fn waiting_for_a_container_is_no_overhead() {
    let wait = Duration::from_millis(300);
    let script = Script::default()
        .on_create(move |_| whirl_containers::scripted::Outcome::after(wait))
        .on_run(|_| ScriptedReply::ok("{}"));
    let mut world = World::scripted(script).await;
    let action = world.action("hello");
    let cold = world.invoke(&action, "{}").await;
    let cold = receipt(&cold);
    assert!(number(&cold, "waitMs") >= 299.0, "{cold}");
    assert!(number(&cold, "overheadMs") < number(&cold, "waitMs"), "{cold}");
}

#[tokio::test]
async fn failures_and_timeouts_have_a_receipt_too() {
    let script = Script::default()
        .on_init(|request| match request.body["value"]["name"].as_str() {
            Some("unborn") => ScriptedReply::new(502, r#"{"error":"no"}"#),
            _ => ScriptedReply::ok("{}").silent(),
        })
        .on_run(|request| match request.body["action_name"].as_str() {
            Some(name) if name.ends_with("slow") => ScriptedReply::ok("{}").after(Duration::from_secs(10)),
            _ => ScriptedReply::new(502, r#"{"error":"boom"}"#),
        });
    let mut world = World::scripted(script).await;
    for name in ["unborn", "slow", "bad"] {
        let mut action = world.action(name);
        action.limits = ActionLimits { timeout: 200, ..action.limits };
        let record = world.invoke(&action, "{}").await;
        assert_eq!(record.response.outcome, Outcome::DeveloperError);
        let receipt = receipt(&record);
        assert_eq!(receipt["start"], "cold");
        assert_eq!(number(&receipt, "runMs") == 0.0, name == "unborn", "{receipt}");
        assert_eq!(number(&receipt, "runMs") >= 200.0, name == "slow", "{receipt}");
    }
}

#[tokio::test]
async fn a_paused_container_is_told_apart_and_what_happens_to_it_counts_in_the_metrics() {
    let config = InvokerConfig { pause_grace_seconds: 0, ..Setting::default().config };
    let mut world = World::start(Setting { config, ..Setting::default() }).await;
    let action = world.action("hello");
    world.invoke(&action, "{}").await;
    eventually("the pause", async || (world.in_state("paused") == 1).then_some(())).await;
    let resumed = world.invoke(&action, "{}").await;
    assert_eq!(receipt(&resumed)["start"], "resumed");
    let shown = world.metrics.render();
    for line in [
        r#"whirl_invoker_placements_total{container="cold",reason="first"} 1"#,
        r#"whirl_invoker_placements_total{container="resumed",reason=""} 1"#,
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[tokio::test]
async fn cpu_time_of_runs_at_the_same_time_is_nobodys() {
    let script = Script::default().on_run(|request| match request.body["value"]["slow"] == true {
        true => ScriptedReply::ok("{}").after(Duration::from_millis(500)).using(Duration::from_millis(5)),
        false => ScriptedReply::ok("{}").using(Duration::from_millis(5)),
    });
    let mut bounds = Setting::default().bounds;
    bounds.concurrency.max = 2;
    let mut world = World::start(Setting { script, bounds, ..Setting::default() }).await;
    let mut action = world.action("both");
    action.limits.concurrency = 2;
    world.invoke(&action, "{}").await;
    let slow = world.message(&action, r#"{"slow":true}"#).await;
    world.publish(slow).await;
    let quick = world.message(&action, "{}").await;
    world.publish(quick).await;
    let both = [world.answer().await, world.answer().await];
    assert!(both.iter().all(|record| receipt(record).get("cpuMs").is_none()));
    assert_eq!(world.counts()[0], 1, "they were in one container");
    let alone = world.invoke(&action, "{}").await;
    assert_eq!(receipt(&alone)["cpuMs"], 5);
}

#[tokio::test]
async fn what_never_ran_has_cost_nothing() {
    let config = InvokerConfig { memory: 256, ..Setting::default().config };
    let mut world = World::start(Setting { config, ..Setting::default() }).await;
    let mut action = world.action("large");
    action.limits.memory = 512;
    let record = world.invoke(&action, "{}").await;
    assert_eq!(record.response.outcome, Outcome::InternalError);
    assert_eq!(annotation(&record, "receipt"), None);
    assert!(annotation(&record, "waitTime").is_some());
}
