//! Rules.

use super::support::{answer, ok, wsk};

const RULES: &str = "/api/v1/namespaces/_/rules";

#[test]
fn a_rule_names_trigger_and_action_in_full() {
    let ended = wsk(vec![ok("{}")], &["rule", "create", "r", "t", "p/a"]).well();
    assert_eq!(ended.out, "ok: created rule r\n");
    assert_eq!(ended.lines(), [format!("PUT {RULES}/r?overwrite=false")]);
    assert_eq!(ended.request(0).body, r#"{"trigger":"/_/t","action":"/_/p/a"}"#);
    let ended = wsk(vec![ok("{}")], &["rule", "update", "r", "/ns/t", "/ns/p/a"]).well();
    assert_eq!(ended.out, "ok: updated rule r\n");
    assert_eq!(ended.request(0).body, r#"{"trigger":"/ns/t","action":"/ns/p/a"}"#);
}

#[test]
fn rules_are_switched_on_and_off() {
    let ended = wsk(vec![answer(200, "OK")], &["rule", "enable", "r"]).well();
    assert_eq!(
        (ended.lines(), ended.out.as_str()),
        (vec!["POST /api/v1/namespaces/_/rules/r"], "ok: enabled rule r\n")
    );
    assert_eq!(ended.request(0).body, r#"{"status":"active"}"#);
    let ended = wsk(vec![answer(200, "OK")], &["rule", "disable", "r"]).well();
    assert_eq!(
        (ended.request(0).body.as_str(), ended.out.as_str()),
        (r#"{"status":"inactive"}"#, "ok: disabled rule r\n")
    );
    let ended = wsk(vec![answer(200, "OK"), ok("{}")], &["rule", "delete", "r", "--disable"]).well();
    assert_eq!(ended.lines(), [format!("POST {RULES}/r"), format!("DELETE {RULES}/r")]);
    assert_eq!(ended.out, "ok: deleted rule r\n");
}

#[test]
fn status_and_summary_are_one_line_and_two() {
    let rule = r#"{"namespace":"ns","name":"r","status":"active"}"#;
    let ended = wsk(vec![ok(rule)], &["rule", "status", "r"]).well();
    assert_eq!(ended.out, "ok: rule r is active\n");
    let ended = wsk(vec![ok(rule)], &["rule", "get", "r", "--summary"]).well();
    assert_eq!(ended.out, "rule /ns/r\n   (status: active)\n");
    let ended = wsk(vec![ok(rule)], &["rule", "get", "r", "status"]).well();
    assert_eq!(ended.out, "ok: got rule r, displaying field status\n\"active\"\n");
}

#[test]
fn a_list_asks_each_rule_for_its_status() {
    let list = r#"[{"namespace":"ns","name":"r2"},{"namespace":"ns","name":"r1"}]"#;
    let script = vec![ok(list), ok(r#"{"status":"inactive"}"#), ok(r#"{"status":"active"}"#)];
    let ended = wsk(script, &["rule", "list"]).well();
    assert_eq!(
        ended.lines(),
        [format!("GET {RULES}?limit=30&skip=0"), format!("GET {RULES}/r2"), format!("GET {RULES}/r1")]
    );
    let row = |name: &str, status: &str| format!("{name:<70} {:<20} {status}\n", "private");
    assert_eq!(ended.out, format!("rules\n{}{}", row("/ns/r2", "inactive"), row("/ns/r1", "active")));
}
