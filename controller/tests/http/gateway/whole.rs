//! APIs from whole descriptions, good and hostile.

use serde_json::{Value, json};

use super::{MANAGEMENT, operation};
use crate::world::World;

fn description() -> Value {
    json!({
        "swagger": "2.0", "basePath": "/whole", "info": {"title": "Whole", "version": "1"},
        "paths": {"/x/{id}": {"get": {"x-openwhisk": {"action": "hello", "package": "default",
            "namespace": "alice", "url": "https://h/api/v1/web/alice/default/hello.http"}}}},
    })
}

#[test]
fn a_description_makes_an_api_as_text_and_as_object() {
    let world = World::start();
    let object = json!({"namespace": "_", "swagger": description()});
    let text = json!({"namespace": "_", "swagger": description().to_string()});
    let made = world.alice().create_api(&object).ok();
    assert_eq!(world.alice().create_api(&text).ok(), made);
    assert_eq!(world.alice().create_api(&json!(text.to_string())).ok(), made, "also within a text");
    let doc = &made["apidoc"];
    assert_eq!(doc["paths"]["/x/{id}"]["get"]["operationId"], "getXId");
    let configuration = doc["x-ibm-configuration"].to_string();
    assert!(configuration.contains("target-url") && configuration.contains("cors"), "{configuration}");
    let again = json!({"namespace": "_", "swagger": doc.to_string()});
    assert_eq!(world.alice().create_api(&again).ok(), made, "what is exported can be imported");
    world.alice().create_api(&operation("/whole", "/y", "post", "hello")).ok();
    assert_eq!(world.alice().apis("?basepath=/whole&relpath=/y").len(), 1, "operations can be added");
    assert_eq!(world.alice().create_api(&text).ok(), made, "the description replaces what was there");
}

#[test]
fn open_api_3_is_taken_too() {
    let world = World::start();
    let mut wanted = description();
    let members = wanted.as_object_mut().unwrap();
    members.remove("swagger");
    members.remove("basePath");
    members.insert("openapi".into(), json!("3.0.3"));
    members.insert("servers".into(), json!([{"url": "https://example.org/v3"}]));
    let made = world.alice().create_api(&json!({"namespace": "_", "swagger": wanted.to_string()})).ok();
    assert!(made["gwApiUrl"].as_str().unwrap().ends_with("/v3"), "{made}");
    assert_eq!((&made["apidoc"]["openapi"], &made["apidoc"]["basePath"]), (&json!("3.0.3"), &json!("/v3")));
}

#[test]
fn impossible_descriptions_are_refused() {
    let world = World::start();
    let deep =
        format!(r#"{{"swagger":"2.0","x-ibm-configuration":{}{}}}"#, "[".repeat(9_000), "]".repeat(9_000));
    for (swagger, why) in [
        ("not json".to_owned(), "swagger field cannot be parsed. Ensure it is valid JSON"),
        ("[]".to_owned(), "no JSON object"),
        (r#"{"swagger":"2.0","info":{},"paths":{}}"#.to_owned(), "missing the basePath"),
        (deep, "missing the basePath"),
    ] {
        let error = world.alice().create_api(&json!({"namespace": "_", "swagger": swagger})).refused(400);
        assert!(error.contains(why), "{error}");
    }
    let both = json!({"namespace": "_", "swagger": "{}", "gatewayBasePath": "/b"});
    world.alice().create_api(&both).refused(400);
}

#[test]
fn a_description_may_be_large_but_not_too_large() {
    let world = World::start();
    let with_paths = |count: usize| {
        let mut wanted = description();
        for n in 0..count {
            let operation = json!({"get": {"x-openwhisk": {"action": "hello"}}});
            wanted["paths"][format!("/p{n}")] = operation;
        }
        json!({"apidoc": {"namespace": "_", "swagger": wanted}})
    };
    let url = format!("{MANAGEMENT}/createApi");
    world.alice().post(&url, &with_paths(2_000)).ok();
    let error = world.alice().post(&url, &with_paths(18_000)).refused(413);
    assert!(error.contains("description"), "as it is completed: {error}");
    assert!(world.alice().post(&url, &with_paths(40_000)).refused(413).contains("body"));
    let deep = format!(r#"{{"apidoc":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000));
    let headers = [("Content-Type", "application/json")];
    world.alice().send("POST", &url, &headers, deep.as_bytes()).refused(400);
    assert_eq!(world.alice().apis("?relpath=/p1999").len(), 1);
}
