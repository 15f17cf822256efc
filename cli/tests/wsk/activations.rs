//! Looking into activations, and listing a namespace.

use super::support::{Answer, ok, refusal, wsk};

const GET: &str = "GET /api/v1/namespaces/_/activations";
const SUMMARY: &str = r#"[{"namespace":"ns","name":"a","version":"0.0.2","activationId":"abc","start":1770000001000,
    "end":1770000001042,"duration":42,"statusCode":0,"annotations":[{"key":"kind","value":"nodejs:20"}]}]"#;

#[test]
fn the_list_is_a_table() {
    let words = ["activation", "list", "p/a", "-l", "5", "--since", "1", "--upto", "2"];
    let ended = wsk(vec![ok(SUMMARY)], &words).well();
    assert_eq!(ended.lines(), [format!("{GET}?limit=5&skip=0&name=p%2Fa&since=1&upto=2")]);
    let lines: Vec<&str> = ended.out.lines().collect();
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let heading = ["Datetime", "Activation", "ID", "Kind", "Start", "Duration", "Status", "Entity"];
    assert_eq!(cells(lines[0]), heading);
    let row = ["2026-02-02", "02:40:01", "abc", "nodejs:20", "warm", "42ms", "success", "ns/a:0.0.2"];
    assert_eq!(cells(lines[1]), row);
    assert_eq!(lines[0].find("Entity"), lines[1].find("ns/a"), "the columns line up");
}

#[test]
fn full_lists_hold_whole_records() {
    let ended =
        wsk(vec![ok(r#"[{"response":{"result":1.0}}]"#)], &["activation", "list", "/ns", "-f"]).well();
    assert_eq!(ended.lines(), ["GET /api/v1/namespaces/ns/activations?limit=30&skip=0&docs=true"]);
    assert!(ended.out.starts_with("activations\n{\n") && ended.out.contains("\"result\": 1.0"));
}

#[test]
fn get_shows_record_field_summary_or_logs() {
    let record = r#"{"activationId":"abc","namespace":"ns","name":"a","start":1770000001000,"end":1770000002000,
        "response":{"status":"success","result":{"x":1}},"logs":["2026-02-02T02:40:01.5Z stdout: hi"]}"#;
    let get = |words: &[&str]| {
        let ended = wsk(vec![ok(record)], &[&["activation", "get", "abc"], words].concat()).well();
        assert_eq!(ended.lines(), [format!("{GET}/abc")]);
        ended.out
    };
    assert!(get(&[]).starts_with("ok: got activation abc\n{\n    \"activationId\": \"abc\",\n"));
    assert_eq!(get(&["name"]), "ok: got activation abc, displaying field name\n\"a\"\n");
    let summary = "activation result for '/ns/a' (success at 2026-02-02 02:40:02)\n{\n    \"x\": 1\n}\n";
    assert_eq!(get(&["--summary"]), summary);
    assert_eq!(get(&["--logs"]), "hi\n");
}

#[test]
fn last_asks_for_the_newest_first() {
    let result = r#"{"result":{"mark":"last"},"status":"success"}"#;
    let ended = wsk(vec![ok(SUMMARY), ok(result)], &["activation", "result", "--last"]).well();
    assert_eq!(ended.lines(), [format!("{GET}?limit=1&skip=0"), format!("{GET}/abc/result")]);
    assert_eq!(ended.out, "{\n    \"mark\": \"last\"\n}\n");
    let field = wsk(vec![ok(SUMMARY), ok(r#"{"name":"a"}"#)], &["activation", "get", "-l", "name"]).well();
    assert!(field.out.ends_with("displaying field name\n\"a\"\n"));
    let none = wsk(vec![ok("[]")], &["activation", "logs", "--last"]);
    assert_eq!((none.code, none.err.as_str()), (1, "error: There are no activations yet\n"));
}

#[test]
fn logs_come_as_they_are_or_stripped() {
    let logs = r#"{"logs":["2026-02-02T02:40:01.5Z stdout: bare words","loose"]}"#;
    let ended = wsk(vec![ok(logs)], &["activation", "logs", "abc"]).well();
    assert_eq!(ended.lines(), [format!("{GET}/abc/logs")]);
    assert_eq!(ended.out, "2026-02-02T02:40:01.5Z stdout: bare words\nloose\n");
    let stripped = wsk(vec![ok(logs)], &["activation", "logs", "abc", "--strip"]).well();
    assert_eq!(stripped.out, "bare words\nloose\n");
    let missing = wsk(vec![refusal(404, "gone")], &["activation", "logs", "abc"]);
    assert_eq!(missing.code, 148);
}

const LINE: &str = "2026-02-02T02:40:01.5Z stdout:";

/// An answer that tells these lines, and whether that is all.
fn told(lines: &[&str], ended: bool) -> Answer {
    let lines = lines.iter().map(|text| format!("{{\"line\":\"{LINE} {text}\"}}\n"));
    let end = if ended { "{\"ended\":true}\n" } else { "{\"waiting\":true}\n" };
    ok(&format!("{}{end}", lines.collect::<String>()))
}

#[test]
fn follow_shows_lines_until_the_end() {
    let ended = wsk(vec![told(&["a", "b"], true)], &["activation", "logs", "abc", "--follow"]).well();
    assert_eq!(ended.lines(), [format!("{GET}/abc/logs/follow")]);
    assert_eq!(ended.out, format!("{LINE} a\n{LINE} b\n"));
    let words = ["activation", "logs", "--last", "-f", "--strip"];
    let stripped = wsk(vec![ok(SUMMARY), told(&["a", "b"], true)], &words).well();
    assert_eq!(stripped.out, "a\nb\n");
}

#[test]
fn follow_goes_on_where_an_answer_broke_off() {
    let script = vec![told(&["a"], false), refusal(503, "draining"), told(&["a", "b"], true)];
    let ended = wsk(script, &["activation", "logs", "abc", "--follow", "--strip"]).well();
    assert_eq!(ended.out, "a\nb\n", "each line once");
    assert_eq!(ended.lines().len(), 3);
}

#[test]
fn follow_asks_again_and_again_where_the_server_cannot_tell() {
    let missing = || refusal(404, "The requested resource does not exist.");
    let logs = ok(&format!(r#"{{"logs":["{LINE} late"]}}"#));
    let script = vec![missing(), missing(), missing(), logs];
    let ended = wsk(script, &["activation", "logs", "abc", "--follow", "--strip"]).well();
    assert_eq!(ended.out, "late\n");
    let (follow, logs) = (format!("{GET}/abc/logs/follow"), format!("{GET}/abc/logs"));
    assert_eq!(ended.lines(), [&follow, "GET /api/v1/openapi.json", &logs, &logs]);
}

#[test]
fn follow_believes_a_server_that_could_tell() {
    let described = ok(r#"{"paths":{"/api/v1/namespaces/{namespace}/activations/{id}/logs/follow":{}}}"#);
    let ended = wsk(vec![refusal(404, "gone"), described], &["activation", "logs", "abc", "--follow"]);
    assert_eq!(ended.code, 148);
    assert_eq!(ended.err, "error: Unable to get logs for activation 'abc': gone (code tid1)\n");
}

#[test]
fn poll_begins_after_the_newest_and_goes_on_over_hiccups() {
    let newest = r#"[{"activationId":"old","name":"a","start":41,"logs":[]}]"#;
    let fresh = r#"[{"activationId":"new","name":"a","start":50,"logs":["line"]}]"#;
    let script = vec![ok(newest), refusal(503, "not now"), ok(fresh)];
    let ended = wsk(script, &["activation", "poll", "a", "--exit", "4"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let poll = format!("{GET}?limit=0&skip=0&name=a&since=42&docs=true");
    assert_eq!(ended.lines()[0], format!("{GET}?limit=1&skip=0&name=a&docs=true"));
    assert_eq!(ended.lines()[1..3], [&poll, &poll]);
    assert!(ended.out.ends_with("\nActivation: 'a' (new)\n[\n    \"line\"\n]\n"), "{}", ended.out);
}

#[test]
fn the_whole_namespace_is_four_lists_and_each_rule() {
    let entity = r#"[{"namespace":"ns","name":"x","publish":true,"annotations":[]}]"#;
    for words in [&["list"][..], &["namespace", "get"]] {
        let script = vec![ok(entity), ok("[]"), ok("[]"), ok(entity), ok(r#"{"status":"inactive"}"#)];
        let ended = wsk(script, words).well();
        let at = |rest: &str| format!("GET /api/v1/namespaces/_/{rest}");
        let lists = ["packages", "actions", "triggers", "rules"].map(|c| at(&format!("{c}?limit=0&skip=0")));
        assert_eq!(ended.lines()[..4], lists);
        assert_eq!(ended.lines()[4], at("rules/x"));
        let row = |rest: &str| format!("{:<70} {rest}\n", "/ns/x");
        let (package, rule) = (row("shared"), row("private              inactive"));
        let head = "Entities in namespace: default\n";
        assert_eq!(ended.out, format!("{head}packages\n{package}actions\ntriggers\nrules\n{rule}"));
    }
}

#[test]
fn namespaces_are_listed_by_name() {
    let ended = wsk(vec![ok(r#"["guest"]"#)], &["namespace", "list"]).well();
    assert_eq!((ended.out.as_str(), ended.lines()), ("namespaces\nguest\n", vec!["GET /api/v1/namespaces"]));
}
