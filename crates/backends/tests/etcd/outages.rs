//! Etcd away: killed, frozen, or cut off, for less than a lease and for more.

use std::time::Duration;

use etcd_client::Client;
use futures::FutureExt;
use whirl_backends::EtcdConfig;
use whirl_backends::contract::coordination::{Sight, controller, report};
use whirl_backends::coordination::{ClusterEvent, CoordinationError};
use whirl_model::InvokerId;

use crate::server::{Etcd, connected, new_cluster, until_ok};

const ID: InvokerId = InvokerId(3);

fn is_stale(event: &ClusterEvent) -> bool {
    matches!(event, ClusterEvent::Stale { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_etcd_loses_nobody() {
    let Some(mut etcd) = Etcd::start().await else { return };
    let coordination = connected(&etcd.config(), &new_cluster()).await;
    let mut sight = Sight::of(&coordination);
    let invoker = coordination.join_invoker(ID, &report(1)).await.unwrap();
    let (_, membership) = coordination.join_controller(&controller()).await.unwrap();
    assert!(invoker.claim("name").await.unwrap());
    sight.until(|event| matches!(event, ClusterEvent::Controller { .. })).await;

    etcd.kill();
    assert!(matches!(sight.next().await, ClusterEvent::Stale { .. }));
    let unreachable = invoker.report(&report(2)).await.unwrap_err();
    assert!(matches!(unreachable, CoordinationError::Unavailable { .. }), "{unreachable:?}");
    etcd.start_again();
    assert_eq!(sight.next().await, ClusterEvent::Current, "nothing has changed");

    until_ok(async || invoker.report(&report(2)).await).await;
    let epoch = invoker.epoch();
    assert_eq!(sight.next().await, ClusterEvent::Invoker { id: ID, epoch, report: report(2).into() });
    let taken = coordination.join_invoker(ID, &report(1)).await.map(drop).unwrap_err();
    assert!(matches!(taken, CoordinationError::Taken(_)), "{taken:?}");
    assert!(!membership.claim("name").await.unwrap());
    for still_there in [invoker.lost().now_or_never(), membership.lost().now_or_never()] {
        assert_eq!(still_there, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_etcd_is_noticed_and_loses_nobody() {
    let Some(etcd) = Etcd::start().await else { return };
    let cluster = new_cluster();
    let patient = EtcdConfig { lease_seconds: 9, ..etcd.config() };
    let invoker = connected(&patient, &cluster).await.join_invoker(ID, &report(1)).await.unwrap();
    let mut sight = Sight::of(&connected(&etcd.config(), &cluster).await);
    sight.until_current().await;

    etcd.freeze();
    sight.until(is_stale).await;
    // Longer than a renewal interval, shorter than what is left of the lease.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(invoker.lost().now_or_never(), None);
    etcd.thaw();
    assert_eq!(sight.until_current().await, [ClusterEvent::Current], "nothing has changed");
    until_ok(async || invoker.report(&report(2)).await).await;
    let epoch = invoker.epoch();
    assert_eq!(sight.next().await, ClusterEvent::Invoker { id: ID, epoch, report: report(2).into() });
    assert_eq!(invoker.lost().now_or_never(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_cut_off_learns_what_it_missed() {
    let Some(etcd) = Etcd::start().await else { return };
    let (link, cluster) = (etcd.link().await, new_cluster());
    let (near, far) = (connected(&etcd.config(), &cluster).await, connected(&link.config(), &cluster).await);
    let leaving = near.join_invoker(InvokerId(0), &report(1)).await.unwrap();
    let reborn = near.join_invoker(InvokerId(1), &report(1)).await.unwrap();
    let steady = near.join_invoker(InvokerId(2), &report(1)).await.unwrap();
    let cut_off = far.join_invoker(ID, &report(1)).await.unwrap();
    let (mut near_sight, mut far_sight) = (Sight::of(&near), Sight::of(&far));
    near_sight.until_current().await;
    far_sight.until_current().await;

    link.cut();
    far_sight.until(is_stale).await;
    leaving.leave().await.unwrap();
    reborn.leave().await.unwrap();
    let born_again = near.join_invoker(InvokerId(1), &report(1)).await.unwrap();
    steady.report(&report(2)).await.unwrap();
    steady.report(&report(3)).await.unwrap();
    let cut_off_gone = ClusterEvent::InvokerGone { id: ID, epoch: cut_off.epoch() };
    near_sight.until(|event| *event == cut_off_gone).await;
    assert_eq!(cut_off.lost().now_or_never(), None, "it cannot know");
    forget_the_past(etcd.client().await).await;

    link.mend();
    let (one, two) = (InvokerId(1), InvokerId(2));
    assert_eq!(
        far_sight.until_current().await,
        [
            ClusterEvent::InvokerGone { id: InvokerId(0), epoch: leaving.epoch() },
            cut_off_gone,
            ClusterEvent::InvokerGone { id: one, epoch: reborn.epoch() },
            ClusterEvent::Invoker { id: one, epoch: born_again.epoch(), report: report(1).into() },
            ClusterEvent::Invoker { id: two, epoch: steady.epoch(), report: report(3).into() },
            ClusterEvent::Current,
        ]
    );
    tokio::time::timeout(Duration::from_secs(30), cut_off.lost()).await.expect("it is told");
    let rejoined = until_ok(async || far.join_invoker(ID, &report(1)).await).await;
    assert!(rejoined.epoch() > cut_off.epoch());
}

/// Has etcd forget all history before now.
async fn forget_the_past(mut client: Client) {
    let now = client.get("/", None).await.unwrap().header().unwrap().revision();
    client.compact(now, None).await.unwrap();
}
