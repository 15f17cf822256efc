//! The operator's document says what the code does: every setting of `whirl-invoker`, none besides.

#![cfg(feature = "cluster")]

use whirl_invoker::process::ProcessConfig;
use whirl_service::documentation::{rows, settings};

#[test]
fn settings_are_documented_with_their_defaults() {
    let mut settings = settings::<ProcessConfig>();
    // The servers' sections are the same in every process of a cluster.
    settings.retain(|key, _| !["couchdb.", "kafka.", "etcd."].iter().any(|server| key.starts_with(server)));
    let mut documented = rows("configuration.md", "whirl-invoker key");
    for (key, default) in rows("configuration.md", "key") {
        let here = key.strip_prefix("controller.").filter(|key| key.starts_with("limits."));
        let here =
            here.or(Some(&*key).filter(|key| key.starts_with("docker.") || key.starts_with("invoker.")));
        documented.extend(here.map(|key| (key.to_owned(), default)));
    }
    assert_eq!(documented, settings);
}
