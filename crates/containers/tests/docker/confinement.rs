//! What a container sees of its own limits, looked at from inside.

use std::num::NonZeroU32;

use serde_json::json;
use whirl_containers::docker::{DockerOptions, ReadOnlyRoot};
use whirl_containers::factory::{ContainerFactory as _, ContainerState};

use crate::support::{self, Action, READ, WRITE};

const LOOK: &str = r#"
import resource
def main(args):
    status = dict(line.split(":\t", 1) for line in read("/proc/self/status").splitlines())
    group = "/sys/fs/cgroup"
    return {
        "capabilities": sorted({status[name].strip() for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}),
        "no_new_privileges": status["NoNewPrivs"].strip(),
        "user": os.getuid(),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "processes": read(group + "/pids/pids.max", group + "/pids.max").strip(),
        "memory": read(group + "/memory/memory.limit_in_bytes", group + "/memory.max").strip(),
        "api_host": os.environ.get("__OW_API_HOST"),
        "ipv6": [line.split()[-1] for line in (read("/proc/net/if_inet6") or "").splitlines()],
    }
"#;

const HOARD: &str = r#"
def main(args):
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))
"#;

#[tokio::test]
async fn a_container_has_no_rights_and_tight_limits() {
    let Some(factory) = support::factory(DockerOptions {
        processes: NonZeroU32::new(512).unwrap(),
        ..DockerOptions::new("test-confine")
    })
    .await
    else {
        return;
    };
    let mut spec = support::spec("whirl-test-confine", support::python());
    spec.env.insert("__OW_API_HOST".to_owned(), "http://api".to_owned());
    let action = Action::start_as(&factory, &spec, &format!("{READ}{LOOK}")).await;
    let seen = action.run(json!({})).await;
    assert_eq!(seen["capabilities"], json!(["0000000000000000"]));
    assert_eq!(seen["no_new_privileges"], "1");
    assert_ne!(seen["user"], 0);
    assert_eq!(seen["files"], json!([1024, 1024]));
    assert_eq!(seen["processes"], "512");
    assert_eq!(seen["memory"], (256_u64 << 20).to_string());
    assert_eq!(seen["api_host"], "http://api");
    // No address but loopback's, so nothing passes by the firewall of IPv4.
    assert!(seen["ipv6"].as_array().unwrap().iter().all(|interface| interface == "lo"), "{seen}");
    factory.destroy(&action.name).await.unwrap();
    factory.close().await.unwrap();
}

#[tokio::test]
async fn a_read_only_root_leaves_a_small_tmp() {
    let options = DockerOptions {
        read_only_root: Some(ReadOnlyRoot { tmp_mebibytes: NonZeroU32::new(16).unwrap() }),
        ..DockerOptions::new("test-readonly")
    };
    let Some(factory) = support::factory(options).await else { return };
    let action = Action::start(&factory, "whirl-test-readonly", WRITE).await;
    for (path, mebibytes, failure) in
        [("/tmp/x", 8, None), ("/tmp/x", 64, Some("No space left")), ("/var/x", 1, Some("Read-only"))]
    {
        let seen = action.run(json!({"path": path, "mebibytes": mebibytes})).await;
        let failed = seen["failed"].as_str();
        assert_eq!(failed.is_some(), failure.is_some(), "{path}: {seen}");
        assert!(failed.unwrap_or_default().contains(failure.unwrap_or_default()), "{path}: {seen}");
    }
    factory.destroy(&action.name).await.unwrap();
    factory.close().await.unwrap();
}

#[tokio::test]
async fn memory_used_up_is_told_from_other_ends() {
    let Some(factory) = support::factory(DockerOptions::new("test-memory")).await else { return };
    let mut spec = support::spec("whirl-test-memory", support::python());
    spec.memory = 128;
    let action = Action::start_as(&factory, &spec, HOARD).await;
    let body = bytes::Bytes::from_static(b"{\"value\":{}}");
    let limits = whirl_containers::contract::limits(whirl_containers::contract::PATIENCE);
    let exchange = action.client.run(body, limits).await;
    assert!(exchange.elapsed < limits.timeout, "it never ended");
    assert_eq!(factory.state(&action.name).await.unwrap(), ContainerState::OutOfMemory);
    factory.destroy(&action.name).await.unwrap();
    assert_eq!(factory.state(&action.name).await.unwrap(), ContainerState::Ended);
    factory.close().await.unwrap();
}
