//! What becomes of descriptions: piece by piece, and whole.

use serde_json::Value;

use super::super::target::ResponseType;
use super::*;

fn alice() -> Namespace {
    "alice".parse().unwrap()
}

fn new(path: &str, verb: &str, action: &str) -> NewOperation {
    NewOperation {
        path: path.to_owned(),
        verb: Verb::of(verb).unwrap(),
        target: Target::named(action, None, &alice(), ResponseType::JSON).unwrap(),
        origin: "https://h".to_owned(),
        secret: None,
        parameters: None,
    }
}

fn shop(operations: &[(&str, &str, &str)]) -> ApiDocument {
    let mut document = ApiDocument::new(BasePath::parse("/shop").unwrap(), "Shop");
    for (path, verb, action) in operations {
        document.add(&new(path, verb, action)).unwrap();
    }
    document
}

fn value(document: &ApiDocument) -> Value {
    serde_json::from_str(document.to_json().as_str()).unwrap()
}

fn read(text: &str) -> Result<ApiDocument, String> {
    let tenant = alice();
    let json = Json::parse(text).unwrap();
    ApiDocument::read(&json, Reader { tenant: &tenant, origin: "https://h" })
        .map_err(|error| error.to_string())
}

fn selection(path: Option<&str>, verb: Option<&str>) -> Selection {
    Selection { path: path.map(str::to_owned), verb: verb.map(str::to_owned) }
}

#[test]
fn an_operation_is_described_whole() {
    let mut document = ApiDocument::new(BasePath::parse("/shop").unwrap(), "Shop");
    let parameters = Json::parse(r#"[{"name":"id","in":"path","required":true,"type":"integer"}]"#).unwrap();
    let operation = NewOperation {
        secret: Some("s3".into()),
        parameters: Some(parameters),
        ..new("/item/{id}", "GET", "util/hello")
    };
    document.add(&operation).unwrap();
    assert_eq!(
        document.to_json().as_str(),
        concat!(
            r#"{"swagger":"2.0","info":{"title":"Shop","version":"1.0.0"},"basePath":"/shop","paths":{"#,
            r#""/item/{id}":{"parameters":[{"name":"id","in":"path","required":true,"type":"integer"}],"get":{"#,
            r#""operationId":"getItemId","x-openwhisk":{"action":"hello","namespace":"alice","#,
            r#""package":"util","url":"https://h/api/v1/web/alice/util/hello.json"},"#,
            r#""responses":{"default":{"description":"Default response"}}}}},"#,
            r#""x-ibm-configuration":{"assembly":{"execute":[{"operation-switch":{"case":[{"operations":"#,
            r#"["getItemId"],"execute":[{"set-variable":{"actions":[{"set":"#,
            r#""message.headers.X-Require-Whisk-Auth","value":"s3"}]}},{"invoke":{"target-url":"#,
            r#""https://h/api/v1/web/alice/util/hello.json$(request.path)","verb":"keep"}}]}]}}]},"#,
            r#""cors":{"enabled":true}}}"#,
        )
    );
    let tenant = alice();
    let again = ApiDocument::read(&document.to_json(), Reader { tenant: &tenant, origin: "" }).unwrap();
    assert_eq!(again.to_json(), document.to_json(), "what was exported can be imported");
    let [operation] = &again.operations(&tenant).unwrap()[..] else { panic!("one operation") };
    assert_eq!((operation.secret.as_deref(), operation.with_path), (Some("s3"), true));
}

#[test]
fn operations_are_called_by_their_words_and_no_two_alike() {
    for (path, id) in [
        ("/path/with/sub_paths/in/it", "getPathWithSub_pathsInIt"),
        ("/item/{id}", "getItemId"),
        ("/a-B/-c/café", "getA-b-CCaf"),
        ("/", "get"),
    ] {
        assert_eq!(operation_id(Verb::Get, path), id);
    }
    let document = shop(&[("/a/b", "get", "x"), ("/a.b", "get", "y"), ("/a/b", "post", "x")]);
    let value = value(&document);
    let id = |path: &str, verb: &str| value["paths"][path][verb]["operationId"].clone();
    assert_eq!([id("/a/b", "get"), id("/a.b", "get"), id("/a/b", "post")], ["getAB", "get_/a.b", "postAB"]);
    let given = r#"{"swagger":"2.0","basePath":"/b","info":{},"paths":{
        "/x":{"get":{"x-openwhisk":{"action":"a"}}},
        "/y":{"get":{"operationId":"getX","x-openwhisk":{"action":"b"}}}}}"#;
    let operations = read(given).unwrap().operations(&alice()).unwrap();
    assert_eq!(operations.iter().map(|o| o.target.action.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(read(given).unwrap().to_json().as_str().contains(r#""operationId":"get_/x""#));
}

#[test]
fn the_same_path_and_verb_are_there_once() {
    let document = shop(&[("/a", "get", "old"), ("/a", "post", "other"), ("/a", "GET", "new")]);
    let value = value(&document);
    assert_eq!(value["paths"]["/a"]["get"]["x-openwhisk"]["action"], "new");
    assert_eq!(value["paths"]["/a"].as_object().unwrap().len(), 2);
    let cases = &value["x-ibm-configuration"]["assembly"]["execute"][0]["operation-switch"]["case"];
    assert_eq!(cases.as_array().unwrap().len(), 2);
}

#[test]
fn pieces_can_be_taken_out() {
    let whole = || shop(&[("/a", "get", "x"), ("/a", "post", "x"), ("/b/{id}", "get", "x")]);
    let left = |path, verb| {
        let mut document = whole();
        let removed = document.remove(&selection(path, verb));
        let cases = document.operations(&alice()).unwrap().len();
        (removed, document.paths.keys().cloned().collect::<Vec<_>>().join(" "), cases)
    };
    assert_eq!(left(Some("/a"), Some("get")), (true, "/a /b/{id}".into(), 2));
    assert_eq!(left(Some("/a"), None), (true, "/b/{id}".into(), 1));
    assert_eq!(left(Some("/b/{id}"), Some("GET")), (true, "/a".into(), 2));
    assert_eq!(left(None, Some("get")), (true, "/a".into(), 1));
    assert_eq!(left(Some("/c"), None), (false, "/a /b/{id}".into(), 3));
    assert_eq!(left(Some("/a"), Some("put")), (false, "/a /b/{id}".into(), 3));
    assert_eq!(left(Some("/a"), Some("brew")), (false, "/a /b/{id}".into(), 3));
    assert_eq!(left(None, None), (true, String::new(), 0));
    assert!(whole().has(&selection(Some("/a"), Some("POST"))) && whole().has(&Selection::default()));
    assert!(!whole().has(&selection(Some("/c"), None)) && !whole().has(&selection(Some("/a"), Some("put"))));
}

#[test]
fn a_whole_description_is_completed() {
    let document = read(
        r#"{"swagger":"2.0","basePath":"/b/","info":{"version":"7"},"big":123456789012345678901234567890,
            "paths":{"/x/{id}":{"summary":"s","get":{"x-openwhisk":{"action":"a","namespace":"_",
                     "package":"default","url":"https://other/api/v1/web/_/default/a.text","more":1.0}}},
                     "/empty":{"parameters":[]}}}"#,
    )
    .unwrap();
    let text = document.to_json().as_str().to_owned();
    for part in [
        r#""basePath":"/b","#,
        r#""info":{"version":"7","title":"/b"}"#,
        r#""big":123456789012345678901234567890"#,
        r#""url":"https://other/api/v1/web/alice/default/a.text","more":1.0"#,
        r#""namespace":"alice","package":"""#,
        r#""operationId":"getXId""#,
        r#""target-url":"https://other/api/v1/web/alice/default/a.text$(request.path)""#,
        r#""cors":{"enabled":true}"#,
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("/empty"), "a path without operations is none");
}

#[test]
fn what_is_configured_stays() {
    let document = read(
        r#"{"openapi":"3.0.3","servers":[{"url":"https://x.org/v2"}],"info":{"title":"T"},
            "paths":{"/x":{"get":{"operationId":"mine","x-openwhisk":{"action":"a"}}}},
            "x-ibm-configuration":{"cors":{"enabled":false},"assembly":{"execute":[{"operation-switch":{"case":[
              {"operations":["mine"],"execute":[
                {"set-variable":{"actions":[{"set":"message.headers.X-Require-Whisk-Auth","value":42}]}},
                {"invoke":{"target-url":"https://h/api/v1/web/alice/default/a.svg$(request.path)"}}]}]}}]}}}"#,
    )
    .unwrap();
    assert_eq!((document.base_path().as_str(), document.allows_other_origins()), ("/v2", false));
    let operation = document.operations(&alice()).unwrap().remove(0);
    assert_eq!((operation.secret.as_deref(), operation.with_path), (Some("42"), true));
    assert_eq!(operation.target.name_in_url(), "a.svg");
}

#[test]
fn impossible_descriptions_are_refused() {
    let with = |members: &str| {
        format!(r#"{{"swagger":"2.0","basePath":"/b","info":{{}},"paths":{{"/x":{{"get":{{{members}}}}}}}}}"#)
    };
    for (text, why) in [
        ("[]".to_owned(), "no JSON object"),
        ("{}".to_owned(), "neither"),
        (r#"{"swagger":"1.2"}"#.to_owned(), "neither"),
        (r#"{"swagger":"2.0"}"#.to_owned(), "missing the basePath"),
        (r#"{"openapi":"3.1.0","servers":[]}"#.to_owned(), "missing the basePath"),
        (r#"{"swagger":"2.0","basePath":"b"}"#.to_owned(), "does not begin with '/'"),
        (r#"{"swagger":"2.0","basePath":"/b"}"#.to_owned(), "no 'info'"),
        (r#"{"swagger":"2.0","basePath":"/b","info":{}}"#.to_owned(), "no 'paths'"),
        (r#"{"swagger":"2.0","basePath":"/b","info":{},"paths":{}}"#.to_owned(), "no operation"),
        (r#"{"swagger":"2.0","basePath":"/b","info":{},"paths":{"/x":1}}"#.to_owned(), "no object at '/x'"),
        (r#"{"swagger":"2.0","basePath":"/b","info":{},"paths":{"x":{}}}"#.to_owned(), "must begin with '/'"),
        (r#"{"swagger":"2.0","security":[{"a":[]}]}"#.to_owned(), "'security'"),
        (with(r#""x-openwhisk":{}"#), "no 'action'"),
        (with(r#""x-openwhisk":{"action":"a/b"}"#), "not a name"),
        (with(r#""x-openwhisk":{"action":"a"},"security":[{"k":[]}]"#), "'security' at 'GET /x'"),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert!(read(&with(r#""x-openwhisk":{"action":"a"},"security":[]"#)).is_ok());
    let empty = read(&with(r#""operationId":"""#)).unwrap();
    assert_eq!(value(&empty)["paths"]["/x"]["get"]["operationId"], "getX");
    assert!(empty.operations(&alice()).unwrap().is_empty(), "who names no web action leads nowhere");
}

#[test]
fn many_operations_are_read() {
    let path = |n: usize| format!(r#""/p{n}":{{"get":{{"x-openwhisk":{{"action":"a"}}}}}}"#);
    let paths = (0..20_000).map(path).collect::<Vec<_>>().join(",");
    let junk = "0,".repeat(100_000);
    let document = read(&format!(
        r#"{{"swagger":"2.0","basePath":"/b","info":{{}},"paths":{{{paths}}},
            "x-ibm-configuration":{{"assembly":{{"execute":[{junk}0]}}}}}}"#
    ));
    assert_eq!(document.unwrap().operations(&alice()).unwrap().len(), 20_000);
}
