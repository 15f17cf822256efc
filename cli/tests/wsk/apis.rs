//! APIs at the gateway.

use super::support::{file, ok, refusal, wsk, wsk_in};

const WEB: &str = "/api/v1/web/whisk.system/apimgmt";
const WHO: &str = "accesstoken=DUMMY%20TOKEN&spaceguid=some-uuid";
const ACTION: &str = r#"{"namespace":"alice","annotations":[{"key":"web-export","value":true},
    {"key":"require-whisk-auth","value":17}]}"#;
const SHOP: &str = r#"{"gwApiUrl":"https://gw/shop","gwApiActivated":true,"apidoc":{"basePath":"/shop",
    "info":{"title":"Shop"},"paths":{"/item":{
        "get":{"x-openwhisk":{"action":"hello","namespace":"alice","package":"default"}},
        "delete":{"x-openwhisk":{"action":"bye","namespace":"alice","package":"p"}}}}}}"#;

fn listed() -> String {
    format!(r#"{{"apis":[{{"id":"API:alice:/shop","key":"k","value":{SHOP}}}]}}"#)
}

#[test]
fn create_looks_the_action_up_and_sends_the_whole_operation() {
    let words =
        ["api", "create", "/shop", "/item/{id}", "GET", "hello", "-n", "Shop", "--response-type", "http"];
    let ended = wsk(vec![ok(ACTION), ok(SHOP)], &words).well();
    assert_eq!(
        ended.lines(),
        [
            "GET /api/v1/namespaces/_/actions/hello?code=false".to_owned(),
            format!("POST {WEB}/createApi.http?{WHO}&responsetype=http")
        ]
    );
    let body = &ended.request(1).body;
    for part in [
        r#""namespace":"alice","gatewayBasePath":"/shop","gatewayPath":"/item/{id}","gatewayMethod":"get""#,
        r#""id":"API:alice:/shop","apiName":"Shop","action":{"name":"hello","namespace":"alice""#,
        "/api/v1/web/alice/default/hello.http\"",
        r#""authkey":"some-uuid:some-secret-key","secureKey":17"#,
        r#""pathParameters":[{"name":"id","in":"path""#,
    ] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    assert_eq!(ended.out, "ok: created API /item/{id} GET for action /_/hello\nhttps://gw/shop/item/{id}\n");
}

#[test]
fn an_api_that_exists_goes_by_its_title() {
    let words = ["api", "create", "Shop", "/new", "get", "hello"];
    let ended = wsk(vec![ok(&listed()), ok(ACTION), ok(SHOP)], &words).well();
    assert_eq!(ended.lines()[0], format!("GET {WEB}/getApi.http?{WHO}&basepath=Shop"));
    let body = &ended.request(2).body;
    assert!(body.contains(r#""gatewayBasePath":"/shop","gatewayPath":"/new""#), "{body}");
    assert!(body.contains(r#""id":"API:alice:/shop","apiName":"Shop""#), "{body}");
    let ended = wsk(vec![ok(r#"{"apis":[]}"#)], &words);
    assert_eq!((ended.code, ended.err.as_str()), (1, "error: There is no API 'Shop'\n"));
    let two = wsk(vec![ok(&format!(r#"{{"apis":[{{"value":{SHOP}}},{{"value":{SHOP}}}]}}"#))], &words);
    assert!(two.code == 1 && two.err.contains("several APIs 'Shop'"), "{}", two.err);
    let twice = wsk(vec![], &[&words[..], &["-n", "Store"]].concat());
    assert_eq!(twice.code, 2, "{}", twice.err);
}

#[test]
fn only_web_actions_make_an_api() {
    let private = r#"{"namespace":"alice","annotations":[]}"#;
    let ended = wsk(vec![ok(private)], &["api", "create", "/item", "get", "hello"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("is not a web action"), "{}", ended.err);
    for words in
        [&["/item", "get"][..], &["item", "get", "a"], &["/item", "fetch", "a"], &["/{x}", "get", "a"]]
    {
        let ended = wsk(vec![], &[&["api", "create"], words].concat());
        assert_eq!(ended.code, 2, "{words:?}: {}", ended.err);
    }
}

#[test]
fn a_document_is_sent_as_json_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "api.yaml", b"basePath: /shop\ninfo: {title: Shop}\npaths: {}\n");
    let ended =
        wsk_in(folder.path(), vec![ok(r#"["alice"]"#), ok(SHOP)], &["api", "create", "-c", &path]).well();
    let swagger = r#"{\"basePath\":\"/shop\",\"info\":{\"title\":\"Shop\"},\"paths\":{}}"#;
    assert_eq!(
        ended.request(1).body,
        format!(r#"{{"apidoc":{{"namespace":"alice","swagger":"{swagger}"}}}}"#)
    );
    assert!(ended.out.contains("ok: created API /item GET for action /alice/hello\nhttps://gw/shop/item\n"));
}

#[test]
fn which_documents_make_an_api_the_server_decides() {
    let folder = tempfile::tempdir().unwrap();
    let document = r#"{"openapi":"3.0.0","servers":[{"url":"/shop"}],"paths":{}}"#;
    let path = file(folder.path(), "api.json", document.as_bytes());
    let words = ["api", "create", "-c", &path];
    let ended = wsk_in(folder.path(), vec![ok(r#"["alice"]"#), ok(SHOP)], &words).well();
    let sent: serde_json::Value = serde_json::from_str(&ended.request(1).body).unwrap();
    assert_eq!(sent["apidoc"]["swagger"], document);
    let ended = wsk_in(folder.path(), vec![ok(r#"["alice"]"#), refusal(400, "no base path")], &words);
    assert!(ended.code == 144 && ended.err.contains("no base path"), "{} {}", ended.code, ended.err);
}

#[test]
fn lists_are_tables_or_in_full() {
    let ended = wsk(vec![ok(&listed())], &["api", "list"]).well();
    assert_eq!(ended.lines(), [format!("GET {WEB}/getApi.http?{WHO}&limit=30&skip=0")]);
    assert_eq!(
        ended.out,
        concat!(
            "ok: APIs\n",
            "Action          Verb  API Name  URL\n",
            "/alice/hello     get      Shop  https://gw/shop/item\n",
            "/alice/p/bye  delete      Shop  https://gw/shop/item\n"
        )
    );
    let ended = wsk(vec![ok(&listed())], &["api", "list", "/shop", "/item", "GET", "-f", "-l", "5"]).well();
    let query = "basepath=%2Fshop&relpath=%2Fitem&operation=get&limit=5&skip=0";
    assert_eq!(ended.lines(), [format!("GET {WEB}/getApi.http?{WHO}&{query}")]);
    assert_eq!(
        ended.out,
        "ok: APIs\nAction: /alice/hello\n  API Name: Shop\n  Base path: /shop\n  Path: /item\n  Verb: get\n  URL: https://gw/shop/item\n"
    );
}

#[test]
fn the_document_is_printed_alone() {
    let ended = wsk(vec![ok(&listed())], &["api", "get", "/shop"]).well();
    assert!(ended.out.starts_with("{\n    \"basePath\": \"/shop\",\n"), "{}", ended.out);
    let ended = wsk(vec![ok(&listed())], &["api", "get", "Shop", "--format", "yaml", "--full"]).well();
    assert_eq!(ended.lines(), [format!("GET {WEB}/getApi.http?{WHO}&basepath=Shop")]);
    assert!(
        ended.out.starts_with("gwApiUrl: \"https://gw/shop\"\ngwApiActivated: true\napidoc:\n"),
        "{}",
        ended.out
    );
    let ended = wsk(vec![ok(r#"{"apis":[]}"#)], &["api", "get", "/none"]);
    assert_eq!((ended.code, ended.err.as_str()), (1, "error: There is no API '/none'\n"));
}

#[test]
fn delete_takes_an_api_by_path_or_title() {
    let ended = wsk(vec![ok("{}")], &["api", "delete", "/shop", "/item", "GET"]).well();
    let line = format!("DELETE {WEB}/deleteApi.http?{WHO}&basepath=%2Fshop&relpath=%2Fitem&operation=get");
    assert_eq!(
        (ended.lines(), ended.out.as_str()),
        (vec![line.as_str()], "ok: deleted /item GET from /shop\n")
    );
    let ended = wsk(vec![ok("{}")], &["api", "delete", "Shop"]).well();
    assert_eq!(ended.lines(), [format!("DELETE {WEB}/deleteApi.http?{WHO}&basepath=Shop")]);
    assert_eq!(ended.out, "ok: deleted API Shop\n");
}

#[test]
fn the_gateways_token_comes_from_the_property_file() {
    let folder = tempfile::tempdir().unwrap();
    let (address, requests) = super::support::serve(vec![ok(r#"{"apis":[]}"#)]);
    let text = format!("APIHOST=http://{address}\nAUTH=some-uuid:k\nAPIGW_ACCESS_TOKEN=tok\n");
    let path = file(folder.path(), "mine", text.as_bytes());
    super::support::run(folder.path(), &[], &["api", "list", "--config", &path]).well();
    let line = requests.lock().unwrap()[0].line.clone();
    assert_eq!(line, format!("GET {WEB}/getApi.http?accesstoken=tok&spaceguid=some-uuid&limit=30&skip=0"));
}
