//! Properties, environment, shared flags, and what verbose output hides.

use super::support::{AUTH, ok, run, serve, wsk, wsk_in};

#[test]
fn properties_are_set_kept_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".wskprops");
    std::fs::write(&file, "# mine\nNAMESPACE=_\n").unwrap();
    let set = run(folder.path(), &[], &["property", "set", "--apihost", "h:1", "--auth", "u:secret"]).well();
    let told = "ok: whisk auth set. Run 'wsk property get --auth' to see the new value.\nok: whisk API host set to h:1\n";
    assert_eq!(set.out, told);
    let get = run(folder.path(), &[], &["property", "get", "--auth", "--apihost"]).well();
    assert_eq!(get.out, "whisk auth\t\tu:secret\nwhisk API host\t\th:1\n");
    let raw = run(folder.path(), &[], &["property", "get", "--auth", "-o", "raw"]).well();
    assert_eq!(raw.out, "u:secret\n");
    let unset = run(folder.path(), &[], &["property", "unset", "--auth"]).well();
    assert_eq!(unset.out, "ok: whisk auth unset\n");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine\nNAMESPACE=_\nAPIHOST=h:1\n");
    let list = run(folder.path(), &[], &["action", "list"]);
    assert_eq!(list.code, 2);
    assert!(list.err.contains("--auth is required"), "{}", list.err);
}

#[test]
fn property_get_asks_the_server_for_what_it_knows() {
    let info = r#"{"build":"2026-02-01","buildno":"whirl-1"}"#;
    let build = wsk(vec![ok(info)], &["property", "get", "--apibuild"]).well();
    assert_eq!((build.out.as_str(), build.lines()), ("whisk API build\t\t2026-02-01\n", vec!["GET /api/v1"]));
    let number = wsk(vec![ok(info)], &["property", "get", "--apibuildno"]).well();
    assert_eq!(number.out, "whisk API build number\twhirl-1\n");
    let namespace = wsk(vec![ok(r#"["guest"]"#)], &["property", "get", "--namespace"]).well();
    assert_eq!(namespace.out, "whisk namespace\t\tguest\n");
    let all = wsk(vec![ok(r#"["guest"]"#), ok(info), ok(info)], &["property", "get", "--all"]).well();
    assert_eq!(all.out.lines().count(), 9);
    let away = wsk(vec![], &["property", "get", "--apibuild"]);
    assert_eq!((away.code, away.out.as_str()), (3, "whisk API build\t\tUnknown\n"));
    assert!(away.err.starts_with("error: Unable to obtain API build information: no answer from "));
}

#[test]
fn without_a_configuration_the_survey_has_blanks() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &[], &["property", "get"]).well();
    assert!(ended.out.contains("whisk namespace\t\t\n") && ended.out.contains("whisk API version\tv1\n"));
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("props"), "APIHOST=http://127.0.0.1:1\nAUTH=a:b\nAPIVERSION=v7\n")
        .unwrap();
    let file = folder.path().join("props");
    let file = file.to_str().unwrap();
    let (address, requests) = serve(vec![ok("[]")]);
    let host = format!("http://{address}");
    let environment = [("WSK_CONFIG_FILE", file), ("WHISK_APIHOST", &host), ("WHISK_AUTH", "x:y")];
    run(folder.path(), &environment, &["namespace", "-u", "uuid:key", "list"]).well();
    let requests = requests.lock().unwrap();
    assert_eq!(requests[0].line, "GET /api/v7/namespaces");
    assert_eq!(requests[0].header("authorization"), Some("Basic dXVpZDprZXk="));
}

#[test]
fn verbose_output_shows_the_traffic_without_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let body = format!(r#"["{AUTH}"]"#);
    let ended = wsk_in(folder.path(), vec![ok(&body)], &["-v", "-d", "namespace", "list"]);
    assert_eq!(ended.code, 0);
    assert!(ended.out.contains("REQUEST:\n[GET]\thttp://") && ended.out.contains("\"Basic XXXX\""));
    assert!(ended.out.contains("RESPONSE:Got response with code 200\n") && ended.out.contains("[\"XXXX\"]"));
    assert!(ended.err.contains("debug: request [GET]\thttp://"), "{}", ended.err);
    for secret in ["some-secret-key", "c29tZS11dWlk"] {
        assert!(!ended.err.contains(secret));
        let traffic = ended.out.split("namespaces\n").next().unwrap();
        assert!(!traffic.contains(secret), "{traffic}");
    }
}
