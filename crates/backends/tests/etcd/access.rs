//! Whom etcd lets in, and how a wrong address differs from a wrong password.

use etcd_client::Permission;
use futures::FutureExt;
use whirl_backends::contract::coordination::{Sight, report};
use whirl_backends::coordination::{ClusterEvent, CoordinationError};
use whirl_backends::{EtcdConfig, EtcdCoordination};
use whirl_model::InvokerId;

use crate::server::{Etcd, connected, free_ports, refusal, until_ok};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_is_not_a_wrong_password() {
    let [nobody] = free_ports();
    let config = EtcdConfig { endpoints: format!("http://127.0.0.1:{nobody}"), ..EtcdConfig::default() };
    for config in [
        config.clone(),
        EtcdConfig { user: Some("whirl".to_owned()), password: Some("right".to_owned()), ..config },
    ] {
        let refusal = refusal(&config).await;
        assert!(matches!(refusal, CoordinationError::Unavailable { .. }), "{refusal:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_server_among_several_does_no_harm() {
    let Some(etcd) = Etcd::start().await else { return };
    let [nobody] = free_ports();
    let endpoints = format!("http://127.0.0.1:{nobody},{}", etcd.config().endpoints);
    let config = EtcdConfig { endpoints, ..EtcdConfig::default() };
    let invoker = connected(&config, "test").await.join_invoker(InvokerId(1), &report(1)).await.unwrap();
    for serial in 2..20 {
        invoker.report(&report(serial)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_has_to_be_right() {
    let Some(mut etcd) = Etcd::start().await else { return };
    let anybody = etcd.config();
    let somebody = |user: &str, password: &str| EtcdConfig {
        user: Some(user.to_owned()),
        password: Some(password.to_owned()),
        ..anybody.clone()
    };
    let uncalled_for = refusal(&somebody("whirl", "right")).await;
    assert!(matches!(uncalled_for, CoordinationError::Refused { .. }), "{uncalled_for:?}");

    ask_for_passwords(&etcd).await;
    for config in [somebody("whirl", "wrong"), somebody("nobody", "right"), anybody.clone()] {
        let refusal = refusal(&config).await;
        assert!(matches!(refusal, CoordinationError::Refused { .. }), "{refusal:?}");
    }
    // It takes etcd its time to check a password; the lease is to outlive that.
    let right = EtcdConfig { lease_seconds: 9, ..somebody("whirl", "right") };
    let invoker = connected(&right, "test").await.join_invoker(InvokerId(1), &report(1)).await.unwrap();
    invoker.report(&report(2)).await.unwrap();
    assert!(invoker.claim("name").await.unwrap());
    let elsewhere = EtcdCoordination::connect(&right, "other").await.map(drop).unwrap_err();
    assert!(matches!(elsewhere, CoordinationError::Refused { .. }), "{elsewhere:?}");

    // After a restart etcd has forgotten who had shown the password, but not the lease.
    let coordination = connected(&right, "test").await;
    etcd.kill();
    etcd.start_again();
    etcd.until_it_answers(&right).await;
    let mut sight = Sight::of(&coordination);
    sight.until(|event| matches!(event, ClusterEvent::Invoker { .. })).await;
    until_ok(async || invoker.report(&report(3)).await).await;
    assert_eq!(invoker.lost().now_or_never(), None);
    invoker.leave().await.unwrap();
}

/// Lets `whirl` do what it likes to the cluster `test`, and nobody anything without a password.
async fn ask_for_passwords(etcd: &Etcd) {
    let mut client = etcd.client().await;
    client.user_add("root", "root", None).await.unwrap();
    client.role_add("root").await.unwrap();
    client.user_grant_role("root", "root").await.unwrap();
    client.user_add("whirl", "right", None).await.unwrap();
    client.role_add("whirl").await.unwrap();
    let permission = Permission::read_write("/whirl/test/").with_prefix();
    client.role_grant_permission("whirl", permission).await.unwrap();
    client.user_grant_role("whirl", "whirl").await.unwrap();
    client.auth_enable().await.unwrap();
}
