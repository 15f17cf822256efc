//! What the operator's documents say, for tests that hold it against what the code does. It judges nothing, and is
//! in no binary.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

/// The rows of all tables in `docs/DOCUMENT` whose header begins with `header`: first cell to second cell, without
/// back-ticks.
///
/// # Panics
/// When there is no such document.
#[must_use]
pub fn rows(document: &str, header: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
    let text = std::fs::read_to_string(path).expect("the document is there");
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

/// The keys of a configuration, with dots between levels, and their defaults as the documents write them: `–` for
/// none.
///
/// # Panics
/// When the configuration is no JSON.
#[must_use]
pub fn settings<T: Default + Serialize>() -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    flatten("", &serde_json::to_value(T::default()).expect("a configuration is JSON"), &mut settings);
    settings
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
