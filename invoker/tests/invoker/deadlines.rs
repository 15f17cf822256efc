//! Activations whose time is over before a container is free for them.

use std::time::{Duration, SystemTime};

use whirl_containers::scripted::{Script, ScriptedReply};
use whirl_invoker::InvokerConfig;
use whirl_model::{ActivationMessage, Outcome, Timestamp};

use crate::failures::copy_of;
use crate::world::{Setting, World, annotation, eventually, result};

fn now() -> Timestamp {
    Timestamp::from_system(SystemTime::now())
}

#[tokio::test]
async fn an_activation_whose_time_is_over_is_recorded_and_not_run() {
    let mut world = World::scripted(Script::default()).await;
    let action = world.action("late");
    let message = world.message(&action, "{}").await;
    let arrived = now().minus(Duration::from_secs(301));
    let id = world.publish(ActivationMessage { arrived, ..message }).await;
    let record = world.answer().await;
    assert_eq!((record.activation_id, record.response.outcome), (id, Outcome::InternalError));
    let text = "The action was not run: no container was free for it within 300 seconds.";
    assert!(result(&record).contains(text), "{}", result(&record));
    assert_eq!(annotation(&record, "receipt"), None);
    assert_eq!(world.stored(id).await.response, record.response);
    assert_eq!(world.counts()[2], 0);
    assert!(world.metrics.render().contains("whirl_invoker_expired_total 1"));
}

#[tokio::test]
async fn what_was_waited_before_a_restart_counts() {
    let world = World::scripted(Script::default()).await;
    world.factory.hang("it hangs");
    let action = world.action("waiting");
    let message = world.message(&action, "{}").await;
    let arrived = now().minus(Duration::from_secs(60));
    let id = world.publish(ActivationMessage { arrived, ..message }).await;
    eventually("the attempt", async || (world.counts()[0] == 1).then_some(())).await;
    let (namespace, folder) = (world.caller.namespace.clone(), world.folder());
    // The tasks of the old world go with it, as those of a killed process would.
    drop(world);
    let config = InvokerConfig { queue_seconds: 30, ..Setting::default().config };
    let folder = copy_of(folder.path()).into();
    let next = World::start(Setting { config, folder, ..Setting::default() }).await;
    let stored = async || next.stores.activations.get(&namespace, id).await.ok();
    let record = eventually("the record", stored).await;
    assert!(result(&record).contains("no container was free for it within 30 seconds"), "{record:?}");
    assert_eq!(next.counts()[2], 0);
}

#[tokio::test]
async fn a_clock_that_is_ahead_does_no_harm() {
    let mut world = World::scripted(Script::default()).await;
    let action = world.action("early");
    let message = world.message(&action, "{}").await;
    let arrived = now().plus(Duration::from_secs(3600));
    world.publish(ActivationMessage { arrived, ..message }).await;
    assert_eq!(world.answer().await.response.outcome, Outcome::Success);
}

#[tokio::test]
async fn one_that_waits_for_room_ends_when_its_time_is_over_and_harms_nobody() {
    let config = InvokerConfig { memory: 256, queue_seconds: 1, ..Setting::default().config };
    let script = Script::default().on_run(|_| ScriptedReply::ok("{}").after(Duration::from_secs(3)));
    let mut world = World::start(Setting { script, config, ..Setting::default() }).await;
    let (long, other) = (world.action("long"), world.action("other"));
    let message = world.message(&long, "{}").await;
    let running = world.publish(message).await;
    eventually("the run", async || (world.counts()[2] == 1).then_some(())).await;
    let message = world.message(&other, "{}").await;
    let waiting = world.publish(message).await;
    let acknowledgement = world.acknowledgement().await;
    assert!(!acknowledgement.internal_error, "who is busy is not sick");
    let expired = acknowledgement.record.clone().unwrap();
    assert_eq!((expired.activation_id, expired.response.outcome), (waiting, Outcome::InternalError));
    assert!(result(&expired).contains("within 1 seconds"), "{}", result(&expired));
    let ended = world.answer().await;
    assert_eq!((ended.activation_id, ended.response.outcome), (running, Outcome::Success));
}
