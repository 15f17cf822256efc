//! Packages and bindings.

use super::support::{ok, refusal, wsk};

const PUT: &str = "PUT /api/v1/namespaces/_/packages";

#[test]
fn create_and_update_send_what_was_given() {
    let words = ["package", "create", "p", "-p", "k", "1", "-a", "note", "<&>", "--shared", "yes"];
    let ended = wsk(vec![ok("{}")], &words).well();
    assert_eq!(ended.out, "ok: created package p\n");
    assert_eq!(ended.lines(), [format!("{PUT}/p?overwrite=false")]);
    assert_eq!(
        ended.request(0).body,
        r#"{"parameters":[{"key":"k","value":1}],"annotations":[{"key":"note","value":"<&>"}],"publish":true}"#
    );
    let ended = wsk(vec![ok("{}")], &["package", "update", "/ns/p", "--shared", "false"]).well();
    assert_eq!(ended.out, "ok: updated package p\n");
    assert_eq!(ended.lines(), ["PUT /api/v1/namespaces/ns/packages/p?overwrite=true"]);
    assert_eq!(ended.request(0).body, r#"{"publish":false}"#);
}

#[test]
fn a_binding_names_its_package() {
    let ended = wsk(vec![ok("{}")], &["package", "bind", "/whisk.system/utils", "u", "-p", "a", "b"]).well();
    assert_eq!(ended.out, "ok: created binding u\n");
    assert_eq!(ended.lines(), [format!("{PUT}/u?overwrite=false")]);
    assert_eq!(
        ended.request(0).body,
        r#"{"binding":{"namespace":"whisk.system","name":"utils"},"parameters":[{"key":"a","value":"b"}]}"#
    );
    let ended = wsk(vec![refusal(400, "no such package")], &["package", "bind", "x", "u", "-o"]);
    assert_eq!(ended.lines(), [format!("{PUT}/u?overwrite=true")]);
    assert_eq!(ended.code, 144);
    assert_eq!(ended.err, "error: Unable to bind package 'u': no such package (code tid1)\n");
}

#[test]
fn a_package_is_shown_whole_in_part_or_in_short() {
    let package = r#"{"namespace":"ns","name":"p","annotations":[{"key":"description","value":"a box"}],
        "parameters":[{"key":"k","value":1}],
        "actions":[{"name":"thing","version":"0.0.1","annotations":[]}],
        "feeds":[{"name":"news","annotations":[{"key":"description","value":"tells"}]}]}"#;
    let ended = wsk(vec![ok(package)], &["package", "get", "p"]).well();
    assert!(ended.out.starts_with("ok: got package p\n{\n    \"namespace\": \"ns\",\n"), "{}", ended.out);
    let ended = wsk(vec![ok(package)], &["package", "get", "p", "Name"]).well();
    assert_eq!(ended.out, "ok: got package p, displaying field Name\n\"p\"\n");
    let ended = wsk(vec![ok(package)], &["package", "get", "p", "-s"]).well();
    assert_eq!(
        ended.out,
        concat!(
            "package /ns/p: a box\n   (parameters: *k)\n",
            " action /ns/p/thing: Returns a result\n   (parameters: none defined)\n",
            " feed /ns/p/news: tells\n   (parameters: none defined)\n"
        )
    );
}

#[test]
fn lists_tell_who_may_use_a_package() {
    let list = r#"[{"namespace":"ns","name":"b","publish":true,"binding":false},
        {"namespace":"ns","name":"a","publish":false,"binding":{"namespace":"x","name":"y"}}]"#;
    let ended = wsk(vec![ok(list)], &["package", "list", "/ns", "-l", "5", "-n"]).well();
    assert_eq!(ended.lines(), ["GET /api/v1/namespaces/ns/packages?limit=5&skip=0"]);
    assert_eq!(ended.out, format!("packages\n{:<70} private\n{:<70} shared\n", "/ns/a", "/ns/b"));
}

#[test]
fn deleting_and_refreshing() {
    let ended = wsk(vec![ok("{}")], &["package", "delete", "p"]).well();
    assert_eq!(ended.out, "ok: deleted package p\n");
    assert_eq!(ended.lines(), ["DELETE /api/v1/namespaces/_/packages/p"]);
    let ended = wsk(vec![refusal(404, "gone")], &["package", "refresh"]);
    assert_eq!((ended.code, ended.lines()), (148, vec!["POST /api/v1/namespaces/_/packages/refresh"]));
    assert!(ended.err.contains("does not support it"), "{}", ended.err);
}
