//! What an action can reach and do beyond its own work: next to nothing. Each runtime has a probe that tries it all
//! from inside; the tables here say what has to come of each attempt.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its scenario")]

mod expected;
mod inside;
mod network;

use std::fmt::Write;

use serde_json::Value;

/// What has to come of each attempt of a probe: its name, and the outcomes that are right, separated by `|`.
type Table = [(&'static str, &'static str)];

/// Compares a section of what a probe saw with the tables. Every attempt has to be in one of them, and every line
/// of a table has to have been tried.
#[track_caller]
fn compare(seen: &Value, section: &str, tables: &[&Table]) -> usize {
    let seen = seen[section].as_object().unwrap_or_else(|| panic!("no section {section} in {seen}"));
    let mut wrong = String::new();
    for (name, right) in tables.iter().copied().flatten() {
        match seen.get(*name).and_then(Value::as_str) {
            Some(outcome) if right.split('|').any(|right| right == outcome) => {}
            outcome => writeln!(wrong, "{section}, {name}: {outcome:?}, and not {right}").unwrap(),
        }
    }
    for name in seen.keys() {
        if !tables.iter().copied().flatten().any(|(known, _)| known == name) {
            writeln!(wrong, "{section}, {name}: nothing is expected of it").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    seen.len()
}
