//! The operator's document says what the code does: every setting of `whirl-controller` and of the servers of a
//! cluster, none besides.

#![cfg(feature = "cluster")]

use whirl_controller::process::ProcessConfig;
use whirl_service::documentation::{rows, settings};

#[test]
fn settings_are_documented_with_their_defaults() {
    let mut documented = rows("configuration.md", "whirl-controller key");
    documented.extend(rows("configuration.md", "server key"));
    let common = rows("configuration.md", "key");
    documented.extend(common.into_iter().filter(|(key, _)| key.starts_with("controller.")));
    assert_eq!(documented, settings::<ProcessConfig>());
}
