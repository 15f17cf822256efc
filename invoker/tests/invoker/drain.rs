//! The end of an invoker: what it finishes, what it leaves to the bus, and that no container stays.

use std::time::Duration;

use whirl_backends::bus::{Bus, Progress};
use whirl_containers::scripted::{Script, ScriptedReply};
use whirl_invoker::InvokerConfig;
use whirl_model::Outcome;

use crate::world::{Setting, World, eventually};

const SHORT: Duration = Duration::from_millis(300);

fn endless() -> Script {
    Script::default().on_run(|_| ScriptedReply::ok("{}").after(Duration::from_secs(60)))
}

#[tokio::test]
async fn paused_containers_go_too() {
    let config = InvokerConfig { pause_grace_seconds: 0, ..Setting::default().config };
    let mut world = World::start(Setting { config, ..Setting::default() }).await;
    world.invoke(&world.action("hello"), "{}").await;
    eventually("the pause", async || (world.in_state("paused") == 1).then_some(())).await;
    assert!(world.invoker.drain(Duration::from_secs(20)).await.unwrap());
    assert!(world.factory.containers().is_empty());
}

#[tokio::test]
async fn what_waits_for_room_is_finished_too() {
    let config = InvokerConfig { memory: 256, ..Setting::default().config };
    let script = Script::default().on_run(|_| ScriptedReply::ok("{}").after(Duration::from_millis(100)));
    let mut world = World::start(Setting { script, config, ..Setting::default() }).await;
    for name in ["one", "two", "three"] {
        let message = world.message(&world.action(name), "{}").await;
        world.publish(message).await;
    }
    assert!(world.invoker.drain(Duration::from_secs(20)).await.unwrap());
    for _ in 0..3 {
        assert_eq!(world.answer().await.response.outcome, Outcome::Success);
    }
    assert!(world.factory.containers().is_empty());
}

#[tokio::test]
async fn a_run_that_outlasts_the_grace_has_not_failed_and_is_left_to_the_bus() {
    let world = World::scripted(endless()).await;
    let message = world.message(&world.action("long"), "{}").await;
    let id = world.publish(message).await;
    eventually("the run", async || (world.counts()[2] == 1).then_some(())).await;
    assert!(!world.invoker.drain(SHORT).await.unwrap());
    assert!(world.factory.containers().is_empty());
    // The pool is told nothing of it any more, so there is nothing to wait for but that nothing comes.
    let quiet = tokio::time::timeout(SHORT, world.stored(id)).await;
    assert!(quiet.is_err(), "no record is the bus's to make");
    assert_eq!(world.bus.progress(id), Some(Progress::MayHaveStarted));
}

#[tokio::test]
async fn what_waits_behind_it_is_handed_back_unstarted() {
    let config = InvokerConfig { memory: 256, ..Setting::default().config };
    let world = World::start(Setting { script: endless(), config, ..Setting::default() }).await;
    let message = world.message(&world.action("long"), "{}").await;
    world.publish(message).await;
    eventually("the run", async || (world.counts()[2] == 1).then_some(())).await;
    let message = world.message(&world.action("waiting"), "{}").await;
    let id = world.publish(message).await;
    assert!(!world.invoker.drain(SHORT).await.unwrap());
    assert_eq!(world.bus.progress(id), Some(Progress::NotStarted));
    assert_eq!(world.counts()[0], 1, "nothing was started for it");
}
