//! Projects: what a manifest comes to in requests, and what comes back out of a namespace.

use std::path::Path;

use super::support::{Answer, Ended, answer, file, ok, refusal, run, wsk_in};

const N: &str = "/api/v1/namespaces/_";
const MANIFEST: &str = "
project:
  name: shop
packages:
  $PKG:
    inputs:
      place: Oslo
    actions:
      hello:
        function: hello.js
        runtime: nodejs:20
        inputs: {name: $WHO}
    sequences:
      twice: {actions: 'hello, hello'}
    triggers:
      tick: {feed: clock, inputs: {cron: '* *'}}
    rules:
      onTick: {trigger: tick, action: twice}
";
const RUNTIMES: &str = r#"{"runtimes":{"nodejs":[{"kind":"nodejs:20"}]}}"#;
const DONE: &str = r#"{"activationId":"abc","response":{"success":true}}"#;

fn project(folder: &Path, manifest: &str) {
    file(folder, "manifest.yaml", manifest.as_bytes());
    file(folder, "hello.js", b"function main() {}");
}

fn deploy(manifest: &str, script: Vec<Answer>, words: &[&str]) -> Ended {
    let folder = tempfile::tempdir().expect("temporary folders can be made");
    project(folder.path(), manifest);
    let values = ["--param", "PKG", "p", "--param", "WHO", "Ada"];
    wsk_in(folder.path(), script, &[&["project"], words, &values].concat())
}

#[test]
fn a_manifest_becomes_requests_in_the_order_of_need() {
    let (gone, done) = (refusal(404, "gone"), ok("{}"));
    let script = vec![ok(RUNTIMES), done, ok("{}"), ok("{}"), gone, ok("{}"), ok(DONE), ok("{}")];
    let ended = deploy(MANIFEST, script, &["deploy"]).well();
    assert_eq!(
        ended.lines(),
        [
            "GET /".to_owned(),
            format!("PUT {N}/packages/p?overwrite=true"),
            format!("PUT {N}/actions/p/hello?overwrite=true"),
            format!("PUT {N}/actions/p/twice?overwrite=true"),
            format!("GET {N}/triggers/tick"),
            format!("PUT {N}/triggers/tick?overwrite=true"),
            format!("POST {N}/actions/p/clock?blocking=true&result=false"),
            format!("PUT {N}/rules/onTick?overwrite=true"),
        ]
    );
    assert_eq!(ended.request(1).body, r#"{"parameters":[{"key":"place","value":"Oslo"}]}"#);
    assert_eq!(
        ended.request(2).body,
        concat!(
            r#"{"exec":{"kind":"nodejs:20","code":"function main() {}"},"#,
            r#""parameters":[{"key":"name","value":"Ada"}]}"#
        )
    );
    assert_eq!(
        ended.request(3).body,
        r#"{"exec":{"kind":"sequence","components":["/_/p/hello","/_/p/hello"]}}"#
    );
    assert!(ended.request(6).body.starts_with(r#"{"cron":"* *","lifecycleEvent":"CREATE""#));
    assert_eq!(ended.request(7).body, r#"{"trigger":"/_/tick","action":"/_/p/twice"}"#);
    assert!(ended.out.starts_with("ok: deployed package p\nok: deployed action p/hello\n"), "{}", ended.out);
    assert!(ended.out.ends_with("ok: deployment completed successfully\n"), "{}", ended.out);
}

#[test]
fn a_preview_and_a_report_ask_nothing() {
    for words in [&["deploy", "--preview"][..], &["report"], &["undeploy", "--preview"]] {
        let ended = deploy(MANIFEST, vec![], words).well();
        assert!(ended.out.starts_with("package p\naction p/hello (nodejs:20, "), "{}", ended.out);
        assert!(ended.out.contains("rule onTick (/_/tick starts /_/p/twice)\n"), "{}", ended.out);
    }
}

#[test]
fn nothing_is_sent_before_all_code_is_there() {
    let manifest = "packages: {p: {actions: {a: {function: hello.js}, b: {function: gone.js}}}}";
    let ended = deploy(manifest, vec![ok(RUNTIMES)], &["deploy"]);
    assert_eq!((ended.code, ended.lines()), (1, vec!["GET /"]));
    assert!(ended.err.contains("gone.js"), "{}", ended.err);
}

#[test]
fn undeploying_goes_the_other_way_and_over_gaps() {
    let fed = r#"{"name":"tick","annotations":[{"key":"feed","value":"/_/p/clock"}]}"#;
    let full = refusal(409, "not empty");
    let script = vec![ok("{}"), ok(fed), ok(DONE), ok("{}"), ok("{}"), refusal(404, "gone"), full];
    let ended = deploy(MANIFEST, script, &["undeploy"]);
    assert_eq!(
        ended.lines(),
        [
            format!("DELETE {N}/rules/onTick"),
            format!("GET {N}/triggers/tick"),
            format!("POST {N}/actions/p/clock?blocking=true&result=false"),
            format!("DELETE {N}/triggers/tick"),
            format!("DELETE {N}/actions/p/twice"),
            format!("DELETE {N}/actions/p/hello"),
            format!("DELETE {N}/packages/p"),
        ]
    );
    assert_eq!((ended.code, ended.err.as_str()), (0, "warning: package p stays: not empty\n"));
    assert!(ended.out.contains("action p/hello is not there\n"), "{}", ended.out);
}

#[test]
fn a_trigger_can_lose_its_feed() {
    let fed = r#"{"name":"t","annotations":[{"key":"feed","value":"/_/p/clock"}]}"#;
    let script = vec![ok(RUNTIMES), ok("{}"), ok(fed), ok(DONE), ok("{}")];
    let ended = deploy("packages: {p: {triggers: {t: }}}", script, &["deploy"]).well();
    assert!(ended.request(3).body.starts_with(r#"{"lifecycleEvent":"DELETE""#), "{}", ended.request(3).body);
    assert_eq!(ended.request(4).body, r#"{"annotations":[]}"#);
}

#[test]
fn a_managed_project_loses_what_its_manifest_lost() {
    let mark =
        |project: &str| format!(r#"[{{"key":"whisk-managed","value":{{"__OW_PROJECT_NAME":"{project}"}}}}]"#);
    let row = |namespace: &str, name: &str, project: &str| {
        format!(r#"{{"namespace":"{namespace}","name":"{name}","annotations":{}}}"#, mark(project))
    };
    let actions = format!("[{},{}]", row("ns/p", "hello", "shop"), row("ns/p", "old", "shop"));
    let packages = format!("[{},{}]", row("ns", "p", "shop"), row("ns", "other", "another"));
    let manifest = "project: {name: shop}\npackages: {p: {actions: {hello: {function: hello.js}}}}";
    let script =
        vec![ok(RUNTIMES), ok("{}"), ok("{}"), ok("[]"), ok("[]"), ok(&actions), ok(&packages), ok("{}")];
    let ended = deploy(manifest, script, &["sync"]).well();
    assert!(ended.request(1).body.contains(r#""whisk-managed","value":{"__OW_PROJECT_NAME":"shop""#));
    assert_eq!(ended.lines()[7..], [format!("DELETE {N}/actions/p/old")]);
    let ended = deploy("packages: {}", vec![], &["sync"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
}

#[test]
fn a_deployment_file_and_the_environment_fill_the_manifest_in() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path(), "packages: {p: {actions: {hello: {function: hello.js, inputs: {a: $A, b: 2}}}}}");
    let deployment = "project: {packages: {p: {actions: {hello: {inputs: {b: 3}}}, triggers: {t: {}}}}}";
    let deployment = file(folder.path(), "live.yaml", deployment.as_bytes());
    let (address, requests) = super::support::serve(vec![answer(500, ""), ok("{}"), ok("{}")]);
    let host = format!("http://{address}");
    let environment = [("WHISK_APIHOST", host.as_str()), ("WHISK_AUTH", "u:k"), ("A", "from env")];
    let ended = run(folder.path(), &environment, &["project", "deploy", "-d", &deployment]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.err.contains("'t' in the triggers of package 'p' is not in the manifest"), "{}", ended.err);
    let body = requests.lock().unwrap()[2].body.clone();
    assert!(body.contains(r#"[{"key":"a","value":"from env"},{"key":"b","value":3}]"#), "{body}");
}

#[test]
fn an_export_can_be_deployed_again() {
    let action = r#"{"namespace":"ns/p","name":"hello","exec":{"kind":"nodejs:20","code":"x","binary":false},
        "limits":{"timeout":60000,"memory":256,"logs":10,"concurrency":1,"cpu":0.5,"gpu":2},
        "parameters":[{"key":"of","value":"p"},{"key":"k","value":1}],"annotations":[{"key":"exec","value":"nodejs:20"}]}"#;
    let rule =
        r#"{"namespace":"ns","trigger":{"path":"ns","name":"tick"},"action":{"path":"ns/p","name":"hello"}}"#;
    let row =
        |namespace: &str, name: &str| ok(&format!(r#"[{{"namespace":"{namespace}","name":"{name}"}}]"#));
    let script = vec![
        row("ns", "p"),
        ok(r#"{"name":"p","publish":true,"binding":{},"parameters":[{"key":"of","value":"p"}]}"#),
        row("ns/p", "hello"),
        ok(action),
        row("ns", "tick"),
        ok(r#"{"annotations":[{"key":"feed","value":"/whisk.system/alarms/alarm"}]}"#),
        row("ns", "r"),
        ok(rule),
    ];
    let folder = tempfile::tempdir().unwrap();
    let ended = wsk_in(folder.path(), script, &["project", "export", "-m", "out/m.yaml"]).well();
    assert_eq!(ended.out, "ok: exported to out/m.yaml\n");
    assert_eq!(std::fs::read_to_string(folder.path().join("out/p/hello.js")).unwrap(), "x");
    let manifest = std::fs::read_to_string(folder.path().join("out/m.yaml")).unwrap();
    assert_eq!(manifest.matches("of: p\n").count(), 1, "{manifest}");
    assert!(manifest.contains("cpu: 0.5\n") && manifest.contains("gpu: 2\n"), "{manifest}");
    let report = run(folder.path(), &[], &["project", "report", "-m", "out/m.yaml"]).well();
    assert_eq!(
        report.out,
        concat!(
            "package p\naction p/hello (nodejs:20, out/p/hello.js)\n",
            "trigger tick (fed by /whisk.system/alarms/alarm)\nrule r (/_/tick starts /_/p/hello)\n"
        )
    );
}
