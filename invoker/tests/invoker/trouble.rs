//! A container engine that hangs for a while: what waits for it, what goes on without it, and what is said of it.

use std::time::Duration;

use whirl_backends::bus::{Bus, Progress};
use whirl_containers::scripted::{Script, ScriptedReply};
use whirl_invoker::InvokerConfig;
use whirl_model::{Outcome, Willingness};
use whirl_service::Readiness;

use crate::world::{Setting, World, eventually, receipt, result};

const WHY: &str = "the container engine has not answered for 7 s";

#[tokio::test]
async fn what_needs_a_start_waits_until_the_engine_works_again() {
    let mut world = World::scripted(Script::default()).await;
    let action = world.action("hello");
    world.factory.hang(WHY);
    let status = world.invoker.status();
    assert_eq!((status.willingness, status.reason.as_deref()), (Willingness::Unhealthy, Some(WHY)));
    let message = world.message(&action, "{}").await;
    let id = world.publish(message).await;
    eventually("the attempt", async || (world.counts()[0] == 1).then_some(())).await;
    assert_eq!(world.in_state("starting"), 1);
    world.factory.recover();
    let record = world.answer().await;
    assert_eq!((record.activation_id, record.response.outcome), (id, Outcome::Success));
    assert_eq!(world.counts()[5], 1, "what the first attempt may have left was removed");
    assert_eq!(world.invoker.status().willingness, Willingness::Up);
}

#[tokio::test]
async fn an_engine_that_goes_away_and_comes_back_costs_nobody_anything() {
    let mut world = World::scripted(Script::default()).await;
    let action = world.action("hello");
    world.factory.go_away();
    let message = world.message(&action, "{}").await;
    world.publish(message).await;
    eventually("an attempt, and one to clear it away", async || {
        (world.counts()[0] == 1 && world.counts()[5] == 1).then_some(())
    })
    .await;
    world.factory.recover();
    assert_eq!(world.answer().await.response.outcome, Outcome::Success);
}

#[tokio::test]
async fn readiness_and_metrics_tell_of_it_and_of_its_end() {
    let world = World::scripted(Script::default()).await;
    let readiness = Readiness::new();
    let _watched = world.invoker.watch(readiness.clone());
    world.factory.hang(WHY);
    let told = eventually("word of it", async || readiness.reasons().remove("containers")).await;
    assert_eq!(told, WHY);
    assert!(world.metrics.render().contains("whirl_invoker_engine_trouble 1"));
    world.factory.recover();
    eventually("word of its end", async || readiness.reasons().is_empty().then_some(())).await;
    assert!(world.metrics.render().contains("whirl_invoker_engine_trouble 0"));
}

#[tokio::test]
async fn warm_containers_go_on_and_lose_neither_logs_nor_themselves() {
    let script = Script::default()
        .on_run(|request| ScriptedReply::ok("{}").writing(&format!("out {}\n", request.number), ""));
    let mut world = World::scripted(script).await;
    let action = world.action("hello");
    world.invoke(&action, "{}").await;
    world.factory.hang(WHY);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let record = world.invoke(&action, "{}").await;
        assert_eq!(record.response.outcome, Outcome::Success);
        ids.push(record.activation_id);
    }
    // Longer than the silence after which logs are given up, were it one.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let whole_ids = ids.iter().map(|id| (world.caller.namespace.clone(), *id)).collect::<Vec<_>>();
    assert!(world.stores.activations.existing(&whole_ids).await.unwrap().is_empty());
    world.factory.recover();
    for (number, id) in ids.into_iter().enumerate() {
        let logs = world.stored(id).await.logs;
        assert_eq!(logs.len(), 1, "{logs:?}");
        assert!(logs[0].ends_with(&format!("stdout: out {}", number + 1)), "{logs:?}");
    }
    world.invoke(&action, "{}").await;
    assert_eq!(world.counts(), [1, 1, 4, 0, 0, 0], "the container is as good as before");
}

#[tokio::test]
async fn an_idle_container_is_not_frozen_by_an_engine_in_trouble_but_later_and_can_be_used() {
    let config = InvokerConfig { pause_grace_seconds: 0, ..Setting::default().config };
    let script = Script::default().on_run(|request| match request.body["value"]["slow"] == true {
        true => ScriptedReply::ok("{}").after(Duration::from_millis(200)),
        false => ScriptedReply::ok("{}"),
    });
    let mut world = World::start(Setting { script, config, ..Setting::default() }).await;
    let action = world.action("hello");
    let message = world.message(&action, r#"{"slow":true}"#).await;
    world.publish(message).await;
    eventually("the run", async || (world.counts()[2] == 1).then_some(())).await;
    world.factory.hang(WHY);
    world.answer().await;
    for _ in 0..5 {
        eventually("it to idle", async || (world.idle() == 1).then_some(())).await;
        let warm = world.invoke(&action, "{}").await;
        assert_eq!(receipt(&warm)["start"], "warm");
    }
    assert_eq!(world.counts(), [1, 1, 6, 0, 0, 0]);
    world.factory.recover();
    eventually("the pause", async || (world.in_state("paused") == 1).then_some(())).await;
    assert_eq!(world.counts()[3], 1);
}

#[tokio::test]
async fn a_hang_that_outlasts_an_activations_time_ends_it_and_leaves_nothing() {
    let config = InvokerConfig { queue_seconds: 1, ..Setting::default().config };
    let mut world = World::start(Setting { config, ..Setting::default() }).await;
    let action = world.action("hello");
    world.factory.hang(WHY);
    let record = world.invoke(&action, "{}").await;
    assert_eq!(record.response.outcome, Outcome::InternalError);
    assert!(result(&record).contains("no container was free for it"), "{}", result(&record));
    world.factory.recover();
    let nothing = async || world.invoker.status().pool.containers.is_empty().then_some(());
    eventually("the end of the attempt", nothing).await;
    assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::Success);
    assert_eq!(world.invoker.status().willingness, Willingness::Up);
}

#[tokio::test]
async fn a_failing_action_is_answered_although_the_engine_cannot_be_asked_why() {
    let script = Script::default().on_run(|request| match request.number {
        0 => ScriptedReply::ok("{}"),
        _ => ScriptedReply::new(502, r#"{"error":"boom"}"#),
    });
    let mut world = World::scripted(script).await;
    let action = world.action("hello");
    world.invoke(&action, "{}").await;
    world.factory.hang(WHY);
    let failed = world.invoke(&action, "{}").await;
    assert_eq!(result(&failed), r#"{"error":"boom"}"#);
    assert_eq!(world.in_state("removing"), 1, "it counts until it is gone");
}

#[tokio::test]
async fn a_drain_ends_in_time_and_leaves_to_the_bus_what_could_not_begin() {
    let world = World::scripted(Script::default()).await;
    let action = world.action("hello");
    world.factory.hang(WHY);
    let message = world.message(&action, "{}").await;
    let id = world.publish(message).await;
    let drained = tokio::time::timeout(Duration::from_secs(10), world.invoker.drain(Duration::from_secs(1)));
    assert!(drained.await.expect("in time").is_err(), "nobody can say what is left of the containers");
    assert_eq!(world.bus.progress(id), Some(Progress::NotStarted));
}
