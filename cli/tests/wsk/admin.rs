//! Administration: users and the limits of namespaces.

use super::support::{Answer, Ended, answer, file, ok, refusal, run_with};

/// Runs `wsk admin` against a server with this script, its address and key in the environment.
fn admin(script: Vec<Answer>, words: &[&str]) -> Ended {
    let environment =
        |host: &str| vec![("WHISK_ADMINHOST", host.to_owned()), ("WHISK_ADMINKEY", "adm".into())];
    run_with(script, environment, &[&["admin"], words].concat())
}

#[test]
fn a_new_users_credential_is_printed_alone() {
    let answered = r#"{"subject":"alice","namespace":"alice","credentials":"u:k"}"#;
    let ended = admin(vec![ok(answered)], &["user", "create", "alice"]).well();
    assert_eq!((ended.out.as_str(), ended.lines()), ("u:k\n", vec!["POST /admin/subjects/alice"]));
    assert_eq!(ended.request(0).header("authorization"), Some("Bearer adm"));
    assert_eq!(ended.request(0).body, "{}");
    let words = ["user", "create", "alice", "-u", "u:k", "--namespace", "team"];
    let ended = admin(vec![ok(answered)], &words).well();
    assert_eq!(ended.request(0).body, r#"{"namespace":"team","credentials":"u:k"}"#);
    let ended = admin(vec![refusal(409, "Namespace already exists")], &["user", "create", "alice"]);
    assert_eq!(ended.code, 153);
    assert_eq!(ended.err, "error: Unable to create user 'alice': Namespace already exists (code tid1)\n");
}

#[test]
fn credentials_are_found_by_user_and_namespace_or_the_other_way_round() {
    let alice = r#"{"subject":"alice","blocked":false,"namespaces":[
        {"name":"team","uuid":"t","credentials":"t:k"},{"name":"alice","uuid":"u","credentials":"u:k"}]}"#;
    assert_eq!(admin(vec![ok(alice)], &["user", "get", "alice"]).well().out, "u:k\n");
    assert_eq!(admin(vec![ok(alice)], &["user", "get", "alice", "--namespace", "team"]).well().out, "t:k\n");
    assert_eq!(
        admin(vec![ok(alice)], &["user", "get", "alice", "--all"]).well().out,
        "team\tt:k\nalice\tu:k\n"
    );
    let ended = admin(vec![ok(alice)], &["user", "get", "alice", "--namespace", "none"]);
    assert_eq!((ended.code, ended.err.as_str()), (1, "error: User 'alice' has no namespace 'none'\n"));
    let ended =
        admin(vec![ok(r#"{"subject":"alice","namespace":"team"}"#)], &["user", "whois", "t:k"]).well();
    assert_eq!(ended.out, "subject: alice\nnamespace: team\n");
    assert_eq!(ended.request(0).body, r#"{"credentials":"t:k"}"#);
}

#[test]
fn a_namespaces_users_are_listed_one_or_all() {
    let list = r#"[{"subject":"alice","namespace":"ns","uuid":"a","credentials":"a:k","blocked":false},
        {"subject":"bobby","namespace":"ns","uuid":"b","credentials":"b:k","blocked":true}]"#;
    let ended = admin(vec![ok(list)], &["user", "list", "ns", "--key"]).well();
    assert_eq!((ended.out.as_str(), ended.lines()), ("a:k\n", vec!["GET /admin/namespaces/ns/identities"]));
    let ended = admin(vec![ok(list)], &["user", "list", "ns", "-a"]).well();
    assert_eq!(ended.out, "a:k\talice\nb:k\tbobby\n");
    assert_eq!(admin(vec![ok(list)], &["user", "list", "ns", "-p", "2", "-k"]).well().out, "a:k\nb:k\n");
}

#[test]
fn users_are_deleted_and_blocked() {
    let ended = admin(vec![ok("{}")], &["user", "delete", "alice", "--namespace", "t m"]).well();
    assert_eq!(ended.lines(), ["DELETE /admin/subjects/alice?namespace=t%20m"]);
    let ended = admin(vec![ok("{}"), ok("{}")], &["user", "block", "alice", "bobby"]).well();
    assert_eq!(ended.lines(), ["PUT /admin/subjects/alice/blocked", "PUT /admin/subjects/bobby/blocked"]);
    assert_eq!(ended.request(1).body, "true");
    assert_eq!(ended.out, "\"alice\" blocked successfully\n\"bobby\" blocked successfully\n");
    assert_eq!(admin(vec![ok("{}")], &["user", "unblock", "alice"]).well().request(0).body, "false");
}

#[test]
fn limits_are_merged_over_those_that_are_there() {
    let there = r#"{"firesPerMinute":7,"maxPayloadSize":"2 MB","concurrentInvocations":1}"#;
    let words =
        [
            &[
                "limits",
                "set",
                "ns",
                "--concurrentInvocations",
                "5",
                "--allowedKinds",
                "nodejs:20",
                "blackbox",
            ][..],
            &["--storeActivations", "false", "--maxActionMemory", "512"],
        ]
        .concat();
    let ended = admin(vec![ok(there), ok("{}")], &words).well();
    assert_eq!(ended.lines(), ["GET /admin/namespaces/ns/limits", "PUT /admin/namespaces/ns/limits"]);
    assert_eq!(
        ended.request(1).body,
        concat!(
            r#"{"firesPerMinute":7,"maxPayloadSize":"2 MB","concurrentInvocations":5,"#,
            r#""allowedKinds":["nodejs:20","blackbox"],"storeActivations":false,"maxActionMemory":512}"#
        )
    );
    assert_eq!(ended.out, "Limits successfully set for \"ns\"\n");
}

#[test]
fn limits_are_lines_or_none() {
    let ended = admin(vec![ok(r#"{"firesPerMinute":7,"allowedKinds":["a","b"]}"#)], &["limits", "get", "ns"]);
    assert_eq!(ended.well().out, "firesPerMinute = 7\nallowedKinds = [\"a\",\"b\"]\n");
    let ended = admin(vec![refusal(404, "none")], &["limits", "get", "ns"]).well();
    assert_eq!(ended.out, "No limits found, default system limits apply\n");
    assert_eq!(admin(vec![ok("{}")], &["limits", "delete", "ns"]).well().out, "Limits deleted\n");
    assert_eq!(admin(vec![answer(404, "{}")], &["limits", "delete", "ns"]).code, 148);
}

#[test]
fn the_key_may_be_in_a_file_and_has_to_be_somewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "admin.key", b"from-file\n");
    let words = ["admin", "limits", "get", "ns", "--adminkey-file", &path];
    let environment =
        |host: &str| vec![("WHISK_ADMINHOST", host.to_owned()), ("WHISK_ADMINKEY", "env".into())];
    let ended = run_with(vec![refusal(404, "none")], environment, &words).well();
    assert_eq!(ended.request(0).header("authorization"), Some("Bearer from-file"));
    let ended = run_with(vec![], |host| vec![("WHISK_ADMINHOST", host.to_owned())], &words[..4]);
    assert_eq!(ended.code, 2, "{}", ended.err);
}
