//! The operator's documents say what the code does: every setting and every metric of the invoker, none besides.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use serde_json::Value;
use whirl_service::Metrics;
use whirl_standalone::StandaloneConfig;

/// The rows of all tables in a document whose header begins with `header`: first cell to second cell, without
/// back-ticks.
fn rows(document: &str, header: &str) -> BTreeMap<String, String> {
    let path = format!("{}/../docs/{document}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut rows = BTreeMap::new();
    let mut wanted = false;
    for line in text.lines() {
        let Some(line) = line.strip_prefix('|') else {
            wanted = false;
            continue;
        };
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('`', "")).collect();
        if wanted && !cells[0].starts_with('-') {
            rows.insert(cells[0].clone(), cells[1].clone());
        }
        wanted |= cells[0] == header;
    }
    rows
}

fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&name, member, into);
            }
        }
        Value::Null => drop(into.insert(prefix.to_owned(), "–".to_owned())),
        Value::String(text) => drop(into.insert(prefix.to_owned(), text.clone())),
        leaf => drop(into.insert(prefix.to_owned(), leaf.to_string())),
    }
}

#[test]
fn settings_are_documented_with_their_defaults() {
    let mut settings = BTreeMap::new();
    flatten("", &serde_json::to_value(StandaloneConfig::default()).unwrap(), &mut settings);
    assert_eq!(rows("configuration.md", "key"), settings);
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
