//! What is changed at one controller counts at the other: at once where it is shown, and within a moment where it is
//! used, as word of a change takes that long.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use whirl_cli::client::{ApiAction, ApiDocument, ApiQuery};
use whirl_system_tests::{Cluster, World, eventually};

const ECHO: &str = "function main(p) { return {colour: p.colour} }";

fn echo() -> Value {
    json!({"exec": {"kind": "nodejs:20", "code": ECHO}, "limits": {"memory": 128}})
}

fn coloured(colour: &str) -> Value {
    json!({"parameters": [{"key": "colour", "value": colour}]})
}

/// Waits until an action's result has this colour.
#[track_caller]
fn await_colour(world: &World, action: &str, colour: &str) {
    eventually(&format!("{colour} at {action}"), || {
        let record = world.post(&format!("actions/{action}?blocking=true"), &json!({})).finished(200);
        (record.result()["colour"] == colour).then_some(())
    });
}

#[test]
fn packages_and_bindings() {
    let Some(cluster) = Cluster::start(2, 1) else { return };
    let (here, there) = (cluster.world(0), cluster.world(1));
    for (package, colour) in [("sky", "blue"), ("grass", "green")] {
        here.put(&format!("packages/{package}"), &coloured(colour)).ok();
        here.put(&format!("actions/{package}/echo"), &echo()).ok();
    }
    let bound_to = |package: &str| json!({"binding": {"namespace": "_", "name": package}});
    here.put("packages/bound", &bound_to("sky")).ok();
    await_colour(&there, "bound/echo", "blue");

    here.put("packages/sky?overwrite=true", &coloured("red")).ok();
    assert_eq!(there.get("actions/bound/echo").ok()["parameters"][0]["value"], "red");
    await_colour(&there, "bound/echo", "red");
    here.put("packages/bound?overwrite=true", &bound_to("grass")).ok();
    assert_eq!(there.get("packages/bound").ok()["binding"]["name"], "grass");
    await_colour(&there, "bound/echo", "green");

    here.delete("packages/bound").ok();
    there.get("packages/bound").refused(404);
    eventually("no binding at the other controller", || {
        (there.post("actions/bound/echo", &json!({})).status == 404).then_some(())
    });
}

#[test]
fn triggers_and_rules() {
    let Some(cluster) = Cluster::start(2, 1) else { return };
    let (here, there) = (cluster.world(0), cluster.world(1));
    let action = here.action("fired").node("function main() { return {} }").create();
    here.put("triggers/bell", &json!({})).ok();
    assert_eq!(there.post("triggers/bell", &json!({})).status, 204, "it has no rule, and is remembered");

    here.put("rules/ring", &json!({"trigger": "/_/bell", "action": format!("/_/{}", action.name)})).ok();
    let fired = there.post("triggers/bell", &json!({})).accepted();
    assert_eq!(here.record(&fired).logs().len(), 1, "the rule counts at once");
    eventually("the action's record", || (action.records().len() == 1).then_some(()));

    assert_eq!(here.post("rules/ring", &json!({"status": "inactive"})).status, 200);
    assert_eq!(there.get("rules/ring").ok()["status"], "inactive");
    eventually("no active rule at the other controller", || {
        (there.post("triggers/bell", &json!({})).status == 204).then_some(())
    });
    here.delete("rules/ring").ok();
    there.get("rules/ring").refused(404);
    assert_eq!(there.get("triggers/bell").ok()["rules"], json!({}));
}

#[test]
fn web_actions_and_apis() {
    let Some(cluster) = Cluster::start(2, 1) else { return };
    let (here, there) = (cluster.world(0), cluster.world(1));
    let action = here.action("page").node("function main() { return {body: {seen: true}} }");
    let action = action.annotation("web-export", true).create();
    let page = format!("/api/v1/web/guest/default/{}.http", action.name);
    assert_eq!(there.raw("GET", &page).send().ok()["seen"], true);

    let document = ApiDocument {
        namespace: "_".to_owned(),
        gateway_base_path: Some("/shop".to_owned()),
        gateway_path: Some("/item".to_owned()),
        gateway_method: Some("get".to_owned()),
        id: Some("API:_:/shop".to_owned()),
        action: Some(ApiAction {
            name: action.name.clone(),
            namespace: "_".to_owned(),
            backend_method: "get".to_owned(),
            backend_url: format!("{}{page}", here.host()),
            authkey: here.auth().to_owned(),
            secure_key: None,
        }),
        ..ApiDocument::default()
    };
    let target = |url: &str| url[url.find("/api/").expect("a URL of the gateway")..].to_owned() + "/item";
    let item = "/api/6775657374/shop/item";
    let status = |path: &str| cluster.controllers[1].gateway("GET", path).send().status;
    assert_eq!(status(item), 404, "that there is no API is remembered too");
    let api = here.client().apis().create(None, &document, "http").unwrap();
    assert_eq!(target(&api.gw_api_url), item);
    eventually("the API at the other controller", || (status(item) == 200).then_some(()));
    let answers = r#"whirl_controller_gateway_answers_total{status="2xx"}"#;
    assert!(cluster.controllers[1].metric(answers) >= Some(1.0));

    let shop = ApiQuery { api: Some("/shop".to_owned()), ..ApiQuery::default() };
    here.client().apis().delete(None, &shop).unwrap();
    assert!(there.client().apis().list(None, &shop, None).unwrap().is_empty());
    eventually("no API at the other controller", || (status(item) == 404).then_some(()));
}

#[test]
fn subjects_and_limits() {
    let Some(cluster) = Cluster::start(2, 1) else { return };
    let administration = cluster.controllers[0].administration();
    let key = administration.create_subject("somebody", &Default::default()).unwrap().credentials;
    let (here, there) = (cluster.world_of(0, &key), cluster.world_of(1, &key));
    let action = there.action("mine").node("function main() { return {} }").create();
    action.invoke_blocking(&json!({})).succeeded();
    let recorded = || -> BTreeSet<String> {
        here.get("activations")
            .ok()
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["activationId"].to_string())
            .collect()
    };
    eventually("its record", || (recorded().len() == 1).then_some(()));

    let limits = |stores: bool| {
        let limits = json!({"firesPerMinute": 7, "storeActivations": stores}).to_string();
        administration.set_limits("somebody", &serde_json::from_str(&limits).unwrap()).unwrap();
        eventually("the limits at the other controller", || {
            let shown = there.get("limits").ok();
            (shown["firesPerMinute"] == 7 && shown["storeActivations"] == stores).then_some(())
        });
    };
    limits(false);
    let unrecorded = action.invoke_blocking(&json!({}));
    limits(true);
    let last = action.fire(&json!({}));
    here.record(&last).succeeded();
    assert_eq!(recorded().len(), 2, "all but {}", unrecorded.id());
    here.get(&format!("activations/{}", unrecorded.id())).refused(404);

    administration.set_blocked("somebody", true).unwrap();
    here.get("actions").refused(401);
    eventually("a refusal at the other controller", || (there.get("actions").status == 401).then_some(()));
}
