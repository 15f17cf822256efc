//! The operator's documents say what the code does: every setting and every metric of the invoker, none besides.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use whirl_service::Metrics;
use whirl_service::documentation::{rows, settings};
use whirl_standalone::StandaloneConfig;

#[test]
fn settings_are_documented_with_their_defaults() {
    assert_eq!(rows("configuration.md", "key"), settings::<StandaloneConfig>());
}

#[test]
fn the_invokers_metrics_are_documented() {
    let metrics = Metrics::new();
    whirl_invoker::register_metrics(&metrics).unwrap();
    let help: BTreeMap<_, _> =
        metrics.described().into_iter().map(|d| (d.name.to_owned(), d.help.to_owned())).collect();
    let mut documented = rows("metrics.md", "name");
    documented.retain(|name, _| name.starts_with("whirl_invoker_"));
    assert_eq!(documented, help);
}
