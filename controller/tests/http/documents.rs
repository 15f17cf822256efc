//! The operator's documents say what the code does: every setting and every metric, and none besides.

use std::collections::BTreeMap;

use serde_json::Value;
use whirl_controller::ControllerConfig;

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

fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, member)| flatten(&format!("{prefix}.{key}"), member, into));
        }
        leaf => {
            into.insert(prefix.to_owned(), leaf.to_string());
        }
    }
}

#[test]
fn settings_are_documented_with_their_defaults() {
    let mut settings = BTreeMap::new();
    let defaults = serde_json::to_value(ControllerConfig::default()).unwrap();
    flatten("controller", &defaults, &mut settings);
    assert_eq!(rows("configuration.md", "controller."), settings);
}

#[test]
fn metrics_are_documented() {
    let world = World::start();
    let help = world.metrics.described().into_iter().map(|d| (d.name.to_owned(), d.help.to_owned()));
    assert_eq!(rows("metrics.md", "whirl_controller_"), help.collect());
}
