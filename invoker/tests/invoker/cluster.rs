//! The invoker as a member of a cluster: what it reports, and what becomes of it when its lease ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use whirl_backends::contract;
use whirl_backends::coordination::in_process::InProcessCoordination;
use whirl_backends::coordination::{ClusterEvent, Coordination, Watcher, Watching};
use whirl_containers::factory::ContainerError;
use whirl_containers::scripted::{Outcome as Step, Script, ScriptedReply};
use whirl_model::health::placement_hash;
use whirl_model::{Epoch, InvokerId, InvokerReport, Outcome, Position, Willingness};

use crate::world::{Setting, World, eventually, result};

const NUMBER: InvokerId = InvokerId(0);

/// What a controller sees of the cluster.
struct Sight {
    events: Arc<Mutex<Vec<ClusterEvent>>>,
    _watching: Box<dyn Watching>,
}

struct Eye(Arc<Mutex<Vec<ClusterEvent>>>);

impl Watcher for Eye {
    fn event(&self, event: ClusterEvent) {
        self.0.lock().push(event);
    }
}

impl Sight {
    fn of(cluster: &InProcessCoordination) -> Self {
        let events = Arc::new(Mutex::default());
        let _watching = cluster.watch(Arc::new(Eye(Arc::clone(&events))));
        Self { events, _watching }
    }

    fn reports(&self) -> Vec<(Epoch, Arc<InvokerReport>)> {
        let events = self.events.lock();
        let report = |event: &ClusterEvent| match event {
            ClusterEvent::Invoker { epoch, report, .. } => Some((*epoch, Arc::clone(report))),
            _ => None,
        };
        events.iter().filter_map(report).collect()
    }

    /// The last report, once it is like this.
    async fn until(&self, what: &str, like: impl Fn(&InvokerReport) -> bool) -> (Epoch, Arc<InvokerReport>) {
        eventually(what, async || self.reports().pop().filter(|(_, report)| like(report))).await
    }

    fn gone(&self) -> Vec<Epoch> {
        let events = self.events.lock();
        let gone = |event: &ClusterEvent| match event {
            ClusterEvent::InvokerGone { epoch, .. } => Some(*epoch),
            _ => None,
        };
        events.iter().filter_map(gone).collect()
    }
}

fn cluster() -> (Arc<InProcessCoordination>, Sight) {
    let cluster = Arc::new(InProcessCoordination::default());
    let sight = Sight::of(&cluster);
    (cluster, sight)
}

fn is_up(report: &InvokerReport) -> bool {
    report.status == Willingness::Up
}

fn slow() -> Script {
    Script::default().on_run(|_| ScriptedReply::ok("{}").after(Duration::from_secs(1)))
}

#[tokio::test]
async fn reports_follow_the_pool_and_acknowledgements_tell_which_count_them() {
    let (cluster, sight) = cluster();
    let mut world =
        World::start(Setting { script: slow(), cluster: Some(cluster), ..Setting::default() }).await;
    let (epoch, idle) = sight.until("the first report", is_up).await;
    assert_eq!((idle.name.as_str(), &idle.tags), ("host-a", &vec!["gpu".to_owned()]));
    assert_eq!((idle.memory_total, idle.memory_free, idle.taken), (2048, 2048, Position(0)));
    assert_eq!(
        sight.reports()[0].1.status,
        Willingness::Unhealthy,
        "nothing is sent before it knows its epoch"
    );

    let action = world.action("slow");
    let message = world.message(&action, "{}").await;
    let place = placement_hash(&message.caller.namespace, &action.doc_id());
    world.publish(message).await;
    let (_, busy) = sight.until("a report of the run", |r| r.taken == Position(1)).await;
    assert_eq!(busy.memory_free, 2048 - action.limits.memory);

    let acknowledgement = world.acknowledgement().await;
    let (_, after) = sight.until("a report of its end", |r| r.memory_free == 2048).await;
    assert_eq!(acknowledgement.epoch, epoch);
    assert!((busy.serial..after.serial).contains(&acknowledgement.report), "{acknowledgement:?}");
    assert_eq!(after.warm, [place]);
}

#[tokio::test]
async fn an_activation_for_another_life_is_not_run_and_has_a_record() {
    let (cluster, _sight) = cluster();
    let mut world = World::start(Setting { cluster: Some(cluster), ..Setting::default() }).await;
    let action = world.action("hello");
    let mut message = world.message(&action, "{}").await;
    message.epoch = Epoch(message.epoch.0 - 1);
    let id = world.publish(message).await;
    let record = world.answer().await;
    assert_eq!((record.activation_id, record.response.outcome), (id, Outcome::InternalError));
    assert!(result(&record).contains("it was not run again"), "{}", result(&record));
    assert_eq!(world.stored(id).await.response, record.response);
    assert_eq!(world.counts()[2], 0);
    assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::Success);
}

#[tokio::test]
async fn an_invoker_that_lost_its_lease_begins_a_new_life_and_finishes_what_it_had() {
    let (cluster, sight) = cluster();
    let setting = Setting { script: slow(), cluster: Some(Arc::clone(&cluster)), ..Setting::default() };
    let mut world = World::start(setting).await;
    let (first, _) = sight.until("the first report", is_up).await;
    let action = world.action("slow");
    let message = world.message(&action, "{}").await;
    let id = world.publish(message.clone()).await;
    eventually("the run", async || (world.counts()[2] == 1).then_some(())).await;
    cluster.expire_invoker(NUMBER);

    let reports = async || {
        let (epoch, report) = sight.reports().pop()?;
        (epoch > first && is_up(&report)).then_some(epoch)
    };
    let second = eventually("a report of the new life", reports).await;
    assert_eq!((world.invoker.status().epoch, sight.gone().as_slice()), (second, [first].as_slice()));
    let old = world.acknowledgement().await;
    assert_eq!((old.activation_id, old.epoch, old.internal_error), (id, first, false));
    assert_eq!(world.stored(id).await.response.outcome, Outcome::Success);

    let late = whirl_model::ActivationMessage { activation_id: contract::new_activation_id(), ..message };
    world.publish(late).await;
    assert_eq!(world.answer().await.response.outcome, Outcome::InternalError);
    world.invoke(&action, "{}").await;
    assert_eq!(world.counts()[2], 2);
}

#[tokio::test]
async fn a_drain_is_told_takes_what_still_comes_and_leaves() {
    let (cluster, sight) = cluster();
    let mut world =
        World::start(Setting { script: slow(), cluster: Some(cluster), ..Setting::default() }).await;
    let action = world.action("slow");
    let (first, late) = (world.message(&action, "{}").await, world.message(&action, "{}").await);
    let mut ids = vec![world.publish(first).await];
    let invoker = world.invoker.clone();
    let drain = tokio::spawn(async move { invoker.drain(Duration::from_secs(20)).await });
    let draining = |r: &InvokerReport| r.status == Willingness::Draining;
    let (epoch, _) = sight.until("word of the drain", draining).await;
    // Sent before the word came through.
    ids.push(world.publish(late).await);
    assert!(drain.await.unwrap().unwrap());
    let mut answered = vec![world.answer().await.activation_id, world.answer().await.activation_id];
    answered.sort_by_key(|id| ids.iter().position(|other| other == id));
    assert_eq!(answered, ids);
    let whole_ids: Vec<_> = ids.iter().map(|id| (world.caller.namespace.clone(), *id)).collect();
    assert_eq!(world.stores.activations.existing(&whole_ids).await.unwrap(), ids);
    assert!(world.factory.containers().is_empty());
    assert_eq!(sight.gone(), [epoch]);
}

#[tokio::test]
async fn an_invoker_whose_containers_do_not_start_says_so_and_recovers_by_itself() {
    let (cluster, sight) = cluster();
    let broken = Arc::new(AtomicBool::new(true));
    let engine = Arc::clone(&broken);
    let script = Script::default().on_create(move |spec| {
        if !engine.load(Ordering::SeqCst) {
            return Step::default();
        }
        let source = std::io::Error::other("no space left").into();
        Step::fails(ContainerError::Engine { operation: "create", name: spec.name.clone(), source })
    });
    let mut world = World::start(Setting { script, cluster: Some(cluster), ..Setting::default() }).await;
    let action = world.action("hello");
    for _ in 0..3 {
        assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::InternalError);
    }
    let sick = |r: &InvokerReport| r.reason.as_ref().is_some_and(|reason| reason.contains("no space left"));
    let (_, report) = sight.until("word of the failures", sick).await;
    assert_eq!(report.status, Willingness::Unhealthy);
    broken.store(false, Ordering::SeqCst);
    sight.until("word of the recovery", is_up).await;
    assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::Success);
}

#[tokio::test]
async fn an_invoker_whose_engine_hangs_says_so_at_once_and_recovers_by_itself() {
    let (cluster, sight) = cluster();
    let world = World::start(Setting { cluster: Some(cluster), ..Setting::default() }).await;
    sight.until("the first report", is_up).await;
    world.factory.hang("it hangs");
    let sick = |r: &InvokerReport| r.reason.as_deref() == Some("it hangs");
    let (_, report) = sight.until("word of the hang", sick).await;
    assert_eq!(report.status, Willingness::Unhealthy);
    world.factory.recover();
    sight.until("word of the recovery", is_up).await;
    assert_eq!(world.counts()[0], 0, "without having tried");
}

#[tokio::test]
async fn work_goes_on_while_the_cluster_is_out_of_sight() {
    let (cluster, sight) = cluster();
    let setting = Setting { cluster: Some(Arc::clone(&cluster)), ..Setting::default() };
    let mut world = World::start(setting).await;
    let (epoch, _) = sight.until("the first report", is_up).await;
    cluster.go_away("the network is down");
    let action = world.action("hello");
    assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::Success);
    let reason = eventually("the reason", async || world.readiness.reasons().remove("coordination")).await;
    assert!(reason.contains("the network is down"), "{reason}");
    cluster.come_back();
    let (same, _) = sight.until("a report of the run", |r| r.taken == Position(1)).await;
    assert_eq!(same, epoch);
    eventually("readiness", async || world.readiness.reasons().is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_number_that_another_process_holds_is_waited_for() {
    let (cluster, sight) = cluster();
    let other = cluster.join_invoker(NUMBER, &contract::coordination::report(1)).await.unwrap();
    let setting = Setting { cluster: Some(Arc::clone(&cluster)), ..Setting::default() };
    let mut starting = std::pin::pin!(World::start(setting));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut starting).await;
    assert!(early.is_err(), "it must not start while another one lives");
    other.leave().await.unwrap();
    let world = starting.await;
    let (epoch, _) = sight.until("the first report", |r| r.name == "host-a" && is_up(r)).await;
    assert_eq!(world.invoker.status().epoch, epoch);
}
