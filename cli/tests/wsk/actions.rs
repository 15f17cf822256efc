//! Creating, changing, reading and deleting actions.

use super::support::{file, ok, refusal, wsk, wsk_in};

const PUT: &str = "PUT /api/v1/namespaces/_/actions";
const GET: &str = "GET /api/v1/namespaces/_/actions";

#[test]
fn create_sends_what_was_given_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let code = file(folder.path(), "a.js", b"function main() { return '<&>' }");
    let words = [
        "action",
        "create",
        "my action",
        &code,
        "-p",
        "big",
        "12345678901234567890",
        "-a",
        "note",
        "<&>",
        "--memory",
        "128",
        "--web",
        "true",
        "--main",
        "other",
    ];
    let ended = wsk_in(folder.path(), vec![ok("{}")], &words).well();
    assert_eq!(ended.out, "ok: created action my action\n");
    assert_eq!(ended.lines(), [format!("{PUT}/my%20action?overwrite=false")]);
    assert_eq!(
        ended.request(0).body,
        concat!(
            r#"{"exec":{"kind":"nodejs:default","code":"function main() { return '<&>' }","main":"other"},"#,
            r#""parameters":[{"key":"big","value":12345678901234567890}],"#,
            r#""annotations":[{"key":"note","value":"<&>"},{"key":"web-export","value":true},"#,
            r#"{"key":"raw-http","value":false},{"key":"final","value":true}],"limits":{"memory":128}}"#
        )
    );
}

#[test]
fn a_request_carries_key_and_content_type_and_names_the_client() {
    let ended = wsk(vec![ok("{}")], &["action", "create", "s", "--sequence", "a,p/b"]).well();
    let request = ended.request(0);
    assert_eq!(request.header("authorization"), Some("Basic c29tZS11dWlkOnNvbWUtc2VjcmV0LWtleQ=="));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert!(request.header("user-agent").unwrap().starts_with("OpenWhisk-CLI/1.0 ("));
    assert_eq!(request.body, r#"{"exec":{"kind":"sequence","components":["/_/a","/_/p/b"]}}"#);
    let ended = wsk(vec![ok("{}")], &["action", "delete", "/ns/p/a"]).well();
    assert_eq!(ended.lines(), ["DELETE /api/v1/namespaces/ns/actions/p/a"]);
    assert_eq!(ended.request(0).header("content-type"), None);
    assert_eq!(ended.out, "ok: deleted action p/a\n");
}

#[test]
fn a_refusal_is_told_with_its_code() {
    let script = vec![refusal(409, "resource already exists")];
    let ended = wsk(script, &["action", "create", "a", "--docker", "me/image"]);
    assert_eq!(ended.code, 153);
    assert_eq!(ended.err, "error: Unable to create action 'a': resource already exists (code tid1)\n");
    assert_eq!(ended.request(0).body, r#"{"exec":{"kind":"blackbox","image":"me/image"}}"#);
}

#[test]
fn cores_and_gpus_travel_as_they_are_written() {
    let create = |words: &[&str]| {
        let words = [&["action", "create", "a", "--docker", "me/image"], words].concat();
        wsk(vec![ok("{}")], &words).well().request(0).body.clone()
    };
    let body =
        |limits: &str| format!(r#"{{"exec":{{"kind":"blackbox","image":"me/image"}},"limits":{limits}}}"#);
    assert_eq!(create(&["--cpu", "0.5", "--gpu", "2"]), body(r#"{"cpu":0.5,"gpu":2}"#));
    assert_eq!(create(&["--cpu", "0", "--gpu", "0"]), body(r#"{"cpu":0,"gpu":0}"#));
    let classed = create(&["--gpu", "0.25", "--gpu-class", "h100"]);
    assert_eq!(classed, body(r#"{"gpu":{"count":0.25,"class":"h100"}}"#));
    for words in [["--cpu", "much"], ["--gpu", "one"], ["--gpu-class", "h100"]] {
        let refused = wsk(vec![], &[&["action", "create", "a", "--docker", "i"][..], &words].concat());
        assert_eq!(refused.code, 2, "{words:?}: {}", refused.err);
    }
}

#[test]
fn update_looks_first_and_keeps_what_is_not_given() {
    let script = vec![refusal(404, "gone"), ok("{}")];
    let words = ["action", "update", "a", "-t", "5000", "--del-annotation", "x", "--web-secure", "false"];
    let ended = wsk(script, &words).well();
    assert_eq!(ended.lines(), [format!("{GET}/a?code=false"), format!("{PUT}/a?overwrite=true")]);
    assert_eq!(
        ended.request(1).body,
        r#"{"delAnnotations":["x","require-whisk-auth"],"limits":{"timeout":5000}}"#
    );
    assert_eq!(ended.out, "ok: updated action a\n");
}

#[test]
fn a_secret_is_for_actions_that_are_web_actions() {
    let action = |web: bool| {
        ok(&format!(
            r#"{{"namespace":"ns","name":"a","annotations":[{{"key":"web-export","value":{web}}}]}}"#
        ))
    };
    let words = ["action", "update", "a", "--web-secure", "s3cret"];
    let ended = wsk(vec![action(true), ok("{}")], &words).well();
    let secret = r#"{"annotations":[{"key":"require-whisk-auth","value":"s3cret"}]}"#;
    assert_eq!(ended.request(1).body, secret);
    let refused = wsk(vec![action(false)], &words);
    assert_eq!((refused.code, refused.lines().len()), (2, 1));
    let failed = wsk(vec![refusal(403, "not authorized")], &words);
    assert_eq!(failed.code, 147);
}

#[test]
fn a_copy_takes_code_parameters_and_annotations() {
    let original = r#"{"exec":{"kind":"nodejs:20","code":"x","binary":false},"limits":{"memory":512},
        "parameters":[{"key":"p","value":1.0},{"key":"q","value":2,"init":true}],
        "annotations":[{"key":"note","value":"kept"}]}"#;
    let words = ["action", "create", "b", "--copy", "a", "-p", "p", "9"];
    let ended = wsk(vec![ok(original), ok("{}")], &words).well();
    assert_eq!(ended.lines(), [format!("{GET}/a"), format!("{PUT}/b?overwrite=false")]);
    assert_eq!(
        ended.request(1).body,
        concat!(
            r#"{"exec":{"kind":"nodejs:20","code":"x","binary":false},"#,
            r#""parameters":[{"key":"p","value":9},{"key":"q","value":2,"init":true}],"#,
            r#""annotations":[{"key":"note","value":"kept"}]}"#
        )
    );
}

#[test]
fn get_prints_the_servers_json_to_the_letter() {
    let action = r#"{"name":"a","limits":{"z":1,"a":1.0},"parameters":[]}"#;
    let ended = wsk(vec![ok(action)], &["action", "get", "a"]).well();
    assert_eq!(ended.lines(), [format!("{GET}/a?code=false")]);
    let printed = "{\n    \"name\": \"a\",\n    \"limits\": {\n        \"z\": 1,\n        \"a\": 1.0\n    },\n    \"parameters\": []\n}\n";
    assert_eq!(ended.out, format!("ok: got action a\n{printed}"));
    let field = wsk(vec![ok(action)], &["action", "get", "a", "name"]).well();
    assert_eq!(field.out, "ok: got action a, displaying field name\n\"a\"\n");
    let unknown = wsk(vec![ok(action)], &["action", "get", "a", "nothing"]);
    assert_eq!((unknown.code, unknown.err.as_str()), (1, "error: Invalid field filter 'nothing'.\n"));
    assert_eq!(
        wsk(vec![ok(r#"{"exec":{}}"#)], &["action", "get", "a", "exec"]).lines(),
        [format!("{GET}/a")]
    );
}

#[test]
fn get_saves_code_where_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let action = r#"{"exec":{"kind":"python:3.11","code":"pass\n","binary":false}}"#;
    let words = ["action", "get", "util/a", "--save"];
    let ended = wsk_in(folder.path(), vec![ok(action)], &words).well();
    assert_eq!(ended.lines(), [format!("{GET}/util/a")]);
    assert!(ended.out.starts_with("ok: saved action code to /") && ended.out.ends_with("/a.py\n"));
    assert_eq!(std::fs::read_to_string(folder.path().join("a.py")).unwrap(), "pass\n");
    let again = wsk_in(folder.path(), vec![ok(action)], &words);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("already exists"), "{}", again.err);
}

#[test]
fn lists_have_a_heading_and_one_line_each() {
    let actions = r#"[{"namespace":"ns/p","name":"b","annotations":[{"key":"exec","value":"python:3.11"}]},
        {"namespace":"ns","name":"a","annotations":[]}]"#;
    let ended = wsk(vec![ok(actions)], &["action", "list", "p", "-l", "2", "--skip", "1"]).well();
    assert_eq!(ended.lines(), [format!("{GET}/p/?limit=2&skip=1")]);
    let [b, a] = [format!("{:<70} private python:3.11", "/ns/p/b"), format!("{:<70} private", "/ns/a")];
    assert_eq!(ended.out, format!("actions\n{b}\n{a}\n"));
    let sorted = wsk(vec![ok(actions)], &["action", "list", "/ns", "-n"]).well();
    assert_eq!(sorted.lines(), ["GET /api/v1/namespaces/ns/actions?limit=30&skip=0"]);
    assert_eq!(sorted.out, format!("actions\n{a}\n{b}\n"));
    let refused = wsk(vec![refusal(400, "too many")], &["action", "list", "--limit", "201"]);
    assert_eq!(refused.code, 144);
    assert!(refused.err.contains("list of actions for namespace 'default': too many"), "{}", refused.err);
}
