//! The logs of activations that have not ended.

use std::time::Duration;

use futures::StreamExt;
use whirl_containers::factory::ContainerError;
use whirl_containers::scripted::{Outcome, Script, ScriptedReply};
use whirl_invoker::LiveLog;
use whirl_model::{ActivationId, Keep};

use crate::world::{World, eventually};

async fn lines(log: LiveLog) -> Vec<String> {
    log.lines().collect().await
}

/// Two lines, after a while.
fn talker() -> ScriptedReply {
    ScriptedReply::ok("{}").writing("one\ntwo\n", "").after(Duration::from_millis(50))
}

#[tokio::test]
async fn a_log_can_be_followed_before_it_begins_and_is_the_records() {
    let script =
        Script::default().on_create(|_| Outcome::after(Duration::from_millis(100))).on_run(|_| talker());
    let mut world = World::scripted(script).await;
    let action = world.action("hello");
    let namespace = world.caller.namespace.clone();
    for expected in ["cold", "warm"] {
        let message = world.message(&action, "{}").await;
        let id = world.publish(message).await;
        let follow = |from| world.invoker.live_logs(id, &namespace, from);
        let log = eventually("the activation", async || follow(0)).await;
        let rest = follow(1).unwrap();
        assert!(world.invoker.live_logs(id, &"another".parse().unwrap(), 0).is_none(), "it is not theirs");
        let told = lines(log).await;
        assert_eq!(told.len(), 2, "{expected}: {told:?}");
        assert_eq!(lines(rest).await, told[1..]);
        world.answer().await;
        assert_eq!(world.stored(id).await.logs, told);
        eventually("an end of it", async || {
            world.invoker.live_logs(id, &namespace, 0).is_none().then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn what_gets_no_record_can_be_followed_too_and_nothing_is_left_of_it() {
    let mut world = World::scripted(Script::default().on_run(|_| talker())).await;
    let action = world.action("hello");
    let namespace = world.caller.namespace.clone();
    let message = world.message(&action, "{}").await;
    let id = world.publish(whirl_model::ActivationMessage { keep: Keep::Never, ..message }).await;
    let log = eventually("the activation", async || world.invoker.live_logs(id, &namespace, 0)).await;
    assert_eq!(lines(log).await.len(), 2);
    world.answer().await;
    eventually("an end of it", async || world.invoker.live_logs(id, &namespace, 0).is_none().then_some(()))
        .await;
    assert!(world.invoker.live_logs(ActivationId::from_bits(7), &namespace, 0).is_none());
}

#[tokio::test]
async fn who_waits_for_what_cannot_run_hears_of_the_end() {
    let failing = |_: &_| Outcome {
        after: Duration::from_millis(50),
        result: Err(ContainerError::Unsupported("no such image".into())),
    };
    let mut world = World::scripted(Script::default().on_create(failing)).await;
    let action = world.action("hello");
    let message = world.message(&action, "{}").await;
    let namespace = world.caller.namespace.clone();
    let id = world.publish(message).await;
    let log = eventually("the activation", async || world.invoker.live_logs(id, &namespace, 0)).await;
    assert!(lines(log).await.is_empty());
    world.answer().await;
}
