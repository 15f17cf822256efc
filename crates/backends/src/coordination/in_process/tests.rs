//! The coordination in one process: the contract, and what is its own: the thread that watchers are called on,
//! and the faults that tests bring about.

use std::thread::{self, ThreadId};

use futures::FutureExt;

use super::*;
use crate::contract;
use crate::contract::coordination::{Sight, controller, report};
use crate::coordination::ClusterEvent;

#[tokio::test]
async fn keeps_the_contract() {
    let cluster = InProcessCoordination::new();
    let coordination: Arc<dyn Coordination> = cluster.clone();
    contract::coordination::run(&coordination, async |epoch| cluster.expire(epoch)).await;
}

/// Leaves the cluster for whoever it sees joining, from within the event.
struct Inhospitable {
    guest: Mutex<Option<Arc<dyn InvokerMembership>>>,
    seen: Mutex<Vec<(&'static str, ThreadId)>>,
}

impl Watcher for Inhospitable {
    fn event(&self, event: ClusterEvent) {
        let (what, sends_away) = match event {
            ClusterEvent::Invoker { report, .. } => ("seen", report.serial == 2),
            ClusterEvent::InvokerGone { .. } => ("gone", false),
            _ => ("other", false),
        };
        let guest = self.guest.lock().take_if(|_| sends_away);
        drop(guest);
        self.seen.lock().push((what, thread::current().id()));
    }
}

#[tokio::test]
async fn a_watcher_may_cause_events_itself() {
    let cluster = InProcessCoordination::new();
    let watcher = Arc::new(Inhospitable { guest: Mutex::default(), seen: Mutex::default() });
    let _watching = cluster.watch(watcher.clone());
    let guest = cluster.join_invoker(InvokerId(7), &report(1)).await.unwrap();
    *watcher.guest.lock() = Some(guest.clone());
    let held = Arc::downgrade(&guest);
    let report_and_forget = async move { guest.report(&report(2)).await };
    report_and_forget.await.unwrap();
    assert!(held.upgrade().is_none());
    let here = thread::current().id();
    assert_eq!(*watcher.seen.lock(), ["other", "seen", "seen", "gone"].map(|what| (what, here)));
}

#[tokio::test]
async fn what_was_missed_is_made_up() {
    let cluster = InProcessCoordination::new();
    let coordination: Arc<dyn Coordination> = cluster.clone();
    let mut early = Sight::of(&coordination);
    let (stays, goes) = (InvokerId(1), InvokerId(2));
    let staying = cluster.join_invoker(stays, &report(1)).await.unwrap();
    let going = cluster.join_invoker(goes, &report(1)).await.unwrap();
    assert_eq!(cluster.join_controller(&controller()).await.unwrap().0, ControllerId(0));
    early.until(|event| *event == ClusterEvent::ControllerGone { id: ControllerId(0) }).await;

    cluster.go_away("a test");
    let unreachable = staying.report(&report(2)).await.unwrap_err();
    assert!(unreachable.is_retryable(), "{unreachable}");
    cluster.expire_invoker(goes);
    going.lost().now_or_never().unwrap();
    let mut late = Sight::of(&coordination);
    cluster.come_back();

    let stale = ClusterEvent::Stale { reason: "a test".to_owned() };
    let gone = ClusterEvent::InvokerGone { id: goes, epoch: going.epoch() };
    let epoch = staying.epoch();
    let there = ClusterEvent::Invoker { id: stays, epoch, report: Arc::new(report(1)) };
    for sight in [&mut early, &mut late] {
        assert_eq!(
            sight.until_current().await,
            [stale.clone(), gone.clone(), there.clone(), ClusterEvent::Current]
        );
    }
}
