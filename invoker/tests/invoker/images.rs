//! Images that users name: that they cannot be had or started is nobody else's concern.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use whirl_backends::contract::new_namespace;
use whirl_backends::coordination::in_process::InProcessCoordination;
use whirl_containers::factory::{ContainerError, ContainerImage};
use whirl_containers::scripted::{Call, Outcome as Step, Script, ScriptedReply};
use whirl_invoker::InvokerConfig;
use whirl_model::{Action, Exec, Outcome, Willingness};

use crate::world::{Setting, World, eventually, result};

const ENDLESS: Duration = Duration::from_secs(3600);

/// An action of an image of a user's own.
fn blackbox(world: &World, name: &str) -> Action {
    let image = format!("mallory/{name}:1").parse().unwrap();
    Action { exec: Exec::Blackbox { image, code: None, main: None }, ..world.action(name) }
}

/// Images whose names begin like this never come.
fn hanging() -> Script {
    Script::default().on_provide(|image| {
        let hangs = image.to_string().starts_with("mallory/slow");
        Step::after(if hangs { ENDLESS } else { Duration::ZERO })
    })
}

fn provided(world: &World) -> usize {
    world.factory.calls().iter().filter(|call| matches!(call, Call::Provide(_))).count()
}

/// How many containers were made of the platform's images.
fn of_platform(world: &World) -> usize {
    let is_such = |call: &&Call| matches!(call, Call::Create(name) if name.as_str().ends_with("nodejs-20"));
    world.factory.calls().iter().filter(is_such).count()
}

async fn publish(world: &World, action: &Action) {
    let message = world.message(action, "{}").await;
    world.publish(message).await;
}

#[tokio::test]
async fn an_image_that_the_engine_does_not_start_is_no_reason_for_a_complaint() {
    let script = Script::default().on_create(|spec| match &spec.image {
        ContainerImage::User { .. } => {
            let (operation, name) = ("start", spec.name.clone());
            Step::fails(ContainerError::Engine { operation, name, source: "it refuses".into() })
        }
        ContainerImage::Runtime { .. } => Step::default(),
    });
    let cluster = Some(Arc::new(InProcessCoordination::default()));
    let mut world = World::start(Setting { script, cluster, ..Setting::default() }).await;
    let (good, bad) = (world.action("good"), blackbox(&world, "bad"));
    world.invoke(&good, "{}").await;
    for _ in 0..5 {
        publish(&world, &bad).await;
        let acknowledgement = world.acknowledgement().await;
        assert!(!acknowledgement.internal_error);
        let record = acknowledgement.record.clone().unwrap();
        assert_eq!(record.response.outcome, Outcome::DeveloperError);
        let text = r#"{"error":"The container of image 'mallory/bad:1' cannot be started."}"#;
        assert_eq!(result(&record), text);
    }
    // It may have been the host, though: that is found out by an image of the platform's.
    eventually("the probe", async || (of_platform(&world) > 1).then_some(())).await;
    assert_eq!(world.invoker.status().willingness, Willingness::Up);
    assert_eq!(world.invoke(&good, "{}").await.response.outcome, Outcome::Success);
}

#[tokio::test]
async fn a_fault_of_the_host_is_found_out_though_only_users_images_are_started() {
    let broken = Arc::new(AtomicBool::new(false));
    let engine = Arc::clone(&broken);
    let script = Script::default().on_create(move |spec| match engine.load(Ordering::SeqCst) {
        false => Step::default(),
        true => {
            let (operation, name) = ("start", spec.name.clone());
            Step::fails(ContainerError::Engine { operation, name, source: "no space left".into() })
        }
    });
    let cluster = Some(Arc::new(InProcessCoordination::default()));
    let mut world = World::start(Setting { script, cluster, ..Setting::default() }).await;
    world.invoke(&world.action("good"), "{}").await;
    broken.store(true, Ordering::SeqCst);
    let bad = blackbox(&world, "bad");
    assert_eq!(world.invoke(&bad, "{}").await.response.outcome, Outcome::DeveloperError);
    let told = async || world.invoker.status().reason.filter(|reason| reason.contains("no space left"));
    eventually("word of it", told).await;
    broken.store(false, Ordering::SeqCst);
    let mended = async || (world.invoker.status().willingness == Willingness::Up).then_some(());
    eventually("word of its end", mended).await;
    assert_eq!(world.invoke(&bad, "{}").await.response.outcome, Outcome::Success);
}

#[tokio::test]
async fn containers_that_take_nothing_are_the_developers_error_if_the_image_is() {
    let script = Script::default().on_run(|_| ScriptedReply::new(503, "").silent());
    let mut world = World::scripted(script).await;
    let record = world.invoke(&blackbox(&world, "idle"), "{}").await;
    assert_eq!(record.response.outcome, Outcome::DeveloperError);
    assert!(result(&record).contains("'mallory/idle:1' did not take the activation"), "{}", result(&record));
}

#[tokio::test]
async fn an_image_that_does_not_come_takes_no_room_and_ends_who_waits_for_it_in_time() {
    let config = InvokerConfig { memory: 256, queue_seconds: 3, ..Setting::default().config };
    let mut world = World::start(Setting { script: hanging(), config, ..Setting::default() }).await;
    let slow = blackbox(&world, "slow");
    publish(&world, &slow).await;
    eventually("the pull", async || (provided(&world) == 1).then_some(())).await;
    assert_eq!(world.invoker.status().pool.memory_used, 0);
    let record = world.invoke(&world.action("good"), "{}").await;
    assert_eq!(record.response.outcome, Outcome::Success);
    let acknowledgement = world.acknowledgement().await;
    assert!(!acknowledgement.internal_error);
    let record = acknowledgement.record.clone().unwrap();
    assert_eq!(record.response.outcome, Outcome::DeveloperError);
    let text = r#"{"error":"Failed to pull container image 'mallory/slow:1' within 3 seconds."}"#;
    assert_eq!(result(&record), text);
    assert_eq!(world.stored(record.activation_id).await.response, record.response);
    assert!(world.metrics.render().contains("whirl_invoker_expired_total 1"));
    assert_eq!(world.counts()[0], 1, "nothing was started for it");
}

#[tokio::test]
async fn a_namespace_has_two_images_brought_at_once_each_for_all_who_want_it() {
    let mut world = World::scripted(hanging()).await;
    for name in ["slow-1", "slow-1", "slow-2", "slow-3"] {
        publish(&world, &blackbox(&world, name)).await;
    }
    eventually("all of them", async || (world.invoker.status().pool.waiting == 4).then_some(())).await;
    // Another namespace is not kept waiting by these; its turn comes after theirs.
    world.caller.namespace = new_namespace();
    let other = world.invoke(&blackbox(&world, "good"), "{}").await;
    assert_eq!(other.response.outcome, Outcome::Success);
    assert_eq!(provided(&world), 3, "{:?}", world.factory.calls());
}

#[tokio::test]
async fn a_warm_container_is_used_without_asking_for_its_image() {
    let mut world = World::scripted(Script::default()).await;
    let action = blackbox(&world, "good");
    for _ in 0..3 {
        assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::Success);
    }
    assert_eq!((provided(&world), world.counts()[0]), (1, 1));
}

#[tokio::test]
async fn an_image_is_asked_for_again_once_the_engine_works() {
    let mut world = World::scripted(Script::default()).await;
    let action = blackbox(&world, "good");
    world.factory.go_away();
    publish(&world, &action).await;
    eventually("the attempt", async || (provided(&world) == 1).then_some(())).await;
    world.factory.recover();
    assert_eq!(world.answer().await.response.outcome, Outcome::Success);
    assert_eq!(provided(&world), 2);
}

#[tokio::test]
async fn an_image_that_does_not_come_holds_up_no_drain_beyond_its_grace() {
    let world = World::scripted(hanging()).await;
    publish(&world, &blackbox(&world, "slow")).await;
    eventually("the pull", async || (provided(&world) == 1).then_some(())).await;
    assert!(!world.invoker.drain(Duration::from_millis(300)).await.unwrap(), "it was not finished");
}
