//! The operator's document says what the controller counts: every metric, and none besides.

use std::collections::BTreeMap;

use whirl_controller::{ClusterInvokers, MemberConfig};
use whirl_service::Readiness;

use crate::world::World;

/// The rows of all tables in a document whose first cell is code that begins with `prefix`: first cell to
/// second cell, both without back-ticks.
fn rows(document: &str, prefix: &str) -> BTreeMap<String, String> {
    let path = format!("{}/../docs/{document}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let cells = |line: &str| -> Option<(String, String)> {
        let mut cells = line.strip_prefix('|')?.split('|').map(|cell| cell.trim().replace('`', ""));
        Some((cells.next()?, cells.next()?))
    };
    text.lines().filter_map(cells).filter(|(key, _)| key.starts_with(prefix)).collect()
}

#[test]
fn metrics_are_documented() {
    let world = World::start();
    ClusterInvokers::new(&MemberConfig::default(), Readiness::new(), &world.metrics).unwrap();
    let help = world.metrics.described().into_iter().map(|d| (d.name.to_owned(), d.help.to_owned()));
    assert_eq!(rows("metrics.md", "whirl_controller_"), help.collect());
}
