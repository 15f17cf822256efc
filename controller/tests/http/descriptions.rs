//! What the API says of itself: the descriptions hold every route and none besides, in both languages, and people
//! can look at them.

use std::collections::BTreeSet;

use serde_json::Value;
use whirl_controller::routes;

use crate::world::World;

/// A route as descriptions name it: `/x/` is `/x`, a pattern stands for its name, and what would be a web action
/// elsewhere needs no extension.
fn described(method: &str, path: &str) -> (String, String) {
    let lists_a_package = path.ends_with("/{package}/");
    let path = if lists_a_package || path == "/" { path } else { path.trim_end_matches('/') };
    let path = path.replace(":.*}", "}");
    let extension =
        [".http", ".json"].into_iter().find(|end| path.contains("/apimgmt/") && path.ends_with(end));
    (method.to_lowercase(), path.trim_end_matches(extension.unwrap_or_default()).to_owned())
}

fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn every_route_is_described_and_every_description_is_routed() {
    let world = World::start();
    let document = world.anonymous().get("/api/v1/openapi.json").ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let routed = routes::all().into_iter().map(|(method, path)| described(&method, &path));
    let (routed, described) = (routed.collect::<BTreeSet<_>>(), operations(&document));
    let missing: Vec<_> = routed.symmetric_difference(&described).collect();
    assert!(missing.is_empty(), "only routed or only described: {missing:#?}");
    assert!(routed.len() > 30, "{}", routed.len());
}

#[test]
fn every_reference_leads_to_a_definition() {
    let world = World::start();
    for (path, place) in
        [("/api/v1/openapi.json", "/components/schemas"), ("/api/v1/api-docs", "/definitions")]
    {
        let document = world.anonymous().get(path).ok();
        let definitions = document.pointer(place).unwrap();
        let text = document.to_string();
        let references = text.split(r#""$ref":"#).skip(1).map(|rest| rest.split('"').nth(1).unwrap());
        let names =
            references.map(|reference| reference.strip_prefix('#').unwrap().strip_prefix(place).unwrap());
        let mut count = 0;
        for name in names {
            assert!(definitions.get(name.trim_start_matches('/')).is_some(), "{path}: {name}");
            count += 1;
        }
        assert!(count > 50, "{path}: {count}");
    }
}

#[test]
fn operations_have_ids_of_their_own_and_parameters_types() {
    let world = World::start();
    let document = world.anonymous().get("/api/v1/openapi.json").ok();
    let mut ids = BTreeSet::new();
    for (method, path) in operations(&document) {
        let operation = &document["paths"][&path][&method];
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} is twice");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(
                parameter["schema"]["type"].is_string() || parameter["schema"]["type"].is_array(),
                "{parameter}"
            );
        }
    }
}

#[test]
fn swagger_has_what_clients_look_for() {
    let world = World::start();
    for path in ["/api/v1/api-docs", "/api/v1/api-docs/"] {
        let document = world.anonymous().get(path);
        let text = document.ok().to_string();
        assert!(text.contains(r#""swagger":"2.0""#));
        for name in ["ActionMeta", "ActionExecMeta", "RuleMeta", "TriggerMeta"] {
            assert!(text.contains(&format!("\"{name}\"")), "{name}");
            assert!(text.contains(&format!("\"#/definitions/{name}\"")), "{name}");
        }
    }
    let host = world.anonymous().get("/api-docs").ok();
    assert!(host["paths"].get("/ping").is_some() && host["swagger"] == "2.0");
}

#[test]
fn people_can_look_at_the_descriptions() {
    let world = World::start();
    for (path, place) in
        [("/api/v1/docs", "docs/index.html?url=/api/v1/api-docs"), ("/docs", "docs/index.html?url=/api-docs")]
    {
        let answer = world.anonymous().get(path);
        assert_eq!((answer.status, answer.header("location")), (308, Some(place)));
        let page = world.anonymous().get(&format!("{path}/index.html"));
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
        assert!(page.text().contains("<title>Swagger UI</title>"));
        let script = world.anonymous().get(&format!("{path}/swagger-initializer.js"));
        assert!(script.text().contains("/api-docs"), "{}", script.text());
        for missing in ["none.html", "../openapi.json", "%2e%2e/x"] {
            world.alice().get(&format!("{path}/{missing}")).refused(404);
        }
    }
}
