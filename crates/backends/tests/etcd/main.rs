//! The coordination on a real etcd: the contract, and what happens while etcd is away, frozen or strict.
//!
//! The contract runs on what `WHIRL_TEST_ETCD_ENDPOINTS` names; all else, and the contract where that is unset,
//! on an etcd that the tests start themselves, from `WHIRL_TEST_ETCD_BINARY` or the search path. Without either
//! they say that they skip themselves; with `WHIRL_TEST_SERVERS=1` they fail.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod access;
mod outages;
mod server;

use etcd_client::{Client, DeleteOptions, GetOptions};
use server::{Etcd, connected, new_cluster};
use whirl_backends::EtcdConfig;
use whirl_backends::contract;
use whirl_backends::contract::coordination::{Sight, report};
use whirl_backends::coordination::ClusterEvent;
use whirl_model::{Epoch, InvokerId};

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    let named = std::env::var("WHIRL_TEST_ETCD_ENDPOINTS").ok();
    let own = if named.is_some() { None } else { Etcd::start().await };
    let Some(endpoints) = named.or_else(|| own.as_ref().map(|own| own.config().endpoints)) else { return };
    let client = Client::connect(endpoints.split(',').collect::<Vec<_>>(), None).await.unwrap();
    let config = EtcdConfig { endpoints, ..EtcdConfig::default() };
    let cluster = new_cluster();
    contract::coordination::run(&connected(&config, &cluster).await, async |epoch| {
        revoke(&client, epoch).await;
    })
    .await;
    let everything = DeleteOptions::new().with_prefix();
    client.kv_client().delete(format!("/whirl/{cluster}/"), Some(everything)).await.unwrap();
}

/// Ends the lease of the record of this epoch.
async fn revoke(client: &Client, epoch: Epoch) {
    let revision = epoch.0.cast_signed();
    let of_this_life =
        GetOptions::new().with_prefix().with_min_create_revision(revision).with_max_create_revision(revision);
    let found = client.kv_client().get("/whirl/", Some(of_this_life)).await.unwrap();
    client.lease_client().revoke(found.kvs()[0].lease()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_wrote_there_does_no_harm() {
    let Some(etcd) = Etcd::start().await else { return };
    let cluster = new_cluster();
    let coordination = connected(&etcd.config(), &cluster).await;
    let mut client = etcd.client().await;
    for (key, value) in [("invokers/x", "{}"), ("invokers/0", "?"), ("controllers/0", ""), ("ids/x", "?")] {
        client.put(format!("/whirl/{cluster}/{key}"), value, None).await.unwrap();
    }
    let mut sight = Sight::of(&coordination);
    sight.until_current().await;
    let id = coordination.invoker_number("invoker").await.unwrap();
    assert_eq!(id, InvokerId(0));
    let taken = coordination.join_invoker(id, &report(1)).await.map(drop).unwrap_err();
    assert!(taken.is_retryable(), "{taken}");

    let invoker = coordination.join_invoker(InvokerId(1), &report(1)).await.unwrap();
    let epoch = invoker.epoch();
    let id = InvokerId(1);
    let joined = ClusterEvent::Invoker { id, epoch, report: report(1).into() };
    assert_eq!(sight.next().await, joined, "and nothing of the others");
    client.put(format!("/whirl/{cluster}/invokers/1"), "?", None).await.unwrap();
    invoker.report(&report(2)).await.unwrap();
    assert_eq!(sight.next().await, ClusterEvent::Invoker { id, epoch, report: report(2).into() });
}
