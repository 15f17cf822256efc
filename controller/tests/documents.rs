//! The operator's document says what the code does: every setting of `whirl-controller` and of the servers of a
//! cluster, none besides.

#![cfg(feature = "cluster")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use serde_json::Value;
use whirl_controller::process::ProcessConfig;

/// The rows of all tables in the document whose header begins with `header`: first cell to second cell, without
/// back-ticks.
fn rows(header: &str) -> BTreeMap<String, String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
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
    flatten("", &serde_json::to_value(ProcessConfig::default()).unwrap(), &mut settings);
    let mut documented = rows("whirl-controller key");
    documented.extend(rows("server key"));
    documented.extend(rows("key").into_iter().filter(|(key, _)| key.starts_with("controller.")));
    assert_eq!(documented, settings);
}
